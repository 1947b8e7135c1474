/**
 * A hash table from intent ids to their decisions, made for few cache misses and little memory. The entries lie one after
 * another in the order in which they came, ten words each: four of the id, four of the digest (120 bits), two of the
 * decision's place and code. An index of one word an entry, open addressing, leads to them; what of that word the number
 * of the entry leaves free holds bits of the hash, so that an id which is not there is told by the index alone.
 */

const entryWords = 10
const digestAt = 4
const offsetAt = 8
const codeAt = 9
const firstCapacity = 32
const maxLoad = 0.75

// Entries lie in chunks, so that a table grows without copying them; only the first chunk starts smaller.
const chunkBits = 10
const chunkEntries = 1 << chunkBits
const firstChunkEntries = 16

// An offset has 42 bits: 32 lie in one word, 10 in the next, whose upper bits hold the event's index (8) and the number of what came
// of it (14).
const indexShift = 10
const indexMask = 0xff
const codeShift = 18
const offsetHighMask = (1 << indexShift) - 1

/** The highest index that an entry holds. */
export const maxIndex = indexMask

/** The highest offset that an entry holds: at 10,000 intents a second on one partition, 13 years. */
export const maxOffset = 2 ** 42 - 1

/** The highest number of a code, or of what else came of an intent, that an entry holds. */
export const maxCodeNumber = (1 << (32 - codeShift)) - 1

const base64Value = new Uint8Array(128)
for (let index = 0; index < 64; index++)
  base64Value['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.charCodeAt(index)] = index

/** Reads the first 120 bits of a base64url digest into four words of 30 bits: what tells two bodies of one id apart. */
export function readDigest(digest: string, words: Uint32Array): void {
  let index = 0
  for (let word = 0; word < 4; word++) {
    let value = 0
    for (const end = index + 5; index < end; index++) value = (value << 6) | base64Value[digest.charCodeAt(index) & 127]!
    words[word] = value
  }
}

/** Where the decision of an id lies. */
export interface Place {
  readonly offset: number
  readonly index: number
}

export class IdTable {
  #index: Uint32Array
  #mask: number
  #size = 0
  readonly #chunks: Uint32Array[] = []

  /** `expected` is how many ids its index has room for before it grows. */
  constructor(expected = 0) {
    let capacity = firstCapacity
    while (expected > maxLoad * capacity) capacity *= 2
    this.#index = new Uint32Array(capacity)
    this.#mask = capacity - 1
  }

  get size(): number {
    return this.#size
  }

  /** The number of the id's entry, for the methods below; -1 where it has none. */
  find(id: Uint32Array): number {
    const hash = hashOf(id[1]!, id[2]!, id[3]!)
    const index = this.#index
    const mask = this.#mask
    const tag = hash & ~mask
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const cell = index[slot]!
      if (cell === 0) return -1
      if ((cell & ~mask) === tag && this.#hasId((cell & mask) - 1, id)) return (cell & mask) - 1
    }
  }

  hasDigest(entry: number, digest: Uint32Array): boolean {
    const chunk = this.#chunks[entry >>> chunkBits]!
    const at = placeOf(entry) + digestAt
    return chunk[at] === digest[0] && chunk[at + 1] === digest[1] && chunk[at + 2] === digest[2] && chunk[at + 3] === digest[3]
  }

  offset(entry: number): number {
    const chunk = this.#chunks[entry >>> chunkBits]!
    const at = placeOf(entry)
    return chunk[at + offsetAt]! + (chunk[at + codeAt]! & offsetHighMask) * 0x1_0000_0000
  }

  index(entry: number): number {
    return (this.#chunks[entry >>> chunkBits]![placeOf(entry) + codeAt]! >>> indexShift) & indexMask
  }

  codeNumber(entry: number): number {
    return this.#chunks[entry >>> chunkBits]![placeOf(entry) + codeAt]! >>> codeShift
  }

  /** The first entry of an id stays, unless `replace` is set. */
  add(id: Uint32Array, digest: Uint32Array, { index, offset }: Place, codeNumber: number, replace: boolean): void {
    let entry = this.find(id)
    if (entry >= 0 && !replace) return
    if (entry < 0) entry = this.#addToIndex(id)
    const chunk = this.#chunks[entry >>> chunkBits]!
    const at = placeOf(entry)
    for (let word = 0; word < 4; word++) {
      chunk[at + word] = id[word]!
      chunk[at + digestAt + word] = digest[word]!
    }
    chunk[at + offsetAt] = offset >>> 0
    chunk[at + codeAt] = Math.floor(offset / 0x1_0000_0000) + index * 2 ** indexShift + codeNumber * 2 ** codeShift
  }

  /** Reads the id and the digest of an entry into the words given. */
  read(entry: number, id: Uint32Array, digest: Uint32Array): void {
    const chunk = this.#chunks[entry >>> chunkBits]!
    const at = placeOf(entry)
    id.set(chunk.subarray(at, at + 4))
    digest.set(chunk.subarray(at + digestAt, at + digestAt + 4))
  }

  /** The entries as they lie in memory, ten words each; see `fromEntries`. */
  entries(): Uint32Array {
    const entries = new Uint32Array(entryWords * this.#size)
    for (const [number, chunk] of this.#chunks.entries()) {
      const at = number * entryWords * chunkEntries
      entries.set(chunk.subarray(0, Math.min(chunk.length, entries.length - at)), at)
    }
    return entries
  }

  static fromEntries(entries: Uint32Array): IdTable {
    const table = new IdTable(entries.length / entryWords)
    for (let at = 0; at < entries.length; at += entryWords) {
      const entry = table.#addToIndex(entries.subarray(at, at + 4))
      table.#chunks[entry >>> chunkBits]!.set(entries.subarray(at, at + entryWords), placeOf(entry))
    }
    return table
  }

  /** Forgets all but the first `size` ids. Takes time with their number: for what hardly ever happens. */
  truncate(size: number): void {
    this.#size = size
    this.#fillIndex(this.#index.length)
  }

  #hasId(entry: number, id: Uint32Array): boolean {
    const chunk = this.#chunks[entry >>> chunkBits]!
    const at = placeOf(entry)
    return chunk[at + 3] === id[3] && chunk[at + 2] === id[2] && chunk[at + 1] === id[1] && chunk[at] === id[0]
  }

  #addToIndex(id: Uint32Array): number {
    if (this.#size >= maxLoad * (this.#mask + 1)) this.#fillIndex(2 * this.#index.length)
    const entry = this.#size++
    this.#makeRoom(entry)
    this.#put(hashOf(id[1]!, id[2]!, id[3]!), entry)
    return entry
  }

  // The index is never so full that the number of an entry, plus one, would reach into the bits of the hash.
  #put(hash: number, entry: number): void {
    const index = this.#index
    const mask = this.#mask
    let slot = hash & mask
    while (index[slot] !== 0) slot = (slot + 1) & mask
    index[slot] = (hash & ~mask) | (entry + 1)
  }

  #makeRoom(entry: number): void {
    const number = entry >>> chunkBits
    const chunk = this.#chunks[number]
    if (chunk !== undefined && placeOf(entry) < chunk.length) return
    if (number > 0) this.#chunks.push(new Uint32Array(entryWords * chunkEntries))
    else if (chunk === undefined) this.#chunks.push(new Uint32Array(entryWords * firstChunkEntries))
    else {
      const larger = new Uint32Array(2 * chunk.length)
      larger.set(chunk)
      this.#chunks[0] = larger
    }
  }

  #fillIndex(capacity: number): void {
    this.#index = new Uint32Array(capacity)
    this.#mask = capacity - 1
    for (let entry = 0; entry < this.#size; entry++) {
      const chunk = this.#chunks[entry >>> chunkBits]!
      const at = placeOf(entry)
      this.#put(hashOf(chunk[at + 1]!, chunk[at + 2]!, chunk[at + 3]!), entry)
    }
  }
}

function placeOf(entry: number): number {
  return entryWords * (entry & (chunkEntries - 1))
}

// The last words are the random ones; mixing keeps ids that count up from lying side by side.
function hashOf(second: number, third: number, fourth: number): number {
  let value = fourth ^ Math.imul(third, 0x9e3779b1) ^ Math.imul(second, 0xc2b2ae35)
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  return value ^ (value >>> 13)
}
