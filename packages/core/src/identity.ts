/**
 * The intent ids that a partition remembers, with the digest of their body and their decision. Ids lie in buckets by
 * the hour that the id itself names, each an open-addressing table in typed arrays: 41 bytes a slot, at most 70 % full
 * and doubled when it is, so between 59 and 117 bytes an id. A bucket is dropped whole once its hour is past the horizon.
 */
import { parseUuidV7, uuidTimeMs } from '@signalbox/contract'

const bucketMs = 3_600_000
const firstCapacity = 64
const maxLoad = 0.7

/** The decision of a remembered intent. */
export interface RememberedDecision {
  /** The digest's first 120 bits, as `digestWords` gives them. */
  readonly digest: readonly [number, number, number, number]
  /** Source offset of the decision; its index is always 0. */
  readonly offset: number
  /** Null when it was committed. */
  readonly code: string | null
}

const base64Value = new Uint8Array(128)
for (let index = 0; index < 64; index++)
  base64Value['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.charCodeAt(index)] = index

/** The first 120 bits of a base64url digest, as four words of 30 bits: what tells two bodies of one id apart. */
export function digestWords(digest: string): readonly [number, number, number, number] {
  const word = (start: number): number => {
    let value = 0
    for (let index = start; index < start + 5; index++) value = (value << 6) | base64Value[digest.charCodeAt(index)]!
    return value
  }
  return [word(0), word(5), word(10), word(15)]
}

class Bucket {
  #capacity = firstCapacity
  #size = 0
  #ids = new Uint32Array(4 * firstCapacity)
  #digests = new Uint32Array(4 * firstCapacity)
  #offsets = new Float64Array(firstCapacity)
  // 0: empty; else 1 plus the number of the code.
  #codes = new Uint8Array(firstCapacity)

  get size(): number {
    return this.#size
  }

  find(words: Uint32Array): number {
    const ids = this.#ids
    const mask = this.#capacity - 1
    for (let slot = slotOf(words) & mask; ; slot = (slot + 1) & mask) {
      if (this.#codes[slot] === 0) return ~slot
      const at = 4 * slot
      if (ids[at + 3] === words[3] && ids[at + 2] === words[2] && ids[at + 1] === words[1] && ids[at] === words[0]) return slot
    }
  }

  read(slot: number): { digest: RememberedDecision['digest']; offset: number; codeNumber: number } {
    const at = 4 * slot
    const digests = this.#digests
    return {
      digest: [digests[at]!, digests[at + 1]!, digests[at + 2]!, digests[at + 3]!],
      offset: this.#offsets[slot]!,
      codeNumber: this.#codes[slot]! - 1,
    }
  }

  add(words: Uint32Array, digest: RememberedDecision['digest'], offset: number, codeNumber: number, replace: boolean): void {
    if (this.#size + 1 > maxLoad * this.#capacity) this.#grow()
    const found = this.find(words)
    if (found >= 0 && !replace) return
    const slot = found >= 0 ? found : ~found
    this.#ids.set(words, 4 * slot)
    this.#digests.set(digest, 4 * slot)
    this.#offsets[slot] = offset
    this.#codes[slot] = codeNumber + 1
    if (found < 0) this.#size++
  }

  #grow(): void {
    const [ids, digests, offsets, codes] = [this.#ids, this.#digests, this.#offsets, this.#codes]
    const oldCapacity = this.#capacity
    this.#capacity *= 2
    this.#ids = new Uint32Array(4 * this.#capacity)
    this.#digests = new Uint32Array(4 * this.#capacity)
    this.#offsets = new Float64Array(this.#capacity)
    this.#codes = new Uint8Array(this.#capacity)
    const words = new Uint32Array(4)
    for (let old = 0; old < oldCapacity; old++) {
      if (codes[old] === 0) continue
      words.set(ids.subarray(4 * old, 4 * old + 4))
      const slot = ~this.find(words)
      this.#ids.set(words, 4 * slot)
      this.#digests.set(digests.subarray(4 * old, 4 * old + 4), 4 * slot)
      this.#offsets[slot] = offsets[old]!
      this.#codes[slot] = codes[old]!
    }
  }
}

// The last words are the random ones; mixing them keeps ids that count up from lying side by side.
function slotOf(words: Uint32Array): number {
  return Math.imul(words[3]! ^ Math.imul(words[2]!, 0x9e3779b1) ^ words[1]!, 0x85ebca6b) >>> 7
}

export class RememberedIds {
  readonly #horizonMs: number
  readonly #buckets = new Map<number, Bucket>()
  readonly #codes: string[] = ['']
  readonly #codeNumbers = new Map<string, number>([['', 0]])
  readonly #words = new Uint32Array(4)
  #oldestHour = 0

  constructor(horizonMs: number) {
    this.#horizonMs = horizonMs
  }

  /** The number of ids remembered. */
  get size(): number {
    let size = 0
    for (const bucket of this.#buckets.values()) size += bucket.size
    return size
  }

  find(words: Uint32Array): RememberedDecision | undefined {
    const bucket = this.#buckets.get(Math.floor(uuidTimeMs(words) / bucketMs))
    if (bucket === undefined) return undefined
    const slot = bucket.find(words)
    if (slot < 0) return undefined
    const { digest, offset, codeNumber } = bucket.read(slot)
    return { digest, offset, code: codeNumber === 0 ? null : this.#codes[codeNumber]! }
  }

  /** The first decision of an id stays, unless `replace` is set. */
  remember(intentId: string, decision: RememberedDecision, replace = false): void {
    const words = this.#words
    if (!parseUuidV7(intentId, words)) return
    const hour = Math.floor(uuidTimeMs(words) / bucketMs)
    let bucket = this.#buckets.get(hour)
    if (bucket === undefined) {
      bucket = new Bucket()
      this.#buckets.set(hour, bucket)
    }
    bucket.add(words, decision.digest, decision.offset, this.#codeNumber(decision.code ?? ''), replace)
  }

  /** Drops the buckets that lie wholly before the horizon. */
  forget(nowMs: number): void {
    const oldest = Math.floor((nowMs - this.#horizonMs) / bucketMs)
    if (oldest <= this.#oldestHour) return
    this.#oldestHour = oldest
    for (const hour of this.#buckets.keys()) if (hour < oldest) this.#buckets.delete(hour)
  }

  #codeNumber(code: string): number {
    let number = this.#codeNumbers.get(code)
    if (number === undefined) {
      number = this.#codes.length
      if (number > 253) throw new RangeError(`more than 253 reject codes: ${code}; widen the code column of the id table`)
      this.#codes.push(code)
      this.#codeNumbers.set(code, number)
    }
    return number
  }
}

/** Where the first decision of each intent lies, for readers. Compact like the ids above; forgets nothing. */
export class IdIndex {
  readonly #partitions: RememberedIds[] = []
  readonly #words = new Uint32Array(4)

  /** The first entry of an id stays, except that a decision that uses the id up replaces one that did not. */
  add(intentId: string, partition: number, logOffset: number, usesIdUp: boolean): void {
    this.#partitions[partition] ??= new RememberedIds(Number.MAX_SAFE_INTEGER)
    this.#partitions[partition].remember(intentId, { digest: [0, 0, 0, 0], offset: logOffset, code: null }, usesIdUp)
  }

  find(intentId: string): { readonly partition: number; readonly logOffset: number } | undefined {
    if (!parseUuidV7(intentId, this.#words)) return undefined
    for (const [partition, ids] of this.#partitions.entries()) {
      const found = ids?.find(this.#words)
      if (found !== undefined) return { partition, logOffset: found.offset }
    }
    return undefined
  }
}
