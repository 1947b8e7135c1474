/** SQLite beneath a store: one file, one writing connection, whose transactions come one after the other. */
import { mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { ProjectionError } from '../errors.ts'
import { Mutex } from '../mutex.ts'
import { metadataTables, quoted, type SqlConnection, type SqlDatabase, type SqlRow, type SqlSession, type SqlValue } from './sql.ts'
import { SqlStore } from './sql-store.ts'
import type { ProjectionStore } from './store.ts'

export interface SqliteStoreOptions {
  /** The folder with the file `projections.db`; it is made where there is none. */
  readonly directory: string
  /** How long to wait for another process's transaction. Default 10,000. */
  readonly busyTimeoutMs?: number
}

/** `SBPR`. */
const applicationId = 0x53425052
const formatVersion = 1
const idleReaders = 4

/** Errors: MISCONFIGURED (another program's file, or another format), UNAVAILABLE. */
export function openSqliteStore(options: SqliteStoreOptions): ProjectionStore {
  return new SqlStore(new SqliteDatabase(options.directory, options.busyTimeoutMs ?? 10_000))
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
  readonly #writing: Connection
  // Each snapshot has a connection to itself; a few are kept for the next.
  readonly #idle: Connection[] = []
  readonly #turns: Mutex

  constructor(directory: string, busyTimeoutMs: number) {
    this.#directory = directory
    this.#file = join(directory, 'projections.db')
    this.#busyTimeoutMs = busyTimeoutMs
    mkdirSync(directory, { recursive: true })
    this.#turns = turnsOf(realpathSync(directory))
    this.#writing = this.#failing(() => this.#open())
  }

  #open(): Connection {
    const database = new DatabaseSync(this.#file, { timeout: this.#busyTimeoutMs })
    try {
      database.exec('PRAGMA journal_mode = WAL')
      // A power cut may take the last transactions with it, each whole: what they folded is folded again.
      database.exec('PRAGMA synchronous = NORMAL')
      const pragma = (name: string) => Number(Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0])
      const [application, version] = [pragma('application_id'), pragma('user_version')]
      if ((application !== 0 && application !== applicationId) || (application === applicationId && version !== formatVersion)) {
        throw new ProjectionError(
          'MISCONFIGURED',
          `${this.#file} is of another program or release (application_id ${application}, version ${version}); move it away, and the projections are built anew`,
        )
      }
      database.exec('BEGIN IMMEDIATE')
      for (const sql of metadataTables) database.exec(sql.replace('{identity}', 'INTEGER PRIMARY KEY AUTOINCREMENT'))
      database.exec(`PRAGMA application_id = ${applicationId}`)
      database.exec(`PRAGMA user_version = ${formatVersion}`)
      database.exec('COMMIT')
      return new Connection(database)
    } catch (error) {
      database.close()
      throw error
    }
  }

  async snapshot<Result>(work: (connection: SqlConnection) => Promise<Result>): Promise<Result> {
    const connection =
      this.#idle.pop() ??
      this.#failing(() => new Connection(new DatabaseSync(this.#file, { readOnly: true, timeout: this.#busyTimeoutMs })))
    try {
      this.#failing(() => connection.database.exec('BEGIN'))
      const result = await work(connection)
      connection.database.exec('COMMIT')
      if (this.#idle.length < idleReaders) this.#idle.push(connection)
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
    await connection.query(`CREATE TABLE ${quoted(table)} (key TEXT PRIMARY KEY, row TEXT NOT NULL) STRICT, WITHOUT ROWID`)
  }

  async putView(connection: SqlConnection, view: string, table: string): Promise<void> {
    await connection.query(`DROP VIEW IF EXISTS ${quoted(view)}`)
    await connection.query(`CREATE VIEW ${quoted(view)} AS SELECT key, row FROM ${quoted(table)}`)
  }

  async select(connection: SqlConnection, table: string, keys: readonly string[]): Promise<readonly SqlRow[]> {
    return await connection.query(`SELECT key, row FROM ${quoted(table)} WHERE key IN (SELECT value FROM json_each($1))`, [
      JSON.stringify(keys),
    ])
  }

  async upsert(_connection: SqlConnection, table: string, rows: readonly { readonly key: string; readonly text: string }[]): Promise<void> {
    const insert = this.#writing.prepare(`INSERT INTO ${quoted(table)} VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET row = excluded.row`)
    for (const { key, text } of rows) insert.run(key, text)
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
    const code = codeOf(error)
    if (code === undefined) return error
    const { message } = error as Error
    if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
      const what = `SQLite says "${message}" of ${this.#file}, which is damaged; move it away, and the projections are built anew`
      return new ProjectionError('CORRUPT', what, { cause: error })
    }
    if (code === SQLITE_FULL)
      return new ProjectionError('UNAVAILABLE', `there is no space left for ${this.#file}; make some`, { cause: error })
    return new ProjectionError('UNAVAILABLE', `SQLite says "${message}" of ${this.#file}`, { cause: error })
  }
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
