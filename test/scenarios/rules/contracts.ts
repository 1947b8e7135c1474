/** What the scenarios of the rules act on: one contract for each thing that a contract can ask for. */
import { type ContractSet, contractSet, defineContract, none, refuse } from '@signalbox/contract'
import { z } from 'zod'

const owner = { team: 'shop', contact: '#shop' }

/** Inventory that commutes; whoever finds too little may wait for more. */
const stock = defineContract({
  type: 'stock',
  version: 1,
  owner,
  data: z.strictObject({ left: z.int() }),
  states: ['kept'],
  actions: {
    keep: { from: none, to: 'kept', input: z.strictObject({ left: z.int() }) },
    take: {
      from: 'kept',
      conflict: 'commutative',
      input: z.strictObject({ by: z.int().positive() }),
      guard: ({ data, input }) => data.left >= input.by || refuse('TOO_FEW'),
      apply: ({ data, input }) => ({ left: data.left - input.by }),
    },
    add: {
      from: 'kept',
      conflict: 'commutative',
      input: z.strictObject({ by: z.int().positive() }),
      apply: ({ data, input }) => ({ left: data.left + input.by }),
    },
  },
  waiting: { queue: 3, bypasses: 2, deadlineMs: 60_000 },
})

/** A room that one agent at a time thinks about; a request that nobody answers is dropped by itself. */
const room = defineContract({
  type: 'room',
  version: 1,
  owner,
  data: z.strictObject({ guest: z.string() }),
  states: ['free', 'asked', 'taken'],
  actions: {
    open: { from: none, to: 'free', apply: () => ({ guest: '' }) },
    ask: {
      from: 'free',
      to: 'asked',
      conflict: 'commutative',
      input: z.strictObject({ guest: z.string() }),
      apply: ({ input }) => ({ guest: input.guest }),
    },
    keep: { from: 'asked', to: 'asked', conflict: 'commutative' },
    note: {
      from: 'asked',
      conflict: 'commutative',
      input: z.strictObject({ guest: z.string() }),
      apply: ({ input }) => ({ guest: input.guest }),
    },
    take: {
      from: ['free', 'asked'],
      to: 'taken',
      conflict: 'priority',
      input: z.strictObject({ guest: z.string() }),
      apply: ({ input }) => ({ guest: input.guest }),
    },
    drop: {
      from: 'asked',
      to: 'free',
      by: ['clock', 'desk'],
      conflict: 'commutative',
      guard: ({ data }) => data.guest !== 'king' || refuse('NOT_THE_KING'),
      apply: () => ({ guest: '' }),
    },
    leave: { from: 'taken', to: 'free', conflict: 'commutative', apply: () => ({ guest: '' }) },
  },
  after: { asked: { ms: 10_000, action: 'drop' } },
  reservation: { maxMs: 60_000 },
  maxPriority: 5,
  contradictions: { count: 2, to: 'front-desk' },
})

/** A profile whose fields are changed by several agents at a time. */
const profile = defineContract({
  type: 'profile',
  version: 1,
  owner,
  data: z.strictObject({ name: z.string(), phone: z.string() }),
  states: ['kept'],
  actions: {
    open: { from: none, to: 'kept', input: z.strictObject({ name: z.string(), phone: z.string() }) },
    name: {
      from: 'kept',
      conflict: 'merge',
      input: z.strictObject({ name: z.string() }),
      apply: ({ data, input }) => ({ ...data, ...input }),
    },
    phone: {
      from: 'kept',
      conflict: 'merge',
      input: z.strictObject({ phone: z.string() }),
      apply: ({ data, input }) => ({ ...data, ...input }),
    },
  },
})

/** Money: large sums need humans, paying is an effect in the world, and what was paid can be taken back. */
const refund = defineContract({
  type: 'refund',
  version: 1,
  owner: { team: 'payments', contact: '#payments' },
  data: z.strictObject({ cents: z.int().positive() }),
  states: ['requested', 'approved', 'paid', 'reversed'],
  actions: {
    request: { from: none, to: 'requested', input: z.strictObject({ cents: z.int().positive() }), amount: ({ input }) => input.cents },
    approve: {
      from: 'requested',
      to: 'approved',
      escalate: [
        { reason: 'VERY_LARGE', when: ({ data }) => data.cents > 100_000, to: 'leads', approvals: 2 },
        { reason: 'LARGE', when: ({ data }) => data.cents > 50_000, to: 'desk' },
        { reason: 'UNSURE', when: ({ confidence }) => confidence !== null && confidence < 0.5, to: 'leads' },
      ],
    },
    correct: { from: 'requested', input: z.strictObject({ cents: z.int().positive() }), apply: ({ input }) => input },
    pay: { from: 'approved', to: 'paid', effect: { reportWithinMs: 5_000, idempotent: false }, undo: 'reverse' },
    remind: { from: 'requested', conflict: 'commutative', effect: { reportWithinMs: 5_000, idempotent: true, attempts: 2 } },
    reverse: { from: 'paid', to: 'reversed' },
  },
  escalation: {
    levels: [
      { to: 'desk', withinMs: 10_000 },
      { to: 'leads', withinMs: 10_000 },
    ],
  },
})

/** What the warehouse's own system knows better than any agent. */
const shelf = defineContract({
  type: 'shelf',
  version: 1,
  owner,
  data: z.strictObject({ count: z.int(), place: z.string() }),
  states: ['kept'],
  actions: {
    state: {
      from: none,
      to: 'kept',
      by: ['warehouse'],
      input: z.strictObject({ count: z.int(), place: z.string(), at: z.int() }),
      apply: ({ input }) => ({ count: input.count, place: input.place }),
      fact: { fields: ['count', 'place'], version: ({ input }) => input.at },
    },
    correct: {
      from: 'kept',
      by: ['warehouse'],
      conflict: 'commutative',
      input: z.strictObject({ count: z.int(), place: z.string(), at: z.int() }),
      apply: ({ input }) => ({ count: input.count, place: input.place }),
      fact: { fields: ['count', 'place'], version: ({ input }) => input.at, escalateTo: 'stock-control' },
    },
    pick: {
      from: 'kept',
      conflict: 'commutative',
      input: z.strictObject({ by: z.int() }),
      apply: ({ data, input }) => ({ ...data, count: data.count - input.by }),
    },
  },
})

/** On trial: decided, logged, and not in force. */
const pilot = defineContract({
  type: 'pilot',
  version: 1,
  owner,
  shadow: true,
  data: z.strictObject({ n: z.int() }),
  states: ['open', 'shut'],
  actions: {
    open: { from: none, to: 'open', input: z.strictObject({ n: z.int() }) },
    shut: { from: 'open', to: 'shut', conflict: 'commutative' },
  },
})

export const contracts: ContractSet = contractSet([stock, room, profile, refund, shelf, pilot])
