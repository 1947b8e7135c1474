import { conformanceCases } from '@signalbox/projection-store/conformance'
import { describe, it } from 'vitest'
import { makeSqliteStore } from './support/sqlite-store.ts'

describe('a store in SQLite keeps its promises:', () => {
  it.each(conformanceCases)('$name', async ({ run }) => {
    const made = await makeSqliteStore()
    try {
      await run(made)
    } finally {
      await made.destroy()
    }
  })
})
