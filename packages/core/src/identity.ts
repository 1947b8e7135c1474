/**
 * The intent ids that a partition remembers, with the digest of their body and their decision. Ids lie in buckets of 4
 * seconds by the time that the id itself names, each a table: 40 bytes an entry and 5 to 11 in its index, so about 50 bytes
 * an id where many come, and up to 900 for one alone in its bucket. A bucket is dropped whole once all of it is past the horizon.
 */
import { parseUuidV7 } from '@signalbox/contract'
import { IdTable, maxCodeNumber, maxIndex, type Place } from './id-table.ts'

const bucketMs = 4096

/** The number of an id's bucket: its time without the last 12 bits. */
function bucketOf(id: Uint32Array): number {
  return id[0]! * 16 + (id[1]! >>> 28)
}

/** The decision of a remembered intent. */
export interface RememberedDecision {
  /** Source offset and index of the decision. */
  readonly offset: number
  readonly index: number
  /** Null when it was committed. */
  readonly code: string | null
  /** Whether the body is the one that was asked about. */
  readonly isSameBody: boolean
}

/** What one layer added: forgotten again if the layer is dropped. */
export interface AddedIds {
  count: number
  /** By the number of the bucket: how many ids it had before. */
  readonly sizesBefore: Map<number, number>
}

/** The ids of one bucket, for a snapshot. */
export interface IdBucket {
  readonly number: number
  readonly entries: Uint32Array
}

export class RememberedIds {
  readonly #horizonMs: number
  readonly #buckets = new Map<number, IdTable>()
  readonly #codes: string[] = ['']
  readonly #codeNumbers = new Map<string, number>()
  #oldest = 0
  // The bucket used last: almost every id is of now.
  #lastNumber = -1
  #last: IdTable | undefined = undefined

  constructor(horizonMs: number) {
    this.#horizonMs = horizonMs
  }

  /** The number of ids remembered. */
  get size(): number {
    let size = 0
    for (const bucket of this.#buckets.values()) size += bucket.size
    return size
  }

  /** `id` as `parseUuidV7` reads it, `digest` as `readDigest` does. */
  find(id: Uint32Array, digest: Uint32Array): RememberedDecision | undefined {
    const bucket = this.#bucket(bucketOf(id))
    if (bucket === undefined) return undefined
    const entry = bucket.find(id)
    if (entry < 0) return undefined
    const codeNumber = bucket.codeNumber(entry)
    return {
      offset: bucket.offset(entry),
      index: bucket.index(entry),
      code: codeNumber === 0 ? null : this.#codes[codeNumber]!,
      isSameBody: bucket.hasDigest(entry, digest),
    }
  }

  /** The first decision of an id stays, unless `replace` is set. Notes in `added`, where given, what `remove` must know. */
  remember(
    id: Uint32Array,
    digest: Uint32Array,
    place: Place,
    code: string | null,
    options: { readonly added?: AddedIds; readonly replace?: boolean } = {},
  ): void {
    if (place.index > maxIndex)
      throw new RangeError(`a decision at index ${place.index}, beyond ${maxIndex}; lower timersARecord and waitersARecord`)
    const number = bucketOf(id)
    const bucket = this.#bucket(number) ?? this.#addBucket(number)
    const before = bucket.size
    bucket.add(id, digest, place, code === null ? 0 : this.#codeNumber(code), options.replace ?? false)
    const { added } = options
    if (added === undefined || bucket.size === before) return
    added.count++
    if (!added.sizesBefore.has(number)) added.sizesBefore.set(number, before)
  }

  /** Forgets what a layer added. Of several layers, the newest must be removed first. */
  remove({ sizesBefore }: AddedIds): void {
    for (const [number, size] of sizesBefore) this.#buckets.get(number)?.truncate(size)
  }

  /** The codes that the entries of buckets name by number. */
  get codes(): readonly string[] {
    return this.#codes
  }

  *buckets(): Generator<IdBucket> {
    for (const [number, table] of this.#buckets) if (table.size > 0) yield { number, entries: table.entries() }
  }

  /** Before any bucket of a snapshot. */
  restoreCodes(codes: readonly string[]): void {
    for (const code of codes) if (code !== '') this.#codeNumber(code)
  }

  restoreBucket({ entries, number }: IdBucket): void {
    this.#buckets.set(number, IdTable.fromEntries(entries))
    this.#lastNumber = -1
  }

  /** Drops the buckets that lie wholly before the horizon. */
  forget(nowMs: number): void {
    const oldest = Math.floor((nowMs - this.#horizonMs) / bucketMs)
    if (oldest <= this.#oldest) return
    this.#oldest = oldest
    this.#lastNumber = -1
    for (const number of this.#buckets.keys()) if (number < oldest) this.#buckets.delete(number)
  }

  #codeNumber(code: string): number {
    let number = this.#codeNumbers.get(code)
    if (number === undefined) {
      number = this.#codes.length
      if (number > maxCodeNumber)
        throw new RangeError(`more than ${maxCodeNumber} reject codes: ${code}; widen the code of the id table's entries`)
      this.#codes.push(code)
      this.#codeNumbers.set(code, number)
    }
    return number
  }

  #bucket(number: number): IdTable | undefined {
    if (number === this.#lastNumber) return this.#last
    const bucket = this.#buckets.get(number)
    if (bucket === undefined) return undefined
    this.#lastNumber = number
    this.#last = bucket
    return bucket
  }

  // As much room as its forerunner came to need, so that under a steady load no bucket has to grow.
  #addBucket(number: number): IdTable {
    const bucket = new IdTable(this.#buckets.get(number - 1)?.size)
    this.#buckets.set(number, bucket)
    return bucket
  }
}

/** Where the first decision of each intent lies, for readers. Compact like the ids above; forgets nothing. */
export class IdIndex {
  readonly #partitions: RememberedIds[] = []
  readonly #id = new Uint32Array(4)
  readonly #noDigest = new Uint32Array(4)

  /** The first entry of an id stays, except that a decision that uses the id up replaces one that did not. */
  add(intentId: string, partition: number, logOffset: number, usesIdUp: boolean): void {
    if (!parseUuidV7(intentId, this.#id)) return
    this.#partitions[partition] ??= new RememberedIds(Number.MAX_SAFE_INTEGER)
    this.#partitions[partition].remember(this.#id, this.#noDigest, { offset: logOffset, index: 0 }, null, { replace: usesIdUp })
  }

  find(intentId: string): { readonly partition: number; readonly logOffset: number } | undefined {
    if (!parseUuidV7(intentId, this.#id)) return undefined
    for (const [partition, ids] of this.#partitions.entries()) {
      const found = ids?.find(this.#id, this.#noDigest)
      if (found !== undefined) return { partition, logOffset: found.offset }
    }
    return undefined
  }
}
