/** The three stores, made for a test alone. */
import type { ConformanceStore } from '@signalbox/projection-store/conformance'
import type { TestPostgres } from '../../../projection-postgres/test/support/postgres.ts'
import { makePostgresStore } from '../../../projection-postgres/test/support/postgres-store.ts'
import { makeSqliteStore } from '../../../projection-sqlite/test/support/sqlite-store.ts'
import { makeMemoryStore } from '../../../projection-store/test/support/memory-store.ts'

/** Each by its name; the PostgreSQL is that of `usePostgres`. */
export function allStores(postgres: TestPostgres): readonly (readonly [string, () => Promise<ConformanceStore>])[] {
  return [
    ['memory', () => makeMemoryStore()],
    ['SQLite', makeSqliteStore],
    ['PostgreSQL', () => makePostgresStore(postgres)],
  ]
}
