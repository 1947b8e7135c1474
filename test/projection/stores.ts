/** A store by its address: `postgres://...#SCHEMA`, or the folder of a SQLite file. */
import { openPostgresStore, openSqliteStore, type ProjectionStore } from '@signalbox/projection'

export async function openStore(address: string): Promise<ProjectionStore> {
  if (!address.startsWith('postgres://')) return openSqliteStore({ directory: address })
  const url = new URL(address)
  const schema = url.hash.slice(1)
  url.hash = ''
  return await openPostgresStore({ url: url.href, schema })
}
