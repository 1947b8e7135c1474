/**
 * Finds events by names: by the hash of a name, the offsets of the events that have it. Written in the transaction of the events.
 *
 * Each chunk of events keeps the names of its records beside it: pairs of u32, the hash and how many records after the chunk's first
 * (little-endian). Once a partition has gathered many, they are sorted into buckets by the top bits of the hash, a row each: so a
 * look-up reads one small row for each hundred thousand names, and the chunks behind the last. Nothing is ever written over: the
 * cost of a write does not depend on the size of the log.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { hashOf } from './name-hash.ts'
import { rowId } from './row-id.ts'

const BUCKET_BITS = 6
const BUCKETS = 2 ** BUCKET_BITS
/** Names of a segment: of 64 buckets, each about 2,000. */
const SEGMENT_NAMES = 128 * 1024

export function createIndex(database: DatabaseSync): void {
  database.exec(
    `CREATE TABLE IF NOT EXISTS event_index (
       partition INTEGER NOT NULL, bucket INTEGER NOT NULL, last INTEGER NOT NULL, first INTEGER NOT NULL, names BLOB NOT NULL,
       PRIMARY KEY (partition, bucket, last)
     ) STRICT, WITHOUT ROWID`,
  )
}

function bucketOf(hash: number): number {
  return hash >>> (32 - BUCKET_BITS)
}

interface Gathered {
  readonly hashes: number[]
  readonly offsets: number[]
  first: number
}

/** The owner's side: gathers names, and writes a segment once there are enough. Inside the owner's transactions. */
export class IndexWriter {
  readonly #insert: StatementSync
  readonly #segmentNames: number
  // By partition.
  readonly #gathered: Gathered[]

  /** Reads what was gathered since the last segments. */
  constructor(database: DatabaseSync, partitionCount: number, segmentNames = SEGMENT_NAMES) {
    this.#insert = database.prepare('INSERT INTO event_index (partition, bucket, last, first, names) VALUES (?, ?, ?, ?, ?)')
    this.#segmentNames = segmentNames
    this.#gathered = Array.from({ length: partitionCount }, () => ({ hashes: [], offsets: [], first: 0 }))
    const reader = new IndexReader(database)
    for (let partition = 0; partition < partitionCount; partition++) {
      const gathered = this.#gathered[partition]!
      gathered.first = reader.endOfSegments(partition)
      for (const { firstOffset, names } of reader.chunksBehind(partition)) gather(gathered, firstOffset, names)
    }
  }

  /** The names of a chunk that is being written, which ends before `end`. */
  add(partition: number, firstOffset: number, end: number, names: Uint32Array): void {
    const gathered = this.#gathered[partition]!
    gather(gathered, firstOffset, names)
    if (gathered.hashes.length < this.#segmentNames) return
    const { first, hashes, offsets } = gathered
    const buckets: number[][] = Array.from({ length: BUCKETS }, () => [])
    for (let index = 0; index < hashes.length; index++) buckets[bucketOf(hashes[index]!)]!.push(index)
    for (const [bucket, indexes] of buckets.entries()) {
      // By hash, and then the newest first, as that is what is asked for.
      indexes.sort((a, b) => hashes[a]! - hashes[b]! || b - a)
      const blob = new Uint32Array(2 * indexes.length)
      for (const [at, index] of indexes.entries()) {
        blob[at] = hashes[index]!
        blob[indexes.length + at] = offsets[index]! - first
      }
      this.#insert.run(partition, bucket, end - 1, first, new Uint8Array(blob.buffer))
    }
    this.#gathered[partition] = { hashes: [], offsets: [], first: end }
  }
}

function gather({ hashes, offsets }: Gathered, firstOffset: number, names: Uint32Array): void {
  for (let index = 0; index < names.length; index += 2) {
    hashes.push(names[index]!)
    offsets.push(firstOffset + names[index + 1]!)
  }
}

interface NamedChunk {
  readonly firstOffset: number
  readonly names: Uint32Array
}

export class IndexReader {
  readonly #end: StatementSync
  readonly #segments: StatementSync
  readonly #chunks: StatementSync

  constructor(database: DatabaseSync) {
    this.#end = database.prepare('SELECT max(last) AS last FROM event_index WHERE partition = ? AND bucket = 0')
    this.#segments = database.prepare(
      'SELECT first, names FROM event_index WHERE partition = ? AND bucket = ? AND first < ? ORDER BY last DESC',
    )
    this.#chunks = database.prepare('SELECT id, names FROM events WHERE id >= ? AND id < ? AND names IS NOT NULL ORDER BY id DESC')
  }

  /** Everything before this offset is in segments. */
  endOfSegments(partition: number): number {
    const last = this.#end.get(partition)?.last ?? null
    return last === null ? 0 : Number(last) + 1
  }

  /** What is in no segment yet, oldest first. */
  chunksBehind(partition: number): readonly NamedChunk[] {
    return [...this.#chunksDown(partition, this.endOfSegments(partition))].reverse()
  }

  /** The newest event before `before` whose names may hold the key; null where there is none. */
  lastWith(partition: number, key: string, before: number): number | null {
    const hash = hashOf(key)
    const behind = this.endOfSegments(partition)
    if (before > behind) {
      for (const { firstOffset, names } of this.#chunksDown(partition, behind)) {
        for (let index = names.length - 2; index >= 0; index -= 2) {
          const offset = firstOffset + names[index + 1]!
          if (names[index] === hash && offset < before) return offset
        }
      }
    }
    for (const { first, names } of this.#segments.iterate(partition, bucketOf(hash), before)) {
      const found = lastInSegment(words(names), hash, before - Number(first))
      if (found !== null) return Number(first) + found
    }
    return null
  }

  *#chunksDown(partition: number, from: number): Generator<NamedChunk> {
    for (const { id, names } of this.#chunks.iterate(rowId(partition, from), rowId(partition + 1, 0)))
      yield { firstOffset: Number(id) - rowId(partition, 0), names: words(names) }
  }
}

function words(blob: unknown): Uint32Array {
  const bytes = blob as Uint8Array
  // A blob may lie anywhere in its buffer; words must lie on their boundaries.
  return new Uint32Array(bytes.slice().buffer)
}

/** In a segment's bucket: hashes rising, then as many offsets; of one hash the newest first. */
function lastInSegment(blob: Uint32Array, hash: number, before: number): number | null {
  const count = blob.length / 2
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (blob[middle]! < hash) low = middle + 1
    else high = middle
  }
  for (; low < count && blob[low] === hash; low++) if (blob[count + low]! < before) return blob[count + low]!
  return null
}
