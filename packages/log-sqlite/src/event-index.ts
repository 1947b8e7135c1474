/**
 * Finds events by names: by the hash of a name, the offsets of the events that have it. Written in the transaction of the events.
 *
 * Each chunk of events keeps the names of its records beside it: pairs of u32, the hash and how many records after the chunk's first
 * (little-endian). Once a partition has gathered many, they are sorted into buckets by the top bits of the hash, a row each: so a
 * look-up reads one small row for each hundred thousand names, and the chunks behind the last. Nothing is ever written over: the
 * cost of a write does not depend on the size of the log.
 *
 * Every row is checked, and that none is missing. What is damaged is passed over, and a look-up says from where on it knows everything:
 * the events before that are read instead, so a damaged index makes answers slow, never wrong. Its owner then makes the segments anew,
 * see `index-repair.ts`.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { hashOf } from './name-hash.ts'
import { openWords, rowChecksum, sealWords } from './row-check.ts'
import { rowId } from './row-id.ts'

const BUCKET_BITS = 6
export const BUCKETS = 2 ** BUCKET_BITS
/** Names of a segment: of 64 buckets, each about 2,000. */
export const SEGMENT_NAMES = 128 * 1024

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

function placeOfSegment(partition: number, bucket: number, first: number, last: number): string {
  return `event_index ${partition} ${bucket} ${first} ${last}`
}

export function placeOfNames(id: number): string {
  return `names ${id}`
}

/** The first offset from which on rows have checksums. */
export type CheckedSince = (partition: number) => number

export interface Gathered {
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

  /** By partition: the end of what is damaged among the names behind the segments; 0 where nothing is. */
  readonly damagedUntil: readonly number[]

  /** Reads what was gathered since the last segments. */
  constructor(reader: IndexReader, database: DatabaseSync, partitionCount: number, segmentNames = SEGMENT_NAMES) {
    this.#insert = database.prepare('INSERT INTO event_index (partition, bucket, last, first, names) VALUES (?, ?, ?, ?, ?)')
    this.#segmentNames = segmentNames
    this.#gathered = Array.from({ length: partitionCount }, () => ({ hashes: [], offsets: [], first: 0 }))
    this.damagedUntil = this.#gathered.map((gathered, partition) => {
      gathered.first = reader.endOfSegments(partition)
      const { chunks, damagedUntil } = reader.chunksBehind(partition)
      for (const { firstOffset, names } of chunks) if (names !== null) gather(gathered, firstOffset, names)
      return damagedUntil
    })
  }

  /** The names of a chunk that is being written, which ends before `end`. */
  add(partition: number, firstOffset: number, end: number, names: Uint32Array): void {
    const gathered = this.#gathered[partition]!
    gather(gathered, firstOffset, names)
    if (gathered.hashes.length < this.#segmentNames) return
    for (const { bucket, names } of segmentOf(partition, gathered, end)) this.#insert.run(partition, bucket, end - 1, gathered.first, names)
    this.#gathered[partition] = { hashes: [], offsets: [], first: end }
  }
}

/** The rows of a segment that ends before `end`, by bucket. */
export function segmentOf(
  partition: number,
  { first, hashes, offsets }: Gathered,
  end: number,
): readonly { readonly bucket: number; readonly names: Uint8Array }[] {
  const buckets: number[][] = Array.from({ length: BUCKETS }, () => [])
  for (let index = 0; index < hashes.length; index++) buckets[bucketOf(hashes[index]!)]!.push(index)
  return buckets.map((indexes, bucket) => {
    // By hash, and then the newest first, as that is what is asked for.
    indexes.sort((a, b) => hashes[a]! - hashes[b]! || b - a)
    const blob = new Uint32Array(2 * indexes.length)
    for (const [at, index] of indexes.entries()) {
      blob[at] = hashes[index]!
      blob[indexes.length + at] = offsets[index]! - first
    }
    return { bucket, names: sealWords(placeOfSegment(partition, bucket, first, end - 1), blob) }
  })
}

export function gather({ hashes, offsets }: Gathered, firstOffset: number, names: Uint32Array): void {
  for (let index = 0; index < names.length; index += 2) {
    hashes.push(names[index]!)
    offsets.push(firstOffset + names[index + 1]!)
  }
}

export interface NamedChunk {
  readonly firstOffset: number
  readonly end: number
  readonly names: Uint32Array | null
}

/** What a search has found; or from where on it knows all there is, as what lies before is damaged. */
export interface IndexAnswer {
  readonly offset: number | null
  readonly damagedUntil: number
}

export class IndexReader {
  readonly #end: StatementSync
  readonly #segments: StatementSync
  readonly #chunks: StatementSync
  readonly #chunksUp: StatementSync
  readonly #checkedSince: CheckedSince

  constructor(database: DatabaseSync, checkedSince: CheckedSince, hasChecksums: boolean) {
    this.#checkedSince = checkedSince
    this.#end = database.prepare('SELECT max(last) AS last FROM event_index WHERE partition = ? AND bucket = 0')
    this.#segments = database.prepare(
      'SELECT first, last, names FROM event_index WHERE partition = ? AND bucket = ? AND first < ? ORDER BY last DESC',
    )
    const checksum = hasChecksums ? 'checksum' : 'NULL AS checksum'
    const chunks = `SELECT id, count, length(records) AS bytes, names, ${checksum} FROM events WHERE id >= ? AND id < ? ORDER BY id`
    this.#chunks = database.prepare(`${chunks} DESC`)
    this.#chunksUp = database.prepare(`${chunks} LIMIT ?`)
  }

  /** Chunks from one that begins at `from` on, as many as `limit`; null where one of them is damaged or missing. */
  chunksFrom(partition: number, from: number, limit: number): readonly NamedChunk[] | null {
    const base = rowId(partition, 0)
    const chunks: NamedChunk[] = []
    for (const row of this.#chunksUp.iterate(base + from, rowId(partition + 1, 0), limit)) {
      const chunk = this.#chunkOf(partition, row)
      if (chunk.damaged || chunk.firstOffset !== (chunks.at(-1)?.end ?? from)) return null
      chunks.push(chunk)
    }
    return chunks
  }

  #chunkOf(partition: number, row: Record<string, unknown>): NamedChunk & { readonly damaged: boolean } {
    const [id, count] = [Number(row.id), Number(row.count)]
    const firstOffset = id - rowId(partition, 0)
    const isSealed = firstOffset >= this.#checkedSince(partition)
    const bytes = row.names instanceof Uint8Array ? row.names.byteLength : 0
    const names = row.names === null ? null : openWords(placeOfNames(id), row.names, isSealed)
    const isWhole = !isSealed || Number(row.checksum) === rowChecksum('events', id, count, Number(row.bytes), bytes)
    return { firstOffset, end: firstOffset + count, names: names ?? null, damaged: names === undefined || !isWhole }
  }

  /** Everything before this offset is in segments. */
  endOfSegments(partition: number): number {
    const last = this.#end.get(partition)?.last ?? null
    return last === null ? 0 : Number(last) + 1
  }

  /** What is in no segment yet, oldest first, from the end of what is damaged on. */
  chunksBehind(partition: number): { readonly chunks: readonly NamedChunk[]; readonly damagedUntil: number } {
    const chunks: NamedChunk[] = []
    const damagedUntil = this.#chunksDown(partition, this.endOfSegments(partition), (chunk) => chunks.push(chunk) < 0)
    return { chunks: chunks.reverse(), damagedUntil }
  }

  /** The newest event before `before` whose names may hold the key; null where there is none from `damagedUntil` on. */
  lastWith(partition: number, key: string, before: number): IndexAnswer {
    const hash = hashOf(key)
    const behind = this.endOfSegments(partition)
    let found: number | null = null
    if (before > behind) {
      const damagedUntil = this.#chunksDown(partition, behind, ({ firstOffset, names }) => {
        for (let index = (names?.length ?? 0) - 2; index >= 0; index -= 2) {
          const offset = firstOffset + names![index + 1]!
          if (names![index] !== hash || offset >= before) continue
          found = offset
          return true
        }
        return false
      })
      if (found !== null || damagedUntil > 0) return { offset: found, damagedUntil }
    }
    const damagedUntil = this.#segmentsDown(partition, bucketOf(hash), Math.min(before, behind), (blob, first) => {
      const offset = lastInSegment(blob, hash, before - first)
      if (offset === null) return false
      found = first + offset
      return true
    })
    return { offset: found, damagedUntil }
  }

  /** Reads every row. Gives the end of the newest damage; 0 where there is none. */
  prove(partition: number): number {
    const behind = this.endOfSegments(partition)
    let damagedUntil = this.#chunksDown(partition, 0, () => false)
    for (let bucket = 0; bucket < BUCKETS; bucket++)
      damagedUntil = Math.max(
        damagedUntil,
        this.#segmentsDown(partition, bucket, behind, () => false),
      )
    return damagedUntil
  }

  /** From the newest chunk to the one at `from`, as long as `take` does not return true. Gives the end of the damage that it met, or 0. */
  #chunksDown(partition: number, from: number, take: (chunk: NamedChunk) => boolean): number {
    const base = rowId(partition, 0)
    let expectedEnd: number | null = null
    for (const row of this.#chunks.iterate(base + from, rowId(partition + 1, 0))) {
      const { damaged, end, firstOffset, names } = this.#chunkOf(partition, row)
      if (expectedEnd !== null && end !== expectedEnd) return expectedEnd
      if (damaged) return expectedEnd ?? end
      if (take({ firstOffset, end, names })) return 0
      expectedEnd = firstOffset
    }
    return expectedEnd === null || expectedEnd <= from ? 0 : expectedEnd
  }

  /** As `#chunksDown`, over the rows of a bucket before an offset. Each ends where the next begins. */
  #segmentsDown(partition: number, bucket: number, before: number, take: (blob: Uint32Array, first: number) => boolean): number {
    let expectedEnd: number | null = null
    for (const row of this.#segments.iterate(partition, bucket, before)) {
      const [first, last] = [Number(row.first), Number(row.last)]
      if (expectedEnd === null ? last + 1 < before : last + 1 !== expectedEnd) return expectedEnd ?? before
      const blob = openWords(placeOfSegment(partition, bucket, first, last), row.names, last >= this.#checkedSince(partition))
      if (blob === undefined) return expectedEnd ?? before
      if (take(blob, first)) return 0
      expectedEnd = first
    }
    return expectedEnd ?? before
  }
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
