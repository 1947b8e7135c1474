/** What is put before a human: when, before whom, what their verdict does, and how it ends if nobody answers. */
import { describe, expect, test } from 'vitest'
import { type Outcome, Story, startMs } from './specification.ts'

const ask = (cents: number) => ({ resource: 'refund/r', action: 'ask', input: { cents } })
const pay = { resource: 'refund/r', action: 'pay', expectedVersion: 1 }
const change = (cents: number) => ({ resource: 'refund/r', action: 'change', input: { cents } })
const ann = { agent: 'human:ann' }
const bob = { agent: 'human:bob' }
const minuteMs = 60_000

/** A refund that needs a human's consent, with the payment escalated. */
function escalated(cents = 5_000, more: object = {}): { readonly story: Story; readonly name: string; readonly asked: Outcome } {
  const story = new Story()
  story.when(ask(cents))
  const asked = story.when(pay, more)
  const event = asked.events[0]!
  if (event.type !== 'IntentPending') throw new Error(`it is not pending: ${asked.summary}`)
  return { story, name: event.payload.escalation!, asked }
}

const on = (story: Story, name: string) => ({
  verdict: (action: string, more: object = {}, who: object = ann) =>
    story.when({ resource: name, action, input: { reason: 'because', ...more } }, who),
  approve: (who: object = ann, digest = story.resource(name).data.digest) =>
    story.when({ resource: name, action: 'approve', input: { reason: 'because', digest } }, who),
  amend: (actions: readonly object[], who: object = ann) =>
    story.when({ resource: name, action: 'amend', input: { reason: 'because', digest: story.resource(name).data.digest, actions } }, who),
})

describe('what leads to one', () => {
  test('a rule of the contract: the intent is pending, and whom the rule names is asked', () => {
    const { asked, name, story } = escalated()
    expect(asked.summary).toEqual(['pending escalated LARGE', `escalation trigger ${name} triggered`])
    asked.says('IntentPending', { until: startMs + 30 * minuteMs, resources: [], since: null })
    expect(story.resource(name)).toMatchObject({
      state: 'triggered',
      timer: { due: startMs + 10 * minuteMs, action: 'lapse' },
      data: {
        cause: 'LARGE',
        group: 'LARGE refund',
        agent: 'clerk',
        resource: 'refund/r',
        to: 'leads',
        level: 0,
        expiresMs: startMs + 30 * minuteMs,
        versions: [{ resource: 'refund/r', version: 1 }],
        approvalsNeeded: 1,
        separationOfDuties: true,
      },
    })
    expect(story.resource('refund/r').state).toBe('asked')
  })

  test('a rule that names a later level asks that one first; one that names somebody else asks them before all', () => {
    const later = escalated(5, { confidence: 0.4 })
    expect(later.story.resource(later.name).data).toMatchObject({ cause: 'UNSURE', to: 'head', expiresMs: startMs + 20 * minuteMs })
    later.asked.says('IntentPending', { until: startMs + 20 * minuteMs })
    const board = escalated(50_000)
    expect(board.story.resource(board.name).data).toMatchObject({ to: 'board', approvalsNeeded: 2, expiresMs: startMs + 40 * minuteMs })
    expect(board.story.resource(board.name).data.levels.map(({ to }: { to: string }) => to)).toEqual(['board', 'leads', 'head'])
  })

  test('onConflict escalate, where the conflict could still come true', () => {
    const story = new Story()
    story.when(ask(13))
    expect(story.when(pay, { onConflict: 'escalate' }).summary[0]).toBe('pending escalated GUARD_REFUSED')
    story.when({ ...pay, expectedVersion: 2 }, { onConflict: 'escalate' }).rejects('VERSION_FROM_THE_FUTURE')
  })

  test('nothing that the rules do not ask for', () => {
    const story = new Story()
    story.when(ask(1_000))
    expect(story.when(pay, { confidence: 0.5 }).summary[0]).toContain('committed pay refund/r paid')
  })

  test('what waits and could be committed then', () => {
    const story = new Story()
    story.when(ask(13))
    const { events } = story.when({ ...pay }, { onConflict: 'wait' })
    story.when({ ...change(5_000) })
    // It reasoned on a version, so that it is rejected.
    expect(story.state.coordination.pending.size).toBe(0)
    expect(events[0]!.type).toBe('IntentPending')
  })

  test('taint: what was written by an agent in quarantine, since it went wrong', () => {
    const story = new Story()
    story.when(ask(5), { agent: 'bad' })
    story.quarantines('bad', startMs + 1)
    story.when(change(6)).commits({ version: 2 })
    story.releases('bad')
    story.passes(10).when(change(7), { agent: 'bad' })
    story.quarantines('bad', startMs + 1)
    const outcome = story.when({ ...change(8) })
    expect(outcome.summary[0]).toBe('pending escalated TAINTED')
    expect(
      story.when({ resource: 'seat/a', action: 'open', input: { left: 1 } }, { reads: [{ resource: 'refund/r', version: 3 }] }).summary[0],
    ).toBe('pending escalated TAINTED')
  })

  test('taint outlives what the clock does to the resource', () => {
    const story = new Story()
    story.when({ resource: 'ticket/t', action: 'open', input: { note: '' } }, { agent: 'bad' })
    story.quarantines('bad', startMs)
    expect(story.passes(60_000).ticks().summary[0]).toBe('timer expire ticket/t expired')
    expect(
      story.when({ resource: 'seat/a', action: 'open', input: { left: 1 } }, { reads: [{ resource: 'ticket/t', version: 2 }] }).summary[0],
    ).toBe('pending escalated TAINTED')
  })
})

describe('a verdict', () => {
  test('approve commits the intent as of now, and says under which verdict', () => {
    const { asked, name, story } = escalated()
    const outcome = on(story, name).approve()
    expect(outcome.summary).toEqual([
      `committed approve ${name} resolved`,
      expect.stringMatching(/^committed pay refund\/r paid, start effect\/\S+ pending$/),
    ])
    outcome.says('IntentCommitted', {
      agent: 'clerk',
      verdict: name,
      settles: { partition: 0, offset: asked.events[0]!.offset, index: 0 },
      amount: 5_000,
    })
    expect(story.resource(name)).toMatchObject({
      data: { verdict: 'approved', verdictBy: 'human:ann', verdictReason: 'because' },
      timer: null,
    })
    expect(story.state.coordination.pending.size).toBe(0)
    // Once: it is resolved.
    on(story, name).approve(bob).rejects('STATE_CONFLICT')
    on(story, name).verdict('reject', {}, bob).rejects('STATE_CONFLICT')
  })

  test('reject denies it', () => {
    const { asked, name, story } = escalated()
    const outcome = on(story, name).verdict('reject')
    expect(outcome.summary).toEqual([`committed reject ${name} resolved`, 'rejected ESCALATION_DENIED'])
    outcome.says('IntentRejected', {
      settles: { partition: 0, offset: asked.events[0]!.offset, index: 0 },
      details: '{"by":"human:ann","reason":"because"}',
    })
    expect(story.resource('refund/r').state).toBe('asked')
  })

  test('amend has something else done in its place, by the same agent; the intent itself is rejected', () => {
    const { asked, name, story } = escalated()
    const outcome = on(story, name).amend([{ resource: 'refund/r', action: 'correct', input: { cents: 900 } }])
    expect(outcome.summary).toEqual([`committed amend ${name} resolved`, 'rejected ESCALATION_AMENDED', 'committed correct refund/r asked'])
    const settles = { partition: 0, offset: asked.events[0]!.offset, index: 0 }
    outcome.says('IntentRejected', { settles })
    outcome.says('IntentCommitted', { settles, verdict: name, agent: 'clerk' })
    expect(story.resource('refund/r').data.cents).toBe(900)
    expect(story.state.coordination.pending.size).toBe(0)
  })

  test('an amendment is decided as any intent: on the world that the human saw, by the rules of the contracts', () => {
    const { name, story } = escalated()
    on(story, name)
      .amend([{ resource: 'refund/r', action: 'haunt' }])
      .rejects('VERDICT_REFUSED', { details: '{"code":"ACTION_UNKNOWN"}' })
    on(story, name)
      .amend([{ resource: 'refund/r', action: 'change', input: { cents: -1 } }])
      .rejects('VERDICT_REFUSED', { details: '{"code":"INPUT_INVALID"}' })
    // What the human did not see has no version.
    story.when({ resource: 'refund/other', action: 'ask', input: { cents: 1 } })
    on(story, name)
      .amend([{ resource: 'refund/other', action: 'correct', input: { cents: 1 } }])
      .rejects('VERDICT_REFUSED', { details: '{"code":"VERSION_REQUIRED"}' })
    for (const [resource, action] of [
      [name, 'approve'],
      ['intent/x', 'withdraw'],
    ]) {
      on(story, name)
        .amend([{ resource, action }])
        .rejects('GUARD_REFUSED', { details: expect.stringContaining('NOT_IN_PLACE') })
    }
    expect(story.resource(name).state).toBe('triggered')
    expect(story.state.coordination.pending.size).toBe(1)
  })

  test("is a human's, alone in its intent, and not of who asked where duties are separate", () => {
    const { name, story } = escalated(5_000, ann)
    const { digest } = story.resource(name).data
    const reasons = (outcome: Outcome) =>
      outcome.rejects('GUARD_REFUSED').events.map(({ payload }) => ('details' in payload ? JSON.parse(payload.details!).reason : ''))
    expect(reasons(on(story, name).approve({ agent: 'clerk' }))).toEqual(['NOT_HUMAN'])
    expect(reasons(on(story, name).approve(ann))).toEqual(['SEPARATION_OF_DUTIES'])
    expect(reasons(on(story, name).amend([change(1)], ann))).toEqual(['SEPARATION_OF_DUTIES'])
    for (const action of ['acknowledge', 'reject'])
      expect(reasons(on(story, name).verdict(action, {}, { agent: 'clerk' }))).toEqual(['NOT_HUMAN'])
    const two = [
      { resource: name, action: 'approve', input: { reason: 'x', digest } },
      { resource: 'seat/b', action: 'open', input: { left: 1 } },
    ]
    expect(reasons(story.when(two, bob))).toEqual(['NOT_ALONE'])
    on(story, name).approve(bob).says('IntentCommitted', { verdict: name })
  })

  test('needs a reason, and the digest of what was seen', () => {
    const { name, story } = escalated()
    on(story, name).verdict('reject', { reason: '' }).rejects('INPUT_INVALID')
    on(story, name).verdict('approve').rejects('INPUT_INVALID')
    on(story, name)
      .approve(ann, 'another')
      .rejects('VERDICT_REFUSED', { details: JSON.stringify({ digest: story.resource(name).data.digest }) })
    expect(story.resource(name)).toMatchObject({ state: 'triggered', version: 1 })
  })

  test('is decided at once: it neither waits nor is itself put before anyone', () => {
    const { name, story } = escalated()
    for (const onConflict of ['wait', 'escalate'] as const) {
      story.when({ resource: name, action: 'acknowledge', input: { reason: 'x' } }, { agent: 'clerk', onConflict }).rejects('GUARD_REFUSED')
    }
  })

  test('of what would be rejected now is refused, and the escalation stays open as it was', () => {
    const { name, story } = escalated(13, { onConflict: 'escalate' })
    on(story, name).approve().rejects('VERDICT_REFUSED', { resource: 'refund/r', details: '{"code":"GUARD_REFUSED"}' })
    expect(story.resource(name)).toMatchObject({ state: 'triggered', version: 1 })
    expect(story.state.coordination.pending.size).toBe(1)
  })
})

describe('a world that has moved', () => {
  function moved() {
    const made = escalated(50_000)
    const { name, story } = made
    on(story, name).approve(ann)
    const { digest } = story.resource(name).data
    story.when({ resource: 'refund/r', action: 'correct', input: { cents: 40_000 }, expectedVersion: 1 }, { agent: 'other' })
    return { ...made, digest }
  }

  test('refuses the verdict, says what moved and who moved it, and asks anew: another digest, no approvals', () => {
    const { digest, name, story } = moved()
    const outcome = on(story, name).approve(bob)
    expect(outcome.summary).toEqual(['rejected VERDICT_REFUSED', `verdict renew ${name} triggered`])
    outcome.says('IntentRejected', {
      resource: 'refund/r',
      expectedVersion: 1,
      actualVersion: 2,
      details: '{"code":"STALE_VERSION"}',
      movedBy: expect.objectContaining({ agent: 'other', action: 'correct' }),
    })
    const { data, timer } = story.resource(name)
    expect(data).toMatchObject({ approvals: [], versions: [{ resource: 'refund/r', version: 2 }] })
    expect(data.digest).not.toBe(digest)
    expect(timer).toEqual({ due: startMs + 10 * minuteMs, action: 'lapse' })
    on(story, name).approve(bob, digest).rejects('VERDICT_REFUSED')
  })

  test('may then be agreed to as it is', () => {
    const { name, story } = moved()
    on(story, name).approve(bob)
    on(story, name).approve(bob).commits({ action: 'approve', state: 'triggered' })
    on(story, name).approve(ann).says('IntentCommitted', { agent: 'clerk', verdict: name })
    expect(story.resource('refund/r')).toMatchObject({ state: 'paid', version: 3, data: { cents: 40_000 } })
  })
})

describe('a quorum', () => {
  test('is of different people', () => {
    const { name, story } = escalated(50_000)
    on(story, name)
      .approve(ann)
      .commits({ state: 'triggered', timer: { due: startMs + 10 * minuteMs, action: 'lapse' } })
    on(story, name)
      .approve(ann)
      .rejects('GUARD_REFUSED', { details: expect.stringContaining('APPROVED_ALREADY') })
    expect(on(story, name).approve(bob).summary[1]).toContain('committed pay refund/r paid')
  })

  test('cannot be gone around by an amendment, of this escalation or to what needs one', () => {
    const large = escalated(50_000)
    on(large.story, large.name)
      .amend([{ resource: 'refund/r', action: 'pay' }])
      .rejects('GUARD_REFUSED', { details: expect.stringContaining('QUORUM_NEEDED') })
    const { name, story } = escalated(5_000)
    on(story, name)
      .amend([{ resource: 'refund/r', action: 'pay' }])
      .says('IntentCommitted', { verdict: name })
  })

  test('grows where the world has become one that asks for more', () => {
    const { name, story } = escalated(5_000)
    story.when(change(50_000))
    on(story, name)
      .amend([{ resource: 'refund/r', action: 'pay' }])
      .says('IntentRejected', { code: 'VERDICT_REFUSED' })
    expect(story.resource(name).data.approvalsNeeded).toBe(2)
    on(story, name).approve(ann).commits({ state: 'triggered' })
    expect(on(story, name).approve(bob).summary[1]).toContain('committed pay refund/r paid')
  })

  test('is needed for an amendment too, where that asks for one', () => {
    const { name, story } = escalated(13, { onConflict: 'escalate' })
    story.when({ resource: 'refund/big', action: 'ask', input: { cents: 50_000 } })
    on(story, name)
      .amend([{ resource: 'refund/big', action: 'pay' }])
      .rejects('VERDICT_REFUSED')
    // It may be read, and so be seen by the human.
    const reads = [{ resource: 'refund/big', version: 1 }]
    const event = story.when(pay, { onConflict: 'escalate', reads }).events[0]!
    const seen = event.type === 'IntentPending' ? event.payload.escalation! : ''
    on(story, seen)
      .amend([{ resource: 'refund/big', action: 'pay' }])
      .rejects('GUARD_REFUSED', { details: expect.stringContaining('QUORUM_NEEDED') })
  })
})

describe('time', () => {
  test('a level that does not answer hands on to the next; after the last it expires, and that denies', () => {
    const { asked, name, story } = escalated()
    expect(story.passes(10 * minuteMs).ticks().summary[0]).toBe(`timer lapse ${name} triggered`)
    expect(story.resource(name)).toMatchObject({ data: { level: 1, to: 'head' }, timer: { due: startMs + 30 * minuteMs } })
    const outcome = story.passes(20 * minuteMs).ticks()
    expect(outcome.summary).toEqual([`timer lapse ${name} expired`, 'rejected ESCALATION_EXPIRED', 'committed'])
    outcome.says('IntentRejected', { settles: { partition: 0, offset: asked.events[0]!.offset, index: 0 } })
    expect(story.resource(name)).toMatchObject({ data: { verdict: 'expired' }, timer: null })
    on(story, name).approve().rejects('STATE_CONFLICT')
  })

  test('to acknowledge or assign it does not stop the clock', () => {
    const { name, story } = escalated()
    on(story, name)
      .verdict('acknowledge')
      .commits({ state: 'acknowledged', timer: { due: startMs + 10 * minuteMs, action: 'lapse' } })
    on(story, name)
      .verdict('assign', { assignee: 'bob' }, bob)
      .commits({ state: 'acknowledged', timer: { due: startMs + 10 * minuteMs, action: 'lapse' } })
    expect(story.resource(name).data).toMatchObject({ acknowledgedBy: 'human:ann', assignee: 'bob' })
    story.passes(10 * minuteMs).ticks()
    expect(story.resource(name)).toMatchObject({ state: 'triggered', data: { level: 1 } })
  })

  test('an outage longer than all levels: the next is asked, and has its time once the log goes on', () => {
    const { name, story } = escalated()
    expect(story.passes(24 * 60 * minuteMs).ticks().summary[0]).toBe(`timer lapse ${name} triggered`)
    const now = story.nowMs
    expect(story.resource(name)).toMatchObject({
      data: { level: 1, to: 'head', expiresMs: now + 20 * minuteMs },
      timer: { due: now + 20 * minuteMs },
    })
    story.passes(19 * minuteMs)
    expect(on(story, name).approve().summary[1]).toContain('committed pay refund/r paid')
  })

  test('an outage beyond the deadline of the intent ends it', () => {
    const { name, story } = escalated(5_000, { deadline: startMs + 25 * minuteMs })
    expect(story.passes(24 * 60 * minuteMs).ticks().summary[0]).toBe(`timer lapse ${name} expired`)
  })

  test('a deadline of the intent that comes before the levels are over ends it', () => {
    const { name, story } = escalated(5_000, { deadline: startMs + 3 * minuteMs })
    expect(story.resource(name)).toMatchObject({ data: { expiresMs: startMs + 3 * minuteMs }, timer: { due: startMs + 3 * minuteMs } })
    expect(story.passes(3 * minuteMs).ticks().summary).toEqual([`timer lapse ${name} expired`, 'rejected ESCALATION_EXPIRED', 'committed'])
  })

  test('a verdict in the record in which it expires comes too late', () => {
    const { name, story } = escalated(5_000, { deadline: startMs + 3 * minuteMs })
    const outcome = on(story.passes(3 * minuteMs), name).approve()
    expect(outcome.summary).toEqual([`timer lapse ${name} expired`, 'rejected ESCALATION_EXPIRED', 'rejected STATE_CONFLICT'])
  })

  test('a large one ends too: what it is about does not keep it open', () => {
    const story = new Story()
    story.when(ask(5_000))
    const reads = Array.from({ length: 255 }, (_, number) => ({ resource: `seat/${'é'.repeat(195)}${number}`, version: 0 }))
    const { events } = story.when(pay, { reads })
    const name = events[0]!.type === 'IntentPending' ? events[0]!.payload.escalation! : ''
    expect(JSON.stringify(story.resource(name).data).length).toBeGreaterThan(50_000)
    on(story, name).verdict('acknowledge').commits({ state: 'acknowledged' })
    story.passes(10 * minuteMs).ticks()
    expect(story.passes(20 * minuteMs).ticks().summary).toContain('rejected ESCALATION_EXPIRED')
  })
})

test('an intent that is withdrawn takes its escalation with it', () => {
  const { asked, name, story } = escalated()
  const event = asked.events[0]!
  const intentId = event.type === 'IntentPending' ? event.payload.intentId : ''
  expect(story.when({ resource: `intent/${intentId}`, action: 'withdraw' }).summary).toEqual([
    'committed',
    'rejected WITHDRAWN',
    `escalation close ${name} resolved`,
  ])
  expect(story.resource(name)).toMatchObject({ data: { verdict: 'withdrawn' }, timer: null })
})

test('nobody opens, closes or renews one by asking for it', () => {
  const { name, story } = escalated()
  for (const action of ['trigger', 'again', 'renew', 'close', 'lapse'])
    story.when({ resource: name, action }, ann).rejects('AGENT_NOT_ALLOWED')
})

test('many withdrawals at once stay within what a record may hold', () => {
  const story = new Story()
  story.when(ask(13))
  const names = Array.from({ length: 20 }, () => {
    const event = story.when(pay, { onConflict: 'escalate' }).events[0]!
    return event.type === 'IntentPending' ? event.payload.intentId : ''
  })
  const withdraw = (ids: readonly string[]) => story.when(ids.map((each) => ({ resource: `intent/${each}`, action: 'withdraw' })))
  withdraw(names).rejects('RESULT_TOO_LARGE')
  expect(withdraw(names.slice(0, 16)).summary.filter((each) => each === 'rejected WITHDRAWN')).toHaveLength(16)
})
