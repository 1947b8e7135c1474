/** A log that goes on in other topics: nothing more is decided in it, nothing happens by itself, and it can be opened again. */
import { systemScope } from '@signalbox/contract'
import { evolve, explain, PartitionState, StateBuilder, snapshotParts } from '@signalbox/core'
import { describe, expect, test } from 'vitest'
import { type Outcome, Story, startMs } from './specification.ts'

const human = { agent: 'human:ann', scope: systemScope(0, 1) } as const
const seat = { resource: 'seat/a', action: 'open', input: { left: 5 } }
const use = (by = 1) => ({ resource: 'seat/a', action: 'use', input: { by } })
const close = { resource: 'generation/log', action: 'close', input: { next: 'signalbox-2', reason: 'twelve partitions' } }
const reopen = { resource: 'generation/log', action: 'reopen', input: { reason: 'the move was called off' } }

function closed(story = new Story()): Story {
  expect(story.when(close, human).summary.at(-1)).toBe('committed close generation/log closed')
  return story
}

function said({ events }: Outcome): string {
  const event = events.at(-1)!
  return event.type === 'IntentRejected' ? event.payload.message : event.type
}

describe('a closed log', () => {
  test('rejects every intent, says where it goes on, and leaves the id free', () => {
    const outcome = closed().when(seat, { intentId: '019e807a-ec00-7000-8000-00000000aaaa' })
    outcome.rejects('GENERATION_CLOSED', {
      message: expect.stringContaining('closed by human:ann and goes on as signalbox-2: twelve partitions'),
      details: JSON.stringify({ next: 'signalbox-2', by: 'human:ann', reason: 'twelve partitions', sinceMs: startMs }),
    })
    const again = outcome.state.decision('019e807a-ec00-7000-8000-00000000aaaa', '')
    expect(again).toBeUndefined()
  })

  test('answers what was decided before, once more', () => {
    const story = new Story()
    const intentId = '019e807a-ec00-7000-8000-00000000aaaa'
    story.when(seat, { intentId })
    closed(story)
    expect(story.when(seat, { intentId }).summary).toEqual(['duplicated committed'])
  })

  test('lets nothing happen by itself: no timer fires, nobody who waits is decided', () => {
    const story = new Story()
    story.when({ resource: 'ticket/a', action: 'open', input: { note: '' } })
    story.when(seat)
    story.when(use(9), { onConflict: 'wait', agent: 'patient' })
    closed(story)
    const before = [...snapshotParts(story.state)].filter(({ kind }) => kind !== 'partition' && kind !== 'tally')
    for (let hours = 0; hours < 3; hours++) expect(story.passes(3_600_000).ticks().summary).toEqual(['rejected GENERATION_CLOSED'])
    expect(story.when({ resource: 'seat/a', action: 'fill', input: { by: 9 } }).summary).toEqual(['rejected GENERATION_CLOSED'])
    expect([...snapshotParts(story.state)].filter(({ kind }) => kind !== 'partition' && kind !== 'tally')).toEqual(before)
  })

  test('counts nothing against the agents that it turns away', () => {
    const story = closed(new Story({ containment: { breaker: { rejects: 2, ratio: 0 }, repeatedRejects: 2 } }))
    for (let count = 0; count < 5; count++) expect(story.when(seat).summary).toEqual(['rejected GENERATION_CLOSED'])
    story.when(reopen, human)
    expect(story.when(seat).summary).toEqual(['committed open seat/a free'])
  })

  test('counts nothing of what it refuses at the door either, so that it does not matter when it is read to be carried over', () => {
    const story = closed(new Story({ containment: { breaker: { rejects: 2, ratio: 0 }, repeatedRejects: 2 } }))
    const before = [...snapshotParts(story.state)].filter(({ kind }) => kind === 'tally')
    for (let count = 0; count < 5; count++) story.when(seat, { intentId: 'no-id' }).rejects('INTENT_ID_INVALID')
    expect([...snapshotParts(story.state)].filter(({ kind }) => kind === 'tally')).toEqual(before)
  })

  test('goes on where it was once it is opened again', () => {
    const story = new Story()
    story.when({ resource: 'ticket/a', action: 'open', input: { note: '' } })
    closed(story)
    story.passes(3_600_000).ticks()
    expect(story.when(reopen, human).summary).toEqual(['committed reopen generation/log open'])
    expect(story.ticks().summary[0]).toBe('timer expire ticket/a expired')
    expect(story.resource('ticket/a').state).toBe('expired')
  })

  test('is closed for whoever reads it from its events, or from a snapshot', () => {
    const story = closed()
    const folded = new PartitionState(0, story.rules.limits)
    for (const event of story.events) evolve(folded, event)
    const builder = new StateBuilder(story.rules.limits)
    for (const part of snapshotParts(folded)) builder.add(JSON.parse(JSON.stringify(part)))
    for (const state of [folded, builder.state]) expect(state.coordination.closed).toMatchObject({ next: 'signalbox-2', by: 'human:ann' })
  })

  test('is the last thing that happens in its record', () => {
    const story = new Story()
    story.when(seat)
    story.when(use(9), { onConflict: 'wait', agent: 'patient', deadline: startMs + 600_000 })
    // What was due before is done before.
    story.when({ resource: 'ticket/a', action: 'open', input: { note: '' } })
    const { summary } = story.passes(3_600_000).when(close, human)
    expect(summary.at(-1)).toBe('committed close generation/log closed')
    expect(summary).toContain('timer expire ticket/a expired')
  })

  test('explains itself', () => {
    const story = closed()
    const { intent } = { intent: { ...askedFor(story) } }
    const { checks } = explain(
      story.state,
      { offset: story.state.nextOffset, timestampMs: story.nowMs, intent, problem: null },
      story.rules,
    )
    expect(checks.find(({ name }) => name === 'generation')).toEqual({
      name: 'generation',
      result: 'failed',
      seen: { closed: true, next: 'signalbox-2' },
    })
  })
})

function askedFor(story: Story) {
  const before = story.events.length
  story.when(seat)
  const event = story.events[before]!
  if (event.type !== 'IntentRejected') throw new Error(event.type)
  const { actions, agent, intentId, scope } = JSON.parse(event.payload.intent!)
  const defaults = { reads: [], causationId: null, deadline: null, priority: null, confidence: null, reservation: null, note: null }
  return {
    ...defaults,
    intentId,
    scope,
    agent,
    actions: actions.map((action: { input: object }) => ({ expectedVersion: null, ...action, input: JSON.stringify(action.input) })),
    correlationId: intentId,
    onConflict: 'reject' as const,
    signature: null,
    causationDepth: null,
  }
}

describe('who closes a log, and where', () => {
  test('agents do not', () => {
    expect(new Story().when(close, { ...human, agent: 'clerk' }).summary).toEqual(['rejected AGENT_NOT_ALLOWED'])
    expect(new Story().when(close, { ...human, agent: 'process-manager' }).summary).toEqual(['rejected AGENT_NOT_ALLOWED'])
  })

  test('in the scope of the partition, by one resource, alone', () => {
    expect(said(new Story().when(close, { agent: 'human:ann' }))).toContain('WRONG_SCOPE')
    expect(said(new Story().when({ ...close, resource: 'generation/other' }, human))).toContain('WRONG_SCOPE')
    expect(said(new Story().when([close, { resource: 'agent/x', action: 'declare', input: { capabilities: [] } }], human))).toMatch(
      /NOT_ALONE|NOT_YOURS/,
    )
  })

  test('an open log cannot be opened, a closed one not be closed', () => {
    expect(new Story().when(reopen, human).summary).toEqual(['rejected STATE_CONFLICT'])
    expect(closed().when(close, human).summary).toEqual(['rejected GENERATION_CLOSED'])
  })

  test('at once: what waited in a closed log would wait for ever', () => {
    const [next] = Array.from({ length: 9 }, (_, number) => `~partition/0/${number}`).filter((scope) => scope !== human.scope)
    for (const onConflict of ['wait', 'escalate'] as const) {
      expect(new Story().when(reopen, { ...human, onConflict }).summary).toEqual(['rejected STATE_CONFLICT'])
      expect(closed().when(reopen, { ...human, scope: next!, onConflict }).summary).toEqual(['rejected STATE_CONFLICT'])
    }
  })

  test('whatever it was read with: a human who went wrong is no reason to ask another', () => {
    const story = closed()
    story.when(reopen, human)
    const input = { reason: 'it went wrong', taintedSinceMs: 0 }
    story.when({ resource: 'agent/human:ann', action: 'quarantine', input }, { agent: 'process-manager', scope: human.scope })
    const other = { ...human, agent: 'human:bea', reads: [{ resource: 'generation/log', version: 2 }] }
    expect(story.when(close, other).summary.at(-1)).toBe('committed close generation/log closed')
    expect(story.when(reopen, { ...other, reads: [{ resource: 'generation/log', version: 3 }] }).summary).toEqual([
      'committed reopen generation/log open',
    ])
  })

  test('not while an intent is pending in that scope, which no other log has', () => {
    const story = new Story()
    const waiting = { resource: 'agent/rogue', action: 'release', input: { reason: 'x' } }
    const outcome = story.when(waiting, { ...human, onConflict: 'wait' })
    expect(outcome.summary).toEqual(['pending waiting STATE_CONFLICT'])
    expect(said(story.when(close, human))).toContain('PENDING_HERE')
    const event = outcome.events[0]!
    if (event.type !== 'IntentPending') throw new Error(event.type)
    story.when({ resource: `intent/${event.payload.intentId}`, action: 'withdraw' }, human)
    closed(story)
  })
})
