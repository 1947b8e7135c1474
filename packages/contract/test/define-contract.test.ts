import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ContractError, contractRecords, contractSet, defineContract, none, refuse } from '../src/index.ts'

const owner = { team: 'payments', contact: '#payments' }
const amount = z.strictObject({ amountCents: z.int().positive() })

function minimal(more: Record<string, unknown> = {}) {
  // Contracts in JavaScript have no compiler: what it would refuse must be refused at start.
  const definition = {
    type: 'refund',
    version: 1,
    owner,
    data: amount,
    states: ['open'],
    actions: { open: { from: none, to: 'open', input: amount } },
    ...more,
  }
  return () => defineContract(definition as never)
}

describe('a contract that works', () => {
  it('is defined, with what was left out filled in', () => {
    const contract = minimal()()
    expect(contract.actions).toEqual({
      open: {
        from: ['none'],
        to: 'open',
        by: null,
        input: amount,
        conflict: 'version',
        guard: null,
        apply: null,
        escalate: [],
        effect: null,
        undo: null,
        amount: null,
        fact: null,
      },
    })
    expect(contract.coordination).toEqual({
      after: {},
      waiting: { queue: 64, bypasses: 16, deadlineMs: 60_000 },
      reservation: { maxMs: 600_000 },
      maxPriority: 0,
      escalation: { levels: [{ to: 'operators', withinMs: 3_600_000 }], separationOfDuties: true },
      contradictions: null,
      rounds: null,
      shadow: false,
      handoff: { requires: [] },
    })
  })
})

describe('a contract that cannot work is refused with a sentence that says where', () => {
  const open = { from: none, to: 'open', input: amount }
  it.each<[string, Record<string, unknown>, string]>([
    ['an unreachable state', { states: ['open', 'lost'] }, "contract refund@1: no chain of actions leads to the state 'lost'"],
    [
      'states that lead only to each other',
      { states: ['open', 'a', 'b'], actions: { open, ab: { from: 'a', to: 'b' }, ba: { from: 'b', to: 'a' } } },
      "the states 'a', 'b'",
    ],
    [
      'an action into an unknown state',
      { actions: { open, pay: { from: 'open', to: 'paid' } } },
      "contract refund@1, action pay: it leads to the state 'paid', which is not one of open",
    ],
    [
      'an action from an unknown state',
      { actions: { open, pay: { from: 'opened' } } },
      "contract refund@1, action pay: it starts from the state 'opened'",
    ],
    ['nothing that creates', { actions: { pay: { from: 'open', to: 'open' } } }, "no action starts from 'none'"],
    ['a state listed twice', { states: ['open', 'open'] }, "the state 'open' is listed twice"],
    ['a state called none', { states: ['none'] }, "a state cannot be called 'none'"],
    ['a creation into nowhere', { actions: { open: { from: none, input: amount } } }, "give 'to'"],
    ['a creation without data', { actions: { open: { from: none, to: 'open' } } }, "give 'input' or 'apply'"],
    ['from none and from a state at once', { actions: { open: { ...open, from: ['none', 'open'] } } }, 'make two actions of it'],
    [
      'an asynchronous refinement',
      { data: z.strictObject({ amountCents: z.int().refine(async () => true) }) },
      'contract refund@1, data, at data.amountCents: refinement: it is asynchronous',
    ],
    [
      'an asynchronous refinement deep inside',
      { data: z.strictObject({ lines: z.array(z.strictObject({ sku: z.string().refine(async () => true) }).nullable()) }) },
      'at data.lines[].sku: refinement',
    ],
    ['a promise', { data: z.strictObject({ later: z.promise(z.string()) }) }, 'at data.later: it is a promise'],
    [
      'a refinement that reads the clock',
      { data: z.strictObject({ until: z.number().refine((until) => until > Date.now()) }) },
      'at data.until: refinement: it reads the clock',
    ],
    [
      'an asynchronous guard',
      { actions: { open: { ...open, guard: async () => true } } },
      'contract refund@1, action open, guard: it is asynchronous',
    ],
    [
      'a guard that reads the clock',
      { actions: { open: { ...open, guard: () => new Date().getUTCDay() > 0 } } },
      'action open, guard: it reads the clock',
    ],
    [
      'an apply that uses chance',
      { actions: { open: { ...open, apply: () => ({ amountCents: Math.random() }) } } },
      'action open, apply: it uses chance',
    ],
    ['a guard that fetches', { actions: { open: { ...open, guard: () => fetch('http://127.0.0.1') } } }, 'it reaches outside'],
    [
      'an object that drops fields',
      { data: z.object({ amountCents: z.int() }) },
      'contract refund@1, data: at data: the object would drop unknown fields in silence',
    ],
    ['a date', { data: z.strictObject({ on: z.date() }) }, 'at data.on: JSON has no date'],
    ['a bigint', { data: z.strictObject({ amount: z.bigint() }) }, 'at data.amount: JSON has no bigint'],
    ['coercion', { data: z.strictObject({ amount: z.coerce.number() }) }, 'at data.amount: it coerces'],
    ['data that is no object', { data: z.string() }, 'contract refund@1, data: it is string; it must be an object'],
    ['nobody who may act', { actions: { open: { ...open, by: [] } } }, 'contract refund@1, action open: nobody may take it'],
    [
      'an unknown conflict policy',
      { actions: { open: { ...open, conflict: 'last-wins' } } },
      "the conflict policy 'last-wins' does not exist",
    ],
    ['no owner', { owner: { team: '', contact: '' } }, 'name the owner'],
    ['a version that is none', { version: 0 }, 'version: must be a whole number from 1 to 2147483647'],
    ['a type with capitals', { type: 'Refund' }, 'the type must be lower-case letters'],
    ['an invariant that is no function', { invariants: { positive: true } }, 'invariants.positive: it is true; give a function'],
  ])('%s', (_name, more, sentence) => {
    expect(minimal(more)).toThrow(ContractError)
    expect(minimal(more)).toThrow(sentence)
  })

  class Guard {}
  const asks = (reason: unknown, to: unknown = 'leads') => ({
    actions: { open: { ...open, escalate: [{ reason, when: () => true, to }] } },
  })
  it.each<[string, Record<string, unknown>, RegExp]>([
    [
      'a class as a guard',
      { actions: { open: { ...open, guard: Guard } } },
      /it is a class, which cannot be called without new; give a function/,
    ],
    ['a class as an invariant', { invariants: { holds: class {} } }, /it is a class/],
    ['a class as apply', { actions: { open: { ...open, apply: class Apply {} } } }, /it is a class/],
    ['names that differ in case', { actions: { open: { ...open, by: ['ann', 'bob', 'Ann'] } } }, /by\[2\].*'?Ann.*differs in case alone/],
    ['beginnings that differ in case', { actions: { open: { ...open, by: ['human:*', 'Human:*'] } } }, /differs in case alone/],
    ['an owner beyond the bound', { owner: { team: 'x'.repeat(501), contact: 'c' } }, /it has 501 characters; give at most 500/],
    ['an owner of spaces', { owner: { team: ' ', contact: 'c' } }, /it is empty; name the owner/],
    ['an owner with NUL', { owner: { team: 'a\u0000', contact: 'c' } }, /NUL/],
    ['half of a surrogate pair', { owner: { team: 'a', contact: '\ud800' } }, /surrogate pair/],
    ['a long reason of an escalation', asks('x'.repeat(501)), /501 characters/],
    ['NUL in whom an escalation asks', asks('DEAR', 'a\u0000'), /NUL/],
    ['a long name of a level', { escalation: { levels: [{ to: 'x'.repeat(501), withinMs: 1 }] } }, /501 characters/],
    ['a long name of an invariant', { invariants: { ['x'.repeat(501)]: () => true } }, /the name of an invariant/],
    ['NUL in the name of an invariant', { invariants: { 'a\u0000': () => true } }, /the name of an invariant/],
    ['whom contradictions ask', { contradictions: { count: 1, to: 'x'.repeat(501) } }, /501 characters/],
  ])('%s is refused', (_what, more, says) => {
    expect(minimal(more)).toThrow(says)
  })

  it('a date made from a value is no clock', () => {
    expect(
      minimal({ actions: { open: { from: none, to: 'open', input: amount, guard: () => new Date('2026-01-01').getTime() > 0 } } }),
    ).not.toThrow()
  })

  it('two contracts of one type, and none at all', () => {
    expect(() => contractSet([minimal()(), minimal()()])).toThrow('another contract of the same type and version')
    expect(() => contractSet([])).toThrow('no contract is listed')
  })
})

describe('the digest that a log records', () => {
  const digest = (more: Record<string, unknown>) => contractRecords(contractSet([minimal(more)()]), (text) => text)[0]!.digest

  it('stays with the same contract and moves with what it decides', () => {
    expect(digest({})).toBe(digest({}))
    // What a packet must have decides nothing.
    expect(digest({ handoff: { requires: ['resource'] } })).toBe(digest({}))
    const open = { from: none, to: 'open', input: amount }
    const variants = [
      { data: z.strictObject({ amountCents: z.int() }) },
      { actions: { open: { ...open, guard: () => true } } },
      { actions: { open: { ...open, by: ['x'] } } },
      { invariants: { a: () => true } },
      { states: ['open', 'b'], actions: { open, go: { from: 'open', to: 'b' } } },
    ]
    const refined = {
      data: z.strictObject({
        amountCents: z
          .int()
          .positive()
          .refine((value) => value < 100),
      }),
    }
    expect(new Set([digest({}), digest(refined), ...variants.map(digest)]).size).toBe(variants.length + 2)
  })
})

describe('inference', () => {
  it('gives guards and applies the types of data and input', () => {
    const order = defineContract({
      type: 'order',
      version: 1,
      owner,
      data: z.strictObject({ refundableCents: z.int() }),
      states: ['open', 'closed'],
      actions: {
        open: { from: none, to: 'open', input: z.strictObject({ refundableCents: z.int() }) },
        raise: {
          from: ['open'],
          input: z.strictObject({ byCents: z.int() }),
          apply: ({ data, input }) => ({ refundableCents: data.refundableCents + input.byCents }),
        },
        close: { from: 'open', to: 'closed' },
      },
    })
    const refund = defineContract({
      type: 'refund',
      version: 1,
      owner,
      data: amount,
      states: ['requested'],
      actions: {
        request: {
          from: none,
          to: 'requested',
          input: amount,
          guard: ({ input, read }) => {
            const seen = read(order, '7')
            return (
              (seen.exists && seen.state === 'open' && input.amountCents <= seen.data.refundableCents) || refuse('MORE_THAN_REFUNDABLE')
            )
          },
        },
      },
    })
    expect(Object.keys(refund.actions)).toEqual(['request'])
  })
})
