/** Contracts that are about coordination: facts and edits that merge, consent of several people, a contract on trial. */
import { defineContract } from '@signalbox/contract'
import { z } from 'zod'

const owner = { team: 'simulation', contact: '#simulation' }
const count = z.int().min(1).max(20)

/** What a shop shows: a system of record states the price, and agents edit one field at a time, none of which is in another's way. */
export const listing = defineContract({
  type: 'listing',
  version: 1,
  owner,
  data: z.strictObject({ price: z.int(), rank: z.int(), stars: z.int() }),
  states: ['known'],
  actions: {
    state: {
      from: ['none', 'known'],
      to: 'known',
      conflict: 'commutative',
      input: z.strictObject({ price: count, version: count }),
      fact: { fields: ['price'], version: ({ input }) => input.version, escalateTo: 'buyers' },
      apply: ({ data, input }) => ({ rank: data?.rank ?? 1, stars: data?.stars ?? 1, price: input.price }),
    },
    reprice: {
      from: 'known',
      conflict: 'merge',
      input: z.strictObject({ price: count }),
      apply: ({ data, input }) => ({ ...data, ...input }),
    },
    promote: {
      from: 'known',
      conflict: 'merge',
      input: z.strictObject({ rank: count }),
      apply: ({ data, input }) => ({ ...data, ...input }),
    },
    rate: {
      from: 'known',
      conflict: 'merge',
      input: z.strictObject({ stars: count }),
      apply: ({ data, input }) => ({ ...data, ...input }),
    },
  },
})

/** Money that one or two people must agree to, whoever asked; its effect may be asked for again. */
export const payout = defineContract({
  type: 'payout',
  version: 1,
  owner,
  data: z.strictObject({ amount: z.int() }),
  states: ['asked', 'paid'],
  actions: {
    ask: { from: 'none', to: 'asked', input: z.strictObject({ amount: count }) },
    raise: { from: 'asked', input: z.strictObject({ amount: count }), apply: ({ input }) => input },
    pay: {
      from: 'asked',
      to: 'paid',
      amount: ({ data }) => data.amount,
      effect: { reportWithinMs: 3_000, idempotent: true, attempts: 2 },
      escalate: [
        { reason: 'BOTH', to: 'board', approvals: 2, when: ({ data }) => data.amount > 10 },
        { reason: 'ONE', to: 'board', when: ({ data }) => data.amount > 5 },
      ],
    },
    reset: { from: 'paid', to: 'asked', conflict: 'commutative' },
  },
  escalation: { levels: [{ to: 'leads', withinMs: 9_000 }], separationOfDuties: false },
})

/** On trial: decided, and nothing of it in force. */
export const trial = defineContract({
  type: 'trial',
  version: 1,
  owner,
  data: z.strictObject({ size: z.int() }),
  states: ['running', 'paused'],
  actions: {
    begin: { from: 'none', to: 'running', input: z.strictObject({ size: count }) },
    grow: {
      from: 'running',
      conflict: 'commutative',
      input: z.strictObject({ size: count }),
      apply: ({ data, input }) => ({ size: data.size + input.size }),
    },
    pause: { from: 'running', to: 'paused', conflict: 'commutative' },
  },
  invariants: { small: ({ data }) => data.size <= 30 },
  after: { running: { ms: 5_000, action: 'pause' } },
  shadow: true,
})
