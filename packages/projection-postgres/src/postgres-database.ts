/** PostgreSQL beneath a store: a schema of its own, a connection for each owner, a pool for the rest. */
import { ProjectionError } from '@signalbox/projection'
import type { ProjectionStore } from '@signalbox/projection-store'
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
import pg from 'pg'

export interface PostgresStoreOptions {
  /** `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. It is in no message. */
  readonly url: string
  /** Default `signalbox`. Made where there is none. */
  readonly schema?: string
  /** Connections for reading, beside one for each owner. Default 4. */
  readonly readers?: number
  /** How long to wait for a connection. Default 10,000. */
  readonly connectTimeoutMs?: number
}

const migrationLock = 0x5342_5052
const lockTimeoutMs = 5_000
const statementTimeoutMs = 120_000
const goodbyeMs = 2_000
/** Of a connection that vanishes without a word: the server lets go of the owner's lock after about this long. */
const keepAliveMs = 10_000

/** Errors: MISCONFIGURED, UNAVAILABLE. */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<ProjectionStore> {
  const database = new PostgresDatabase(options)
  try {
    await database.migrate()
  } catch (error) {
    await database.close()
    throw error
  }
  return new SqlStore(database)
}

// What the server sends is taken as text: numbers are read where they are wanted, and JSON stays as it was written.
const types = { getTypeParser: () => (text: string) => text } as unknown as pg.CustomTypesConfig

class PostgresDatabase implements SqlDatabase {
  readonly name = 'postgres'
  readonly forUpdate = ' FOR UPDATE'
  readonly #config: pg.ClientConfig
  readonly #schema: string
  readonly #pool: pg.Pool

  constructor({ connectTimeoutMs, readers, schema, url }: PostgresStoreOptions) {
    this.#schema = schema ?? 'signalbox'
    if (!/^[a-z][a-z0-9_]{0,50}$/.test(this.#schema))
      throw new ProjectionError(
        'MISCONFIGURED',
        `a schema has lower-case letters, digits and _, a letter first, not ${JSON.stringify(schema)}`,
      )
    this.#config = {
      connectionString: url,
      connectionTimeoutMillis: connectTimeoutMs ?? 10_000,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveMs,
      application_name: 'signalbox projector',
      statement_timeout: statementTimeoutMs,
      // Where the server itself hangs.
      query_timeout: statementTimeoutMs + lockTimeoutMs,
      lock_timeout: lockTimeoutMs,
      options: `-c search_path=${this.#schema} -c client_min_messages=warning`,
      types,
    }
    this.#pool = new pg.Pool({ ...this.#config, max: readers ?? 4, idleTimeoutMillis: 30_000 })
    // Of idle connections: whoever needs one next gets another.
    this.#pool.on('error', () => {})
  }

  async migrate(): Promise<void> {
    await this.write(async (connection) => {
      await connection.query('SELECT pg_advisory_xact_lock($1)', [migrationLock])
      await connection.query(`CREATE SCHEMA IF NOT EXISTS ${quoted(this.#schema)}`)
      for (const sql of metadataTables)
        await connection.query(
          sql.replace('{identity}', 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY').replaceAll('TEXT', 'TEXT COLLATE "C"'),
        )
    })
  }

  async snapshot<Result>(work: (connection: SqlConnection) => Promise<Result>): Promise<Result> {
    return await this.#pooled('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work)
  }

  async write<Result>(work: (connection: SqlConnection) => Promise<Result>): Promise<Result> {
    return await this.#pooled('BEGIN', work)
  }

  async #pooled<Result>(begin: string, work: (connection: SqlConnection) => Promise<Result>): Promise<Result> {
    let client: pg.PoolClient
    try {
      client = await this.#pool.connect()
    } catch (error) {
      throw connectErrorOf(error, this.#config)
    }
    let failure: unknown
    try {
      return await transaction(client, begin, work)
    } catch (error) {
      failure = error
      throw error
    } finally {
      // One whose transaction was rolled back can be used again; one that failed in any other way goes.
      client.release(failure instanceof ProjectionError && failure.code === 'UNAVAILABLE')
    }
  }

  async lock(name: string): Promise<SqlSession | null> {
    // A standby asks often: it gets a connection of its own only when there is something to hold by it.
    const [free] = await this.write((connection) =>
      connection.query('SELECT pg_try_advisory_xact_lock(hashtext($1), hashtext($2)) AS held', [this.#schema, name]),
    )
    if (free?.held !== 't') return null
    const client = new pg.Client(this.#config)
    let broken: unknown = null
    client.on('error', (error) => {
      broken ??= error
    })
    try {
      await client.connect()
      // Held by the connection itself: where it ends, however that happens, the server gives the lock to the next.
      const { rows } = await client.query('SELECT pg_try_advisory_lock(hashtext($1), hashtext($2)) AS held', [this.#schema, name])
      if (rows[0].held !== 't') {
        await ended(client)
        return null
      }
    } catch (error) {
      await ended(client)
      throw errorOf(error)
    }
    let tail: Promise<unknown> = Promise.resolve()
    return {
      transaction: (work) => {
        const result = tail.then(async () => {
          if (broken !== null) throw errorOf(broken)
          return await transaction(client, 'BEGIN', work)
        })
        tail = result.catch(() => {})
        return result
      },
      close: async () => {
        await tail
        await ended(client)
      },
    }
  }

  async createTable(connection: SqlConnection, table: string): Promise<void> {
    // JSON and not JSONB: the text stays as it was written, and a zero character in it is taken.
    await connection.query(`CREATE TABLE ${quoted(table)} (key TEXT COLLATE "C" PRIMARY KEY, row JSON NOT NULL)`)
  }

  async putView(connection: SqlConnection, view: string, table: string): Promise<void> {
    await connection.query(`CREATE OR REPLACE VIEW ${quoted(view)} AS SELECT key, row FROM ${quoted(table)}`)
  }

  /** PostgreSQL checks its own pages. */
  checksumOf(): string {
    return ''
  }

  checked(rows: readonly SqlRow[]): readonly SqlRow[] {
    return rows
  }

  async select(connection: SqlConnection, table: string, keys: readonly string[]): Promise<readonly SqlRow[]> {
    return await connection.query(`SELECT key, row FROM ${quoted(table)} WHERE key = ANY($1::text[])`, [keys])
  }

  async upsert(connection: SqlConnection, table: string, rows: readonly { readonly key: string; readonly text: string }[]): Promise<void> {
    await connection.query(
      `INSERT INTO ${quoted(table)} SELECT key, row::json FROM unnest($1::text[], $2::text[]) AS given (key, row)
       ON CONFLICT (key) DO UPDATE SET row = excluded.row`,
      [rows.map(({ key }) => key), rows.map(({ text }) => text)],
    )
  }

  async remove(connection: SqlConnection, table: string, keys: readonly string[]): Promise<void> {
    await connection.query(`DELETE FROM ${quoted(table)} WHERE key = ANY($1::text[])`, [keys])
  }

  isMissingTable(error: unknown): boolean {
    const cause = error instanceof ProjectionError ? error.cause : error
    return sqlStateOf(cause) === '42P01'
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

/** Says goodbye, and hangs up on a server that does not answer. */
async function ended(client: pg.Client): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, goodbyeMs)
  await Promise.race([client.end().catch(() => {}), promise])
  clearTimeout(timer)
  client.connection.stream.destroy()
}

type Queryable = Pick<pg.ClientBase, 'query'>

async function transaction<Result>(
  client: Queryable,
  begin: string,
  work: (connection: SqlConnection) => Promise<Result>,
): Promise<Result> {
  const connection: SqlConnection = {
    query: async (sql, parameters) => (await client.query(sql, parameters as SqlValue[] | undefined)).rows as SqlRow[],
  }
  try {
    await client.query(begin)
    const result = await work(connection)
    await client.query('COMMIT')
    return result
  } catch (error) {
    // Where this fails too the connection is gone, and the server has rolled back, or will.
    await client.query('ROLLBACK').catch(() => {})
    throw errorOf(error)
  }
}

function sqlStateOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Wrong password, no such database or role, no right: waiting mends none of them. */
const misconfigured = /^(28|3D|42501|3F)/

/** Of a connection that was not made: with where and as whom, and never the password. */
function connectErrorOf(error: unknown, config: pg.ClientConfig): unknown {
  const { database, host, port, user } = new pg.Client(config)
  const place = `at ${host}:${port} (database ${database}, user ${user})`
  const message = error instanceof Error ? error.message : String(error)
  const isRefused = misconfigured.test(sqlStateOf(error) ?? '') || message.startsWith('SASL')
  return isRefused
    ? new ProjectionError('MISCONFIGURED', `PostgreSQL ${place} refuses: ${message}; see the address, user and password of the store`, {
        cause: error,
      })
    : new ProjectionError('UNAVAILABLE', `PostgreSQL ${place} cannot be reached or did not answer: ${message}`, { cause: error })
}

function errorOf(error: unknown): unknown {
  if (error instanceof ProjectionError) return error
  const state = sqlStateOf(error)
  const message = error instanceof Error ? error.message : String(error)
  if (state !== undefined && misconfigured.test(state))
    return new ProjectionError('MISCONFIGURED', `PostgreSQL refuses: ${message}; see the address and the rights of the store`, {
      cause: error,
    })
  // A broken statement is a bug of ours, or a table that is gone; the caller knows which.
  if (state !== undefined && /^(42|22|23)/.test(state)) return error
  return new ProjectionError('UNAVAILABLE', `PostgreSQL cannot be reached or did not answer: ${message}`, { cause: error })
}
