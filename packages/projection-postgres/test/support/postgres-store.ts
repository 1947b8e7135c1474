import { openPostgresStore } from '@signalbox/projection-postgres'
import type { ProjectionStore } from '@signalbox/projection-store'
import type { ConformanceStore } from '@signalbox/projection-store/conformance'
import pg from 'pg'
import type { TestPostgres } from './postgres.ts'

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
      administer(`UPDATE ${schema}.owner SET epoch = epoch + 1 WHERE name = $1`, [`${projection}@${version}`]),
    async destroy() {
      await Promise.all(opened.map((store) => store.close()))
      await administer(`DROP SCHEMA ${schema} CASCADE`)
    },
  }
}
