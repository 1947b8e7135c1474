/** Durable timers: what happens to a resource by itself, when, in which order, and how much of it in one record. */
import { defaultLimits } from '@signalbox/contract'
import { evolve, PartitionState, StateBuilder, snapshotParts } from '@signalbox/core'
import { describe, expect, test } from 'vitest'
import { Story, startMs } from './specification.ts'

const open = (name: string, note = '') => ({ resource: `ticket/${name}`, action: 'open', input: { note } })
const act = (action: string, name = 'a') => ({ resource: `ticket/${name}`, action })

function ticket(note = ''): Story {
  const story = new Story()
  story.when(open('a', note))
  return story
}

describe('a timer of a contract', () => {
  test('fires when its time has come, and not before', () => {
    const story = ticket()
    expect(story.resource('ticket/a').timer).toEqual({ due: startMs + 60_000, action: 'expire' })
    expect(story.passes(59_999).ticks().summary).toEqual(['committed'])
    const outcome = story.passes(1).ticks()
    expect(outcome.summary).toEqual(['timer expire ticket/a expired', 'committed'])
    outcome.says('RuleApplied', { rule: 'timer', cause: null, message: 'expire of ticket/a was due', resource: 'ticket/a', code: null })
    expect(story.resource('ticket/a')).toMatchObject({ state: 'expired', version: 2, timer: null })
  })

  test('fires once, however late', () => {
    const story = ticket()
    const outcome = story.passes(3_600_000).ticks()
    outcome.says('RuleApplied', { message: 'expire of ticket/a was due 3540000 ms ago' })
    expect(story.passes(3_600_000).ticks().summary).toEqual(['committed'])
    expect(story.state.coordination.timers.nextMs).toBe(Number.POSITIVE_INFINITY)
  })

  test('is kept while the state stays', () => {
    const story = ticket()
    story.passes(30_000).when(act('touch'))
    expect(story.resource('ticket/a').timer?.due).toBe(startMs + 60_000)
    expect(story.passes(30_000).ticks().summary[0]).toBe('timer expire ticket/a expired')
  })

  test('begins anew when the state is entered again', () => {
    const story = ticket()
    story.passes(30_000).when(act('reopen'))
    expect(story.passes(30_000).ticks().summary).toEqual(['committed'])
    expect(story.passes(30_000).ticks().summary[0]).toBe('timer expire ticket/a expired')
  })

  test('is that of the state entered last', () => {
    const story = ticket()
    story.when(act('park'))
    expect(story.resource('ticket/a').timer?.due).toBe(startMs + 120_000)
    expect(story.passes(60_000).ticks().summary).toEqual(['committed'])
  })

  test('ends when its state is left, and nothing is due any more', () => {
    const story = ticket()
    story.when(act('shut'))
    expect(story.resource('ticket/a').timer).toBeNull()
    expect(story.state.coordination.timers.size).toBe(0)
    expect(story.state.coordination.timers.nextMs).toBe(Number.POSITIVE_INFINITY)
    expect(story.passes(600_000).ticks().summary).toEqual(['committed'])
  })

  test('that its guard refuses is spent, and says why', () => {
    const story = ticket('stuck')
    const outcome = story.passes(60_000).ticks()
    outcome.says('RuleApplied', { rule: 'timer', code: 'GUARD_REFUSED', changes: [], resource: 'ticket/a' })
    expect(story.resource('ticket/a')).toMatchObject({ state: 'open', version: 1, timer: null })
    expect(story.passes(60_000).ticks().summary).toEqual(['committed'])
  })

  test('whose code throws is spent, and harms nothing else', () => {
    const story = ticket('broken')
    story.when(open('b'))
    expect(story.passes(60_000).ticks().summary).toEqual(['timer DEAD_LETTERED', 'timer expire ticket/b expired', 'committed'])
    expect(story.resource('ticket/a').timer).toBeNull()
  })
})

describe('the order', () => {
  test('what the record touches comes first and always; others by time, then by name, up to the bound', () => {
    const story = new Story({ limits: { timersARecord: 2 } })
    for (const name of ['d', 'c', 'b', 'a']) story.when(open(name))
    story.passes(1).when(open('z'))
    const outcome = story.passes(120_000).when(act('touch', 'z'))
    expect(outcome.summary).toEqual([
      'timer expire ticket/z expired',
      'timer expire ticket/a expired',
      'timer expire ticket/b expired',
      'rejected STATE_CONFLICT',
    ])
    expect(story.state.coordination.timers.nextMs).toBe(startMs + 60_000)
    expect(story.ticks().summary).toEqual(['timer expire ticket/c expired', 'timer expire ticket/d expired', 'committed'])
  })

  test('what is touched before its time does not fire', () => {
    const story = ticket()
    story.passes(1).when(open('b'))
    expect(story.passes(59_999).when(act('touch', 'b')).summary).toEqual(['timer expire ticket/a expired', 'committed touch ticket/b open'])
    expect(story.passes(1).when(act('touch', 'b')).summary).toEqual(['timer expire ticket/b expired', 'rejected STATE_CONFLICT'])
  })

  test('the earlier goes first, whatever its name', () => {
    const story = new Story()
    story.when(open('z'))
    story.passes(1).when(open('a'))
    expect(story.passes(120_000).ticks().summary).toEqual(['timer expire ticket/z expired', 'timer expire ticket/a expired', 'committed'])
  })

  test('a read touches too', () => {
    const story = new Story({ limits: { timersARecord: 1 } })
    for (const name of ['a', 'b', 'c']) story.when(open(name))
    const outcome = story.passes(60_000).when(open('n'), { reads: [{ resource: 'ticket/c', version: 1 }] })
    expect(outcome.summary).toEqual(['timer expire ticket/c expired', 'timer expire ticket/a expired', 'rejected STALE_READ'])
  })
})

describe('what is due next', () => {
  test('is known exactly, whatever was ended meanwhile, and with whatever layers open', () => {
    const story = new Story()
    for (let number = 0; number < 300; number++) {
      story.passes(1).when(open(`${number}`))
      if (number > 0) story.when(act('shut', `${number - 1}`))
    }
    const { coordination } = story.state
    expect(coordination.timers.size).toBe(1)
    expect(coordination.timers.nextMs).toBe(startMs + 300 + 60_000)
    story.state.begin()
    story.when(act('shut', '299'))
    expect(coordination.timers.nextMs).toBe(Number.POSITIVE_INFINITY)
    // The batch is lost, and the timer is back.
    story.state.drop()
    expect(coordination.timers.nextMs).toBe(startMs + 300 + 60_000)
    expect(story.passes(60_000).ticks().summary).toContain('timer expire ticket/299 expired')
  })

  test('is the same of a state made of a snapshot, and of one made of events', () => {
    const story = new Story()
    for (const name of ['a', 'b', 'c']) story.passes(7).when(open(name))
    story.when(act('shut'))
    const builder = new StateBuilder(defaultLimits)
    for (const part of snapshotParts(story.state)) builder.add(part)
    const folded = new PartitionState(0, defaultLimits)
    for (const event of story.events) evolve(folded, event)
    for (const state of [builder.state, folded]) {
      expect(state.coordination.timers.nextMs).toBe(startMs + 14 + 60_000)
      expect(state.coordination.timers.size).toBe(2)
    }
  })
})

describe('in the name of the clock', () => {
  test('nobody acts: what it does happens by itself', () => {
    const story = ticket()
    story.when(act('expire'), { agent: 'clock' }).rejects('AGENT_NOT_ALLOWED')
    story.when(act('touch'), { agent: 'clock' }).rejects('AGENT_NOT_ALLOWED')
    story.when(act('touch'), { agent: 'signalbox' }).rejects('AGENT_NOT_ALLOWED')
    story.when(act('expire'), { agent: 'clerk' }).rejects('AGENT_NOT_ALLOWED')
  })

  test('a tick is of the clock alone', () => {
    new Story().when({ resource: 'clock/tick', action: 'tick' }).rejects('AGENT_NOT_ALLOWED')
  })
})
