/** A piece of work that goes on in many scopes is counted over all partitions. */
import { partitionOf, systemScope } from '@signalbox/contract'
import { expect, test } from 'vitest'
import { Story } from './specification.ts'

const here = systemScope(0, 2)
const scope = ['bank-1', 'bank-2', 'bank-3', 'bank-4'].find((name) => partitionOf(name, 2) === 0)!
const counts = 'correlation/counts'
const use = { resource: 'seat/a', action: 'use', input: { by: 1 } }
const work = { scope, correlationId: 'work-1' }

function seat(correlationIntents: number | null) {
  const story = new Story({ containment: { correlationIntents } })
  story.when({ resource: 'seat/a', action: 'open', input: { left: 50 } }, { scope }, { partitionCount: 2 })
  return {
    story,
    asks: (more: object = {}) => story.when(use, { ...work, ...more }, { partitionCount: 2 }),
    carries: (action: string, input: object) =>
      story.when({ resource: counts, action, input }, { agent: 'process-manager', scope: here }, { partitionCount: 2 }),
    counted: () => {
      const { data } = story.state.resourceIn(here, counts)!
      return JSON.parse(data)
    },
  }
}

test('each intent of the work is told while a limit is small', () => {
  const { asks, counted } = seat(3)
  expect(asks().summary).toEqual(['committed use seat/a free', `loop count ${counts} counting`])
  asks()
  expect(counted()).toEqual({ correlationId: 'work-1', partition: 0, count: 2, exhausted: null })
})

test('a large limit does not make an event of each intent, and leaves at most a quarter of it untold', () => {
  const { asks, story } = seat(80)
  for (let number = 0; number < 40; number++) asks()
  const told = story.events.filter(({ type }) => type === 'RuleApplied')
  expect(told).toHaveLength(4)
})

test('nothing is told where nothing is to be limited, of what belongs to no work, or where there is one partition', () => {
  expect(seat(null).asks().events).toHaveLength(1)
  const { asks, story } = seat(3)
  expect(story.when(use, { scope }, { partitionCount: 2 }).events).toHaveLength(1)
  expect(story.when(use, work).events).toHaveLength(1)
  // The second time it is the same intent.
  const intentId = asks().events[0]!.payload as { readonly intentId: string }
  expect(asks({ intentId: intentId.intentId }).summary).toEqual(['duplicated committed'])
})

test('what was refused is told, and not what a limit or the door turned away', () => {
  const { asks, carries } = seat(2)
  expect(asks({ actions: [{ ...use, input: '{"by":1000}', expectedVersion: null }] }).summary).toEqual([
    'rejected GUARD_REFUSED',
    `loop count ${counts} counting`,
  ])
  asks()
  expect(asks().summary).toEqual(['rejected CORRELATION_EXHAUSTED'])
  carries('exhaust', { correlationId: 'work-2', partition: 1, count: 7, untilMs: Date.UTC(2027, 0, 1) })
  expect(asks({ correlationId: 'work-2' }).summary).toEqual(['rejected CORRELATION_EXHAUSTED'])
})

test('the home of a work says when all partitions together have had too much', () => {
  const { carries, counted, story } = seat(5)
  const tell = (partition: number, count: number) => carries('tell', { correlationId: 'work-1', partition, count })
  tell(0, 3)
  expect(counted().exhausted).toBeNull()
  // The count of a partition takes the place of what it told before.
  tell(0, 4)
  expect(counted().exhausted).toBeNull()
  tell(1, 1)
  expect(counted().exhausted).toEqual({ count: 5, untilMs: story.nowMs + 60_000 })
  tell(1, 2)
  expect(counted().exhausted).toBeNull()
  // What was told a window ago says nothing any more.
  story.passes(60_000)
  tell(1, 1)
  expect(counted().exhausted).toBeNull()
})

test('an exhausted work is held back everywhere until its time is over, and no other is', () => {
  const { asks, carries, story } = seat(5)
  carries('exhaust', { correlationId: 'work-1', partition: 1, count: 6, untilMs: story.nowMs + 60_000 })
  asks().rejects('CORRELATION_EXHAUSTED', { details: '{"count":6,"limit":5}', retryAfterMs: 60_000 })
  asks({ correlationId: 'work-2' }).says('IntentCommitted', {})
  story.passes(60_000)
  asks().says('IntentCommitted', {})
  // Nothing is kept of it.
  story.passes(200_000)
  asks()
  expect([story.state.coordination.exhausted.size, story.state.coordination.told.size]).toEqual([0, 0])
})

test.each([
  ['an agent', { agent: 'clerk', scope: here }, 'AGENT_NOT_ALLOWED'],
  ['who asks in the scope of agents', { agent: 'process-manager', scope }, 'GUARD_REFUSED'],
] as const)('%s says nothing of it', (_who, more, code) => {
  const { story } = seat(5)
  const input = { correlationId: 'work-1', partition: 1, count: 6, untilMs: story.nowMs + 60_000 }
  story.when({ resource: counts, action: 'exhaust', input }, more, { partitionCount: 2 }).rejects(code)
})

test('what is forgotten depends on the window alone, and not on the moment at which the state is tidied', () => {
  const kept = [50_000, 70_000].map((laterMs) => {
    const { asks, carries, story } = seat(5)
    story.passes(30_000)
    carries('tell', { correlationId: 'work-1', partition: 1, count: 6 })
    story.passes(laterMs)
    asks()
    story.state.coordination.tidy(story.nowMs)
    return [story.state.coordination.told.size, story.state.coordination.exhausted.size]
  })
  expect(kept).toEqual([kept[0], kept[0]])
})
