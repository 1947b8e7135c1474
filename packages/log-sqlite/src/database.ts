import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { LogError, sideTopics, type Topic } from '@signalbox/log'
import { readAcknowledged } from './acknowledged.ts'
import { createIndex, IndexReader } from './event-index.ts'
import { hasLogId, logIdOf, newLogId } from './log-id.ts'
import { type Chunk, findDamage } from './record-format.ts'
import { rowChecksum } from './row-check.ts'
import { rowId } from './row-id.ts'
import { createSettings, readSettings, type SettingValues, writeSettings } from './settings-table.ts'
import { corrupt, errorOf, isUnfinished } from './sqlite-errors.ts'

export const TOPICS: readonly Topic[] = ['intents', 'events', 'dead-letters', ...sideTopics]
const TABLES: Readonly<Record<Topic, string>> = {
  intents: 'intents',
  events: 'events',
  'dead-letters': 'dead_letters',
  notifications: 'notifications',
  'dead-letters.escalation': 'dead_letters_escalation',
  'dead-letters.projector': 'dead_letters_projector',
  'dead-letters.reactions': 'dead_letters_reactions',
  'dead-letters.ingest': 'dead_letters_ingest',
}

/** `SBOX`. */
const APPLICATION_ID = 0x53424f58
/**
 * 2 has checksums of what lies beside the records, 3 the dead letters of reactions and sources. A log of an earlier version is read as it
 * is, and gets what it lacks when its owner opens it.
 */
const FORMAT_VERSION = 3
const CHECKED_VERSION = 2
export const MAX_PARTITIONS = 4_096
/** Reads the whole file when it is this small; a larger one is checked at its ends, and record by record as it is read. */
const QUICK_CHECK_BYTES = 32 * 1024 * 1024

export function databaseFile(directory: string): string {
  return join(directory, 'log.db')
}

export function insertStatement(database: DatabaseSync, topic: Topic): StatementSync {
  // What is named can be found again; only events are.
  const [column, value] = topic === 'events' ? [', names', ', ?'] : ['', '']
  return database.prepare(`INSERT INTO ${TABLES[topic]} (id, count, records, checksum${column}) VALUES (?, ?, ?, ?${value})`)
}

/** Of a row that `insertStatement` writes. */
export function checksumOfRow(topic: Topic, id: number, count: number, recordsBytes: number, namesBytes: number): number {
  return rowChecksum(TABLES[topic], id, count, recordsBytes, namesBytes)
}

/** Creates the tables. */
export function createSchema(database: DatabaseSync, partitionCount: number): void {
  database.exec('BEGIN IMMEDIATE')
  createTopics(database)
  createSettings(database)
  database.exec('ALTER TABLE events ADD COLUMN names BLOB')
  createIndex(database)
  const since = Array.from({ length: partitionCount }, (_, partition) => [`named_since/${partition}`, 0] as const)
  writeSettings(database, new Map([['partition_count', partitionCount], ['owners', 0], ...newLogId(), ...since]))
  mark(database)
  database.exec('COMMIT')
}

function mark(database: DatabaseSync): void {
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
  database.exec(`PRAGMA user_version = ${FORMAT_VERSION}`)
}

/** A log that an earlier release made lacks the tables of topics that came later, and checksums. */
function createTopics(database: DatabaseSync): void {
  for (const table of Object.values(TABLES)) {
    database.exec(`CREATE TABLE IF NOT EXISTS ${table} (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, records BLOB NOT NULL) STRICT`)
    if (!hasColumn(database, table, 'checksum')) database.exec(`ALTER TABLE ${table} ADD COLUMN checksum INTEGER`)
  }
}

/** What later releases added, for a log that an earlier one made. */
export function upgrade(database: DatabaseSync, log: LogFile): void {
  if (log.version === FORMAT_VERSION) return
  const isNamed = hasColumn(database, 'events', 'names')
  const settings = new Map<string, number>(hasLogId(log.settings) ? [] : newLogId())
  if (log.version < CHECKED_VERSION)
    for (const topic of TOPICS) for (const [partition, end] of log.ends(topic).entries()) settings.set(checkedSince(topic, partition), end)
  // Events without names are found by reading.
  if (!isNamed) for (const [partition, end] of log.ends('events').entries()) settings.set(`named_since/${partition}`, end)
  database.exec('BEGIN IMMEDIATE')
  createTopics(database)
  createIndex(database)
  if (!isNamed) database.exec('ALTER TABLE events ADD COLUMN names BLOB')
  writeSettings(database, settings)
  mark(database)
  database.exec('COMMIT')
}

function checkedSince(topic: Topic, partition: number): string {
  return `checked_since/${topic}/${partition}`
}

function hasColumn(database: DatabaseSync, table: string, column: string): boolean {
  return database.prepare('SELECT name FROM pragma_table_info(?) WHERE name = ?').get(table, column) !== undefined
}

/** Counts the owners there have been, this one included; and notes from where on the index is whole. */
export function countOwner({ database, settings }: LogFile, damagedUntil: readonly number[]): number {
  const owners = (settings.get('owners') ?? 0) + 1
  noteDamage({ database, settings }, damagedUntil, new Map([['owners', owners]]))
  return owners
}

/** What lies before is read, not looked up. */
export function noteDamage(
  { database, settings }: Pick<LogFile, 'database' | 'settings'>,
  damagedUntil: readonly number[],
  more: ReadonlyMap<string, number> = new Map(),
): void {
  const since = [...damagedUntil.entries()]
    .map(([partition, until]) => [`named_since/${partition}`, until] as const)
    .filter(([name, until]) => until > (settings.get(name) ?? 0))
  if (since.length + more.size === 0) return
  database.exec('BEGIN IMMEDIATE')
  writeSettings(database, new Map([...more, ...since]))
  database.exec('COMMIT')
}

/** Reads a log's file. Every call sees one committed state. */
export class LogFile {
  readonly database: DatabaseSync
  readonly file: string
  readonly id: string
  readonly partitionCount: number
  readonly version: number
  /** As they were when the file was opened. */
  readonly settings: SettingValues
  /** Null for a log of an earlier release that is only read. */
  readonly index: IndexReader | null
  readonly #ends: ReadonlyMap<Topic, StatementSync>
  readonly #chunks: ReadonlyMap<Topic, StatementSync>

  /** Errors: CORRUPT. */
  constructor(database: DatabaseSync, file: string, version = FORMAT_VERSION) {
    this.database = database
    this.file = file
    this.version = version
    const isChecked = version >= CHECKED_VERSION
    const settings = readSettings(database, isChecked)
    if (settings === undefined) throw corrupt(file, 'its settings do not match their checksum')
    this.settings = settings
    this.id = logIdOf(settings, file)
    this.partitionCount = settings.get('partition_count') ?? Number.NaN
    if (!(this.partitionCount > 0 && this.partitionCount <= MAX_PARTITIONS))
      throw corrupt(file, `its partition count reads ${this.partitionCount}`)
    const tables = new Set(
      database
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
        .all()
        .map(({ name }) => String(name)),
    )
    const missing = version >= FORMAT_VERSION ? TOPICS.find((topic) => !tables.has(TABLES[topic])) : undefined
    if (missing !== undefined) throw corrupt(file, `its table ${TABLES[missing]} is missing`)
    this.index = hasColumn(database, 'events', 'names')
      ? new IndexReader(database, (partition) => this.#checkedSince('events', partition), isChecked)
      : null
    // Who only reads a log of an earlier release finds the topics that came later empty.
    const there = TOPICS.filter((topic) => tables.has(TABLES[topic]))
    const prepare = (sql: (table: string, topic: Topic) => string) =>
      new Map(there.map((topic) => [topic, database.prepare(sql(TABLES[topic], topic))]))
    this.#ends = prepare((table) => `SELECT id, count FROM ${table} WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1`)
    this.#chunks = prepare((table, topic) => {
      const names = isChecked && topic === 'events' ? 'coalesce(length(names), 0)' : '0'
      return `SELECT id, count, records, ${isChecked ? 'checksum' : 'NULL'} AS checksum, ${names} AS names_bytes FROM ${table}
         WHERE id >= (SELECT max(id) FROM ${table} WHERE id >= ? AND id <= ?) AND id < ? ORDER BY id LIMIT ?`
    })
  }

  /** Where rows have checksums from on. */
  #checkedSince(topic: Topic, partition: number): number {
    return this.version >= CHECKED_VERSION ? (this.settings.get(checkedSince(topic, partition)) ?? 0) : Number.POSITIVE_INFINITY
  }

  /** As `EventIndex`, and whether it met damage. */
  lastWith(
    partition: number,
    key: string,
    before: number,
  ): { readonly offset: number | null; readonly since: number; readonly isDamaged: boolean } {
    if (this.index === null) return { offset: null, since: this.end('events', partition), isDamaged: false }
    const { damagedUntil, offset } = this.index.lastWith(partition, key, before)
    const namedSince = this.settings.get(`named_since/${partition}`) ?? 0
    const since = Math.max(namedSince, damagedUntil)
    return { offset: offset !== null && offset >= since ? offset : null, since, isDamaged: damagedUntil > namedSince }
  }

  /** Reads all of the index. Errors: CORRUPT. */
  proveIndex(partition: number): void {
    const damagedUntil = this.index?.prove(partition) ?? 0
    if (damagedUntil <= (this.settings.get(`named_since/${partition}`) ?? 0)) return
    throw this.#damaged('events', partition, `the index of names does not match its checksums before offset ${damagedUntil}`)
  }

  /** By partition. */
  ends(topic: Topic): readonly number[] {
    return Array.from({ length: this.partitionCount }, (_, partition) => this.end(topic, partition))
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
    for (const { checksum, count, id, names_bytes, records } of rows) {
      if (!(records instanceof Uint8Array)) throw this.#damaged(topic, partition, `a row of the table ${TABLES[topic]} holds no bytes`)
      const chunk = { firstOffset: Number(id) - base, count: Number(count), bytes: records }
      const missing =
        expected !== undefined && expected !== chunk.firstOffset ? `the records from offset ${expected} on are missing` : undefined
      const sum = rowChecksum(TABLES[topic], Number(id), chunk.count, records.byteLength, Number(names_bytes))
      const isWhole = chunk.firstOffset < this.#checkedSince(topic, partition) || Number(checksum) === sum
      const damage =
        missing ?? (isWhole ? findDamage(chunk) : `the row of the records from offset ${chunk.firstOffset} on does not match its checksum`)
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

  /** Reads every record of every topic. Errors: CORRUPT. */
  proveRecords(): void {
    for (const topic of TOPICS) {
      for (const [partition, end] of this.ends(topic).entries()) {
        for (let offset = 0; offset < end; ) {
          const last = this.read(topic, partition, offset, PROVE_BYTES).at(-1)
          if (last === undefined) throw this.#damaged(topic, partition, `the records from offset ${offset} on are missing`)
          offset = last.firstOffset + last.count
        }
      }
    }
  }

  #damaged(topic: Topic, partition: number, check: string): LogError {
    return corrupt(this.file, `in ${topic}/${partition} ${check}`)
  }
}

const MAX_CHUNKS = 1_000
/** Read at a time, to prove all of them. */
const PROVE_BYTES = 4 * 1024 * 1024

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
    const logFile = new LogFile(database, file, version)
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
  if (version < 1 || version > FORMAT_VERSION) {
    throw new LogError(
      'MISCONFIGURED',
      `${file} has format version ${version}; this release reads versions 1 to ${FORMAT_VERSION}. Use the release that wrote it, or another directory.`,
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
