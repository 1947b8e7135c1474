/** Reservations: who holds what until when, what others may do meanwhile, and how it ends. */
import { describe, expect, test } from 'vitest'
import { type Outcome, Story, startMs } from './specification.ts'

const lease = (action: string, forMs?: number, name = 'a') => ({
  resource: `reservation/seat/${name}`,
  action,
  ...(forMs === undefined ? {} : { input: { forMs } }),
})
const open = (name = 'a') => ({ resource: `seat/${name}`, action: 'open', input: { left: 50 } })
const use = (name = 'a') => ({ resource: `seat/${name}`, action: 'use', input: { by: 1 } })
const holder = { agent: 'holder' }

function seat(): Story {
  const story = new Story()
  story.when([open('a'), open('b')])
  return story
}

function idOf({ events }: Outcome): string {
  const own = events.find(({ type }) => type === 'IntentCommitted')
  if (own?.type !== 'IntentCommitted') throw new Error('it was not committed')
  return own.payload.intentId
}

test('who holds it acts under it, and nobody else', () => {
  const story = seat()
  const reservation = idOf(story.when(lease('take', 30_000), holder))
  expect(story.resource('reservation/seat/a')).toMatchObject({
    state: 'held',
    data: { holder: 'holder', lease: reservation, token: 1, expiresMs: startMs + 30_000, priority: 0, delegates: [] },
    timer: { due: startMs + 30_000, action: 'lapse' },
  })
  story.when(use(), { ...holder, reservation }).commits({ resource: 'seat/a', version: 2 })
  story
    .passes(10_000)
    .when(use())
    .rejects('RESERVED', {
      resource: 'seat/a',
      retryAfterMs: 20_000,
      details: JSON.stringify({ holder: 'holder', token: 1, expiresMs: startMs + 30_000, priority: 0 }),
    })
  // Nor the holder without naming it: another process of the same name may be meant.
  story.when(use(), holder).rejects('RESERVED')
  // What is not reserved is free.
  story.when(use('b')).commits({ resource: 'seat/b' })
})

test('it is renewed, and released, by its holder; a human may release it too', () => {
  const story = seat()
  story.when(lease('take', 30_000), holder)
  story.when(lease('renew', 30_000), { agent: 'other' }).rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_YOURS') })
  story.when(lease('release'), { agent: 'other' }).rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_YOURS') })
  story
    .passes(20_000)
    .when(lease('renew', 30_000), holder)
    .commits({ action: 'renew', timer: { due: startMs + 50_000, action: 'lapse' } })
  story.passes(20_000).when(lease('release'), holder).commits({ state: 'ended', timer: null })
  story.when(use()).commits({ resource: 'seat/a' })
  story.when(lease('take', 30_000), holder)
  story.when(lease('release'), { agent: 'human:ann' }).commits({ state: 'ended' })
})

test('it is taken by one at a time, for as long as the contract lets', () => {
  const story = seat()
  story.when(lease('take', 300_001), holder).rejects('GUARD_REFUSED', { details: expect.stringContaining('TOO_LONG') })
  story.when(lease('take', 300_000), holder)
  story.when(lease('renew', 300_001), holder).rejects('GUARD_REFUSED', { details: expect.stringContaining('TOO_LONG') })
  story.when(lease('take', 1_000), { agent: 'other' }).rejects('RESERVED', { retryAfterMs: 300_000 })
  story.when(lease('take', 1_000), holder).rejects('GUARD_REFUSED', { details: expect.stringContaining('HELD_ALREADY') })
})

test('it ends by itself, and its end is an event', () => {
  const story = seat()
  const reservation = idOf(story.when(lease('take', 30_000), holder))
  const outcome = story.passes(30_000).when(use(), { ...holder, reservation })
  expect(outcome.summary).toEqual(['timer lapse reservation/seat/a ended', 'rejected RESERVATION_EXPIRED'])
  outcome.says('IntentRejected', { resource: 'seat/a' })
  story.when(use()).commits({ resource: 'seat/a' })
  story.when(lease('renew', 1_000), holder).rejects('STATE_CONFLICT')
})

test('it has ended by the time of the log before its timer has fired', () => {
  const story = new Story({ limits: { timersARecord: 1 } })
  story.when([open('a'), open('b')])
  const reservation = idOf(story.when([lease('take', 30_000, 'a'), lease('take', 30_000, 'b')], holder))
  // The name of the lease of b is not touched here, and the bound is used up by a's.
  const outcome = story.passes(30_000).when(lease('take', 1_000, 'b'), { agent: 'other' })
  expect(outcome.summary).toEqual([
    'timer lapse reservation/seat/b ended',
    'timer lapse reservation/seat/a ended',
    'committed take reservation/seat/b held',
  ])
  story.when(use('a'), { ...holder, reservation }).rejects('RESERVATION_EXPIRED')
})

test('it has ended at its very end, where the record has no room for its timer', () => {
  const story = new Story({ limits: { resultBytes: 1_600 } })
  story.when(open('a'))
  story.when({ resource: 'ticket/t', action: 'open', input: { note: 'stuck' } })
  story.passes(1).when(lease('take', 60_000), holder)
  const outcome = story.passes(60_000).when(use(), { reads: [{ resource: 'ticket/t', version: 1 }] })
  expect(outcome.summary).toEqual(['timer GUARD_REFUSED', 'committed use seat/a free'])
})

test('the fencing token rises for ever, and no later holder has an earlier one', () => {
  const story = seat()
  const tokens: number[] = []
  for (let number = 0; number < 4; number++) {
    story.when(lease('take', 1_000), { agent: `agent-${number}` })
    tokens.push(story.resource('reservation/seat/a').data.token)
    if (number % 2 === 0) story.when(lease('release'), { agent: `agent-${number}` })
    else story.passes(1_000).ticks()
  }
  expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b))
})

test('one lease may be over several resources, all or nothing', () => {
  const story = seat()
  const reservation = idOf(story.when([lease('take', 30_000, 'a'), lease('take', 30_000, 'b')], holder))
  story.when([use('a'), use('b')], { ...holder, reservation }).commits({ resource: 'seat/a' }, { resource: 'seat/b' })
  story.when(lease('release', undefined, 'b'), holder)
  story.when([lease('take', 1_000, 'a'), lease('take', 1_000, 'b')], { agent: 'other' }).rejects('RESERVED')
  expect(story.resource('reservation/seat/b').state).toBe('ended')
})

test('a higher priority takes it, capped by the contract, and the token rises', () => {
  const story = seat()
  const reservation = idOf(story.when(lease('take', 30_000), { ...holder, priority: 2 }))
  story.when(lease('take', 30_000), { agent: 'other', priority: 2 }).rejects('RESERVED')
  story.when(lease('take', 30_000), { agent: 'boss', priority: 1_000 }).commits({ state: 'held' })
  expect(story.resource('reservation/seat/a').data).toMatchObject({ holder: 'boss', priority: 5, token: 2 })
  story.when(use(), { ...holder, reservation }).rejects('RESERVED')
  // At the cap there is no higher one.
  story.when(lease('take', 30_000), { agent: 'king', priority: 2_000 }).rejects('RESERVED')
})

test('an action of policy priority ends a lease of lower priority; no other action does', () => {
  const story = seat()
  const usurp = { resource: 'seat/a', action: 'usurp', input: { who: 'boss' }, expectedVersion: 1 }
  const reservation = idOf(story.when(lease('take', 30_000), { ...holder, priority: 2 }))
  story.when(usurp, { agent: 'boss', priority: 2 }).rejects('RESERVED')
  story.when(use(), { agent: 'boss', priority: 3 }).rejects('RESERVED')
  story
    .when(usurp, { agent: 'boss', priority: 3 })
    .commits({ resource: 'seat/a' }, { resource: 'reservation/seat/a', action: 'preempt', state: 'ended' })
  story.when(use(), { ...holder, reservation }).rejects('RESERVATION_EXPIRED')
  // It never undoes a commit: its own version must be right.
  story.when(usurp, { agent: 'boss', priority: 3 }).rejects('STALE_VERSION')
})

test('a reservation that there is not is named', () => {
  const story = seat()
  story.when(use(), { reservation: 'nothing' }).rejects('RESERVATION_UNKNOWN')
  story.when(lease('take', 30_000), holder)
  story.when(use('b'), { reservation: 'nothing' }).rejects('RESERVATION_UNKNOWN')
})

test('a holder in quarantine holds nothing', () => {
  const story = seat()
  const reservation = idOf(story.when(lease('take', 30_000), holder))
  story.quarantines('holder')
  story.when(use()).commits({ resource: 'seat/a' })
  story.when(use(), { ...holder, reservation }).rejects('AGENT_QUARANTINED')
  story.when(lease('take', 30_000), { agent: 'other' }).commits({ state: 'held' })
})

test.each([
  'reservation/seat',
  'reservation/ghost/a',
  'reservation/agent/holder',
  'reservation/reservation/seat/a',
  'reservation/escalation/x',
])('there is nothing to reserve at %s', (resource) => {
  seat()
    .when({ resource, action: 'take', input: { forMs: 1_000 } })
    .rejects('GUARD_REFUSED', { details: expect.stringContaining('NOTHING_TO_RESERVE') })
})

test('nobody ends a lease in the name of the clock or of a rule', () => {
  const story = seat()
  story.when(lease('take', 30_000), holder)
  for (const action of ['lapse', 'preempt']) {
    for (const agent of ['other', 'clock', 'signalbox', 'human:ann']) story.when(lease(action), { agent }).rejects('AGENT_NOT_ALLOWED')
  }
})

describe('the id of a lease is no key', () => {
  const other = { agent: 'other' }
  function held() {
    const story = new Story()
    story.when({ resource: 'seat/a', action: 'open', input: { left: 5 } })
    const taken = story.when(lease('take', 30_000), holder)
    return { story, reservation: idOf(taken) }
  }
  const use = { resource: 'seat/a', action: 'use', input: { by: 1 } }

  test('who knows it may not act under it, nor does a reject tell it', () => {
    const { reservation, story } = held()
    const told = story.when(lease('renew', 1_000), other).rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_YOURS') })
    expect(JSON.stringify(told.events[0]!.payload)).not.toContain(`lease ${reservation}`)
    for (const agent of ['other', 'Holder', 'human:ann'])
      story.when(use, { agent, reservation }).rejects('RESERVED', { details: expect.stringContaining('"holder":"holder"') })
    story.when(use, { ...holder, reservation }).commits({ state: 'free' })
  })

  test('its holder says who else may act under it, and takes that back', () => {
    const { reservation, story } = held()
    story.when({ ...lease('delegate'), input: { to: ['other'] } }, other).rejects('GUARD_REFUSED')
    story.when({ ...lease('delegate'), input: { to: ['other'] } }, holder).commits({ action: 'delegate', state: 'held' })
    story.when(use, { ...other, reservation }).commits({ state: 'free' })
    story.when(lease('release'), other).rejects('GUARD_REFUSED')
    story.when({ ...lease('delegate'), input: { to: [] } }, holder)
    story.when(use, { ...other, reservation }).rejects('RESERVED')
  })

  test('what was delegated ends with the lease', () => {
    const { reservation, story } = held()
    story.when({ ...lease('delegate'), input: { to: ['other'] } }, holder)
    story
      .passes(30_001)
      .when(use, { ...other, reservation })
      .says('IntentRejected', { code: 'RESERVATION_EXPIRED' })
  })
})
