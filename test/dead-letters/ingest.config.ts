/** A shop whose orders come from a system of record, of which one kind cannot be read until SOURCE says that the map is mended. */
import { defineConfig, defineSource } from '@signalbox/contract'
import { order, stock } from '../support/shop.ts'

export const tills = defineSource({
  name: 'tills',
  topic: 'erp.tills',
  agent: 'till',
  map: ({ value }) => {
    const { cents, id } = value as { id: string; cents: number | string }
    if (id === 'nothing' && process.env.SOURCE === 'mended') return null
    if (typeof cents !== 'number' && process.env.SOURCE !== 'mended') throw new Error('the amount is a text')
    return { scope: 'shop-1', actions: [{ resource: `order/${id}`, action: 'open', input: { cents: Number(cents) } }] }
  },
})

export default defineConfig({ contracts: [order, stock], sources: [tills] })
