/** What is committed, and what an intent can rely on. */
import { defaultLimits } from '@signalbox/contract'
import { describe, expect, test } from 'vitest'
import { changed, decided, given, id, intent, startMs } from './specification.ts'

const rich = { balance: 50, limit: 100, note: '' }
const deposit = (resource: string, by: number) => ({ resource, action: 'deposit', input: { by } })
const send = (to: string, by: number, expectedVersion: number) => ({
  resource: 'account/a',
  action: 'send',
  input: { by, to },
  expectedVersion,
})

describe('one resource', () => {
  test('is created, and then changed', () => {
    const opening = intent({ resource: 'account/a', action: 'open', input: { limit: 10 } })
    given().when(opening).commits({
      resource: 'account/a',
      action: 'open',
      contractVersion: 3,
      fromVersion: 0,
      version: 1,
      fromState: null,
      state: 'open',
      data: '{"balance":0,"limit":10,"note":""}',
    })
    given(decided(opening))
      .when(intent(deposit('account/a', 4)))
      .commits({ fromVersion: 1, version: 2, fromState: 'open', state: 'open', data: '{"balance":4,"limit":10,"note":""}' })
  })

  test('is created once: who expects none finds one', () => {
    const creation = { resource: 'account/a', action: 'open', input: { limit: 10 } }
    given(changed('account/a', rich)).when(intent(creation)).rejects('STATE_CONFLICT')
    given(changed('account/a', rich))
      .when(intent({ ...creation, expectedVersion: 0 }))
      .rejects('STALE_VERSION', { expectedVersion: 0, actualVersion: 1 })
  })

  test('changes its state and keeps its data', () => {
    given(changed('account/a', rich))
      .when(intent({ resource: 'account/a', action: 'close' }, { agent: 'admin-2' }))
      .commits({ fromState: 'open', state: 'closed', data: JSON.stringify(rich) })
  })

  test('of the same name in another scope is another', () => {
    given(changed('account/a', rich))
      .when(intent({ resource: 'account/a', action: 'open', input: { limit: 1 } }, { scope: 'bank-2' }))
      .commits({ version: 1 })
  })

  test('an event says where it comes from, and embeds the intent', () => {
    const asked = intent(deposit('account/a', 1), { note: 'because "so"' })
    const { events } = given(changed('account/a', rich)).when(asked, { timestampMs: startMs + 5 })
    expect(events).toMatchObject([{ partition: 0, offset: 1, index: 0, time: startMs + 5, scope: asked.scope, type: 'IntentCommitted' }])
    const { payload } = events[0]!
    expect('intent' in payload && JSON.parse(payload.intent!)).toMatchObject({ intentId: asked.intentId, note: 'because "so"' })
  })
})

describe('several resources', () => {
  const both = [send('b', 20, 1), deposit('account/b', 20)]

  test('are changed together, in the order of the actions', () => {
    given(changed('account/a', rich), changed('account/b', rich))
      .when(intent(both))
      .commits(
        { resource: 'account/a', data: '{"balance":30,"limit":100,"note":""}' },
        { resource: 'account/b', data: '{"balance":70,"limit":100,"note":""}' },
      )
  })

  test('or not at all: the second breaks an invariant, and the first stays as it was', () => {
    const { state } = given(changed('account/a', rich), changed('account/b', { ...rich, balance: 90 }))
      .when(intent(both))
      .rejects('INVARIANT_VIOLATED', { resource: 'account/b' })
    expect(state.resource('bank-1\u0000account/a')).toMatchObject({ version: 1, data: JSON.stringify(rich) })
  })

  test('a guard sees what else the intent does, and only that', () => {
    given(changed('account/a', rich), changed('account/b', rich))
      .when(intent([send('b', 20, 1), deposit('account/b', 19)]))
      .rejects('GUARD_REFUSED', { resource: 'account/a', details: '{"reason":null}' })
  })

  test('a guard reads other resources as they were before the intent', () => {
    const inherit = { resource: 'account/a', action: 'inherit', input: { of: 'b' } }
    const close = { resource: 'account/b', action: 'close' }
    const before = [changed('account/a', rich), changed('account/b', rich)]
    given(...before)
      .when(intent([close, inherit], { agent: 'manager' }))
      .rejects('GUARD_REFUSED', { resource: 'account/a' })
    given(...before, decided(intent(close, { agent: 'manager' })))
      .when(intent(inherit))
      .commits({ version: 2 })
  })

  test('of many actions, each finds its own', () => {
    const opens = Array.from({ length: 40 }, (_, number) => ({ resource: `account/${number}`, action: 'open', input: { limit: number } }))
    const { events } = given().when(intent(opens))
    expect(events[0]!.type === 'IntentCommitted' && events[0]!.payload.changes.map(({ data }) => JSON.parse(data).limit)).toEqual(
      opens.map(({ input }) => input.limit),
    )
  })
})

describe('versions and reads', () => {
  test('the first of two who reasoned on one version wins', () => {
    const withdraw = { resource: 'account/a', action: 'withdraw', input: { by: 1 }, expectedVersion: 1 }
    given(changed('account/a', rich), decided(intent(withdraw)))
      .when(intent(withdraw))
      .rejects('STALE_VERSION', { actualVersion: 2 })
  })

  test('a commutative action looks at no version, and the invariant decides', () => {
    const stale = { ...deposit('account/a', 50), expectedVersion: 7 }
    given(changed('account/a', rich), changed('account/a', rich)).when(intent(stale)).commits({ version: 3 })
    given(changed('account/a', { ...rich, balance: 51 }))
      .when(intent(stale))
      .rejects('INVARIANT_VIOLATED')
  })

  test('the version may come from the read set', () => {
    const withdraw = { resource: 'account/a', action: 'withdraw', input: { by: 1 } }
    const reads = (version: number) => ({ reads: [{ resource: 'account/a', version }] })
    given(changed('account/a', rich))
      .when(intent(withdraw, reads(1)))
      .commits({ version: 2 })
    given(changed('account/a', rich))
      .when(intent(withdraw, reads(0)))
      .rejects('STALE_VERSION', { expectedVersion: 0 })
  })

  test('what was read and did not exist must still not exist', () => {
    const asked = intent(deposit('account/a', 1), { reads: [{ resource: 'account/b', version: 0 }] })
    given(changed('account/a', rich)).when(asked).commits({ version: 2 })
    given(changed('account/a', rich), changed('account/b', rich)).when(asked).rejects('STALE_READ', { resource: 'account/b' })
  })

  test('an agent is told of what it missed: all of little, and of much the newest', () => {
    const many = Array.from({ length: 40 }, () => changed('account/a', rich))
    for (const [behind, told] of [
      [1, 1],
      [7, 7],
      [defaultLimits.missed, defaultLimits.missed],
      [defaultLimits.missed + 1, defaultLimits.missed],
      [39, defaultLimits.missed],
    ] as const) {
      const asked = intent({ resource: 'account/a', action: 'withdraw', input: { by: 1 }, expectedVersion: 40 - behind })
      const { events } = given(...many)
        .when(asked)
        .rejects('STALE_VERSION', { actualVersion: 40 })
      const missed = events[0]!.type === 'IntentRejected' ? events[0]!.payload.missed : []
      expect(missed.map(({ version }) => version)).toEqual(Array.from({ length: told }, (_, index) => 41 - told + index))
    }
  })
})

describe('identity', () => {
  const asked = intent(deposit('account/a', 1), { intentId: id(11) })

  test('the same intent again is a duplicate of the first decision', () => {
    const { state } = given(changed('account/a', rich), decided(asked))
      .when(asked, { timestampMs: startMs + 60_000 })
      .then({
        type: 'IntentDuplicated',
        time: startMs + 60_000,
        payload: { intentId: asked.intentId, outcome: 'committed', code: null, decision: { partition: 0, offset: 1, index: 0 } },
      })
    expect(state.resource('bank-1\u0000account/a')?.version).toBe(2)
  })

  test('the signature is no part of the body', () => {
    given(changed('account/a', rich), decided(asked))
      .when({ ...asked, signature: 'sig' })
      .then({ type: 'IntentDuplicated' })
  })

  test('an id is good to the very end of the horizon, and not a millisecond longer', () => {
    const { clockSkewMs, identityHorizonMs } = defaultLimits
    for (const [timeMs, code] of [
      [startMs - identityHorizonMs, null],
      [startMs - identityHorizonMs - 1, 'INTENT_EXPIRED'],
      [startMs + clockSkewMs, null],
      [startMs + clockSkewMs + 1, 'INTENT_FROM_THE_FUTURE'],
    ] as const) {
      const outcome = given(changed('account/a', rich)).when(intent(deposit('account/a', 1), { intentId: id(1, timeMs) }))
      if (code === null) outcome.commits({ version: 2 })
      else outcome.rejects(code)
    }
  })

  test('an id is remembered as long as it is good', () => {
    const { identityHorizonMs } = defaultLimits
    const early = intent(deposit('account/a', 1), { intentId: id(1, startMs) })
    const later = (offsetMs: number) => intent(deposit('account/a', 1), { intentId: id(2, startMs + offsetMs) })
    const before = (ms: number) => given(changed('account/a', rich), decided(early), decided(later(ms), { timestampMs: startMs + ms }))
    before(identityHorizonMs)
      .when(early, { timestampMs: startMs + identityHorizonMs })
      .then({ type: 'IntentDuplicated' })
    before(identityHorizonMs + 1)
      .when(early, { timestampMs: startMs })
      .rejects('INTENT_EXPIRED')
    // What is good no longer is forgotten, whole buckets at a time.
    expect(before(identityHorizonMs).state.size.ids).toBe(3)
    expect(before(identityHorizonMs + 10_000).state.size.ids).toBe(1)
  })
})

describe('time and limits', () => {
  test('a clock that goes backwards does not take time back', () => {
    given(changed('account/a', rich), decided(intent(deposit('account/a', 1)), { timestampMs: startMs + 1_000 }))
      .when(intent(deposit('account/a', 1)), { timestampMs: startMs - 5_000 })
      .then({ type: 'IntentCommitted', time: startMs + 1_000 })
  })

  test('a deadline holds up to its millisecond, by the time of the log', () => {
    const asked = (deadline: number) => intent(deposit('account/a', 1), { deadline })
    given(changed('account/a', rich)).when(asked(startMs)).commits({ version: 2 })
    given(changed('account/a', rich), decided(intent(deposit('account/a', 1)), { timestampMs: startMs + 1 }))
      .when(asked(startMs), { timestampMs: startMs })
      .rejects('DEADLINE_PASSED')
  })

  test.each([
    ['too many reads', { reads: Array.from({ length: 257 }, (_, version) => ({ resource: `account/${version}`, version })) }, 'reads'],
    ['no action', { actions: [] }, 'actions'],
    ['a note that is too long', { note: 'x'.repeat(4097) }, 'note'],
    ['a note that is no Unicode', { note: '\ud800' }, 'note'],
    ['a confidence above 1', { confidence: 1.5 }, 'confidence'],
    ['a confidence that is no number', { confidence: Number.NaN }, 'confidence'],
    ['a deadline before 1970', { deadline: -1 }, 'deadline'],
    ['a priority with a fraction', { priority: 0.5 }, 'priority'],
    ['a causation with a line break', { causationId: 'a\nb' }, 'causationId'],
    ['a correlation that is too long', { correlationId: 'x'.repeat(201) }, 'correlationId'],
    ['an empty reservation', { reservation: '' }, 'reservation'],
    ['a read of no resource', { reads: [{ resource: 'account', version: 1 }] }, 'reads[0].resource'],
    ['a read of a negative version', { reads: [{ resource: 'account/a', version: -1 }] }, 'reads[0].version'],
  ])('%s is malformed', (_name, more, field) => {
    given()
      .when(intent(deposit('account/a', 1), more))
      .rejects('INTENT_MALFORMED', { details: JSON.stringify({ field }) })
  })

  test.each([
    ['a resource without an id', { ...deposit('account/', 1) }, 'resource'],
    ['a resource whose type has a capital', { ...deposit('Account/a', 1) }, 'resource'],
    ['an action with a space', { ...deposit('account/a', 1), action: 'de posit' }, 'action'],
    ['a version with a fraction', { ...deposit('account/a', 1), expectedVersion: 1.5 }, 'expectedVersion'],
    ['an input beyond its limit', { ...deposit('account/a', 1), input: { note: 'é'.repeat(40_000) } }, 'input'],
  ])('%s is malformed', (_name, action, field) => {
    given()
      .when(intent(action))
      .rejects('INTENT_MALFORMED', { details: JSON.stringify({ field: `actions[0].${field}` }) })
  })

  test('a result of many large resources is too large for a batch', () => {
    const note = 'x'.repeat(60_000)
    const names = Array.from({ length: 20 }, (_, number) => `account/${number}`)
    const close = names.map((resource) => ({ resource, action: 'close' }))
    given(...names.map((name) => changed(name, { ...rich, note })))
      .when(intent(close, { agent: 'manager' }))
      .rejects('RESULT_TOO_LARGE', { resource: null })
  })
})

test('a stale read set names every key that moved, and how much was missed', () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const opened = names.map((name) => changed(`account/${name}`, { balance: 0, limit: 100 }))
  const later = [
    ...Array.from({ length: 40 }, () => changed('account/b', { balance: 1, limit: 100 })),
    changed('account/d', { balance: 1, limit: 100 }),
  ]
  const reads = names.map((name) => ({ resource: `account/${name}`, version: 1 }))
  const { events } = given(...opened, ...later).when(intent({ resource: 'account/a', action: 'deposit', input: { by: 1 } }, { reads }))
  const { details, message, missed } = events[0]!.payload as unknown as { details: string; message: string; missed: unknown[] }
  expect(events).toMatchObject([{ payload: { code: 'STALE_READ', resource: 'account/b', expectedVersion: 1, actualVersion: 41 } }])
  expect(JSON.parse(details)).toEqual({
    moved: [
      { resource: 'account/b', expectedVersion: 1, actualVersion: 41 },
      { resource: 'account/d', expectedVersion: 1, actualVersion: 2 },
    ],
    movedCount: 2,
    missedCount: 40,
  })
  expect(missed).toHaveLength(8)
  expect(message).toContain('so have account/d (version 1, now 2) moved')
})

test.each(['919108f7-52d1-4320-9bac-f847db4148a8', '7fffffff-ffff-4320-9bac-f847db4148a8', 'order-7'])(
  'an empty id is none, whatever id was read before (%s)',
  (before) => {
    const world = given(changed('account/a', rich))
    world.when(intent(deposit('account/a', 1), { intentId: before })).rejects('INTENT_ID_INVALID')
    world.when(intent(deposit('account/a', 1), { intentId: '', correlationId: 'c' })).rejects('INTENT_ID_INVALID')
  },
)
