/** Every code with which the core rejects: what brings it about, and what the reject must carry. */
import { defaultLimits, type Intent, isRejectCode, partitionOf, type RejectCode, rejectCodes } from '@signalbox/contract'
import { describe, expect, test } from 'vitest'
import { type Circumstances, changed, decided, given, type Happening, id, intent, owner, rules, scope, startMs } from './specification.ts'

interface Case {
  readonly given?: readonly Happening[]
  readonly when: Intent | null
  readonly at?: Circumstances
  /** What the payload must say, beside the code. */
  readonly rejects: object
}

const rich = { balance: 50, limit: 100, note: '' }
const open = changed('account/a', { ...rich, balance: 0 })
const first = intent({ resource: 'account/a', action: 'deposit', input: { by: 1 } }, { intentId: id(7) })
const deposit = (more: Partial<Intent> = {}) => intent({ resource: 'account/a', action: 'deposit', input: { by: 1 } }, more)
const horizonMs = defaultLimits.identityHorizonMs
const skewMs = defaultLimits.clockSkewMs
const lastMove = { event: { partition: 0, offset: 1, index: 0 }, agent: 'mover', action: 'deposit', version: 2, time: startMs }
const moved = changed('account/a', rich, { agent: 'mover' })

const cases: Readonly<Record<RejectCode, Case>> = {
  DEAD_LETTERED: {
    when: null,
    at: { problem: 'the record is empty' },
    rejects: { intentId: null, agent: null, intent: null, digest: null, message: expect.stringContaining('the record is empty') },
  },
  SKIPPED: {
    when: null,
    at: { skip: { by: 'ann', reason: 'kills the sequencer' } },
    rejects: { intentId: null, intent: null, details: '{"by":"ann","reason":"kills the sequencer"}' },
  },
  WRONG_PARTITION: {
    when: deposit({ scope: [1, 2, 3, 4, 5, 6, 7].map((each) => `scope-${each}`).find((name) => partitionOf(name, 4) !== 0)! }),
    at: { rules: { partitionCount: 4 } },
    rejects: { details: expect.stringMatching(/"rightPartition":[123],"partition":0,"partitionCount":4/) },
  },
  INTENT_MALFORMED: { when: deposit({ scope: 'a\u0000b' }), rejects: { details: '{"field":"scope"}' } },
  INTENT_ID_INVALID: {
    when: deposit({ intentId: '0192F3AA-0000-7000-8000-000000000000' }),
    rejects: { message: expect.stringContaining('0192F3AA') },
  },
  INTENT_EXPIRED: {
    when: deposit({ intentId: id(1, startMs - horizonMs - 1) }),
    rejects: { details: JSON.stringify({ idTimeMs: startMs - horizonMs - 1, nowMs: startMs }) },
  },
  INTENT_FROM_THE_FUTURE: {
    when: deposit({ intentId: id(1, startMs + skewMs + 1) }),
    rejects: { details: JSON.stringify({ idTimeMs: startMs + skewMs + 1, nowMs: startMs }) },
  },
  INTENT_ID_REUSED: {
    given: [open, decided(first)],
    when: intent({ resource: 'account/a', action: 'deposit', input: { by: 2 } }, { intentId: first.intentId }),
    rejects: { intentId: first.intentId, details: '{"decision":{"partition":0,"offset":1,"index":0}}' },
  },
  DEADLINE_PASSED: {
    given: [open],
    when: deposit({ deadline: startMs - 1 }),
    rejects: { details: JSON.stringify({ deadline: startMs - 1, nowMs: startMs }) },
  },
  AGENT_UNKNOWN: { given: [open], when: deposit(), at: { rules: { agents: ['clerk-*'] } }, rejects: { agent: 'clerk' } },
  AGENT_NOT_ALLOWED: {
    given: [open],
    when: intent({ resource: 'account/a', action: 'close' }),
    rejects: { owner, resource: 'account/a', message: expect.stringContaining('manager, admin-*') },
  },
  CONTRACT_UNKNOWN: {
    when: intent({ resource: 'ghost/a', action: 'haunt' }),
    rejects: { resource: 'ghost/a', owner: null, message: expect.stringContaining('account, faulty') },
  },
  ACTION_UNKNOWN: {
    given: [open],
    when: intent({ resource: 'account/a', action: 'toString' }),
    rejects: { owner, resource: 'account/a', message: expect.stringContaining('deposit') },
  },
  INPUT_INVALID: {
    given: [open],
    when: intent({ resource: 'account/a', action: 'deposit', input: { by: -1 } }),
    rejects: { owner, resource: 'account/a', details: expect.stringContaining('"path":"by"') },
  },
  RESOURCE_REPEATED: {
    given: [open],
    when: intent([
      { resource: 'account/a', action: 'deposit', input: { by: 1 } },
      { resource: 'account/a', action: 'deposit', input: { by: 2 } },
    ]),
    rejects: { owner, resource: 'account/a' },
  },
  VERSION_REQUIRED: {
    given: [open, moved],
    when: intent({ resource: 'account/a', action: 'withdraw', input: { by: 1 } }),
    rejects: { owner, resource: 'account/a', actualVersion: 2 },
  },
  VERSION_FROM_THE_FUTURE: {
    given: [open, moved],
    when: intent({ resource: 'account/a', action: 'withdraw', input: { by: 1 }, expectedVersion: 3 }),
    rejects: { owner, resource: 'account/a', expectedVersion: 3, actualVersion: 2, missed: [] },
  },
  STALE_VERSION: {
    given: [open, moved],
    when: intent({ resource: 'account/a', action: 'withdraw', input: { by: 1 }, expectedVersion: 1 }),
    rejects: { owner, resource: 'account/a', expectedVersion: 1, actualVersion: 2, movedBy: lastMove, missed: [lastMove] },
  },
  STALE_READ: {
    given: [open, moved, changed('account/b', rich)],
    when: intent({ resource: 'account/b', action: 'deposit', input: { by: 1 } }, { reads: [{ resource: 'account/a', version: 1 }] }),
    rejects: { owner, resource: 'account/a', expectedVersion: 1, actualVersion: 2, movedBy: lastMove, missed: [lastMove] },
  },
  RESERVATION_UNKNOWN: { given: [open], when: deposit({ reservation: 'r-1' }), rejects: { message: expect.stringContaining('r-1') } },
  STATE_CONFLICT: {
    given: [changed('account/a', rich, { state: 'closed' })],
    when: deposit(),
    rejects: { owner, resource: 'account/a', actualVersion: 1, details: '{"state":"closed","from":["open"]}' },
  },
  GUARD_REFUSED: {
    given: [open],
    when: intent({ resource: 'account/a', action: 'withdraw', input: { by: 9 }, expectedVersion: 1 }),
    rejects: { owner, resource: 'account/a', actualVersion: 1, details: '{"reason":"TOO_POOR","message":"deposit first"}' },
  },
  INVARIANT_VIOLATED: {
    given: [open],
    when: intent({ resource: 'account/a', action: 'deposit', input: { by: 101 } }),
    rejects: { owner, resource: 'account/a', details: '{"invariant":"withinLimit"}' },
  },
  RESULT_TOO_LARGE: {
    given: [open],
    when: intent({ resource: 'account/a', action: 'annotate', input: { note: 'x'.repeat(1000) } }),
    at: { rules: { limits: { ...defaultLimits, dataBytes: 1000 } } },
    rejects: { resource: 'account/a' },
  },
}

describe('rejects', () => {
  for (const [code, { at, given: before, rejects, when }] of Object.entries(cases)) {
    test(code, () => {
      if (!isRejectCode(code)) throw new Error(`${code} is no code`)
      const { events, state } = given(...(before ?? [])).when(when, at)
      expect(events).toMatchObject([{ type: 'IntentRejected', scope: when?.scope ?? '', payload: { code, ...rejects } }])
      // Its intent is embedded with its digest, so that the event alone can be explained, but where there is none.
      const { digest, intent: embedded } = events[0]!.payload as { digest: string | null; intent: string | null }
      if (when !== null) expect(digest).toBe(rules.sha256(embedded!))
      // A used-up id gets the same decision again; a free one is decided anew.
      if (when === null) return
      const again = given(...(before ?? []), () => events[0]!).when(when, at)
      if (rejectCodes[code].remembered) {
        again.then({ type: 'IntentDuplicated', payload: { outcome: 'rejected', code, decision: { offset: state.nextOffset - 1 } } })
      } else again.rejects(code)
    })
  }

  test('a name that is not well-formed is repeated nowhere', () => {
    const outcome = given().when(deposit({ agent: 'x\u0000y' }))
    outcome.rejects('INTENT_MALFORMED', { agent: null, details: '{"field":"agent"}' })
  })

  test('an intent of too many actions is not embedded: the record is kept whole as a dead letter', () => {
    const action = { resource: 'account/a', action: 'deposit', input: { by: 1 } }
    given(open)
      .when(intent(Array.from({ length: 100_000 }, () => action)))
      .rejects('INTENT_MALFORMED', { intent: null, digest: null, details: '{"field":"actions"}' })
  })

  test('a reject about another scope than the one in which the resource lies knows nothing of it', () => {
    given(open)
      .when(deposit({ scope: `${scope}0` }))
      .rejects('STATE_CONFLICT', { movedBy: null, actualVersion: null })
  })
})
