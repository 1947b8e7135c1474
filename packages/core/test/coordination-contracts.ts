/** Contracts that wait, keep time, merge, reserve, ask humans, have effects, state facts, or are in shadow. */
import { type ContractSet, contractSet, defineContract, none, refuse } from '@signalbox/contract'
import { z } from 'zod'
import { account, faulty, owner } from './contracts.ts'

/** Expires a minute after it was opened, two after it was parked. */
export const ticket = defineContract({
  type: 'ticket',
  version: 1,
  owner,
  data: z.strictObject({ note: z.string() }),
  states: ['open', 'parked', 'shut', 'expired'],
  actions: {
    open: { from: none, to: 'open', input: z.strictObject({ note: z.string() }) },
    touch: { from: ['open', 'parked'], conflict: 'commutative' },
    reopen: { from: ['open', 'parked'], to: 'open', conflict: 'commutative' },
    park: { from: 'open', to: 'parked', conflict: 'commutative' },
    shut: { from: ['open', 'parked'], to: 'shut', conflict: 'commutative' },
    expire: {
      from: ['open', 'parked'],
      to: 'expired',
      by: ['clock'],
      guard: ({ data }) => {
        if (data.note === 'broken') throw new Error('the guard is broken')
        return data.note !== 'stuck' || refuse('STUCK')
      },
    },
  },
  after: { open: { ms: 60_000, action: 'expire' }, parked: { ms: 120_000, action: 'expire' } },
})

export const seat = defineContract({
  type: 'seat',
  version: 1,
  owner,
  data: z.strictObject({ who: z.string(), left: z.int() }),
  states: ['free', 'taken'],
  actions: {
    open: { from: none, to: 'free', input: z.strictObject({ left: z.int() }), apply: ({ input }) => ({ who: '', left: input.left }) },
    book: {
      from: 'free',
      to: 'taken',
      conflict: 'commutative',
      input: z.strictObject({ who: z.string() }),
      apply: ({ data, input }) => ({ ...data, who: input.who }),
    },
    free: { from: 'taken', to: 'free', conflict: 'commutative' },
    use: {
      from: ['free', 'taken'],
      conflict: 'commutative',
      input: z.strictObject({ by: z.int().min(1) }),
      guard: ({ data, input }) => data.left >= input.by || refuse('USED_UP'),
      apply: ({ data, input }) => ({ ...data, left: data.left - input.by }),
    },
    fill: {
      from: ['free', 'taken'],
      conflict: 'commutative',
      input: z.strictObject({ by: z.int() }),
      apply: ({ data, input }) => ({ ...data, left: data.left + input.by }),
    },
    label: {
      from: ['free', 'taken'],
      input: z.strictObject({ who: z.string() }),
      apply: ({ data, input }) => ({ ...data, who: input.who }),
    },
    usurp: {
      from: ['free', 'taken'],
      conflict: 'priority',
      input: z.strictObject({ who: z.string() }),
      apply: ({ data, input }) => ({ ...data, who: input.who }),
    },
    // Only while another seat is free.
    follow: {
      from: 'free',
      to: 'taken',
      conflict: 'commutative',
      input: z.strictObject({ other: z.string() }),
      guard: ({ input, read }) => read(`seat/${input.other}`).state === 'free' || refuse('OTHER_TAKEN'),
    },
  },
  invariants: { few: ({ data }) => data.left <= 100 },
  waiting: { queue: 3, bypasses: 2, deadlineMs: 60_000 },
  reservation: { maxMs: 300_000 },
  maxPriority: 5,
  escalation: { levels: [{ to: 'leads', withinMs: 600_000 }] },
})

const text = z.strictObject({ title: z.string(), body: z.string(), tags: z.array(z.string()) })
export const page = defineContract({
  type: 'page',
  version: 1,
  owner,
  data: text,
  states: ['draft'],
  actions: {
    open: { from: none, to: 'draft', input: text },
    edit: {
      from: 'draft',
      conflict: 'merge',
      input: text.partial(),
      apply: ({ data, input }) => ({ ...data, ...input }) as z.output<typeof text>,
    },
  },
})

export const refund = defineContract({
  type: 'refund',
  version: 1,
  owner,
  data: z.strictObject({ cents: z.int() }),
  states: ['asked', 'paid', 'reversed'],
  actions: {
    ask: { from: none, to: 'asked', input: z.strictObject({ cents: z.int().min(0) }) },
    pay: {
      from: 'asked',
      to: 'paid',
      guard: ({ data }) => data.cents !== 13 || refuse('UNLUCKY'),
      escalate: [
        { reason: 'VERY_LARGE', when: ({ data }) => data.cents > 10_000, to: 'board', approvals: 2 },
        { reason: 'LARGE', when: ({ data }) => data.cents > 1_000, to: 'leads' },
        { reason: 'UNSURE', when: ({ confidence }) => confidence !== null && confidence < 0.5, to: 'head' },
      ],
      amount: ({ data }) => data.cents,
      effect: { reportWithinMs: 60_000, idempotent: false },
      undo: 'reverse',
    },
    remind: { from: 'asked', conflict: 'commutative', effect: { reportWithinMs: 60_000, idempotent: true, attempts: 2 } },
    change: {
      from: 'asked',
      conflict: 'commutative',
      input: z.strictObject({ cents: z.int().min(0) }),
      apply: ({ input }) => ({ cents: input.cents }),
    },
    correct: { from: 'asked', input: z.strictObject({ cents: z.int().min(0) }), apply: ({ input }) => ({ cents: input.cents }) },
    reverse: { from: 'paid', to: 'reversed' },
  },
  escalation: {
    levels: [
      { to: 'leads', withinMs: 600_000 },
      { to: 'head', withinMs: 1_200_000 },
    ],
  },
  contradictions: { count: 2, to: 'leads' },
})

const known = z.strictObject({ cents: z.int(), name: z.string(), at: z.int() })
const deepFact = z.strictObject({ at: z.int(), tree: z.json() })
export const price = defineContract({
  type: 'price',
  version: 1,
  owner,
  data: known,
  states: ['known'],
  actions: {
    learn: { from: none, to: 'known', by: ['erp'], input: known, fact: { fields: ['cents', 'name'], version: ({ input }) => input.at } },
    hear: {
      from: 'known',
      by: ['erp'],
      conflict: 'commutative',
      input: known,
      apply: ({ input }) => input,
      fact: { fields: ['cents', 'name'], version: ({ input }) => input.at, escalateTo: 'pricing' },
    },
    overhear: {
      from: 'known',
      conflict: 'commutative',
      input: known,
      apply: ({ input }) => input,
      fact: { fields: ['cents'], version: ({ input }) => input.at },
    },
    set: {
      from: 'known',
      conflict: 'commutative',
      input: z.strictObject({ cents: z.int() }),
      apply: ({ data, input }) => ({ ...data, ...input }),
    },
    nest: {
      from: 'known',
      conflict: 'commutative',
      input: deepFact,
      fact: { fields: ['tree'], version: ({ input }) => input.at },
    },
  },
})

/** In shadow: nothing of it is in force. */
export const pilot = defineContract({
  type: 'pilot',
  version: 1,
  owner,
  data: z.strictObject({ step: z.int() }),
  states: ['on', 'off'],
  actions: {
    start: { from: none, to: 'on', input: z.strictObject({ step: z.int() }) },
    step: {
      from: 'on',
      conflict: 'commutative',
      apply: ({ data }) => ({ step: data.step + 1 }),
      effect: { reportWithinMs: 60_000, idempotent: false },
    },
    stop: { from: 'on', to: 'off', conflict: 'commutative' },
  },
  after: { on: { ms: 60_000, action: 'stop' } },
  shadow: true,
})

export const coordinated: ContractSet = contractSet([account, faulty, page, pilot, price, refund, seat, ticket])
