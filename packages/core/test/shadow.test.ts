/** What is in shadow is decided and logged as what would have been; what is in force stays as it is. */
import { expect, test } from 'vitest'
import { intent, Story, startMs } from './specification.ts'

const start = { resource: 'pilot/p', action: 'start', input: { step: 1 } }
const step = { resource: 'pilot/p', action: 'step' }

test('a contract in shadow has a world of its own, so that an action finds what the last one did', () => {
  const story = new Story()
  expect(story.when(step).summary).toEqual(['shadowed contract pilot STATE_CONFLICT'])
  story
    .when(start)
    .then({ type: 'IntentShadowed', payload: { by: 'contract pilot', code: null, message: null, changes: [{ version: 1, state: 'on' }] } })
  story.when(step).then({
    type: 'IntentShadowed',
    payload: {
      changes: [
        { version: 2, data: '{"step":2}' },
        { action: 'start', state: 'pending' },
      ],
    },
  })
  expect(story.state.resourceIn('bank-1', 'pilot/p')).toBeUndefined()
})

test('nothing happens there by itself: no timer, no effect to report, nobody is asked', () => {
  const story = new Story()
  story.when(start)
  story.when(step)
  expect(story.state.coordination.timers.size).toBe(0)
  expect(story.passes(86_400_000).ticks().summary).toEqual(['committed'])
})

test('an agent in shadow finds the world as it is, and leaves it so', () => {
  const story = new Story({ containment: { shadowAgents: ['trainee-*'] } })
  story.when({ resource: 'seat/a', action: 'open', input: { left: 5 } })
  const use = (by: number) => ({ resource: 'seat/a', action: 'use', input: { by } })
  story
    .when(use(3), { agent: 'trainee-1' })
    .then({ type: 'IntentShadowed', payload: { by: 'agent trainee-1', code: null, changes: [{ version: 2 }] } })
  story
    .when(use(9), { agent: 'trainee-1', onConflict: 'wait' })
    .then({ type: 'IntentShadowed', payload: { code: 'GUARD_REFUSED', changes: [], resource: 'seat/a' } })
  story
    .when({ resource: 'reservation/seat/a', action: 'take', input: { forMs: 1_000 } }, { agent: 'trainee-1' })
    .then({ type: 'IntentShadowed' })
  expect(story.resource('seat/a')).toMatchObject({ version: 1, data: { left: 5 } })
  expect(story.state.coordination).toMatchObject({ pending: { size: 0 }, timers: { size: 0 } })
})

test('the same intent again is a duplicate: shadowed', () => {
  const story = new Story()
  const asked = intent(start)
  const { events } = story.when(asked)
  story.when(asked).then({
    type: 'IntentDuplicated',
    payload: { outcome: 'shadowed', code: null, decision: { partition: 0, offset: events[0]!.offset, index: 0 } },
  })
  story.when({ ...asked, note: 'other' }).rejects('INTENT_ID_REUSED')
})

test('an intent with one action in shadow is in shadow as a whole', () => {
  const story = new Story()
  story
    .when([start, { resource: 'seat/a', action: 'open', input: { left: 5 } }])
    .then({ type: 'IntentShadowed', payload: { changes: [{}, { resource: 'seat/a' }] } })
  expect(story.state.resourceIn('bank-1', 'seat/a')).toBeUndefined()
})

test('what does not get through the door is rejected all the same', () => {
  new Story().when(start, { priority: 0.5, deadline: startMs }).rejects('INTENT_MALFORMED')
})
