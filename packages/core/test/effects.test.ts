/** What agents do in the world after a commit: reported done or failed in time, or a human looks. */
import { expect, test } from 'vitest'
import { Story, startMs } from './specification.ts'

const agent = { agent: 'payer' }

function begun(action: 'pay' | 'remind'): { readonly story: Story; readonly name: string; readonly id: string } {
  const story = new Story()
  story.when({ resource: 'refund/r', action: 'ask', input: { cents: 5 } })
  const { events } = story.when({ resource: 'refund/r', action, expectedVersion: 1 }, agent)
  if (events[0]!.type !== 'IntentCommitted') throw new Error('it was not committed')
  const { changes, intentId } = events[0]!.payload
  expect(changes[1]!.resource).toBe(`effect/${intentId}-0`)
  return { story, name: changes[1]!.resource, id: `${intentId}-0` }
}

test('the commit begins it, with whom, what, and by when it must be reported', () => {
  const { name, story } = begun('pay')
  expect(story.resource(name)).toMatchObject({
    state: 'pending',
    timer: { due: startMs + 60_000, action: 'lapse' },
    data: { agent: 'payer', resource: 'refund/r', action: 'pay', undo: 'reverse', idempotent: false, attempt: 1, result: null },
  })
})

test('it is reported done, once, by its agent or a human', () => {
  const { name, story } = begun('pay')
  const done = { resource: name, action: 'done', input: { result: 'tx-1' } }
  story.when(done, { agent: 'other' }).rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_YOURS') })
  story.when(done, agent).commits({ state: 'done', timer: null })
  expect(story.resource(name).data.result).toBe('tx-1')
  story.when(done, agent).rejects('STATE_CONFLICT')
  expect(story.passes(600_000).ticks().summary).toEqual(['committed'])
  const other = begun('pay')
  other.story.when({ resource: other.name, action: 'done' }, { agent: 'human:ann' }).commits({ state: 'done' })
})

test('a failed one is put before a human: what was committed does not hold in the world', () => {
  const { id, name, story } = begun('pay')
  const outcome = story.when({ resource: name, action: 'failed', input: { reason: 'the bank said no' } }, agent)
  expect(outcome.summary).toEqual([`committed failed ${name} failed`, `escalation trigger escalation/effect-failed-${id} triggered`])
  expect(story.resource(`escalation/effect-failed-${id}`).data).toMatchObject({
    cause: 'EFFECT_FAILED',
    message: expect.stringContaining('reverse takes it back'),
  })
})

test('one that is not reported is put before a human, and never tried again unseen', () => {
  const { id, name, story } = begun('pay')
  expect(story.passes(60_000).ticks().summary).toEqual([
    `timer lapse ${name} unreported`,
    `escalation trigger escalation/effect-${id} triggered`,
    'committed',
  ])
  // A late report still counts, and closes it.
  expect(story.when({ resource: name, action: 'done' }, agent).summary).toEqual([
    `committed done ${name} done`,
    `escalation close escalation/effect-${id} resolved`,
  ])
})

test('an idempotent one is asked for again, as often as its contract says, and then put before a human', () => {
  const { id, name, story } = begun('remind')
  expect(story.passes(60_000).ticks().summary).toEqual([`timer lapse ${name} pending`, 'committed'])
  expect(story.resource(name)).toMatchObject({ data: { attempt: 2 }, timer: { due: startMs + 120_000 } })
  expect(story.passes(60_000).ticks().summary[1]).toBe(`escalation trigger escalation/effect-${id} triggered`)
})

test('nobody makes one up, and nobody says that it lapsed', () => {
  const { name, story } = begun('pay')
  story.when({ resource: name, action: 'start' }, agent).rejects('ACTION_UNKNOWN')
  story.when({ resource: name, action: 'lapse' }, agent).rejects('AGENT_NOT_ALLOWED')
  story.when({ resource: 'effect/mine', action: 'done' }, agent).rejects('STATE_CONFLICT')
  story.when({ resource: 'source/price/tea', action: 'state' }, agent).rejects('ACTION_UNKNOWN')
})
