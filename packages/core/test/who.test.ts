/** Who is whom: what is counted, held back or kept apart goes by the name without its case; who may act, by the name as it is. */
import { homeScope } from '@signalbox/contract'
import { describe, expect, test } from 'vitest'
import { Story } from './specification.ts'

const open = { resource: 'seat/a', action: 'open', input: { left: 50 } }
const use = { resource: 'seat/a', action: 'use', input: { by: 1 } }
const wrong = { resource: 'seat/a', action: 'use', input: { by: 1_000 } }
const refund = { resource: 'refund/r', action: 'ask', input: { cents: 50_000 } }
const pay = { resource: 'refund/r', action: 'pay', expectedVersion: 1 }

function escalated(agent: string): { readonly story: Story; readonly approve: (by: string) => ReturnType<Story['when']> } {
  const story = new Story()
  story.when(refund)
  const { events } = story.when(pay, { agent })
  const name = (events[0]!.payload as { escalation: string }).escalation
  return {
    story,
    approve: (by) =>
      story.when({ resource: name, action: 'approve', input: { reason: 'fine', digest: story.resource(name).data.digest } }, { agent: by }),
  }
}

describe('one person under two spellings', () => {
  test('is one of two who must agree', () => {
    const { approve, story } = escalated('clerk')
    approve('human:ann').commits({ state: 'triggered' })
    for (const by of ['human:Ann', 'human:ANN', 'human:ann'])
      approve(by).rejects('GUARD_REFUSED', { details: expect.stringContaining('APPROVED_ALREADY') })
    expect(story.resource('refund/r').state).toBe('asked')
    expect(approve('human:bob').summary[1]).toContain('committed pay')
  })

  test('does not agree to what it asked for', () => {
    escalated('human:Ann')
      .approve('human:ann')
      .rejects('GUARD_REFUSED', { details: expect.stringContaining('SEPARATION_OF_DUTIES') })
  })

  test.each(['human:', 'human:-', 'HUMAN:ann', 'human'])('%s gives no verdict', (by) => {
    const { approve, story } = escalated('clerk')
    expect(approve(by).events[0]).toMatchObject({ type: 'IntentRejected' })
    expect(story.resource('refund/r').state).toBe('asked')
  })
})

describe('one agent under two spellings', () => {
  test('has one budget', () => {
    const story = new Story({ containment: { budgets: [{ agents: ['Refunder'], intents: 2 }] } })
    story.when(open)
    story.when(use, { agent: 'refunder' }).commits({})
    story.when(use, { agent: 'Refunder' }).commits({})
    story.when(use, { agent: 'REFUNDER' }).rejects('BUDGET_EXCEEDED')
  })

  test('has one breaker, which stands under one name', () => {
    const story = new Story({ containment: { breaker: { rejects: 3, ratio: 0.1 } } })
    story.when(open)
    story.when(wrong, { agent: 'Bad' })
    story.when(wrong, { agent: 'bad' })
    expect(story.when(wrong, { agent: 'BAD' }).summary).toContain('breaker open agent/bad open')
    story.when(use, { agent: 'bAd' }).rejects('BREAKER_OPEN', { resource: 'agent/bad' })
  })

  test('is in quarantine under both', () => {
    const story = new Story()
    story.when(open)
    story.quarantines('bad')
    story.when(use, { agent: 'Bad' }).rejects('AGENT_QUARANTINED')
    expect(homeScope('Bad')).toBe(homeScope('bad'))
  })

  test('is named in one way by who holds it back', () => {
    const story = new Story()
    story
      .when({ resource: 'agent/Bad', action: 'quarantine', input: { reason: 'x' } }, { agent: 'human:ann', scope: homeScope('bad') })
      .rejects('GUARD_REFUSED', { details: expect.stringContaining('name agent/bad') })
  })

  test('does not release itself', () => {
    const story = new Story()
    const reason = { reason: 'x' }
    story.when(
      { resource: 'agent/human:rogue', action: 'quarantine', input: reason },
      { agent: 'human:ann', scope: homeScope('human:rogue') },
    )
    story
      .when({ resource: 'agent/human:rogue', action: 'release', input: reason }, { agent: 'human:Rogue', scope: homeScope('human:rogue') })
      .rejects('GUARD_REFUSED')
  })

  test('is decided in shadow under both', () => {
    const story = new Story({ containment: { shadowAgents: ['Trial*'] } })
    story.when(open)
    expect(story.when(use, { agent: 'trial-1' }).events[0]).toMatchObject({ type: 'IntentShadowed' })
  })

  test('may not do what only the other may', () => {
    const story = new Story()
    story.when({ resource: 'reservation/seat/a', action: 'take', input: { forMs: 1_000 } }).events
    story.when(open)
    story.when({ resource: 'reservation/seat/a', action: 'take', input: { forMs: 1_000 } }, { agent: 'Holder' })
    story.when(use, { agent: 'holder' }).rejects('RESERVED')
  })

  test.each(['Clock', 'CLOCK', 'Signalbox'])('%s is no name for an agent that is none of ours', (agent) => {
    new Story().when(open, { agent }).rejects('AGENT_NOT_ALLOWED')
  })
})
