/** What a contract says of timers, waiting, escalation and effects, and the settings of containment: what cannot work is refused. */
import { ConfigError } from '@signalbox/contract'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ContractError, containmentOf, defaultContainment, defineContract, none } from '../src/index.ts'

const data = z.strictObject({ cents: z.int() })
const open = { from: none, to: 'open', input: data }
const close = { from: 'open', to: 'closed' }

function contract(more: Record<string, unknown>) {
  // Contracts in JavaScript have no compiler: what it would refuse must be refused at start.
  const definition = {
    type: 'refund',
    version: 1,
    owner: { team: 'payments', contact: '#payments' },
    data,
    states: ['open', 'closed'],
    actions: { open, close },
    ...more,
  }
  return () => defineContract(definition as never)
}

const withClose = (more: Record<string, unknown>) => ({ actions: { open, close: { ...close, ...more } } })
const timed = { open: { ms: 1_000, action: 'close' } }
const rule = { reason: 'LARGE', when: () => true, to: 'leads' }

describe('a contract that coordinates', () => {
  it('is defined, with what was left out filled in', () => {
    const { actions, coordination } = contract({
      after: timed,
      waiting: { queue: 2 },
      escalation: { levels: [{ to: 'leads', withinMs: 5 }] },
      ...withClose({ effect: { reportWithinMs: 5, idempotent: true } }),
    })()
    expect(coordination).toMatchObject({
      after: timed,
      waiting: { queue: 2, bypasses: 16, deadlineMs: 60_000 },
      escalation: { levels: [{ to: 'leads', withinMs: 5 }], separationOfDuties: true },
    })
    expect(actions['close' as keyof typeof actions]).toMatchObject({ effect: { reportWithinMs: 5, idempotent: true, attempts: 3 } })
  })

  it.each([
    ['the clock may take it', { after: timed, ...withClose({ by: ['clock'] }) }],
    ['anyone may take it', { after: timed }],
    ['its input may be empty', { after: timed, ...withClose({ input: z.strictObject({ why: z.string().optional() }) }) }],
  ])('has a timer where %s', (_name, more) => {
    expect(contract(more)).not.toThrow()
  })
})

describe('a contract that cannot work is refused with a sentence that says where', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['a timer of no state', { after: { opened: timed.open } }, "contract refund@1, after opened: there is no state 'opened'"],
    [
      'a timer of no action',
      { after: { open: { ms: 1, action: 'shut' } } },
      "refund@1, after open: there is no action 'shut'; there are open, close",
    ],
    ['a timer of no time', { after: { open: { ms: 0, action: 'close' } } }, 'after open: it is 0; give a whole number from 1'],
    ['a timer of more than a year', { after: { open: { ms: 400 * 86_400_000, action: 'close' } } }, 'after open: it is 34560000000'],
    [
      'an action that does not start there',
      { after: { closed: timed.open } },
      "after closed: the action 'close' does not start from 'closed'",
    ],
    ["an action that is not the clock's", { after: timed, ...withClose({ by: ['clerk'] }) }, "is not the clock's to take; add 'clock'"],
    ['an action that asks for input', { after: timed, ...withClose({ input: data }) }, 'asks for input, and the clock gives none'],
    [
      'an action that may need a human',
      { after: timed, ...withClose({ escalate: [rule] }) },
      'may need a human, and the clock cannot wait',
    ],
    ['a queue for nobody', { waiting: { queue: 0 } }, 'refund@1, waiting.queue: it is 0'],
    ['no bypass at all', { waiting: { bypasses: 0 } }, 'waiting.bypasses: it is 0'],
    ['a wait with a fraction', { waiting: { deadlineMs: 1.5 } }, 'waiting.deadlineMs: it is 1.5'],
    ['a reservation of no time', { reservation: { maxMs: 0 } }, 'reservation.maxMs: it is 0'],
    ['a negative priority', { maxPriority: -1 }, 'maxPriority: it is -1; give a whole number from 0'],
    ['no level', { escalation: { levels: [] } }, 'refund@1, escalation: it has no levels'],
    ['a level of nobody', { escalation: { levels: [{ to: '', withinMs: 1 }] } }, 'escalation: a level has nobody to ask'],
    ['a level of no time', { escalation: { levels: [{ to: 'leads', withinMs: 0 }] } }, 'escalation, level leads: it is 0'],
    ['a part that no packet has', { handoff: { requires: ['all'] } }, "handoff.requires: 'all' is no part of a packet"],
    ['contradictions of no count', { contradictions: { count: 0, to: 'leads' } }, 'contradictions.count: it is 0'],
    [
      'a reason in small letters',
      withClose({ escalate: [{ ...rule, reason: 'large' }] }),
      "action close: the escalation's reason 'large' must be upper-case",
    ],
    ['a rule that asks nobody', withClose({ escalate: [{ ...rule, to: '' }] }), 'action close: an escalation has nobody to ask'],
    ['a quorum of none', withClose({ escalate: [{ ...rule, approvals: 0 }] }), 'action close, escalate, approvals: it is 0'],
    ['a quorum of a crowd', withClose({ escalate: [{ ...rule, approvals: 17 }] }), 'action close, escalate, approvals: it is 17'],
    [
      'a rule that reads the clock',
      withClose({ escalate: [{ ...rule, when: () => Date.now() > 0 }] }),
      'action close, escalate: it reads the clock',
    ],
    [
      'a rule that is no function',
      withClose({ escalate: [{ ...rule, when: true }] }),
      'actions.close.escalate[0].when: it is true; give a function',
    ],
    [
      'an effect without time',
      withClose({ effect: { reportWithinMs: 0, idempotent: true } }),
      'action close, effect.reportWithinMs: it is 0',
    ],
    [
      'an effect never tried',
      withClose({ effect: { reportWithinMs: 1, idempotent: true, attempts: 0 } }),
      'action close, effect.attempts: it is 0',
    ],
    ['an amount by chance', withClose({ amount: () => Math.random() }), 'action close, amount: it uses chance'],
    ['an undo that is no action', withClose({ undo: 'reopen' }), "action close: it is undone by 'reopen', which is no action"],
    ['a fact without fields', withClose({ fact: { fields: [], version: () => 1 } }), 'action close: a fact knows no fields'],
    [
      'a fact whose version is by the clock',
      withClose({ fact: { fields: ['cents'], version: () => Date.now() } }),
      'action close, fact.version: it reads the clock',
    ],
  ])('%s', (_name, more, sentence) => {
    expect(contract(more)).toThrow(ContractError)
    expect(contract(more)).toThrow(sentence)
  })
})

describe('the settings of containment', () => {
  it('hold back little where nothing is said, and keep what is left out of a part', () => {
    expect(containmentOf()).toEqual(defaultContainment)
    expect(containmentOf({ breaker: { rejects: 5 } }).breaker).toEqual({ ...defaultContainment.breaker, rejects: 5 })
    expect(containmentOf({ maxDepth: null }).maxDepth).toBeNull()
  })

  it.each<[string, Parameters<typeof containmentOf>[0]]>([
    ['containment.breaker.ratio: ', { breaker: { ratio: 2 } }],
    ['containment.breaker.ratio: ', { breaker: { ratio: Number.NaN } }],
    ['containment.version: ', { version: 0 }],
    ['containment.breaker.rejects: ', { breaker: { rejects: 0 } }],
    ['containment.breaker.openMs: ', { breaker: { openMs: 0.5 } }],
    ['containment.breaker.probes: ', { breaker: { probes: 0 } }],
    ['containment.breaker.opensBeforeQuarantine: ', { breaker: { opensBeforeQuarantine: -1 } }],
    ['containment.repeatedRejects: ', { repeatedRejects: 0 }],
    ['containment.maxDepth: ', { maxDepth: 0 }],
    ['containment.correlationIntents: ', { correlationIntents: 0 }],
    ['containment.maxHops: ', { maxHops: 0 }],
    ['containment.maxOffers: ', { maxOffers: 0 }],
    ['containment.escalateWithinMs: ', { escalateWithinMs: 0 }],
    ['containment.budgets[0] names no agents', { budgets: [{ agents: [], intents: 1 }] }],
    ['containment.budgets[1].amount: ', { budgets: [{ agents: ['a'] }, { agents: ['b'], amount: Number.NaN }] }],
    ['containment.budgets[0].pending: ', { budgets: [{ agents: ['a'], pending: -1 }] }],
  ])('are refused: %s', (sentence, settings) => {
    expect(() => containmentOf(settings)).toThrow(ConfigError)
    expect(() => containmentOf(settings)).toThrow(sentence)
  })
})
