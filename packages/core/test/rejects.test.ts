/** Every code with which the core rejects: what brings it about, and what the reject must carry. */
import {
  defaultLimits,
  type Intent,
  intentFromJson,
  isRejectCode,
  isScope,
  partitionOf,
  type RejectCode,
  rejectCodes,
  systemScope,
} from '@signalbox/contract'
import { describe, expect, test } from 'vitest'
import {
  type Circumstances,
  changed,
  decided,
  given,
  type Happening,
  id,
  intent,
  type Outcome,
  owner,
  rules,
  Story,
  scope,
  startMs,
} from './specification.ts'

interface Case {
  readonly given?: readonly Happening[]
  readonly when: Intent | null
  readonly at?: Circumstances
  /** What the payload must say, beside the code. */
  readonly rejects: object
}

/** One that takes a story: what it ends with holds the reject, of the intent asked last or of one that was pending. */
interface LongCase {
  readonly story: (story: Story) => Outcome
  readonly containment?: NonNullable<ConstructorParameters<typeof Story>[0]>['containment']
  readonly rejects: object
}

const seat = { resource: 'seat/a', action: 'open', input: { left: 5 } }
const use = (by = 1) => ({ resource: 'seat/a', action: 'use', input: { by } })
const lease = (action: string) => ({ resource: 'reservation/seat/a', action, ...(action === 'take' ? { input: { forMs: 30_000 } } : {}) })
const waits = { onConflict: 'wait', agent: 'patient' } as const
const human = { agent: 'human:ann' }

/** The id of the intent that a record left pending. */
function pendingId({ events }: Outcome): string {
  const event = events[0]!
  if (event.type !== 'IntentPending') throw new Error(`${event.type}: it is not pending`)
  return event.payload.intentId
}

/** A payment before a human, and the name of its escalation. */
function escalated(story: Story): string {
  story.when({ resource: 'refund/r', action: 'ask', input: { cents: 5_000 } })
  return `escalation/${pendingId(story.when({ resource: 'refund/r', action: 'pay', expectedVersion: 1 }))}`
}

const longCases = {
  AGENT_QUARANTINED: {
    story: (story) => {
      story.quarantines('clerk')
      return story.when(seat)
    },
    rejects: { agent: 'clerk', message: expect.stringContaining('it went wrong') },
  },
  BREAKER_OPEN: {
    containment: { breaker: { rejects: 1 } },
    story: (story) => {
      story.when(use())
      return story.when(use())
    },
    rejects: { resource: 'agent/clerk', retryAfterMs: 30_000 },
  },
  BUDGET_EXCEEDED: {
    containment: { budgets: [{ agents: ['*'], intents: 1 }] },
    story: (story) => {
      story.when(seat)
      return story.when(use())
    },
    rejects: { details: '{"budget":"intents","limit":1,"used":1}', retryAfterMs: 60_001 },
  },
  CHAIN_TOO_DEEP: {
    containment: { maxDepth: 1 },
    story: (story) => {
      const { events } = story.when(seat, { causationId: 'mail-1' })
      return story.when(use(), { causationId: events[0]!.type === 'IntentCommitted' ? events[0]!.payload.intentId : '' })
    },
    rejects: { details: '{"depth":2,"limit":1}' },
  },
  CORRELATION_EXHAUSTED: {
    containment: { correlationIntents: 1 },
    story: (story) => {
      story.when(seat, { causationId: 'mail-1', correlationId: 'work-1' })
      return story.when(use(), { causationId: 'mail-1', correlationId: 'work-1' })
    },
    rejects: { details: '{"count":1,"limit":1}' },
  },
  GENERATION_CLOSED: {
    story: (story) => {
      const close = { resource: 'generation/log', action: 'close', input: { next: 'signalbox-2', reason: 'more partitions' } }
      story.when(close, { ...human, scope: systemScope(0, 1) })
      return story.when(seat)
    },
    rejects: { message: expect.stringContaining('goes on as signalbox-2'), details: expect.stringContaining('"next":"signalbox-2"') },
  },
  FACT_OUTDATED: {
    story: (story) => {
      const input = { cents: 1, name: 'tea', at: 5 }
      story.when({ resource: 'price/tea', action: 'learn', input }, { agent: 'erp' })
      return story.when({ resource: 'price/tea', action: 'hear', input }, { agent: 'erp' })
    },
    rejects: { owner, resource: 'price/tea', details: '{"version":5,"known":5}' },
  },
  RESERVATION_EXPIRED: {
    story: (story) => {
      story.when(seat)
      const { events } = story.when(lease('take'))
      return story.passes(30_000).when(use(), { reservation: events[0]!.type === 'IntentCommitted' ? events[0]!.payload.intentId : '' })
    },
    rejects: { resource: 'seat/a' },
  },
  RESERVED: {
    story: (story) => {
      story.when(seat)
      story.when(lease('take'), { agent: 'holder' })
      return story.when(use())
    },
    rejects: { owner, resource: 'seat/a', retryAfterMs: 30_000 },
  },
  BEHIND_WAITERS: {
    story: (story) => {
      story.when(seat)
      story.when(use(9), waits)
      story.when(use())
      story.when(use())
      return story.when(use())
    },
    rejects: { owner, resource: 'seat/a', message: expect.stringContaining('patient has waited') },
  },
  WAIT_QUEUE_FULL: {
    story: (story) => {
      story.when(seat)
      for (let number = 0; number < 3; number++) story.when(use(9), waits)
      return story.when(use(9), waits)
    },
    rejects: { owner, resource: 'seat/a', details: '{"queue":3}' },
  },
  WITHDRAWN: {
    story: (story) => {
      story.when(seat)
      const intentId = pendingId(story.when(use(9), waits))
      return story.when({ resource: `intent/${intentId}`, action: 'withdraw', input: { reason: 'too late' } }, { agent: 'patient' })
    },
    rejects: { settles: { partition: 0, offset: 1, index: 0 }, message: 'withdrawn by patient: too late' },
  },
  ESCALATION_DENIED: {
    story: (story) => story.when({ resource: escalated(story), action: 'reject', input: { reason: 'no' } }, human),
    rejects: { settles: { partition: 0, offset: 1, index: 0 }, details: '{"by":"human:ann","reason":"no"}' },
  },
  ESCALATION_EXPIRED: {
    story: (story) => {
      escalated(story)
      story.passes(600_000).ticks()
      return story.passes(1_200_000).ticks()
    },
    rejects: { settles: { partition: 0, offset: 1, index: 0 }, message: expect.stringContaining('leads, head') },
  },
  ESCALATION_AMENDED: {
    story: (story) => {
      const resource = escalated(story)
      const actions = [{ resource: 'refund/r', action: 'correct', input: { cents: 1 } }]
      return story.when(
        { resource, action: 'amend', input: { reason: 'less', digest: story.resource(resource).data.digest, actions } },
        human,
      )
    },
    rejects: { settles: { partition: 0, offset: 1, index: 0 }, details: expect.stringContaining('"by":"human:ann","reason":"less"') },
  },
  VERDICT_REFUSED: {
    story: (story) => {
      const resource = escalated(story)
      const { digest } = story.resource(resource).data
      story.when({ resource: 'refund/r', action: 'change', input: { cents: 4_000 } })
      return story.when({ resource, action: 'approve', input: { reason: 'yes', digest } }, human)
    },
    rejects: { resource: 'refund/r', expectedVersion: 1, actualVersion: 2, details: '{"code":"STALE_VERSION"}' },
  },
} as const satisfies Partial<Record<RejectCode, LongCase>>

const rich = { balance: 50, limit: 100, note: '' }
const open = changed('account/a', { ...rich, balance: 0 })
const first = intent({ resource: 'account/a', action: 'deposit', input: { by: 1 } }, { intentId: id(7) })
const deposit = (more: Partial<Intent> = {}) => intent({ resource: 'account/a', action: 'deposit', input: { by: 1 } }, more)
const horizonMs = defaultLimits.identityHorizonMs
const skewMs = defaultLimits.clockSkewMs
const lastMove = { event: { partition: 0, offset: 1, index: 0 }, agent: 'mover', action: 'deposit', version: 2, time: startMs }
const moved = changed('account/a', rich, { agent: 'mover' })

const cases: Readonly<Record<Exclude<RejectCode, keyof typeof longCases>, Case>> = {
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
  INTENT_MALFORMED: { when: deposit({ scope: 'a\u200bb' }), rejects: { details: '{"field":"scope"}' } },
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
      expect(events).toMatchObject([
        { type: 'IntentRejected', scope: when !== null && isScope(when.scope) ? when.scope : '', payload: { code, ...rejects } },
      ])
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

  for (const [code, { containment, rejects, story: tell }] of Object.entries<LongCase>(longCases)) {
    test(code, () => {
      const story = new Story(containment === undefined ? {} : { containment })
      const event = tell(story).events.find(({ payload, type }) => type === 'IntentRejected' && payload.code === code)
      if (event?.type !== 'IntentRejected') throw new Error(`nothing was rejected with ${code}`)
      expect(event.payload).toMatchObject(rejects)
      const { digest, intent: embedded } = event.payload
      expect(digest).toBe(rules.sha256(embedded!))
      const again = story.when(intentFromJson(JSON.parse(embedded!)))
      if (!rejectCodes[code as RejectCode].remembered) return void again.rejects(code as RejectCode)
      // Its id is used up, whatever has passed meanwhile.
      const decision = { partition: 0, offset: event.offset, index: event.index }
      again.says('IntentDuplicated', { outcome: 'rejected', code, decision })
    })
  }

  test('a name that is not well-formed is repeated nowhere', () => {
    const outcome = given().when(deposit({ agent: 'x y' }))
    outcome.rejects('INTENT_MALFORMED', { agent: null, details: '{"field":"agent"}' })
  })

  test.each<[string, Partial<Intent>]>([
    ['agent', { agent: 'x\u0000y' }],
    ['scope', { scope: 'x\u0000y' }],
    ['correlationId', { correlationId: 'x\u0000y' }],
    ['causationId', { causationId: 'x\u0000y' }],
    ['reservation', { reservation: 'x\u0000y' }],
    ['note', { note: 'x\u0000y' }],
    ['actions[0].resource', { actions: [{ resource: 'account/x\u0000y', action: 'deposit', input: '{}', expectedVersion: null }] }],
    ['actions[0].action', { actions: [{ resource: 'account/x', action: 'x\u0000y', input: '{}', expectedVersion: null }] }],
    ['reads[0].resource', { reads: [{ resource: 'account/x\u0000y', version: 1 }] }],
  ])('NUL in %s is in no event', (field, more) => {
    const { events } = given(open).when(deposit(more))
    expect(events).toMatchObject([{ payload: { code: 'INTENT_MALFORMED', intent: null, details: JSON.stringify({ field }) } }])
    expect(JSON.stringify(events)).not.toContain('\\u0000')
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
