/** Intents that wait: for what, how long, behind whom, and how they end. */
import { StateBuilder, snapshotParts } from '@signalbox/core'
import { expect, test } from 'vitest'
import { type AskedAction, type Outcome, Story, startMs } from './specification.ts'

const open = { resource: 'seat/a', action: 'open', input: { left: 5 } }
const use = (by: number, resource = 'seat/a') => ({ resource, action: 'use', input: { by } })
const fill = (by: number) => ({ resource: 'seat/a', action: 'fill', input: { by } })
const book = (resource = 'seat/a') => ({ resource, action: 'book', input: { who: 'x' } })
const free = { resource: 'seat/a', action: 'free' }
const wait = { onConflict: 'wait' } as const
const waiter = { ...wait, agent: 'patient' }

function seat(settings?: ConstructorParameters<typeof Story>[0]): Story {
  const story = new Story(settings)
  story.when(open)
  return story
}

/** The id of the pending intent that a record made. */
function pendingId({ events }: Pick<Outcome, 'events'>): string {
  const event = events.find(({ type }) => type === 'IntentPending')
  if (event?.type !== 'IntentPending') throw new Error('nothing is pending')
  return event.payload.intentId
}

/** A `use(9)` as an event embeds it, as its agent would send it once more. */
function sentAgain(embedded: string) {
  const { actions, ...intent } = JSON.parse(embedded)
  const left = ['causationId', 'causationDepth', 'deadline', 'priority', 'confidence', 'reservation', 'note', 'signature']
  return {
    ...Object.fromEntries(left.map((field) => [field, null])),
    ...intent,
    actions: [{ ...actions[0], input: '{"by":9}', expectedVersion: null }],
  }
}

test('a guard that can still come true is waited for, and the decision names where it began', () => {
  const story = seat()
  const outcome = story.when(use(9), waiter).then({
    type: 'IntentPending',
    payload: { reason: 'waiting', code: 'GUARD_REFUSED', until: startMs + 60_000, since: null, escalation: null },
  })
  const { offset } = outcome.events[0]!
  expect(story.when(fill(1)).summary).toEqual(['committed fill seat/a free', 'examined GUARD_REFUSED'])
  const settled = story.when(fill(3))
  expect(settled.summary).toEqual(['committed fill seat/a free', 'committed use seat/a free'])
  settled.says('IntentCommitted', { settles: { partition: 0, offset, index: 0 }, agent: 'patient' })
  expect(story.state.coordination.pending.size).toBe(0)
  expect(story.state.coordination.timers.size).toBe(0)
})

test('so is a state', () => {
  const story = seat()
  story.when(book())
  expect(story.when(book(), waiter).summary).toEqual(['pending waiting STATE_CONFLICT'])
  expect(story.when(free).summary).toEqual(['committed free seat/a free', 'committed book seat/a taken'])
})

test('an invariant', () => {
  const story = seat()
  expect(story.when(fill(96), waiter).summary).toEqual(['pending waiting INVARIANT_VIOLATED'])
  expect(story.when(use(1)).summary).toEqual(['committed use seat/a free', 'committed fill seat/a free'])
})

test('a reservation', () => {
  const story = seat()
  story.when({ resource: 'reservation/seat/a', action: 'take', input: { forMs: 30_000 } }, { agent: 'holder' })
  expect(story.when(use(1), waiter).summary).toEqual(['pending waiting RESERVED'])
  const outcome = story.when({ resource: 'reservation/seat/a', action: 'release' }, { agent: 'holder' })
  expect(outcome.summary).toEqual(['committed release reservation/seat/a ended', 'committed use seat/a free'])
})

test('a lease that lapses lets in whoever waits, with nothing but a tick', () => {
  const story = seat()
  story.when({ resource: 'reservation/seat/a', action: 'take', input: { forMs: 30_000 } }, { agent: 'holder' })
  story.when(use(1), waiter)
  expect(story.passes(30_000).ticks().summary).toEqual(['timer lapse reservation/seat/a ended', 'committed', 'committed use seat/a free'])
})

test('what a guard has read wakes too', () => {
  const story = seat()
  story.when({ ...open, resource: 'seat/b' })
  story.when(book('seat/b'))
  expect(story.when({ resource: 'seat/a', action: 'follow', input: { other: 'b' } }, waiter).summary).toEqual([
    'pending waiting GUARD_REFUSED',
  ])
  expect(story.when({ ...free, resource: 'seat/b' }).summary).toEqual(['committed free seat/b free', 'committed follow seat/a taken'])
})

test('the last of many resources that an intent acts on wakes it', () => {
  const names = Array.from({ length: 80 }, (_, number) => `seat/${number + 100}`)
  const story = new Story()
  story.when(names.map((resource) => ({ ...open, resource })))
  const last = names.at(-1)!
  story.when({ resource: `reservation/${last}`, action: 'take', input: { forMs: 30_000 } }, { agent: 'holder' })
  expect(
    story.when(
      names.map((resource) => use(1, resource)),
      waiter,
    ).summary,
  ).toEqual(['pending waiting RESERVED'])
  const outcome = story.when({ resource: `reservation/${last}`, action: 'release' }, { agent: 'holder' })
  outcome.says('IntentCommitted', { agent: 'patient' })
})

test('a stale version and a stale read never come true again: rejected at once', () => {
  const story = seat()
  const label: AskedAction = { resource: 'seat/a', action: 'label', input: { who: 'x' }, expectedVersion: 1 }
  story.when(fill(1))
  story.when(label, waiter).rejects('STALE_VERSION')
  story.when(use(1), { ...waiter, reads: [{ resource: 'seat/b', version: 3 }] }).rejects('VERSION_FROM_THE_FUTURE')
})

test('a waiter whose version goes stale while it waits is rejected, once', () => {
  const story = seat()
  story.when(book())
  story.when({ ...book(), action: 'follow', input: { other: 'a' } }, waiter)
  const reads = [{ resource: 'seat/b', version: 0 }]
  const { events } = story.when(book(), { ...waiter, reads })
  story.when({ ...open, resource: 'seat/b' })
  const outcome = story.when(free)
  outcome.says('IntentRejected', { code: 'STALE_READ', settles: { partition: 0, offset: events[0]!.offset, index: 0 } })
})

test('a queue has a bound', () => {
  const story = seat()
  for (let number = 0; number < 3; number++) story.when(use(50), waiter)
  story.when(use(50), waiter).rejects('WAIT_QUEUE_FULL', { resource: 'seat/a', details: '{"queue":3}' })
})

test('so has what one agent may have pending in a scope', () => {
  const story = seat({ limits: { pendingAnAgent: 2 } })
  for (let number = 0; number < 2; number++) story.when(use(50), waiter)
  story.when(use(50), waiter).rejects('BUDGET_EXCEEDED', { details: '{"budget":"pending","limit":2,"used":2}' })
  expect(story.when(use(50), { ...wait, agent: 'other' }).summary).toEqual(['pending waiting GUARD_REFUSED'])
})

test('who was passed by as often as may be goes first, and those behind it follow in their order', () => {
  const story = seat()
  story.when(use(8), waiter)
  expect(story.when(use(1)).summary).toEqual(['committed use seat/a free', 'examined GUARD_REFUSED'])
  expect(story.when(use(1)).summary).toEqual(['committed use seat/a free', 'examined GUARD_REFUSED'])
  story.when(use(1)).rejects('BEHIND_WAITERS', { resource: 'seat/a' })
  expect(story.when(use(2), wait).summary).toEqual(['pending waiting BEHIND_WAITERS'])
  expect(story.when(fill(7)).summary).toEqual(['committed fill seat/a free', 'committed use seat/a free', 'committed use seat/a free'])
  expect(story.resource('seat/a').data.left).toBe(0)
})

test.each([
  ['is withdrawn', (story: Story, id: string) => story.when({ resource: `intent/${id}`, action: 'withdraw' }, { agent: 'patient' })],
  ['has waited its time', (story: Story) => story.passes(59_000).ticks()],
])('who stands behind a waiter is decided when that %s', (_name, end) => {
  const story = seat()
  const id = pendingId(story.when(use(50), waiter))
  for (let number = 0; number < 2; number++) story.when(use(1))
  story.passes(1_000).when(use(1), wait)
  const outcome = end(story, id)
  expect(outcome.summary).toContain('committed use seat/a free')
  expect(story.state.coordination.pending.size).toBe(0)
})

test('a lease that is taken or made longer passes by who waits for its end, as often as the contract lets', () => {
  const story = seat()
  const lease = (action: string) => ({ resource: 'reservation/seat/a', action, input: { forMs: 50_000 } })
  story.when(lease('take'), { agent: 'holder' })
  story.when(use(1), waiter)
  story.when(lease('renew'), { agent: 'holder' })
  story.when(lease('renew'), { agent: 'holder' })
  story.when(lease('renew'), { agent: 'holder' }).rejects('BEHIND_WAITERS', { resource: 'reservation/seat/a' })
  // Nor by another who takes it in the very record in which it ends.
  const outcome = story.passes(50_000).when(lease('take'), { agent: 'other' })
  expect(outcome.summary).toEqual(['timer lapse reservation/seat/a ended', 'rejected BEHIND_WAITERS', 'committed use seat/a free'])
})

test('who holds the lease acts, however many wait for its end', () => {
  const story = seat()
  const { events } = story.when({ resource: 'reservation/seat/a', action: 'take', input: { forMs: 50_000 } }, { agent: 'holder' })
  const reservation = events[0]!.type === 'IntentCommitted' ? events[0]!.payload.intentId : ''
  story.when(use(1), waiter)
  for (let number = 0; number < 4; number++)
    expect(story.when(use(1), { agent: 'holder', reservation }).summary[0]).toContain('committed use')
})

test('the deadline of the intent ends the wait, where it is earlier than that of the contract', () => {
  const story = seat()
  const asked = story.when(use(9), { ...waiter, deadline: startMs + 5_000 }).events[0]!
  expect(story.passes(4_999).ticks().summary).toEqual(['committed'])
  const outcome = story.passes(1).ticks()
  expect(outcome.summary).toEqual(['rejected DEADLINE_PASSED', 'committed'])
  outcome.says('IntentRejected', {
    settles: { partition: 0, offset: asked.offset, index: 0 },
    details: JSON.stringify({ waitedFor: 'GUARD_REFUSED', untilMs: startMs + 5_000 }),
  })
})

test('an intent that is sent again in the record that ends its wait gets that end, and no second decision', () => {
  const story = seat()
  const first = story.when(use(9), waiter)
  const asked = first.events[0]!
  if (asked.type !== 'IntentPending') throw new Error('it does not wait')
  story.when(fill(50), { deadline: startMs - 1 })
  const outcome = story.passes(60_000).when(sentAgain(asked.payload.intent))
  expect(outcome.summary).toEqual(['rejected DEADLINE_PASSED', 'duplicated rejected'])
  outcome.says('IntentDuplicated', { code: 'DEADLINE_PASSED', decision: { partition: 0, offset: outcome.events[0]!.offset, index: 0 } })
})

test('the same intent again while it waits: it is pending, and where', () => {
  const story = seat()
  const id = pendingId(story.when(use(9), waiter))
  const { pending } = story.state.coordination
  const { offset, index } = pending.get(id)!.since
  const same = sentAgain(pending.get(id)!.intent)
  story
    .when(same)
    .then({ type: 'IntentDuplicated', payload: { outcome: 'pending', code: null, decision: { partition: 0, offset, index } } })
  story.when({ ...same, note: 'other' }).rejects('INTENT_ID_REUSED')
})

test('is withdrawn by its agent or a human, and by nobody else', () => {
  const story = seat()
  const ids = [0, 1].map(() => pendingId(story.when(use(9), waiter)))
  const withdraw = (id: string, agent: string) =>
    story.when({ resource: `intent/${id}`, action: 'withdraw', input: { reason: 'no longer' } }, { agent })
  withdraw(ids[0]!, 'other').rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_YOURS') })
  expect(withdraw(ids[0]!, 'patient').summary).toEqual(['committed', 'rejected WITHDRAWN'])
  withdraw(ids[0]!, 'patient').rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_PENDING') })
  expect(withdraw(ids[1]!, 'human:ann').summary).toEqual(['committed', 'rejected WITHDRAWN'])
  story.when({ resource: `intent/${ids[1]}`, action: 'withdraw' }, { agent: 'patient', scope: 'bank-2' }).rejects('GUARD_REFUSED')
})

test('a record decides so many again, oldest first, and the next records the rest', () => {
  const story = seat({ limits: { waitersARecord: 2 } })
  const agents = ['one', 'two', 'three']
  for (const agent of agents) story.when(use(9), { ...wait, agent })
  const outcome = story.when(fill(50))
  expect(outcome.events.flatMap(({ payload }) => ('agent' in payload ? [payload.agent] : []))).toEqual(['clerk', 'one', 'two'])
  // Any record will do, in whatever scope.
  expect(story.state.coordination.pending.hasReady).toBe(true)
  const builder = new StateBuilder(story.rules.limits)
  for (const part of snapshotParts(story.state)) builder.add(part)
  expect(builder.state.coordination.pending.ready()).toEqual(story.state.coordination.pending.ready())
  expect(story.ticks().summary).toEqual(['committed', 'committed use seat/a free'])
  expect(story.state.coordination.pending.hasReady).toBe(false)
})

test('a waiter is woken by what another waiter did, in the same record', () => {
  const story = seat()
  story.when(book())
  story.when({ ...book(), action: 'free' })
  story.when(book())
  // The first waits for seat/a to be free; the second for somebody to book it.
  story.when(book(), waiter)
  story.when(book(), { ...wait, agent: 'second' })
  expect(story.when(free).summary).toEqual(['committed free seat/a free', 'committed book seat/a taken', 'examined STATE_CONFLICT'])
  expect(story.when([{ ...free }], {}).summary).toEqual(['committed free seat/a free', 'committed book seat/a taken'])
})

test('a quarantine settles what its agent waits for, and frees what it holds for others', () => {
  const story = seat()
  story.when({ ...open, resource: 'seat/b' })
  story.when({ resource: 'reservation/seat/b', action: 'take', input: { forMs: 300_000 } }, { agent: 'bad' })
  story.when(use(9), { ...wait, agent: 'bad' })
  story.when(use(1, 'seat/b'), waiter)
  const outcome = story.quarantines('bad')
  expect(outcome.summary).toEqual(['committed quarantine agent/bad quarantined', 'rejected AGENT_QUARANTINED', 'committed use seat/b free'])
})

test('what was counted when it came is not counted again when it is decided', () => {
  const story = seat({ containment: { budgets: [{ agents: ['patient'], intents: 1 }], correlationIntents: 1 } })
  const caused = { causationId: 'mail-1', correlationId: 'work-1' }
  story.when(use(9), { ...waiter, ...caused })
  expect(story.when(fill(9)).summary).toContain('committed use seat/a free')
  // That was all the budget, and it is used up once.
  story.when(use(1), waiter).rejects('BUDGET_EXCEEDED', { details: '{"budget":"intents","limit":1,"used":1}' })
})

test('what waits when its contract comes into shadow is over, and nothing of it is in force', () => {
  const story = seat()
  story.when(use(9), waiter)
  const shadowAgents = { containment: { ...story.rules.containment, shadowAgents: ['patient'] } }
  const outcome = story.when(fill(9), {}, shadowAgents)
  expect(outcome.summary).toEqual(['committed fill seat/a free', 'rejected WITHDRAWN'])
  expect(story.resource('seat/a').data.left).toBe(14)
})

test('a contract that breaks while an intent waits makes a dead letter of it, and the rest goes on', () => {
  const story = new Story()
  story.when({ resource: 'faulty/f', action: 'open', input: { items: [], note: '' } })
  expect(story.when({ resource: 'faulty/f', action: 'throwing' }, waiter).summary).toEqual(['rejected DEAD_LETTERED'])
})
