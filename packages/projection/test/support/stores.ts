/** The three stores, made for a test alone. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { MemoryStore, openPostgresStore, openSqliteStore, type ProjectionStore } from '@signalbox/projection'
import type { ConformanceStore } from '@signalbox/projection/conformance'
import pg from 'pg'
import type { TestPostgres } from './postgres.ts'

const overtaking = 'UPDATE owner SET epoch = epoch + 1 WHERE name ='

export async function makeMemoryStore(store = new MemoryStore()): Promise<ConformanceStore> {
  return {
    store,
    reopen: async () => store,
    async overtake(projection, version) {
      store.expire(projection, version)
      await store.own(projection, version)
    },
    destroy: () => store.close(),
  }
}

export async function makeSqliteStore(): Promise<ConformanceStore> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-projection-'))
  const opened: ProjectionStore[] = []
  const open = () => {
    const store = openSqliteStore({ directory })
    opened.push(store)
    return store
  }
  return {
    store: open(),
    reopen: async () => open(),
    async overtake(projection, version) {
      const database = new DatabaseSync(join(directory, 'projections.db'))
      database.prepare(`${overtaking} ?`).run(`${projection}@${version}`)
      database.close()
    },
    async destroy() {
      await Promise.all(opened.map((store) => store.close()))
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

export async function makePostgresStore(postgres: TestPostgres): Promise<ConformanceStore> {
  const { url } = postgres
  const schema = postgres.schema()
  const opened: ProjectionStore[] = []
  const open = async () => {
    const store = await openPostgresStore({ url, schema })
    opened.push(store)
    return store
  }
  const administer = async (sql: string, parameters: string[] = []) => {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query(sql, parameters)
    await client.end()
  }
  return {
    store: await open(),
    reopen: open,
    overtake: (projection, version) =>
      administer(overtaking.replace('owner', `${schema}.owner`).concat(' $1'), [`${projection}@${version}`]),
    async destroy() {
      await Promise.all(opened.map((store) => store.close()))
      await administer(`DROP SCHEMA ${schema} CASCADE`)
    },
  }
}

/** Each by its name; the PostgreSQL is that of `usePostgres`. */
export function allStores(postgres: TestPostgres): readonly (readonly [string, () => Promise<ConformanceStore>])[] {
  return [
    ['memory', () => makeMemoryStore()],
    ['SQLite', makeSqliteStore],
    ['PostgreSQL', () => makePostgresStore(postgres)],
  ]
}
