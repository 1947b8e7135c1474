import { existsSync } from 'node:fs'
import { resolve as resolvePath } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import {
  type Cursor,
  type EventIndex,
  LogError,
  type LogReader,
  type LogRecord,
  type Offsets,
  type ReadFrom,
  type Topic,
} from '@signalbox/log'
import { type CursorSource, SqliteCursor } from './cursor.ts'
import { databaseFile, inspect, type LogFile } from './database.ts'
import { outOfRange } from './live-topic.ts'
import { openToRead } from './open-to-read.ts'
import { decodeChunk } from './record-format.ts'
import { errorOf } from './sqlite-errors.ts'

export interface SqliteLogReaderOptions {
  readonly directory: string
  /** How often a waiting cursor looks whether another process has written. Default 10. */
  readonly pollIntervalMs?: number
}

const DEFAULT_POLL_INTERVAL_MS = 10

/**
 * Opens a log for reading only, whether or not it has an owner, in this process or another.
 * Errors: MISCONFIGURED (no log there, or another format), CORRUPT, TRANSIENT.
 */
export async function openSqliteLogReader(options: SqliteLogReaderOptions): Promise<LogReader> {
  const directory = resolvePath(options.directory)
  const file = databaseFile(directory)
  if (!existsSync(file)) throw noLogYet(directory)
  let database: DatabaseSync | undefined
  try {
    database = openToRead(file)
    const logFile = inspect(directory, database)
    if (logFile === undefined) throw noLogYet(directory)
    return new SqliteLogReader(logFile, options.pollIntervalMs ?? DEFAULT_POLL_INTERVAL_MS)
  } catch (error) {
    database?.close()
    throw errorOf(error, file, 'opening it for reading')
  }
}

function noLogYet(directory: string): LogError {
  return new LogError('MISCONFIGURED', `There is no log in ${directory} yet. Start its owner first, or name another directory.`)
}

class SqliteLogReader implements LogReader {
  readonly name = 'sqlite'
  readonly id: string
  readonly partitionCount: number
  readonly index: EventIndex
  readonly #logFile: LogFile
  readonly #dataVersion: StatementSync
  readonly #pollIntervalMs: number
  readonly #cursors = new Set<SqliteCursor>()
  readonly #waiters = new Set<() => void>()
  #timer: NodeJS.Timeout | undefined
  #seenVersion: number
  #closed = false

  constructor(logFile: LogFile, pollIntervalMs: number) {
    this.#logFile = logFile
    this.id = logFile.id
    this.partitionCount = logFile.partitionCount
    this.index = {
      lastWith: async (partition, key, before) => {
        this.#check(partition)
        const { offset, since } = this.#reading(() => logFile.lastWith(partition, key, before))
        return { offset, since }
      },
      prove: async (partition) => {
        this.#check(partition)
        this.#reading(() => logFile.proveIndex(partition))
      },
    }
    this.#dataVersion = logFile.database.prepare('PRAGMA data_version')
    this.#pollIntervalMs = pollIntervalMs
    this.#seenVersion = this.#readVersion()
  }

  async cursor({ topic, partition, fromOffset }: ReadFrom): Promise<Cursor> {
    this.#check(partition)
    const end = this.#end(topic, partition)
    const from = fromOffset === 'end' ? end : fromOffset
    if (!(from >= 0 && from <= end)) throw outOfRange(topic, partition, from, end)
    const cursor: SqliteCursor = new SqliteCursor(this.#source(topic, partition), from, () => this.#cursors.delete(cursor))
    this.#cursors.add(cursor)
    return cursor
  }

  async offsets(topic: Topic, partition: number): Promise<Offsets> {
    this.#check(partition)
    const end = this.#end(topic, partition)
    return { start: 0, end, written: end }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearInterval(this.#timer)
    await Promise.all([...this.#cursors].map((cursor) => cursor.close()))
    this.#logFile.database.close()
  }

  #check(partition: number): void {
    if (this.#closed) throw new LogError('CLOSED', `The reader of ${this.#logFile.file} is closed. Open another to go on.`)
    if (Number.isInteger(partition) && partition >= 0 && partition < this.partitionCount) return
    throw new LogError('MISCONFIGURED', `There is no partition ${partition}: the log has ${this.partitionCount}, counted from 0.`)
  }

  #end(topic: Topic, partition: number): number {
    return this.#reading(() => this.#logFile.end(topic, partition))
  }

  #source(topic: Topic, partition: number): CursorSource {
    return {
      name: `${topic}/${partition}`,
      recent: () => undefined,
      load: async (fromOffset, maxBytes): Promise<readonly LogRecord[]> => {
        const chunks = this.#reading(() => this.#logFile.read(topic, partition, fromOffset, maxBytes))
        return chunks.flatMap((chunk) => decodeChunk(chunk, fromOffset))
      },
      onAppend: (waiter) => this.#onAppend(waiter),
    }
  }

  #reading<Result>(read: () => Result): Result {
    try {
      return read()
    } catch (error) {
      throw errorOf(error, this.#logFile.file, 'reading it')
    }
  }

  /** One timer for all who wait, and none when nobody does. */
  #onAppend(waiter: () => void): () => void {
    this.#waiters.add(waiter)
    this.#timer ??= setInterval(() => this.#poll(), this.#pollIntervalMs)
    return () => {
      this.#waiters.delete(waiter)
      if (this.#waiters.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #poll(): void {
    if (!this.#hasChanged()) return
    for (const waiter of [...this.#waiters]) waiter()
  }

  #hasChanged(): boolean {
    try {
      const version = this.#readVersion()
      if (version === this.#seenVersion) return false
      this.#seenVersion = version
      return true
    } catch {
      // Nobody waits for the timer's error: whoever is woken reads, and meets it.
      return true
    }
  }

  /** Changes whenever another connection commits. */
  #readVersion(): number {
    return this.#reading(() => Number(this.#dataVersion.get()?.data_version))
  }
}
