/**
 * The contracts of the simulated world. Small, and between them all that a decision may depend on: versions, commuting
 * actions, invariants, guards that read another resource, who may act, states, and code that throws.
 */
import { hash } from 'node:crypto'
import { contractRecords, contractSet, defaultLimits, defineContract, type Limits, refuse } from '@signalbox/contract'
import { z } from 'zod'
import { listing, payout, trial } from './coordination-contracts.ts'

const owner = { team: 'simulation', contact: '#simulation' }
const count = z.int().min(1).max(20)

/** So many of a thing: takers need not know of each other, the capacity decides. */
const stock = defineContract({
  type: 'stock',
  version: 1,
  owner,
  data: z.strictObject({ capacity: z.int(), taken: z.int() }),
  states: ['open', 'closed'],
  actions: {
    open: { from: 'none', to: 'open', input: z.strictObject({ capacity: count }), apply: ({ input }) => ({ ...input, taken: 0 }) },
    take: {
      from: 'open',
      conflict: 'commutative',
      input: z.strictObject({ count }),
      apply: ({ data, input }) => ({ ...data, taken: data.taken + input.count }),
    },
    giveBack: {
      from: ['open', 'closed'],
      conflict: 'commutative',
      input: z.strictObject({ count }),
      apply: ({ data, input }) => ({ ...data, taken: data.taken - input.count }),
    },
    close: { from: 'open', to: 'closed', by: ['agent-0', 'agent-1'] },
    reopen: { from: 'closed', to: 'open' },
  },
  invariants: {
    notOversold: ({ data }) => data.taken <= data.capacity,
    notBelowNothing: ({ data }) => data.taken >= 0,
  },
  waiting: { queue: 3, bypasses: 2, deadlineMs: 5_000 },
})

/** An account: whoever changes it must have seen it as it is. */
const account = defineContract({
  type: 'account',
  version: 1,
  owner,
  data: z.strictObject({ balance: z.int(), note: z.string() }),
  states: ['open', 'frozen'],
  actions: {
    open: { from: 'none', to: 'open', input: z.strictObject({ balance: count }), apply: ({ input }) => ({ ...input, note: '' }) },
    deposit: {
      from: ['open', 'frozen'],
      input: z.strictObject({ amount: count, note: z.string().max(200).default('') }),
      apply: ({ data, input }) => ({ balance: data.balance + input.amount, note: input.note }),
    },
    withdraw: {
      from: 'open',
      input: z.strictObject({ amount: count }),
      amount: ({ input }) => input.amount,
      apply: ({ data, input }) => ({ ...data, balance: data.balance - input.amount }),
    },
    freeze: { from: 'open', to: 'frozen' },
    thaw: { from: 'frozen', to: 'open' },
  },
  invariants: { covered: ({ data }) => data.balance >= 0 },
  contradictions: { count: 2, to: 'leads' },
})

/** A claim on an account of the same scope: its guard reads that account, and knows of a withdrawal in the same intent. */
const claim = defineContract({
  type: 'claim',
  version: 1,
  owner,
  data: z.strictObject({ account: z.string(), amount: z.int() }),
  states: ['filed', 'settled'],
  actions: {
    file: {
      from: 'none',
      to: 'filed',
      input: z.strictObject({ account: z.string().max(40), amount: count }),
      guard: ({ input, read }) => {
        const seen = read(account, input.account)
        return (
          (seen.exists && seen.state === 'open' && seen.data.balance >= input.amount) ||
          refuse('NOT_COVERED', 'the account does not cover it')
        )
      },
    },
    settle: {
      from: 'filed',
      to: 'settled',
      guard: ({ alongside, data }) => alongside(`account/${data.account}`, 'withdraw')?.amount === data.amount || refuse('NOT_PAID'),
    },
  },
})

/** Work whose code is broken for some inputs: it throws, and the intent becomes a dead letter. */
const job = defineContract({
  type: 'job',
  version: 1,
  owner,
  data: z.strictObject({ runs: z.int() }),
  states: ['ready'],
  actions: {
    create: { from: 'none', to: 'ready', apply: () => ({ runs: 0 }) },
    run: {
      from: 'ready',
      conflict: 'commutative',
      input: z.strictObject({ size: count }),
      apply: ({ data, input }) => {
        if (input.size % 5 === 0) throw new Error('this size was never tried')
        return { runs: data.runs + 1 }
      },
    },
  },
})

/** Money that goes back: an effect in the world, a human's consent for much of it, and an end by the clock. */
const refund = defineContract({
  type: 'refund',
  version: 1,
  owner,
  data: z.strictObject({ amount: z.int() }),
  states: ['requested', 'paid', 'lapsed'],
  actions: {
    request: { from: 'none', to: 'requested', input: z.strictObject({ amount: count }) },
    reopen: { from: ['lapsed', 'paid'], to: 'requested', conflict: 'commutative' },
    pay: {
      from: 'requested',
      to: 'paid',
      conflict: 'priority',
      effect: { reportWithinMs: 4_000, idempotent: false },
      escalate: [{ reason: 'LARGE', to: 'leads', when: ({ data }) => data.amount > 14 }],
    },
    lapse: { from: 'requested', to: 'lapsed', by: ['clock'] },
  },
  after: { requested: { ms: 9_000, action: 'lapse' } },
  maxPriority: 5,
  escalation: {
    levels: [
      { to: 'leads', withinMs: 3_000 },
      { to: 'owner', withinMs: 3_000 },
    ],
  },
})

export const simulatedContracts = contractSet([stock, account, claim, job, refund, listing, payout, trial])

/** Small, so that a short run reaches them. */
export const simulatedLimits: Limits = {
  ...defaultLimits,
  intentBytes: 4_096,
  actions: 4,
  identityHorizonMs: 2 * 3_600_000,
  windowMs: 10_000,
}

export const simulatedAgents = ['agent-*', 'producer', 'human:*'] as const

/** As every owner records them. */
export const simulatedContractRecords = contractRecords(simulatedContracts, (text) => hash('sha256', text, 'base64url'))
