/** The shop with a projection of its own, which cannot take one kind of order. */
import { defineConfig } from '@signalbox/contract'
import { defineProjection } from '@signalbox/projection'
import { z } from 'zod'
import { order, stock } from '../support/shop.ts'

const dear = defineProjection({
  name: 'dear-orders',
  version: 1,
  description: 'Orders of more than 10 euros',
  tables: { orders: z.strictObject({ cents: z.int(), state: z.string() }) },
  changes: {
    order: ({ data, id, state }, { orders }) => {
      const cents = data.cents as number
      if (cents === 666 && process.env.CURED !== 'yes') throw new Error('a cursed amount')
      if (cents > 1_000) orders.put(id, { cents, state })
    },
  },
})

export default defineConfig({ contracts: [order, stock], projections: [dear] })
