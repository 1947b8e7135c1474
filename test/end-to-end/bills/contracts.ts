/** Bills, first in euros, then in cents: what a change of a contract looks like. */
import { defineContract, none } from '@signalbox/contract'
import { z } from 'zod'

const owner = { team: 'till', contact: '#till' }
const euros = z.strictObject({ euros: z.int() })
const cents = z.strictObject({ cents: z.int() })

export const first = defineContract({
  type: 'bill',
  version: 1,
  owner,
  data: euros,
  states: ['open', 'closed'],
  actions: {
    open: { from: none, to: 'open', input: euros },
    add: {
      from: 'open',
      conflict: 'commutative',
      input: euros,
      guard: ({ data }) => data.euros < 10,
      apply: ({ data, input }) => ({ euros: data.euros + input.euros }),
    },
    close: { from: 'open', to: 'closed', conflict: 'commutative' },
    reopen: { from: 'closed', to: 'open', conflict: 'commutative' },
  },
  after: { closed: { ms: 86_400_000, action: 'reopen' } },
})

/** `closed` is called `settled` now, and nothing reopens it. */
function inCents(version: number, upcast: Parameters<typeof defineContract>[0]['upcast']) {
  return defineContract({
    type: 'bill',
    version,
    owner,
    data: cents,
    states: ['open', 'settled'],
    actions: {
      open: { from: none, to: 'open', input: cents },
      plus: { from: 'open', conflict: 'commutative', input: cents, apply: ({ data, input }) => ({ cents: data.cents + input.cents }) },
      settle: { from: 'open', to: 'settled', conflict: 'commutative' },
      reopen: { from: 'settled', to: 'open', by: ['clock'], conflict: 'commutative' },
    },
    ...(upcast === undefined ? {} : { upcast }),
  })
}

export const careless = inCents(2, undefined)
export const sameVersion = inCents(1, undefined)
export const second = inCents(2, {
  1: {
    resource: ({ data, state }) => ({ state: state === 'closed' ? 'settled' : state, data: { cents: 100 * Number(data.euros) } }),
    action: ({ action, input }) => (action === 'add' ? { action: 'plus', input: { cents: 100 * Number(input.euros) } } : { action, input }),
  },
})
