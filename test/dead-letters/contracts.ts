/** Parcels on their way through a scope: first with a contract that throws at some of them, then with the mended one. */
import { defineContract, none } from '@signalbox/contract'
import { z } from 'zod'

const owner = { team: 'parcels', contact: '#parcels' }
const data = z.strictObject({ passed: z.array(z.int()) })

/** What its guard throws at. */
export const heavyPounds = 1_000

export const first = defineContract({
  type: 'belt',
  version: 1,
  owner,
  data,
  states: ['running'],
  actions: {
    start: { from: none, to: 'running', apply: () => ({ passed: [] }) },
    pass: {
      from: 'running',
      conflict: 'commutative',
      input: z.strictObject({ parcel: z.int(), pounds: z.int() }),
      guard: ({ input }) => {
        if (input.pounds >= 1_000) throw new Error(`no scale for parcel ${input.parcel} of ${input.pounds} pounds`)
        return true
      },
      apply: ({ data: { passed }, input }) => ({ passed: [...passed, input.parcel] }),
    },
  },
})

/** Weighs in grams, whatever it is. */
export const second = defineContract({
  type: 'belt',
  version: 2,
  owner,
  data,
  states: ['running'],
  actions: {
    start: { from: none, to: 'running', apply: () => ({ passed: [] }) },
    pass: {
      from: 'running',
      conflict: 'commutative',
      input: z.strictObject({ parcel: z.int(), grams: z.int() }),
      apply: ({ data: { passed }, input }) => ({ passed: [...passed, input.parcel] }),
    },
  },
  upcast: {
    1: {
      action: ({ action, input }) =>
        action === 'pass' ? { action, input: { parcel: input.parcel!, grams: 454 * Number(input.pounds) } } : { action, input },
    },
  },
})
