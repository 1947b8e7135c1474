/** Two agents who run into each other on one resource again and again want different things: a human must say which. */
import { expect, test } from 'vitest'
import { Story } from './specification.ts'

const correct = (expectedVersion: number) => ({ resource: 'refund/r', action: 'correct', input: { cents: 1 }, expectedVersion })

function contested(): Story {
  const story = new Story()
  story.when({ resource: 'refund/r', action: 'ask', input: { cents: 5 } }, { agent: 'one' })
  story.when(correct(1), { agent: 'one' })
  return story
}

function escalations(story: Story): readonly string[] {
  return [...story.state.resources()].map(([key]) => key.slice(key.indexOf('\u0000') + 1)).filter((key) => key.startsWith('escalation/'))
}

test('as often as the contract says within the window, it is put before whom the contract names', () => {
  const story = contested()
  expect(story.when(correct(1), { agent: 'two' }).summary).toEqual(['rejected STALE_VERSION'])
  const outcome = story.when(correct(1), { agent: 'two' })
  expect(outcome.summary).toEqual([
    'rejected STALE_VERSION',
    expect.stringMatching(/^contradiction trigger escalation\/contradiction-[\w-]{22} triggered$/),
  ])
  const [name] = escalations(story)
  expect(story.resource(name!).data).toMatchObject({
    cause: 'CONTRADICTION',
    agent: 'two',
    resource: 'refund/r',
    to: 'leads',
    intentId: null,
  })
  expect(story.when(correct(1), { agent: 'two' }).summary[1]).toContain('contradiction again')
})

test('others, other resources and other times are counted apart', () => {
  const story = contested()
  story.when(correct(1), { agent: 'two' })
  expect(story.when(correct(1), { agent: 'three' }).events).toHaveLength(1)
  expect(story.when(correct(1), { agent: 'one' }).events).toHaveLength(1)
  story.passes(120_000)
  expect(story.when(correct(1), { agent: 'two' }).events).toHaveLength(1)
})

test('such an escalation is settled by a human, without any intent', () => {
  const story = contested()
  for (let number = 0; number < 2; number++) story.when(correct(1), { agent: 'two' })
  const [name] = escalations(story)
  const { digest } = story.resource(name!).data
  const approve = { resource: name!, action: 'approve', input: { reason: 'two is right', digest } }
  story
    .when(
      { ...approve, action: 'amend', input: { ...approve.input, actions: [correct(2)].map(({ expectedVersion: _, ...rest }) => rest) } },
      { agent: 'human:ann' },
    )
    .rejects('GUARD_REFUSED')
  story.when(approve, { agent: 'human:ann' }).commits({ state: 'resolved', timer: null })
  // Then it may come again, as a new one.
  expect(story.when(correct(1), { agent: 'two' }).summary[1]).toContain('contradiction trigger')
})
