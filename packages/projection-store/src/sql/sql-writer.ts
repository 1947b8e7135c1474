/** The transactions of an owner. Each begins by checking that it still is the owner, in that very transaction. */
import type { Event } from '@signalbox/contract'
import { ProjectionError } from '@signalbox/projection'
import type { ParkedEvent } from '@signalbox/projection/fold'
import {
  type Batch,
  beginning,
  type Mutation,
  type NewGeneration,
  type PartitionsInFront,
  type ProjectionWriter,
  type Release,
  type StoredGeneration,
  type StoredParkedEvent,
  type StoredRequest,
} from '../store.ts'
import { fencedError, notCaughtUp, partitionsMoved, positionMoved, supersededError } from '../store-errors.ts'
import { quoted, type SqlConnection, type SqlDatabase, type SqlRow, type SqlSession } from './sql.ts'

export interface SqlWriterOptions {
  readonly database: SqlDatabase
  readonly session: SqlSession
  readonly projection: string
  /** NAME@VERSION */
  readonly owned: string
  readonly epoch: number
  readonly close: () => Promise<void>
}

/** The table of a generation; the view without the number is that of the live one. */
export function tableName(projection: string, table: string, generation: number): string {
  return `${projection}.${table}.${generation}`
}

export class SqlWriter implements ProjectionWriter {
  readonly #options: SqlWriterOptions
  readonly epoch: number

  constructor(options: SqlWriterOptions) {
    this.#options = options
    this.epoch = options.epoch
  }

  async createGeneration(wanted: NewGeneration): Promise<StoredGeneration> {
    const { database, projection } = this.#options
    const { fingerprint, partitionCount, reactFrom, tables, version } = wanted
    return await this.#owned(async (connection) => {
      const [row] = await connection.query(
        `INSERT INTO projection VALUES ($1, NULL, 2) ON CONFLICT (name) DO UPDATE SET next_generation = projection.next_generation + 1
         RETURNING next_generation - 1 AS generation, live`,
        [projection],
      )
      const generation = Number(row!.generation)
      const state = row!.live === null ? 'live' : 'building'
      const createdMs = Date.now()
      await connection.query('INSERT INTO generation VALUES ($1, $2, $3, $4, $5, $6, $7)', [
        projection,
        generation,
        version,
        fingerprint,
        JSON.stringify(tables),
        state,
        createdMs,
      ])
      for (let partition = 0; partition < partitionCount; partition++) {
        await connection.query('INSERT INTO position VALUES ($1, $2, $3, 0, 0, NULL)', [projection, generation, partition])
        await connection.query('INSERT INTO reaction VALUES ($1, $2, $3) ON CONFLICT (projection, part) DO NOTHING', [
          projection,
          partition,
          reactFrom[partition] ?? 0,
        ])
      }
      for (const table of tables) await database.createTable(connection, tableName(projection, table, generation))
      if (state === 'live') await this.#makeLive(connection, generation, tables)
      const positions = Array.from({ length: partitionCount }, () => beginning)
      return { generation, version, fingerprint, tables, state, createdMs, positions, parkedCount: 0 }
    })
  }

  async parkedKeys(generation: number): Promise<ReadonlyMap<string, { readonly first: string; readonly count: number }>> {
    const rows = await this.#owned((connection) =>
      connection.query(
        `SELECT parked.key, reference, count FROM parked JOIN (SELECT min(sequence) AS first, count(*) AS count FROM parked
         WHERE projection = $1 AND generation = $2 GROUP BY key) AS firsts ON firsts.first = parked.sequence`,
        [this.#options.projection, generation],
      ),
    )
    return new Map(rows.map(({ count, key, reference }) => [`${key}`, { first: `${reference}`, count: Number(count) }]))
  }

  async load(generation: number, table: string, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const { database, projection, session } = this.#options
    const rows = await session.transaction((connection) => database.select(connection, tableName(projection, table, generation), keys))
    return new Map(rows.map(({ key, row }) => [`${key}`, `${row}`]))
  }

  async commit({ fromOffset, generation, mutations, parked, partition, position }: Batch): Promise<void> {
    const { projection } = this.#options
    await this.#owned(async (connection) => {
      await this.#checkWritable(connection, generation)
      const moved = await connection.query(
        `UPDATE position SET log_offset = $1, chain_offset = $2, link = $3
         WHERE projection = $4 AND generation = $5 AND part = $6 AND log_offset = $7 RETURNING part`,
        [position.logOffset, position.chainOffset, position.link, projection, generation, partition, fromOffset],
      )
      if (moved.length !== 1) throw await this.#positionMoved(connection, generation, partition, fromOffset)
      await this.#apply(connection, generation, mutations)
      for (const each of parked) await this.#park(connection, generation, each)
    })
  }

  async release({ failure, generation, mutations, sequences }: Release): Promise<void> {
    await this.#owned(async (connection) => {
      await this.#checkWritable(connection, generation)
      await this.#apply(connection, generation, mutations)
      for (const sequence of sequences) await connection.query('DELETE FROM parked WHERE sequence = $1', [sequence])
      if (failure !== null)
        await connection.query('UPDATE parked SET cause = $1, stack = $2, behind = NULL WHERE sequence = $3', [
          storable(failure.cause),
          failure.stack === null ? null : storable(failure.stack),
          failure.sequence,
        ])
    })
  }

  async unannounced(generation: number, limit: number): Promise<readonly StoredParkedEvent[]> {
    const rows = await this.#owned((connection) =>
      connection.query('SELECT * FROM parked WHERE projection = $1 AND generation = $2 AND announced = 0 ORDER BY sequence LIMIT $3', [
        this.#options.projection,
        generation,
        limit,
      ]),
    )
    return rows.map(parkedOf)
  }

  async announced(_generation: number, sequences: readonly number[]): Promise<void> {
    await this.#owned(async (connection) => {
      for (const sequence of sequences) await connection.query('UPDATE parked SET announced = 1 WHERE sequence = $1', [sequence])
    })
  }

  async swap(generation: number): Promise<void> {
    const { database, projection } = this.#options
    await this.#owned(async (connection) => {
      const [found] = await connection.query(`SELECT live FROM projection WHERE name = $1${database.forUpdate}`, [projection])
      const live = found?.live === null || found === undefined ? null : Number(found.live)
      if (live === generation) return
      const rows = await connection.query(
        `SELECT generation, tables, state FROM generation WHERE projection = $1 ORDER BY generation${database.forUpdate}`,
        [projection],
      )
      const next = rows.find((row) => Number(row.generation) === generation)
      if (next === undefined || next.state === 'retired') throw supersededError(projection, generation)
      if (live !== null) await this.#checkCaughtUp(connection, live, generation)
      await connection.query("UPDATE generation SET state = 'retired' WHERE projection = $1 AND generation = $2", [projection, live])
      await connection.query("UPDATE generation SET state = 'live' WHERE projection = $1 AND generation = $2", [projection, generation])
      const tables = JSON.parse(`${next.tables}`) as string[]
      const before = rows.find((row) => Number(row.generation) === live)
      for (const table of before === undefined ? [] : (JSON.parse(`${before.tables}`) as string[])) {
        if (!tables.includes(table)) await connection.query(`DROP VIEW IF EXISTS ${quoted(`${projection}.${table}`)}`)
      }
      await this.#makeLive(connection, generation, tables)
    })
  }

  async #checkCaughtUp(connection: SqlConnection, live: number, generation: number): Promise<void> {
    const { database, projection } = this.#options
    const rows = await connection.query(
      `SELECT generation, part, log_offset FROM position WHERE projection = $1 AND generation IN ($2, $3) ORDER BY generation, part${database.forUpdate}`,
      [projection, live, generation],
    )
    const at = (number: number) => rows.filter((row) => Number(row.generation) === number).map((row) => Number(row.log_offset))
    const next = at(generation)
    for (const [partition, offset] of at(live).entries()) {
      if ((next[partition] ?? -1) < offset) throw notCaughtUp(projection, generation, partition, next[partition] ?? 0, offset)
    }
  }

  async drop(generation: number): Promise<void> {
    const { projection } = this.#options
    await this.#owned(async (connection) => {
      const [row] = await connection.query('SELECT state, tables FROM generation WHERE projection = $1 AND generation = $2', [
        projection,
        generation,
      ])
      if (row === undefined || row.state === 'live') return
      for (const from of ['position', 'parked', 'generation'])
        await connection.query(`DELETE FROM ${from} WHERE projection = $1 AND generation = $2`, [projection, generation])
      for (const table of JSON.parse(`${row.tables}`) as string[])
        await connection.query(`DROP TABLE IF EXISTS ${quoted(tableName(projection, table, generation))}`)
    })
  }

  async reacted(partition: number, logOffset: number): Promise<void> {
    await this.#owned((connection) =>
      connection.query('UPDATE reaction SET log_offset = $1 WHERE projection = $2 AND part = $3', [
        logOffset,
        this.#options.projection,
        partition,
      ]),
    )
  }

  async putInFront({ before, partitionCount, reactFrom }: PartitionsInFront): Promise<void> {
    const { owned, projection } = this.#options
    await this.#owned(async (connection) => {
      // First, as their own transactions begin with it: who waits for the other only waits.
      for (const { name } of await connection.query('SELECT name FROM owner ORDER BY name')) {
        if (name !== owned && `${name}`.startsWith(`${projection}@`))
          await connection.query('UPDATE owner SET epoch = epoch + 1 WHERE name = $1', [`${name}`])
      }
      await connection.query(`SELECT live FROM projection WHERE name = $1${this.#options.database.forUpdate}`, [projection])
      const [known] = await connection.query('SELECT count(*) AS count FROM reaction WHERE projection = $1', [projection])
      if (Number(known!.count) !== before) throw partitionsMoved(projection, before, Number(known!.count))
      for (const table of ['position', 'reaction', 'parked']) {
        // By way of numbers that none has: a key is checked row by row.
        await connection.query(`UPDATE ${table} SET part = -1 - (part + $1) WHERE projection = $2`, [partitionCount, projection])
        await connection.query(`UPDATE ${table} SET part = -1 - part WHERE projection = $1`, [projection])
      }
      const generations = await connection.query('SELECT generation FROM generation WHERE projection = $1', [projection])
      for (let partition = 0; partition < partitionCount; partition++) {
        for (const { generation } of generations)
          await connection.query('INSERT INTO position VALUES ($1, $2, $3, 0, 0, NULL)', [projection, Number(generation), partition])
        await connection.query('INSERT INTO reaction VALUES ($1, $2, $3)', [projection, partition, reactFrom])
      }
    })
  }

  async settle(request: number, state: StoredRequest['state'], message: string): Promise<void> {
    await this.#owned((connection) =>
      connection.query('UPDATE request SET state = $1, message = $2 WHERE id = $3', [state, storable(message), request]),
    )
  }

  async close(): Promise<void> {
    await this.#options.close()
  }

  /** A transaction that goes through only while this is the owner: the row stays locked until it ends. */
  async #owned<Result>(work: (connection: SqlConnection) => Promise<Result>): Promise<Result> {
    const { database, epoch, owned, session } = this.#options
    return await session.transaction(async (connection) => {
      const [row] = await connection.query(`SELECT epoch FROM owner WHERE name = $1${database.forUpdate}`, [owned])
      if (Number(row?.epoch) !== epoch) throw fencedError(owned)
      return await work(connection)
    })
  }

  async #checkWritable(connection: SqlConnection, generation: number): Promise<void> {
    const { database, projection } = this.#options
    const [row] = await connection.query(`SELECT state FROM generation WHERE projection = $1 AND generation = $2${database.forUpdate}`, [
      projection,
      generation,
    ])
    if (row === undefined || row.state === 'retired') throw supersededError(projection, generation)
  }

  async #positionMoved(connection: SqlConnection, generation: number, partition: number, from: number): Promise<ProjectionError> {
    const { projection } = this.#options
    const [row] = await connection.query('SELECT log_offset FROM position WHERE projection = $1 AND generation = $2 AND part = $3', [
      projection,
      generation,
      partition,
    ])
    if (row !== undefined) return positionMoved(projection, partition, from, Number(row.log_offset))
    return new ProjectionError(
      'MISCONFIGURED',
      `projection ${projection} was made for a log without partition ${partition}; use another store`,
    )
  }

  async #apply(connection: SqlConnection, generation: number, mutations: readonly Mutation[]): Promise<void> {
    const { database, projection } = this.#options
    const byTable = new Map<string, { puts: { key: string; text: string }[]; removed: string[] }>()
    for (const { key, table, text } of mutations) {
      const of = byTable.get(table) ?? { puts: [], removed: [] }
      byTable.set(table, of)
      if (text === null) of.removed.push(key)
      else of.puts.push({ key, text })
    }
    for (const [table, { puts, removed }] of byTable) {
      const name = tableName(projection, table, generation)
      if (puts.length > 0) await database.upsert(connection, name, puts)
      if (removed.length > 0) await database.remove(connection, name, removed)
    }
  }

  async #park(connection: SqlConnection, generation: number, parked: ParkedEvent): Promise<void> {
    await connection.query(
      `INSERT INTO parked (projection, generation, part, log_offset, reference, key, event, cause, stack, behind, announced, parked_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11)`,
      [
        this.#options.projection,
        generation,
        parked.partition,
        parked.logOffset,
        parked.reference,
        parked.key,
        JSON.stringify(parked.event),
        storable(parked.cause),
        parked.stack === null ? null : storable(parked.stack),
        parked.behind,
        Date.now(),
      ],
    )
  }

  async #makeLive(connection: SqlConnection, generation: number, tables: readonly string[]): Promise<void> {
    const { database, projection } = this.#options
    await connection.query('UPDATE projection SET live = $1 WHERE name = $2', [generation, projection])
    for (const table of tables) await database.putView(connection, `${projection}.${table}`, tableName(projection, table, generation))
  }
}

/** Messages come from anywhere: PostgreSQL takes no zero character and no half of a pair. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd')
}

export function parkedOf(row: SqlRow): StoredParkedEvent {
  return {
    sequence: Number(row.sequence),
    partition: Number(row.part),
    logOffset: Number(row.log_offset),
    reference: `${row.reference}`,
    key: `${row.key}`,
    event: JSON.parse(`${row.event}`) as Event,
    cause: `${row.cause}`,
    stack: row.stack as string | null,
    behind: row.behind as string | null,
    parkedMs: Number(row.parked_ms),
  }
}
