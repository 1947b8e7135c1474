import { conformanceCases } from '@signalbox/projection-store/conformance'
import { describe, it } from 'vitest'
import { usePostgres } from './support/postgres.ts'
import { makePostgresStore } from './support/postgres-store.ts'

const postgres = usePostgres()

describe('a store in PostgreSQL keeps its promises:', () => {
  it.each(conformanceCases)('$name', async ({ run }) => {
    const made = await makePostgresStore(postgres)
    try {
      await run(made)
    } finally {
      await made.destroy()
    }
  })
})
