import { existsSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { makeFolder } from '@signalbox/files'
import { LogError } from '@signalbox/log'
import { AcknowledgedCount } from './acknowledged.ts'
import { checksumOfRow, countOwner, createSchema, databaseFile, insertStatement, inspect, LogFile, TOPICS, upgrade } from './database.ts'
import { IndexWriter, placeOfNames } from './event-index.ts'
import { IndexRepair } from './index-repair.ts'
import { OwnerLock } from './owner-lock.ts'
import type { ChunkToWrite, WorkerSettings } from './protocol.ts'
import { sealChunk } from './record-format.ts'
import { sealedBytes, sealWords } from './row-check.ts'
import { rowId } from './row-id.ts'
import { errorOf, laterFailure } from './sqlite-errors.ts'

/** Pages of 4 KiB that the write-ahead log may gather before they are copied into the database: 16 MiB. */
const CHECKPOINT_PAGES = 4_096
const DEFAULT_PARTITION_COUNT = 1

const EVENTS = TOPICS.indexOf('events')

/** The owner's side of the file. Every call blocks until the disk has answered, so it lives in a worker. */
export class OwnerFile {
  readonly logFile: LogFile
  readonly owners: number
  readonly #lock: OwnerLock
  readonly #acknowledged: AcknowledgedCount
  readonly #inserts: readonly StatementSync[]
  #index: IndexWriter
  readonly #segmentNames: number | undefined
  // The partitions whose index is being made anew, or cannot be.
  readonly #repairs = new Set<number>()
  readonly #begin: StatementSync
  readonly #commit: StatementSync
  #failure: LogError | undefined

  /** Errors: OWNED, CORRUPT, MISCONFIGURED, FULL. */
  constructor(settings: WorkerSettings) {
    const file = databaseFile(settings.directory)
    makeFolder(settings.directory)
    this.#lock = new OwnerLock(settings.directory)
    let database: DatabaseSync | undefined
    try {
      finishRollback(file)
      const version = checkBeforeWriting(settings)
      database = openForWriting(file, settings.maxFileBytes)
      if (version === undefined) createSchema(database, settings.partitionCount ?? DEFAULT_PARTITION_COUNT)
      else upgrade(database, new LogFile(database, file, version))
      this.logFile = new LogFile(database, file)
      this.#segmentNames = settings.segmentNames
      for (let partition = 0; partition < this.logFile.partitionCount; partition++) this.#repairOf(partition).removeStrays()
      this.#index = new IndexWriter(this.logFile.index!, database, this.logFile.partitionCount, settings.segmentNames)
      this.owners = countOwner(this.logFile, this.#index.damagedUntil)
      this.#inserts = TOPICS.map((topic) => insertStatement(this.logFile.database, topic))
      this.#begin = database.prepare('BEGIN IMMEDIATE')
      this.#commit = database.prepare('COMMIT')
      this.#acknowledged = new AcknowledgedCount(settings.directory, this.logFile.total())
    } catch (error) {
      database?.close()
      this.#lock.release()
      throw errorOf(error, file, 'opening it')
    }
  }

  /** Writes all chunks in one transaction. After the first failure every later call fails too. */
  write(chunks: readonly ChunkToWrite[]): void {
    if (this.#failure !== undefined) throw laterFailure(this.#failure)
    try {
      this.#transact(chunks)
      this.#count(chunks)
    } catch (error) {
      this.#failure = errorOf(error, this.logFile.file, 'writing')
      throw this.#failure
    }
  }

  /** As `EventIndex`. Damage that is met is made good in the background; until then, events are read instead. */
  lastWith(partition: number, key: string, before: number): { readonly offset: number | null; readonly since: number } {
    const { isDamaged, offset, since } = this.logFile.lastWith(partition, key, before)
    if (isDamaged) this.#repairIndex(partition)
    return { offset, since }
  }

  #repairIndex(partition: number): void {
    if (this.#repairs.has(partition)) return
    this.#repairs.add(partition)
    const { database } = this.logFile
    const repair = this.#repairOf(partition)
    const step = () => {
      try {
        if (!database.isOpen) return
        const state = repair.step()
        if (state === 'more') setImmediate(step)
        // What could not be made anew would be tried at every look-up.
        else if (state === 'whole') this.#repairs.delete(partition)
      } catch {
        // A full disk, say: look-ups stay slow, and the next start tries again.
      }
    }
    setImmediate(step)
  }

  #repairOf(partition: number): IndexRepair {
    const { database, index } = this.logFile
    const end = this.logFile.end('events', partition)
    return new IndexRepair({ database, reader: index!, partition, end, segmentNames: this.#segmentNames })
  }

  close(): void {
    this.#acknowledged.close()
    this.logFile.database.close()
    this.#lock.release()
  }

  #transact(chunks: readonly ChunkToWrite[]): void {
    let committing = false
    try {
      this.#begin.run()
      for (const { topic, partition, firstOffset, count, byteLength, storage, names } of chunks) {
        const bytes = new Uint8Array(storage, 0, byteLength)
        sealChunk(bytes)
        const id = rowId(partition, firstOffset)
        const checksum = checksumOfRow(TOPICS[topic]!, id, count, byteLength, sealedBytes(names))
        if (topic !== EVENTS) this.#inserts[topic]!.run(id, count, bytes, checksum)
        else {
          this.#inserts[topic]!.run(id, count, bytes, checksum, names === null ? null : sealWords(placeOfNames(id), names))
          if (names !== null) this.#index.add(partition, firstOffset, firstOffset + count, names)
        }
      }
      committing = true
      this.#commit.run()
    } catch (error) {
      const undone = this.#rollBack()
      const known = errorOf(error, this.logFile.file, committing ? 'committing' : 'writing')
      if (undone && (!committing || known.code === 'FULL')) throw known
      throw outcomeUnknown(this.logFile.file, known.message, error)
    }
  }

  #count(chunks: readonly ChunkToWrite[]): void {
    let records = 0
    for (const { count } of chunks) records += count
    try {
      this.#acknowledged.add(records)
    } catch (error) {
      throw outcomeUnknown(this.logFile.file, 'the count of acknowledged records beside it could not be written', error)
    }
  }

  /** True when the transaction is certainly gone. */
  #rollBack(): boolean {
    try {
      // SQLite has rolled back by itself after some errors.
      if (this.logFile.database.isTransaction) this.logFile.database.exec('ROLLBACK')
      return true
    } catch {
      return false
    }
  }
}

/**
 * Undoes what a process was at when it was killed in the very first start: until the file has its write-ahead log, SQLite keeps a rollback
 * journal, which only a connection that writes may play back. A log that was ever used has none.
 */
function finishRollback(file: string): void {
  if (!existsSync(file) || !existsSync(`${file}-journal`)) return
  const database = new DatabaseSync(file)
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get()
  } finally {
    database.close()
  }
}

/** The version of the format, or undefined for a new log. Through a connection that cannot write, so that a damaged log stays as it is. */
function checkBeforeWriting({ directory, partitionCount }: WorkerSettings): number | undefined {
  const file = databaseFile(directory)
  const isThere = existsSync(file)
  const database = new DatabaseSync(isThere ? file : ':memory:', { readOnly: isThere })
  try {
    const found = inspect(directory, database)
    if (found === undefined || partitionCount === undefined || partitionCount === found.partitionCount) return found?.version
    throw new LogError(
      'MISCONFIGURED',
      `The log in ${directory} has ${found.partitionCount} partition(s), not ${partitionCount}: the count is fixed when a log is created. Use that count, or another directory.`,
    )
  } finally {
    database.close()
  }
}

function openForWriting(file: string, maxFileBytes: number | undefined): DatabaseSync {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA journal_mode = WAL')
  database.exec('PRAGMA synchronous = FULL')
  database.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  if (maxFileBytes !== undefined) {
    const { page_size: pageSize } = database.prepare('PRAGMA page_size').get() ?? {}
    database.exec(`PRAGMA max_page_count = ${Math.ceil(maxFileBytes / Number(pageSize))}`)
  }
  return database
}

function outcomeUnknown(file: string, what: string, cause: unknown): LogError {
  return new LogError(
    'OUTCOME_UNKNOWN',
    `Whether the last transaction is in ${file} is not known: ${what} Close the log, open it again and read.`,
    { cause },
  )
}
