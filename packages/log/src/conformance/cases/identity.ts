import assert from 'node:assert/strict'
import type { ConformanceCase } from '../harness.ts'
import { batch, openWriter, within } from '../support.ts'

export const identityCases: readonly ConformanceCase[] = [
  {
    name: 'has an id that stays the same for every handle and over closing, and is that of no other log',
    partitionCount: 1,
    async runOnOwnStore({ harness, patienceMs, store }) {
      const first = await store.open()
      const { id } = first
      assert.match(id, /^[A-Za-z0-9._-]{1,320}$/)
      const writer = await openWriter(first, 0)
      await within(patienceMs, 'an event', writer.append(batch('something')))
      assert.equal(first.id, id, 'what is appended leaves the id as it is')
      const reader = await store.openReader?.()
      if (reader !== undefined) {
        assert.equal(reader.id, id, 'who only reads sees the same id')
        await reader.close()
      }
      await first.close()
      const again = await store.open()
      assert.equal(again.id, id, 'it is the same after closing')
      await again.close()
      const other = await harness.createStore({ partitionCount: 1 })
      try {
        const log = await other.open()
        assert.notEqual(log.id, id, 'another log has another id')
        await log.close()
      } finally {
        await other.destroy()
      }
    },
  },
]
