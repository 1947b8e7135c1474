/** SQLite beneath a store: one file, one writing connection, whose transactions come one after the other. */
import { existsSync, realpathSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { makeFolder, sync } from '@signalbox/files'
import { openSqliteToRead, SqlitePlaceError } from '@signalbox/files/sqlite'
import { ProjectionError } from '@signalbox/projection'
import { Mutex, type ProjectionStore } from '@signalbox/projection-store'
import {
  metadataTables,
  quoted,
  type SqlConnection,
  type SqlDatabase,
  type SqlRow,
  type SqlSession,
  SqlStore,
  type SqlValue,
} from '@signalbox/projection-store/sql'
import { checkMetadata, keepMetadataChecked } from './metadata-check.ts'

export interface SqliteStoreOptions {
  /** The folder with the file `projections.db`; it is made where there is none. */
  readonly directory: string
  /** How long to wait for another process's transaction. Default 10,000. */
  readonly busyTimeoutMs?: number
  /** For who only reads: the file must be there, and nothing is written, so that it may lie where nothing can be. */
  readonly toRead?: boolean
  /** Of who owns projections: a damaged file is set aside, and this is told. Left out: damage is CORRUPT. */
  readonly setAside?: (message: string) => void
}

/** `SBPR`. */
const applicationId = 0x53425052
const formatVersion = 1
const idleReaders = 4
const quickCheckBytes = 32 * 1024 * 1024

/**
 * A damaged file is set aside under another name where `setAside` is given, and rows are built anew in its place: all that is in it
 * follows from the log. Errors: MISCONFIGURED (another program's file, or another format), CORRUPT, UNAVAILABLE.
 */
export function openSqliteStore(options: SqliteStoreOptions): ProjectionStore {
  return new SqlStore(new SqliteDatabase(options))
}

const turns = new Map<string, Mutex>()

/** Of all that this process has open there: to wait in SQLite for one's own transaction is to wait for good. */
function turnsOf(directory: string): Mutex {
  const known = turns.get(directory) ?? new Mutex()
  turns.set(directory, known)
  return known
}

class SqliteDatabase implements SqlDatabase {
  readonly name = 'sqlite'
  readonly forUpdate = ''
  readonly #directory: string
  readonly #file: string
  readonly #busyTimeoutMs: number
  readonly #toRead: boolean
  readonly #setAside: ((message: string) => void) | undefined
  // Tables that have a column for checksums.
  readonly #checkedTables = new Set<string>()
  #replaced = 0
  #writing: Connection
  // Each snapshot has a connection to itself; a few are kept for the next.
  readonly #idle: Connection[] = []
  readonly #turns: Mutex

  constructor({ busyTimeoutMs = 10_000, directory, setAside, toRead = false }: SqliteStoreOptions) {
    this.#directory = directory
    this.#file = join(directory, 'projections.db')
    this.#busyTimeoutMs = busyTimeoutMs
    this.#toRead = toRead
    this.#setAside = setAside
    if (!toRead) makeFolder(directory)
    this.#turns = turnsOf(realpathSync(directory))
    this.#writing = this.#openOrReplace()
  }

  #openOrReplace(): Connection {
    try {
      return this.#open()
    } catch (error) {
      if (!isDamage(error) || this.#setAside === undefined) throw this.#errorOf(error)
      this.#rename((error as Error).message)
      return this.#failing(() => this.#open())
    }
  }

  /** Kept for who wants to know what became of it. */
  #rename(what: string): void {
    const aside = `${this.#file}.damaged-${Date.now()}`
    for (const end of ['', '-wal', '-shm']) if (existsSync(this.#file + end)) renameSync(this.#file + end, aside + end)
    sync(this.#directory)
    this.#setAside?.(`${this.#file} was damaged (${what}); it was set aside as ${aside}, and the projections are built anew`)
  }

  /** Damage that was met while running. Whoever was at work meets UNAVAILABLE, and takes the projection up again. */
  #replace(what: string): ProjectionError {
    for (const { database } of [this.#writing, ...this.#idle.splice(0)]) if (database.isOpen) database.close()
    this.#replaced++
    this.#checkedTables.clear()
    this.#rename(what)
    this.#writing = this.#failing(() => this.#open())
    return new ProjectionError('UNAVAILABLE', `${this.#file} was damaged and is set aside; the projections are built anew`)
  }

  #open(): Connection {
    const database = this.#toRead ? this.#openToRead() : new DatabaseSync(this.#file, { timeout: this.#busyTimeoutMs })
    try {
      if (!this.#toRead) {
        database.exec('PRAGMA journal_mode = WAL')
        // A power cut may take the last transactions with it, each whole: what they folded is folded again.
        database.exec('PRAGMA synchronous = NORMAL')
      }
      this.#check(database)
      const pragma = (name: string) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
      const [application, version] = [pragma('application_id'), pragma('user_version')]
      if ((application !== 0 && application !== applicationId) || (application === applicationId && version !== formatVersion)) {
        throw new ProjectionError(
          'MISCONFIGURED',
          `${this.#file} is of another program or release (application_id ${application}, version ${version}); move it away, and the projections are built anew`,
        )
      }
      if (this.#toRead) return new Connection(database)
      database.exec('BEGIN IMMEDIATE')
      for (const sql of metadataTables) database.exec(sql.replace('{identity}', 'INTEGER PRIMARY KEY AUTOINCREMENT'))
      database.exec(`PRAGMA application_id = ${applicationId}`)
      database.exec(`PRAGMA user_version = ${formatVersion}`)
      const damage = checkMetadata(database)
      if (damage !== null) throw new RowDamage(damage)
      database.exec('COMMIT')
      keepMetadataChecked(database)
      return new Connection(database)
    } catch (error) {
      database.close()
      throw error
    }
  }

  #openToRead(): DatabaseSync {
    try {
      return openSqliteToRead(this.#file, this.#busyTimeoutMs)
    } catch (cause) {
      if (cause instanceof SqlitePlaceError) throw new ProjectionError('MISCONFIGURED', cause.message, { cause })
      throw cause
    }
  }

  /** A small file as a whole; of a larger one what is read. */
  #check(database: DatabaseSync): void {
    const number = (name: string) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
    if (number('page_count') * number('page_size') > quickCheckBytes) return
    const answer = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0]
    if (answer !== 'ok') throw new RowDamage(`quick_check says "${String(answer)}"`)
  }

  async snapshot<Result>(work: (connection: SqlConnection) => Promise<Result>): Promise<Result> {
    const replaced = this.#replaced
    const connection = this.#idle.pop() ?? this.#failing(() => new Connection(this.#openToRead()))
    try {
      this.#failing(() => connection.database.exec('BEGIN'))
      const result = await work(connection)
      connection.database.exec('COMMIT')
      if (this.#idle.length < idleReaders && replaced === this.#replaced) this.#idle.push(connection)
      else connection.database.close()
      return result
    } catch (error) {
      connection.database.close()
      throw this.#errorOf(error)
    }
  }

  /** One at a time: a second connection of this process would wait for the first with the whole process. */
  async write<Result>(work: (connection: SqlConnection) => Promise<Result>): Promise<Result> {
    return await this.#turns.run(() => this.#transaction(work))
  }

  async #transaction<Result>(work: (connection: SqlConnection) => Promise<Result>): Promise<Result> {
    const { database } = this.#writing
    try {
      database.exec('BEGIN IMMEDIATE')
      const result = await work(this.#writing)
      database.exec('COMMIT')
      return result
    } catch (error) {
      if (database.isOpen && database.isTransaction) database.exec('ROLLBACK')
      throw this.#errorOf(error)
    }
  }

  async lock(name: string): Promise<SqlSession | null> {
    // SQLite's lock on a file of its own: the operating system takes it back when the process dies, however it dies.
    const lock = this.#failing(() => new DatabaseSync(join(this.#directory, `projection-${name}.lock`), { timeout: 0 }))
    try {
      lock.exec('BEGIN EXCLUSIVE')
    } catch (error) {
      lock.close()
      if (codeOf(error) === SQLITE_BUSY) return null
      throw this.#errorOf(error)
    }
    return {
      transaction: (work) => this.write(work),
      close: async () => {
        if (lock.isOpen) lock.close()
      },
    }
  }

  async createTable(connection: SqlConnection, table: string): Promise<void> {
    await connection.query(
      `CREATE TABLE ${quoted(table)} (key TEXT PRIMARY KEY, row TEXT NOT NULL, checksum INTEGER) STRICT, WITHOUT ROWID`,
    )
  }

  async putView(connection: SqlConnection, view: string, table: string): Promise<void> {
    await connection.query(`DROP VIEW IF EXISTS ${quoted(view)}`)
    await connection.query(`CREATE VIEW ${quoted(view)} AS SELECT key, row FROM ${quoted(table)}`)
  }

  async select(connection: SqlConnection, table: string, keys: readonly string[]): Promise<readonly SqlRow[]> {
    const sql = `SELECT key, row${this.checksumOf(table)} FROM ${quoted(table)} WHERE key IN (SELECT value FROM json_each($1))`
    return this.checked(await connection.query(sql, [JSON.stringify(keys)]))
  }

  /** Tables of earlier releases have none. */
  checksumOf(table: string): string {
    if (this.#checkedTables.has(table)) return ', checksum'
    const sql = "SELECT name FROM pragma_table_info(?) WHERE name = 'checksum'"
    if (this.#writing.prepare(sql).get(table) === undefined) return ''
    this.#checkedTables.add(table)
    return ', checksum'
  }

  checked(rows: readonly SqlRow[]): readonly SqlRow[] {
    const damaged = rows.find(({ checksum, key, row }) => checksum != null && Number(checksum) !== checksumOfRow(`${key}`, `${row}`))
    if (damaged !== undefined) throw new RowDamage(`the checksum of the row ${damaged.key} does not match`)
    return rows
  }

  async upsert(_connection: SqlConnection, table: string, rows: readonly { readonly key: string; readonly text: string }[]): Promise<void> {
    if (this.checksumOf(table) === '') {
      const insert = this.#writing.prepare(`INSERT INTO ${quoted(table)} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET row = excluded.row`)
      for (const { key, text } of rows) insert.run(key, text)
      return
    }
    const insert = this.#writing.prepare(
      `INSERT INTO ${quoted(table)} VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET row = excluded.row, checksum = excluded.checksum`,
    )
    for (const { key, text } of rows) insert.run(key, text, checksumOfRow(key, text))
  }

  async remove(_connection: SqlConnection, table: string, keys: readonly string[]): Promise<void> {
    const remove = this.#writing.prepare(`DELETE FROM ${quoted(table)} WHERE key = ?`)
    for (const key of keys) remove.run(key)
  }

  isMissingTable(error: unknown): boolean {
    const cause = error instanceof ProjectionError ? error.cause : error
    return cause instanceof Error && cause.message.startsWith('no such table')
  }

  async close(): Promise<void> {
    await this.#turns.run(async () => {})
    for (const { database } of this.#idle.splice(0)) database.close()
    this.#writing.database.close()
  }

  #failing<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw this.#errorOf(error)
    }
  }

  #errorOf(error: unknown): unknown {
    if (isDamage(error) && this.#setAside !== undefined) return this.#replace((error as Error).message)
    if (isDamage(error))
      return new ProjectionError(
        'CORRUPT',
        `${this.#file} is damaged: ${(error as Error).message}. signalbox up sets it aside and builds the projections anew`,
        { cause: error },
      )
    if (isClosed(error)) return new ProjectionError('UNAVAILABLE', `${this.#file} was set aside meanwhile`, { cause: error })
    const code = codeOf(error)
    if (code === undefined) return error
    const { message } = error as Error
    if (code === SQLITE_FULL)
      return new ProjectionError('UNAVAILABLE', `there is no space left for ${this.#file}; make some`, { cause: error })
    return new ProjectionError('UNAVAILABLE', `SQLite says "${message}" of ${this.#file}`, { cause: error })
  }
}

/** What SQLite knows nothing of. */
class RowDamage extends Error {
  override readonly name = 'RowDamage'
}

function checksumOfRow(key: string, text: string): number {
  return crc32(text, crc32(key))
}

function isDamage(error: unknown): boolean {
  const code = codeOf(error)
  return error instanceof RowDamage || code === SQLITE_CORRUPT || code === SQLITE_NOTADB
}

/** A connection that was closed by another who met damage. */
function isClosed(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE'
}

const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_FULL = 13
const SQLITE_NOTADB = 26

function codeOf(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}

const maxStatements = 200

class Connection implements SqlConnection {
  readonly database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  constructor(database: DatabaseSync) {
    this.database = database
  }

  async query(sql: string, parameters: readonly SqlValue[] = []): Promise<readonly SqlRow[]> {
    return this.prepare(sql.replaceAll('$', '?')).all(...(parameters as (string | number | null)[])) as SqlRow[]
  }

  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (statement === undefined) {
      if (this.#statements.size >= maxStatements) this.#statements.clear()
      statement = this.database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}
