/** Work that one agent at a time claims, and hands on with what must be known of it. */
import { describe, expect, test } from 'vitest'
import { rules, Story, startMs } from './specification.ts'

const offer = (input: object = {}) => ({ resource: 'task/t', action: 'offer', input: { title: 'look into it', ...input } })
const act = (action: string, input?: object) => ({ resource: 'task/t', action, ...(input === undefined ? {} : { input }) })
const one = { agent: 'one' }
const two = { agent: 'two' }
const boss = { agent: 'boss' }

function offered(input: object = {}, containment: object = {}): Story {
  const story = new Story({ containment })
  story.when(offer(input), boss).commits({ state: 'offered' })
  return story
}

describe('a task', () => {
  test('is claimed by one at a time, under a lease, and done', () => {
    const story = offered({ leaseMs: 30_000 })
    story.when(act('claim'), one).commits({ state: 'claimed', timer: { due: startMs + 30_000, action: 'lapse' } })
    story
      .passes(10_000)
      .when(act('claim'), two)
      .rejects('GUARD_REFUSED', { retryAfterMs: 20_000, details: expect.stringContaining('CLAIMED') })
    story.when(act('done', {}), two).rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_YOURS') })
    story.when(act('renew'), two).rejects('GUARD_REFUSED')
    story.when(act('renew'), one).commits({ timer: { due: startMs + 40_000, action: 'lapse' } })
    story.when(act('done', { result: 'fine' }), one).commits({ state: 'done', timer: null })
    expect(story.resource('task/t').data).toMatchObject({ result: 'fine', claimedBy: 'one', expiresMs: null })
    story.when(act('claim'), two).rejects('STATE_CONFLICT')
  })

  test('asks for capabilities, which an agent declares itself', () => {
    const story = offered({ needs: ['french'] })
    story.when(act('claim'), one).rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_CAPABLE') })
    story.when({ resource: 'agent/one', action: 'declare', input: { capabilities: ['french', 'law'] } }, one)
    story.when(act('claim'), one).commits({ state: 'claimed' })
  })

  test('whose lease runs out is offered again; its token rises with every claim', () => {
    const story = offered({ leaseMs: 30_000 })
    story.when(act('claim'), one)
    expect(story.passes(30_000).ticks().summary[0]).toBe('timer lapse task/t offered')
    expect(story.resource('task/t').data).toMatchObject({ claimedBy: null, offers: 2, token: 1 })
    story.when(act('claim'), two)
    expect(story.resource('task/t').data).toMatchObject({ claimedBy: 'two', token: 2 })
    story.when(act('done', {}), one).rejects('GUARD_REFUSED')
  })

  test('given back too often is put before a human, and claimed or cancelled after all', () => {
    const story = offered({ leaseMs: 30_000 }, { maxOffers: 2 })
    story.when(act('claim'), one)
    story.passes(30_000).ticks()
    story.when(act('claim'), one)
    expect(story.passes(30_000).ticks().summary).toEqual([
      'timer lapse task/t unclaimed',
      'escalation trigger escalation/task-t triggered',
      'committed',
    ])
    expect(story.when(act('claim'), two).summary).toEqual(['committed claim task/t claimed', 'escalation close escalation/task-t resolved'])
  })

  test('that nobody claims in time is put before a human', () => {
    const story = offered({ claimWithinMs: 5_000 })
    expect(story.passes(5_000).ticks().summary[1]).toBe('escalation trigger escalation/task-t triggered')
    expect(story.when(act('cancel', { reason: 'never mind' }), boss).summary).toEqual([
      'committed cancel task/t cancelled',
      'escalation close escalation/task-t resolved',
    ])
  })

  test('is cancelled by who offered it, or a human', () => {
    const story = offered()
    story.when(act('cancel', { reason: 'x' }), one).rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_YOURS') })
    story.when(act('cancel', { reason: 'x' }), { agent: 'human:ann' }).commits({ state: 'cancelled' })
    story.when(offer(), boss).commits({ state: 'offered' })
  })

  test('of a claimer in quarantine is free', () => {
    const story = offered()
    story.when(act('claim'), one)
    story.quarantines('one')
    story.when(act('claim'), two).commits({ state: 'claimed' })
  })

  test('of a claimer that comes out of quarantine again is not its own any more', () => {
    const story = offered({ leaseMs: 30_000 })
    story.when(act('claim'), one)
    story.quarantines('one')
    story.releases('one')
    for (const [action, input] of [['renew'], ['done', {}]] as const)
      story.when(act(action, input), one).rejects('GUARD_REFUSED', { details: expect.stringContaining('LEASE_EXPIRED') })
    story.when(act('claim'), one).commits({ state: 'claimed' })
    story.when(act('done', {}), one).commits({ state: 'done' })
  })

  test('as large as may be can still be given back, and claimed', () => {
    const payload = { text: 'x'.repeat(65_000) }
    const story = offered({ leaseMs: 30_000, payload })
    story.when(act('claim'), { agent: 'a'.repeat(100) }).commits({ state: 'claimed' })
    expect(story.passes(30_000).ticks().summary[0]).toBe('timer lapse task/t offered')
  })

  test('can be waited for until one can do it', () => {
    const story = offered({ needs: ['french'] })
    expect(story.when(act('claim'), { ...one, onConflict: 'wait' }).summary).toEqual(['pending waiting GUARD_REFUSED'])
    const declare = { resource: 'agent/one', action: 'declare', input: { capabilities: ['french'] } }
    expect(story.when(declare, one).summary).toEqual(['committed declare agent/one active', 'committed claim task/t claimed'])
  })

  test('can be waited for', () => {
    const story = offered()
    story.when(act('claim'), one)
    expect(story.when(act('claim'), { ...two, onConflict: 'wait' }).summary).toEqual(['pending waiting GUARD_REFUSED'])
    expect(story.passes(30_000).when(act('fail', { reason: 'x' }), one).summary).toEqual([
      'committed fail task/t failed',
      'examined STATE_CONFLICT',
    ])
    expect(story.when(offer(), boss).summary).toEqual(['committed offer task/t offered', 'committed claim task/t claimed'])
  })
})

describe('a handoff', () => {
  const hand = (more: object = {}) => ({
    resource: 'handoff/h',
    action: 'offer',
    input: { to: 'two', task: 'task/t', seal: rules.sha256('d1'), position: '0:4', ...more },
  })
  const accept = (readback = 'd1') => ({ resource: 'handoff/h', action: 'accept', input: { readback } })

  test('is accepted by who has the packet, not by who has read the offer', () => {
    const story = claimed()
    story.when(hand(), one)
    const { seal } = story.resource('handoff/h').data
    expect(JSON.stringify(story.events)).not.toContain('"d1"')
    for (const readback of [seal, rules.sha256(seal), '', 'd2'])
      story.when(accept(readback), two).rejects('GUARD_REFUSED', { details: expect.stringContaining('READBACK_WRONG') })
    story.when(accept('d1'), two).says('IntentCommitted', { agent: 'two' })
  })

  test.each([
    [{ position: '1:4' }, 'POSITION_ELSEWHERE'],
    [{ references: [{ resource: 'seat/never', version: 1 }] }, 'REFERENCE_UNKNOWN'],
    [{ references: [{ resource: 'task/t', version: 99 }] }, 'REFERENCE_UNKNOWN'],
  ])('of a packet that cannot be is refused: %j', (more, reason) => {
    claimed()
      .when(hand(more), one)
      .rejects('GUARD_REFUSED', { details: expect.stringContaining(reason) })
  })

  test.each(['4', '0', '0:', ':4', '0:-1', '0:1.5', '0:9999999999999999', 'x:1', ' 0:1'])('of position %s is refused', (position) => {
    claimed().when(hand({ position }), one).rejects('INPUT_INVALID')
  })

  function claimed(containment: object = {}): Story {
    const story = offered({ leaseMs: 60_000 }, containment)
    story.when(act('claim'), one)
    return story
  }

  test('gives the task to who reads the packet back', () => {
    const story = claimed()
    story.when(hand(), one).commits({ state: 'offered', timer: { due: startMs + 300_000, action: 'lapse' } })
    story.when(accept('other'), two).rejects('GUARD_REFUSED', { details: expect.stringContaining('READBACK_WRONG') })
    story.when(accept(), { agent: 'three' }).rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_YOURS') })
    expect(story.when(accept(), two).summary).toEqual(['committed accept handoff/h accepted', 'other hand-on task/t claimed'])
    expect(story.resource('task/t').data).toMatchObject({ claimedBy: 'two', hops: 1, token: 2 })
    story.when(act('done', {}), one).rejects('GUARD_REFUSED')
    story.when(act('done', {}), two).commits({ state: 'done' })
  })

  test('waits until the task is claimed by who hands it on', () => {
    const story = offered()
    expect(story.when(hand(), { ...one, onConflict: 'wait' }).summary).toEqual(['pending waiting GUARD_REFUSED'])
    expect(story.when(act('claim'), one).summary).toEqual(['committed claim task/t claimed', 'committed offer handoff/h offered'])
  })

  test('tells what of the packet has moved', () => {
    const story = claimed()
    story.when({ resource: 'seat/a', action: 'open', input: { left: 5 } })
    story.when(
      hand({
        references: [
          { resource: 'seat/a', version: 1 },
          { resource: 'seat/b', version: 0 },
        ],
      }),
      one,
    )
    story.when({ resource: 'seat/a', action: 'use', input: { by: 1 } })
    story.when(accept(), two)
    expect(story.resource('handoff/h').data.moved).toEqual([{ resource: 'seat/a', from: 1, to: 2 }])
  })

  test("is of one's own task alone, while one has it", () => {
    const story = claimed()
    story.when(hand(), two).rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_YOURS') })
    story.when(hand({ task: 'task/none' }), one).rejects('GUARD_REFUSED', { details: expect.stringContaining('TASK_UNKNOWN') })
    story.when(hand(), one)
    story.when(act('done', {}), one)
    story.when(accept(), two).rejects('GUARD_REFUSED', { details: expect.stringContaining('TASK_MOVED') })
  })

  test('of a task whose claimer went into quarantine gives nothing', () => {
    const story = claimed()
    story.when(hand(), one)
    story.quarantines('one')
    story.when(accept(), two).rejects('GUARD_REFUSED', { details: expect.stringContaining('TASK_MOVED') })
  })

  test('of a task whose lease has run out comes too late', () => {
    const story = claimed()
    story.when(hand(), one)
    story
      .passes(60_000)
      .when(accept(), two)
      .says('IntentRejected', { code: 'GUARD_REFUSED', details: expect.stringContaining('TASK_MOVED') })
  })

  test('goes over so many hops', () => {
    const story = claimed({ maxHops: 1 })
    story.when(hand(), one)
    story.when(accept(), two)
    story
      .when({ ...hand({ to: 'one' }), resource: 'handoff/i' }, two)
      .rejects('GUARD_REFUSED', { details: expect.stringContaining('TOO_MANY_HOPS') })
  })

  test('is declined with a reason, or put before a human when nobody answers', () => {
    const story = claimed()
    story.when(hand(), one)
    story.when({ resource: 'handoff/h', action: 'decline', input: { reason: 'no time' } }, two).commits({ state: 'declined', timer: null })
    story.when(hand({ withinMs: 1_000 }), one)
    const outcome = story.passes(1_000).ticks()
    expect(outcome.summary).toEqual(['timer lapse handoff/h expired', 'escalation trigger escalation/handoff-h triggered', 'committed'])
    expect(story.resource('task/t').data.claimedBy).toBe('one')
  })

  test('and the end of the task in one intent leave it ended', () => {
    const story = claimed()
    story.when(hand({ to: 'one' }), one)
    expect(story.when([accept(), act('done', {})], one).summary).toEqual(['committed accept handoff/h accepted, done task/t done'])
    expect(story.resource('task/t').state).toBe('done')
  })
})

test('an offer that waits for what its packet relies on is decided when that comes', () => {
  const story = new Story()
  const references = [{ resource: 'seat/a', version: 1 }]
  const offered = story.when(
    { resource: 'handoff/w', action: 'offer', input: { to: 'two', seal: rules.sha256('d'), position: '0:1', references } },
    { agent: 'one', onConflict: 'wait' },
  )
  expect(offered.summary[0]).toContain('pending waiting')
  const { summary } = story.when({ resource: 'seat/a', action: 'open', input: { left: 1 } }, { agent: 'boss' })
  expect(summary[1]).toContain('committed offer handoff/w offered')
})
