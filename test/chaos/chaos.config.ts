/** What the chaos suite decides about: shelves that commute within a capacity, and orders of which the first change wins. */
import { defineConfig, defineContract, none } from '@signalbox/contract'
import { z } from 'zod'

const owner = { team: 'chaos', contact: '#chaos' }

export const shelf = defineContract({
  type: 'shelf',
  version: 1,
  owner,
  data: z.strictObject({ left: z.int(), capacity: z.int() }),
  states: ['open'],
  actions: {
    open: {
      from: none,
      to: 'open',
      input: z.strictObject({ capacity: z.int().positive() }),
      apply: ({ input }) => ({ left: input.capacity, capacity: input.capacity }),
    },
    take: {
      from: 'open',
      conflict: 'commutative',
      input: z.strictObject({ count: z.int().positive() }),
      apply: ({ data, input }) => ({ ...data, left: data.left - input.count }),
    },
    give: {
      from: 'open',
      conflict: 'commutative',
      input: z.strictObject({ count: z.int().positive() }),
      apply: ({ data, input }) => ({ ...data, left: data.left + input.count }),
    },
  },
  invariants: {
    notNegative: ({ data }) => data.left >= 0,
    notOverfull: ({ data }) => data.left <= data.capacity,
  },
})

export const order = defineContract({
  type: 'order',
  version: 1,
  owner,
  data: z.strictObject({ cents: z.int() }),
  states: ['open'],
  actions: {
    open: {
      from: none,
      to: 'open',
      input: z.strictObject({ cents: z.int().positive() }),
      apply: ({ input }) => ({ cents: input.cents }),
    },
    amend: {
      from: 'open',
      input: z.strictObject({ cents: z.int().positive() }),
      apply: ({ input }) => ({ cents: input.cents }),
    },
  },
})

export default defineConfig({ contracts: [shelf, order] })
