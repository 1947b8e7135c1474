/** Agents that go round though nothing is rejected: hold, leave, hold, leave. */
import { contractSet, defineContract, none } from '@signalbox/contract'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { owner } from './contracts.ts'
import { Story } from './specification.ts'

const room = defineContract({
  type: 'room',
  version: 1,
  owner,
  data: z.strictObject({}),
  states: ['free', 'held'],
  actions: {
    open: { from: none, to: 'free', input: z.strictObject({}) },
    hold: { from: 'free', to: 'held', conflict: 'commutative' },
    leave: { from: 'held', to: 'free', conflict: 'commutative' },
    look: { from: ['free', 'held'], conflict: 'commutative' },
  },
  rounds: { count: 3, withinMs: 600_000, to: 'front-desk' },
})

function world(): Story {
  const story = new Story({ contracts: contractSet([room]) })
  story.when({ resource: 'room/1', action: 'open', input: {} })
  return story
}
const act = (story: Story, action: string, agent: string) => story.passes(1_000).when({ resource: 'room/1', action }, { agent })

test('twelve rounds of two agents are put before a human at the fourth', () => {
  const story = world()
  const said: string[] = []
  for (let round = 1; round <= 12; round++) {
    said.push(act(story, 'hold', 'ann').summary[0]!, act(story, 'leave', 'bob').summary[0]!)
    if (said.some((each) => each.startsWith('pending'))) break
  }
  expect(said.slice(0, 6).every((each) => each.startsWith('committed'))).toBe(true)
  expect(said[6]).toBe('pending escalated GOES_ROUND')
  const [escalation] = [...story.events].reverse().flatMap((event) => (event.type === 'IntentPending' ? [event.payload.escalation!] : []))
  expect(story.resource(escalation!).data).toMatchObject({ cause: 'GOES_ROUND', to: 'front-desk', resource: 'room/1' })
})

test('the same action at a stretch is no round', () => {
  const story = world()
  for (let time = 1; time <= 12; time++) expect(act(story, 'look', 'ann').summary[0]).toContain('committed look')
})

test('rounds that lie longer ago do not count', () => {
  const story = world()
  for (let round = 1; round <= 12; round++) {
    story.passes(300_000)
    expect(act(story, 'hold', 'ann').summary[0]).toContain('committed hold')
    expect(act(story, 'leave', 'bob').summary[0]).toContain('committed leave')
  }
})

test('a human lets one through, and is asked about the next', () => {
  const story = world()
  for (let round = 1; round <= 3; round++) {
    act(story, 'hold', 'ann')
    act(story, 'leave', 'bob')
  }
  const pending = act(story, 'hold', 'ann')
  const { escalation } = pending.events[0]!.payload as { escalation: string }
  const approved = story.when(
    { resource: escalation, action: 'approve', input: { reason: 'fine', digest: story.resource(escalation).data.digest } },
    { agent: 'human:cleo' },
  )
  expect(approved.summary[1]).toContain('committed hold room/1 held')
  expect(act(story, 'leave', 'bob').summary[0]).toBe('pending escalated GOES_ROUND')
})
