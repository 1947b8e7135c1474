import { type ConformanceStore, conformanceCases } from '@signalbox/projection/conformance'
import { describe, it } from 'vitest'
import { usePostgres } from './support/postgres.ts'
import { makeMemoryStore, makePostgresStore, makeSqliteStore } from './support/stores.ts'

const postgres = usePostgres()
const stores: readonly (readonly [string, () => Promise<ConformanceStore>])[] = [
  ['memory', () => makeMemoryStore()],
  ['SQLite', makeSqliteStore],
  ['PostgreSQL', () => makePostgresStore(postgres)],
]

describe.each(stores)('a store in %s keeps its promises:', (_name, make) => {
  it.each(conformanceCases)('$name', async ({ run }) => {
    const made = await make()
    try {
      await run(made)
    } finally {
      await made.destroy()
    }
  })
})
