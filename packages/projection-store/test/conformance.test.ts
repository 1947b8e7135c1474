import { conformanceCases } from '@signalbox/projection-store/conformance'
import { describe, it } from 'vitest'
import { makeMemoryStore } from './support/memory-store.ts'

describe('a store in memory keeps its promises:', () => {
  it.each(conformanceCases)('$name', async ({ run }) => {
    const made = await makeMemoryStore()
    try {
      await run(made)
    } finally {
      await made.destroy()
    }
  })
})
