/** The contracts of the core's tests: accounts with rules, and one whose code does what contract code may not do. */
import { type ContractSet, contractSet, defineContract, none, refuse } from '@signalbox/contract'
import { z } from 'zod'

export const owner = { team: 'bank', contact: '#bank' }

export const account = defineContract({
  type: 'account',
  version: 3,
  owner,
  data: z.strictObject({ balance: z.int(), limit: z.int(), note: z.string() }),
  states: ['open', 'closed'],
  actions: {
    open: {
      from: none,
      to: 'open',
      input: z.strictObject({ limit: z.int().min(0) }),
      apply: ({ input }) => ({ balance: 0, limit: input.limit, note: '' }),
    },
    deposit: {
      from: 'open',
      conflict: 'commutative',
      input: z.strictObject({ by: z.int().positive() }),
      apply: ({ data, input }) => ({ ...data, balance: data.balance + input.by }),
    },
    withdraw: {
      from: 'open',
      input: z.strictObject({ by: z.int().positive() }),
      guard: ({ data, input }) => data.balance >= input.by || refuse('TOO_POOR', 'deposit first'),
      apply: ({ data, input }) => ({ ...data, balance: data.balance - input.by }),
    },
    annotate: {
      from: 'open',
      conflict: 'commutative',
      input: z.strictObject({ note: z.string() }),
      apply: ({ data, input }) => ({ ...data, note: input.note }),
    },
    // Takes from another account that the same intent must credit.
    send: {
      from: 'open',
      input: z.strictObject({ by: z.int().positive(), to: z.string() }),
      guard: ({ alongside, input }) => alongside(`account/${input.to}`, 'deposit')?.by === input.by,
      apply: ({ data, input }) => ({ ...data, balance: data.balance - input.by }),
    },
    // Only where another account, as it was before the intent, is closed.
    inherit: {
      from: 'open',
      conflict: 'commutative',
      input: z.strictObject({ of: z.string() }),
      guard: ({ input, read }) => read(`account/${input.of}`).state === 'closed',
    },
    close: { from: 'open', to: 'closed', by: ['manager', 'admin-*'], conflict: 'commutative' },
  },
  invariants: {
    notNegative: ({ data }) => data.balance >= 0,
    withinLimit: ({ data }) => data.balance <= data.limit,
  },
})

// By another name, as the check of contracts refuses what it can read.
const realm = globalThis as unknown as { readonly [name: string]: DateConstructor }
const clockName = 'Date'
const chance = Math as unknown as { readonly [name: string]: () => number }
const chanceName = 'random'

const promised = async () => {
  throw new Error('late')
}

let kept: (() => unknown) | null = null

export const faulty = defineContract({
  type: 'faulty',
  version: 1,
  owner,
  data: z.looseObject({ items: z.array(z.int()), note: z.string() }),
  states: ['open', 'shut'],
  actions: {
    open: { from: none, to: 'open', input: z.strictObject({ items: z.array(z.int()), note: z.string() }) },
    shut: { from: 'open', to: 'shut', conflict: 'commutative' },
    throwing: {
      from: 'open',
      conflict: 'commutative',
      guard: () => {
        throw new Error('the guard is broken')
      },
    },
    throwingNothing: {
      from: 'open',
      conflict: 'commutative',
      guard: () => {
        throw Object.create(null)
      },
    },
    promising: { from: 'open', conflict: 'commutative', guard: () => promised() as unknown as boolean },
    answeringText: { from: 'open', conflict: 'commutative', guard: () => 'yes' as unknown as boolean },
    readingClock: { from: 'open', conflict: 'commutative', guard: () => realm[clockName]!.now() > 0 },
    makingDate: { from: 'open', conflict: 'commutative', guard: () => new realm[clockName]!().getTime() > 0 },
    readingTime: { from: 'open', conflict: 'commutative', guard: ({ nowMs }) => new Date(nowMs).getTime() === nowMs },
    usingChance: { from: 'open', conflict: 'commutative', guard: () => chance[chanceName]!() >= 0 },
    refiningByClock: {
      from: 'open',
      conflict: 'commutative',
      input: z.strictObject({ at: z.int().refine((at) => realm[clockName]!.now() > at) }),
    },
    explainingByClock: {
      from: 'open',
      conflict: 'commutative',
      input: z.strictObject({ at: z.int({ error: () => `not at ${realm[clockName]!.now()}` }) }),
    },
    // Changes what it was given, and so must not change anything else.
    changing: {
      from: 'open',
      conflict: 'commutative',
      guard: ({ data, read, resource }) => {
        data.items.push(99)
        const view = read(resource)
        if (view.exists) (view.data.items as number[]).push(98)
        return true
      },
    },
    makingBigInt: { from: 'open', conflict: 'commutative', apply: ({ data }) => ({ ...data, big: 1n }) },
    makingNothing: { from: 'open', conflict: 'commutative', apply: () => undefined as never },
    keeping: {
      from: 'open',
      conflict: 'commutative',
      guard: ({ read }) => {
        kept = () => read('account/a')
        return true
      },
    },
    usingKept: { from: 'open', conflict: 'commutative', guard: () => kept!() !== null },
    refusingAtLength: { from: 'open', conflict: 'commutative', guard: () => refuse('x'.repeat(100_000), 'y'.repeat(100_000)) },
  },
  invariants: { few: ({ data }) => data.items.length < 3 },
})

export const contracts: ContractSet = contractSet([account, faulty])
