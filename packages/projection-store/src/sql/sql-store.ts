/** A store on a SQL database: the same statements for SQLite and PostgreSQL, so that both mean the same. */
import { ProjectionError } from '@signalbox/projection'
import type { ProjectionStore, ProjectionWriter, Snapshot, StoredGeneration, StoredProjection, StoredRequest } from '../store.ts'
import { missingGeneration, missingTable } from '../store-errors.ts'
import { quoted, type SqlConnection, type SqlDatabase, type SqlRow, type SqlSession } from './sql.ts'
import { parkedOf, SqlWriter, tableName } from './sql-writer.ts'

const snapshotAttempts = 5

export class SqlStore implements ProjectionStore {
  readonly #database: SqlDatabase
  readonly #sessions = new Set<SqlSession>()
  #isClosed = false

  constructor(database: SqlDatabase) {
    this.#database = database
  }

  get name(): string {
    return this.#database.name
  }

  async own(projection: string, version: number): Promise<ProjectionWriter | null> {
    this.#checkOpen()
    const owned = `${projection}@${version}`
    const session = await this.#database.lock(owned)
    if (session === null) return null
    this.#sessions.add(session)
    const close = async (): Promise<void> => {
      this.#sessions.delete(session)
      await session.close()
    }
    try {
      const [row] = await session.transaction(async (connection) => {
        const sql = 'INSERT INTO owner VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET epoch = owner.epoch + 1 RETURNING epoch'
        const rows = await connection.query(sql, [owned])
        // Whoever numbers partitions anew cannot fence an owner that it does not see yet: who becomes one waits until that is done.
        await connection.query(`SELECT live FROM projection WHERE name = $1${this.#database.forUpdate}`, [projection])
        return rows
      })
      return new SqlWriter({ database: this.#database, session, projection, owned, epoch: Number(row!.epoch), close })
    } catch (error) {
      await close()
      throw error
    }
  }

  async projections(): Promise<readonly StoredProjection[]> {
    this.#checkOpen()
    return await this.#database.snapshot(async (connection) => {
      const names = await connection.query('SELECT name FROM projection')
      const found: StoredProjection[] = []
      for (const { name } of names) found.push((await describeProjection(connection, `${name}`))!)
      return found.sort((a, b) => (a.name < b.name ? -1 : 1))
    })
  }

  async projection(name: string): Promise<StoredProjection | null> {
    this.#checkOpen()
    return await this.#database.snapshot((connection) => describeProjection(connection, name))
  }

  async snapshot<Result>(name: string, generation: number | null, ask: (snapshot: Snapshot) => Promise<Result>): Promise<Result> {
    this.#checkOpen()
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#database.snapshot((connection) => this.#ask(connection, name, generation, ask))
      } catch (error) {
        // The generation was live when it was looked up and dropped when it was read: now another one is.
        if (!this.#database.isMissingTable(error)) throw error
        if (attempt >= snapshotAttempts)
          throw new ProjectionError('CORRUPT', `a table of projection ${name} is gone; rebuild it`, { cause: error })
      }
    }
  }

  async #ask<Result>(
    connection: SqlConnection,
    name: string,
    generation: number | null,
    ask: (snapshot: Snapshot) => Promise<Result>,
  ): Promise<Result> {
    const stored = await describeProjection(connection, name)
    const number = generation ?? stored?.live
    const found = stored?.generations.find((each) => each.generation === number)
    if (found === undefined) throw missingGeneration(name, generation)
    const tableOf = (table: string): string => {
      if (!found.tables.includes(table)) throw missingTable(name, table, found.tables)
      return tableName(name, table, found.generation)
    }
    return await ask({
      generation: found,
      row: async (table, key) => {
        const [row] = await this.#database.select(connection, tableOf(table), [key])
        return row === undefined ? null : `${row.row}`
      },
      rows: async (table, { after, limit, prefix = '' }) => {
        const conditions = ['key > $1', ...(prefix === '' ? [] : ['key >= $3', 'key < $4'])]
        const stored = tableOf(table)
        const sql = `SELECT key, row${this.#database.checksumOf(stored)} FROM ${quoted(stored)} WHERE ${conditions.join(' AND ')} ORDER BY key LIMIT $2`
        const rows = await connection.query(sql, [after ?? '', limit, ...(prefix === '' ? [] : [prefix, behindPrefix(prefix)])])
        return this.#database.checked(rows).map(({ key, row }) => ({ key: `${key}`, text: `${row}` }))
      },
      parked: async ({ after, key, limit }) => {
        const rows = await connection.query(
          'SELECT * FROM parked WHERE projection = $1 AND generation = $2 AND sequence > $3 AND ($4 = 0 OR key = $5) ORDER BY sequence LIMIT $6',
          [name, found.generation, after ?? 0, key === undefined ? 0 : 1, key ?? '', limit],
        )
        return rows.map(parkedOf)
      },
    })
  }

  async ask(projection: string, kind: StoredRequest['kind'], argument: string | null): Promise<number> {
    this.#checkOpen()
    const [row] = await this.#database.write((connection) =>
      connection.query("INSERT INTO request (projection, kind, argument, state) VALUES ($1, $2, $3, 'asked') RETURNING id", [
        projection,
        kind,
        argument,
      ]),
    )
    return Number(row!.id)
  }

  async request(id: number): Promise<StoredRequest | null> {
    this.#checkOpen()
    const [row] = await this.#database.snapshot((connection) => connection.query('SELECT * FROM request WHERE id = $1', [id]))
    return row === undefined ? null : requestOf(row)
  }

  async open(projection: string): Promise<readonly StoredRequest[]> {
    this.#checkOpen()
    const rows = await this.#database.snapshot((connection) =>
      connection.query("SELECT * FROM request WHERE projection = $1 AND state IN ('asked', 'running') ORDER BY id", [projection]),
    )
    return rows.map(requestOf)
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await Promise.all([...this.#sessions].map((session) => session.close()))
    await this.#database.close()
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ProjectionError('CLOSED', `the ${this.name} store is closed; open it again to go on`)
  }
}

const lastCodePoint = 0x10ffff

/** The first text behind all that begin with the prefix, in the order of UTF-8 bytes. */
function behindPrefix(prefix: string): string {
  const points = [...prefix].map((character) => character.codePointAt(0)!)
  while (points.at(-1) === lastCodePoint) points.pop()
  // No key is longer than this one in its first character.
  if (points.length === 0) return String.fromCodePoint(lastCodePoint).repeat(1_001)
  const next = points.pop()! + 1
  // Halves of pairs are no characters.
  return String.fromCodePoint(...points, next === 0xd800 ? 0xe000 : next)
}

function requestOf(row: SqlRow): StoredRequest {
  return {
    id: Number(row.id),
    projection: `${row.projection}`,
    kind: row.kind as StoredRequest['kind'],
    argument: row.argument as string | null,
    state: row.state as StoredRequest['state'],
    message: row.message as string | null,
  }
}

async function describeProjection(connection: SqlConnection, name: string): Promise<StoredProjection | null> {
  const [projection] = await connection.query('SELECT live FROM projection WHERE name = $1', [name])
  if (projection === undefined) return null
  const generations = await connection.query('SELECT * FROM generation WHERE projection = $1 ORDER BY generation', [name])
  const positions = await connection.query('SELECT * FROM position WHERE projection = $1 ORDER BY generation, part', [name])
  const parked = await connection.query('SELECT generation, count(*) AS count FROM parked WHERE projection = $1 GROUP BY generation', [
    name,
  ])
  const reactions = await connection.query('SELECT log_offset FROM reaction WHERE projection = $1 ORDER BY part', [name])
  return {
    name,
    live: projection.live === null ? null : Number(projection.live),
    generations: generations.map((row) => {
      const ofIt = (other: SqlRow) => Number(other.generation) === Number(row.generation)
      return generationOf(row, positions.filter(ofIt), Number(parked.find(ofIt)?.count ?? 0))
    }),
    reactions: reactions.map(({ log_offset }) => Number(log_offset)),
  }
}

export function generationOf(row: SqlRow, positions: readonly SqlRow[], parkedCount: number): StoredGeneration {
  return {
    generation: Number(row.generation),
    version: Number(row.version),
    fingerprint: `${row.fingerprint}`,
    tables: JSON.parse(`${row.tables}`) as string[],
    state: row.state as StoredGeneration['state'],
    createdMs: Number(row.created_ms),
    positions: positions.map(({ chain_offset, link, log_offset }) => ({
      logOffset: Number(log_offset),
      chainOffset: Number(chain_offset),
      link: link as string | null,
    })),
    parkedCount,
  }
}
