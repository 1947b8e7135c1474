import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { LogError, sideTopics, type Topic } from '@signalbox/log'
import { readAcknowledged } from './acknowledged.ts'
import { createIndex, IndexReader } from './event-index.ts'
import { giveLogId, readLogId } from './log-id.ts'
import { type Chunk, findDamage } from './record-format.ts'
import { rowId } from './row-id.ts'
import { corrupt, errorOf, isUnfinished } from './sqlite-errors.ts'

export const TOPICS: readonly Topic[] = ['intents', 'events', 'dead-letters', ...sideTopics]
const TABLES: Readonly<Record<Topic, string>> = {
  intents: 'intents',
  events: 'events',
  'dead-letters': 'dead_letters',
  notifications: 'notifications',
  'dead-letters.escalation': 'dead_letters_escalation',
  'dead-letters.projector': 'dead_letters_projector',
}

/** `SBOX`. */
const APPLICATION_ID = 0x53424f58
const FORMAT_VERSION = 1
export const MAX_PARTITIONS = 4_096
/** Reads the whole file when it is this small; a larger one is checked at its ends, and record by record as it is read. */
const QUICK_CHECK_BYTES = 32 * 1024 * 1024

export function databaseFile(directory: string): string {
  return join(directory, 'log.db')
}

export function insertStatement(database: DatabaseSync, topic: Topic): StatementSync {
  // What is named can be found again; only events are.
  const [column, value] = topic === 'events' ? [', names', ', ?'] : ['', '']
  return database.prepare(`INSERT INTO ${TABLES[topic]} (id, count, records${column}) VALUES (?, ?, ?${value})`)
}

/** Creates the tables, unless they are there. */
export function createSchema(database: DatabaseSync, partitionCount: number): void {
  database.exec('BEGIN IMMEDIATE')
  createTopics(database)
  database.exec('CREATE TABLE settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID')
  database.prepare("INSERT INTO settings VALUES ('partition_count', ?), ('owners', 0)").run(partitionCount)
  giveLogId(database)
  addNames(database, partitionCount, () => 0)
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
  database.exec(`PRAGMA user_version = ${FORMAT_VERSION}`)
  database.exec('COMMIT')
}

/** A log that an earlier release made lacks the tables of topics that came later. */
export function createTopics(database: DatabaseSync): void {
  for (const table of Object.values(TABLES)) {
    database.exec(`CREATE TABLE IF NOT EXISTS ${table} (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, records BLOB NOT NULL) STRICT`)
  }
}

/** A log that an earlier release made has events without names: those are found by reading. */
export function addNames(database: DatabaseSync, partitionCount: number, endOf: (partition: number) => number): void {
  createIndex(database)
  if (hasNames(database)) return
  database.exec('ALTER TABLE events ADD COLUMN names BLOB')
  const insert = database.prepare('INSERT INTO settings VALUES (?, ?)')
  for (let partition = 0; partition < partitionCount; partition++) insert.run(`named_since/${partition}`, endOf(partition))
}

function hasNames(database: DatabaseSync): boolean {
  return database
    .prepare("SELECT name FROM pragma_table_info('events')")
    .all()
    .some(({ name }) => name === 'names')
}

/** Counts the owners there have been, this one included. */
export function countOwner(database: DatabaseSync): number {
  const row = database.prepare("UPDATE settings SET value = value + 1 WHERE name = 'owners' RETURNING value").get()
  return Number(row?.value)
}

/** Reads a log's file. Every call sees one committed state. */
export class LogFile {
  readonly database: DatabaseSync
  readonly file: string
  readonly id: string
  readonly partitionCount: number
  readonly #ends: ReadonlyMap<Topic, StatementSync>
  readonly #chunks: ReadonlyMap<Topic, StatementSync>
  readonly #settings: StatementSync
  /** Null for a log of an earlier release that is only read. */
  readonly #index: IndexReader | null

  constructor(database: DatabaseSync, file: string, partitionCount: number) {
    this.database = database
    this.file = file
    this.id = readLogId(database, file)
    this.partitionCount = partitionCount
    const tables = new Set(
      database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .all()
        .map(({ name }) => String(name)),
    )
    this.#index = hasNames(database) ? new IndexReader(database) : null
    // Who only reads a log of an earlier release finds the topics that came later empty.
    const there = TOPICS.filter((topic) => tables.has(TABLES[topic]))
    this.#settings = database.prepare('SELECT value FROM settings WHERE name = ?')
    const prepare = (sql: (table: string) => string) => new Map(there.map((topic) => [topic, database.prepare(sql(TABLES[topic]))]))
    this.#ends = prepare((table) => `SELECT id, count FROM ${table} WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1`)
    this.#chunks = prepare(
      (table) =>
        `SELECT id, count, records FROM ${table}
         WHERE id >= (SELECT max(id) FROM ${table} WHERE id >= ? AND id <= ?) AND id < ? ORDER BY id LIMIT ?`,
    )
  }

  /** As `EventIndex`. */
  lastWith(partition: number, key: string, before: number): { readonly offset: number | null; readonly since: number } {
    if (this.#index === null) return { offset: null, since: this.end('events', partition) }
    const row = this.#settings.get(`named_since/${partition}`)
    return { offset: this.#index.lastWith(partition, key, before), since: Number(row?.value ?? 0) }
  }

  /** The offset past the last record. */
  end(topic: Topic, partition: number): number {
    const row = this.#ends.get(topic)?.get(rowId(partition, 0), rowId(partition + 1, 0))
    return row === undefined ? 0 : Number(row.id) - rowId(partition, 0) + Number(row.count)
  }

  /** The records of all topics and partitions, counted. */
  total(): number {
    let total = 0
    for (const topic of TOPICS) {
      for (let partition = 0; partition < this.partitionCount; partition++) total += this.end(topic, partition)
    }
    return total
  }

  /**
   * The chunks from the one that holds the offset on, as many as `maxBytes` takes and at least one, each checked whole.
   * Empty when the log ends before the offset. Errors: CORRUPT.
   */
  read(topic: Topic, partition: number, fromOffset: number, maxBytes: number): readonly Chunk[] {
    const chunks: Chunk[] = []
    let bytesLeft = maxBytes
    let expected: number | undefined
    const base = rowId(partition, 0)
    const rows = this.#chunks.get(topic)?.iterate(base, base + fromOffset, rowId(partition + 1, 0), MAX_CHUNKS) ?? []
    for (const { id, count, records } of rows) {
      if (!(records instanceof Uint8Array)) throw this.#damaged(topic, partition, `a row of the table ${TABLES[topic]} holds no bytes`)
      const chunk = { firstOffset: Number(id) - base, count: Number(count), bytes: records }
      const missing =
        expected !== undefined && expected !== chunk.firstOffset ? `the records from offset ${expected} on are missing` : undefined
      const damage = missing ?? findDamage(chunk)
      if (damage !== undefined) throw this.#damaged(topic, partition, damage)
      expected = chunk.firstOffset + chunk.count
      // The first row found may end before the offset: at the end of the log only, everywhere else a row is missing.
      if (expected > fromOffset) chunks.push(chunk)
      else if (expected < fromOffset)
        throw this.#damaged(topic, partition, `the records from offset ${expected} to ${fromOffset - 1} are missing`)
      bytesLeft -= records.byteLength
      if (bytesLeft <= 0 && chunks.length > 0) break
    }
    return chunks
  }

  #damaged(topic: Topic, partition: number, check: string): LogError {
    return corrupt(this.file, `in ${topic}/${partition} ${check}`)
  }
}

const MAX_CHUNKS = 1_000

/**
 * Checks what can be checked in bounded time. Undefined when no log was ever written here.
 * Errors: CORRUPT, MISCONFIGURED (another format, or another program's file).
 */
export function inspect(directory: string, database: DatabaseSync): LogFile | undefined {
  const file = databaseFile(directory)
  const acknowledged = readAcknowledged(directory)
  try {
    const pragma = (name: string) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
    const [applicationId, version] = [pragma('application_id'), pragma('user_version')]
    const tables = Number(database.prepare("SELECT count(*) AS count FROM sqlite_schema WHERE type = 'table'").get()?.count)
    if (tables === 0 && applicationId === 0 && version === 0) {
      if (acknowledged > 0) throw corrupt(file, `it is empty, but ${acknowledged} records were acknowledged`)
      return undefined
    }
    checkFormat(file, applicationId, version)
    if (pragma('page_count') * pragma('page_size') <= QUICK_CHECK_BYTES) quickCheck(file, database)
    const partitionCount = Number(database.prepare("SELECT value FROM settings WHERE name = 'partition_count'").get()?.value)
    if (!(partitionCount > 0 && partitionCount <= MAX_PARTITIONS)) throw corrupt(file, `its partition count reads ${partitionCount}`)
    const logFile = new LogFile(database, file, partitionCount)
    checkLastRecords(logFile)
    const total = logFile.total()
    if (total < acknowledged) {
      const wal = existsSync(`${file}-wal`) ? `${file}-wal` : file
      throw corrupt(
        wal,
        `${acknowledged} records were acknowledged and only ${total} are left, so its end was cut off or does not match its checksums`,
      )
    }
    return logFile
  } catch (error) {
    // Its owner was killed while it made the file, and undoes that when it starts again.
    if (isUnfinished(error) && acknowledged === 0) return undefined
    throw errorOf(error, file, 'checking it')
  }
}

function checkFormat(file: string, applicationId: number, version: number): void {
  if (applicationId !== APPLICATION_ID) {
    throw new LogError(
      'MISCONFIGURED',
      `${file} is a SQLite database of another program (application_id ${applicationId}). Choose another directory.`,
    )
  }
  if (version !== FORMAT_VERSION) {
    throw new LogError(
      'MISCONFIGURED',
      `${file} has format version ${version}; this release reads and writes version ${FORMAT_VERSION}. Use the release that wrote it, or another directory.`,
    )
  }
}

function quickCheck(file: string, database: DatabaseSync): void {
  const answer = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0]
  if (answer !== 'ok') throw corrupt(file, `quick_check says "${String(answer)}"`)
}

function checkLastRecords(logFile: LogFile): void {
  for (const topic of TOPICS) {
    for (let partition = 0; partition < logFile.partitionCount; partition++) {
      const end = logFile.end(topic, partition)
      if (end > 0) logFile.read(topic, partition, end - 1, 0)
    }
  }
}
