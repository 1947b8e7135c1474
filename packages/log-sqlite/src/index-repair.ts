/**
 * Makes the segments of a partition anew from the names that lie beside the events, which stay there. A segment is made aside and takes
 * the place of its rows in one transaction, so that who reads finds either; writes of the owner go on between two of them. Names beside
 * events that are damaged themselves are not made anew: they follow from records that the log does not read.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { BUCKETS, type Gathered, gather, type IndexReader, SEGMENT_NAMES, segmentOf } from './event-index.ts'

const CHUNKS_AT_ONCE = 256

export interface IndexRepairSettings {
  readonly database: DatabaseSync
  readonly reader: IndexReader
  readonly partition: number
  /** The end of the partition. */
  readonly end: number
  readonly segmentNames?: number | undefined
}

export class IndexRepair {
  readonly #settings: IndexRepairSettings
  readonly #behind: number
  readonly #rows: StatementSync
  readonly #insert: StatementSync
  readonly #remove: StatementSync
  #next = 0

  constructor(settings: IndexRepairSettings) {
    const { database, end, partition, reader } = settings
    this.#settings = settings
    this.#behind = Math.min(reader.endOfSegments(partition), end)
    this.#rows = database.prepare(
      'SELECT first, last, names FROM event_index WHERE partition = ? AND bucket = ? AND last >= ? AND last < ?',
    )
    this.#remove = database.prepare('DELETE FROM event_index WHERE partition = ? AND bucket = ? AND last >= ? AND last < ?')
    this.#insert = database.prepare('INSERT INTO event_index (partition, bucket, last, first, names) VALUES (?, ?, ?, ?, ?)')
  }

  /** One segment. `damaged` where the names beside the events are damaged too. */
  step(): 'more' | 'whole' | 'damaged' {
    const { partition, reader } = this.#settings
    if (this.#next >= this.#behind) {
      this.removeStrays()
      return reader.chunksBehind(partition).damagedUntil > 0 ? 'damaged' : 'whole'
    }
    const gathered = this.#gather()
    if (gathered === null) return 'damaged'
    const first = this.#next
    const end = gathered.end
    const rows = segmentOf(partition, gathered, end)
    if (rows.some(({ bucket, names }) => !this.#isThere(bucket, first, end, names))) {
      this.#transact(() => {
        for (const { bucket, names } of rows) {
          this.#remove.run(partition, bucket, first, end)
          this.#insert.run(partition, bucket, end - 1, first, names)
        }
      })
    }
    this.#next = end
    return 'more'
  }

  /** Names for one segment, which ends where the segments end at the latest; null where some are damaged. */
  #gather(): (Gathered & { readonly end: number }) | null {
    const { partition, reader, segmentNames = SEGMENT_NAMES } = this.#settings
    const gathered: Gathered = { hashes: [], offsets: [], first: this.#next }
    let end = this.#next
    while (end < this.#behind && gathered.hashes.length < segmentNames) {
      const chunks = reader.chunksFrom(partition, end, CHUNKS_AT_ONCE)
      if (chunks === null || chunks.length === 0) return null
      for (const chunk of chunks) {
        if (end >= this.#behind || gathered.hashes.length >= segmentNames) break
        if (chunk.names !== null) gather(gathered, chunk.firstOffset, chunk.names)
        end = chunk.end
      }
    }
    return { ...gathered, end }
  }

  #isThere(bucket: number, first: number, end: number, names: Uint8Array): boolean {
    const rows = this.#rows.all(this.#settings.partition, bucket, first, end)
    const [row] = rows
    return (
      rows.length === 1 &&
      Number(row!.first) === first &&
      Number(row!.last) === end - 1 &&
      row!.names instanceof Uint8Array &&
      Buffer.compare(row!.names, names) === 0
    )
  }

  /** Rows that say to be of events which are not there. Who gathers names goes on behind the last row, so they are removed first. */
  removeStrays(): void {
    const { end, partition, reader } = this.#settings
    if (reader.endOfSegments(partition) <= end) return
    this.#transact(() => {
      for (let bucket = 0; bucket < BUCKETS; bucket++) this.#remove.run(partition, bucket, end, Number.MAX_SAFE_INTEGER)
    })
  }

  #transact(work: () => void): void {
    const { database } = this.#settings
    database.exec('BEGIN IMMEDIATE')
    try {
      work()
      database.exec('COMMIT')
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }
}
