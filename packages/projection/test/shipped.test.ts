import type { Projection } from '@signalbox/projection'
import { shippedProjections } from '@signalbox/projection/shipped'
import { carried, committed, given, rejected, ruleApplied, shadowed, type TestEvent } from '@signalbox/projection/testing'
import { describe, expect, it } from 'vitest'

function shipped(name: string): Projection {
  const found = shippedProjections.find((each) => each.name === name)
  if (found === undefined) throw new Error(`there is no shipped projection ${name}`)
  return found
}

const timeMs = 1_000
const reserved = { resource: 'reservation/room/1', state: 'held', data: { holder: 'a' } }

/** An intent that waits for resources. */
function waiting(resources: readonly string[], since: { partition: number; offset: number; index: number } | null = null): TestEvent {
  return (offset) => ({
    partition: 0,
    offset,
    index: 0,
    time: timeMs,
    scope: 'scope-1',
    type: 'IntentPending',
    payload: {
      intentId: 'waiting-1',
      agent: 'patient',
      intent: '{"actions":[],"correlationId":"c"}',
      digest: 'digest',
      reason: 'waiting',
      code: 'RESERVED',
      message: 'somebody has it',
      resources,
      until: timeMs,
      escalation: null,
      since,
    },
  })
}

describe('the shipped projections', () => {
  it('resources: the last change, by whom, under a key that no scope can forge', async () => {
    const row = { type: 'room', contractVersion: 1, timer: null, agent: 'agent-1', rule: null, changedMs: timeMs }
    await given(shipped('resources'), [
      committed({
        timeMs,
        scope: 'a/b',
        intentId: 'i1',
        changes: [{ resource: 'room/1', action: 'open', state: 'free', data: { beds: 2 } }],
      }),
      committed({ timeMs, scope: 'a', intentId: 'i2', changes: [{ resource: 'room/1', action: 'open', state: 'free', data: {} }] }),
      shadowed({ timeMs, scope: 'a', changes: [{ resource: 'room/1', action: 'shut', state: 'shut', version: 2 }] }),
      ruleApplied({ timeMs, scope: 'a', rule: 'timer', changes: [{ resource: 'room/1', action: 'expire', state: 'gone', version: 2 }] }),
    ]).shows({
      resources: {
        'a%2Fb/room/1': {
          ...row,
          scope: 'a/b',
          resource: 'room/1',
          version: 1,
          state: 'free',
          data: { beds: 2 },
          event: '0/0/0',
          action: 'open',
          intentId: 'i1',
        },
        'a/room/1': {
          ...row,
          scope: 'a',
          resource: 'room/1',
          version: 2,
          state: 'gone',
          data: {},
          event: '0/3/0',
          action: 'expire',
          agent: null,
          rule: 'timer',
          intentId: null,
        },
      },
    })
  })

  it('agents: sums over partitions, rejects by code, and how each stands', async () => {
    const none = { committed: 0, rejected: 0, pending: 0, shadowed: 0, duplicates: 0 }
    await given(shipped('agents'), [
      committed({ timeMs, agent: 'a', changes: [] }),
      committed({ timeMs: 5, partition: 1, scope: 'other', agent: 'a', changes: [] }),
      rejected({ timeMs, agent: 'b', code: 'STALE_READ' }),
      rejected({ timeMs: 2_000, agent: 'b', code: 'STALE_READ' }),
      shadowed({ timeMs, agent: 'c', changes: [] }),
      waiting(['room/1']),
      waiting(['room/1'], { partition: 0, offset: 5, index: 0 }),
      ruleApplied({ timeMs, scope: 's', rule: 'breaker', changes: [{ resource: 'agent/b', state: 'open', data: { reason: 'too many' } }] }),
    ]).shows({
      agents: {
        a: { agent: 'a', ...none, committed: 2, lastMs: timeMs },
        b: { agent: 'b', ...none, rejected: 2, lastMs: 2_000 },
        c: { agent: 'c', ...none, shadowed: 1, lastMs: timeMs },
        patient: { agent: 'patient', ...none, pending: 1, lastMs: timeMs },
      },
      rejects: { 'b/STALE_READ': { agent: 'b', code: 'STALE_READ', count: 2, lastMs: 2_000 } },
      standing: { 'b/s': { agent: 'b', scope: 's', state: 'open', reason: 'too many', changedMs: timeMs } },
    })
  })

  it('decisions: a commit stays whatever is refused under its id afterwards', async () => {
    const intent = { correlationId: 'work-1', note: 'why', actions: [{ resource: 'room/1', action: 'open', input: {} }] }
    const common = { intentId: 'i1', scope: 'scope-1', agent: 'agent-1', verdict: null, correlationId: 'work-1', note: 'why' }
    const row = { ...common, outcome: 'committed', code: null, message: null, resources: ['room/1'], event: '0/1/0', decidedMs: timeMs }
    await given(shipped('decisions'), [
      rejected({ timeMs, intentId: 'i1', code: 'INTENT_EXPIRED', message: 'old' }),
      committed({ timeMs, intentId: 'i1', intent, changes: [reserved] }),
      rejected({ timeMs, intentId: 'i1', code: 'INTENT_ID_REUSED' }),
    ]).shows({ decisions: { 'i1/scope-1': row } })
  })

  it('escalations: each with its state, and how many are in which', async () => {
    const change = (id: string, state: string, version: number, fromState: string | null) => ({
      resource: `escalation/${id}`,
      state,
      version,
      fromState,
      data: { cause: 'LARGE' },
    })
    const row = { scope: 'scope-1', changedMs: timeMs, data: { cause: 'LARGE' } }
    await given(shipped('escalations'), [
      ruleApplied({ timeMs, rule: 'escalation', changes: [change('e1', 'triggered', 1, null), change('e2', 'triggered', 1, null)] }),
      committed({ timeMs, agent: 'human:ada', changes: [change('e1', 'resolved', 2, 'triggered')] }),
    ]).shows({
      escalations: {
        'scope-1/e1': { ...row, id: 'e1', state: 'resolved', version: 2, by: 'human:ada' },
        'scope-1/e2': { ...row, id: 'e2', state: 'triggered', version: 1, by: null },
      },
      states: { triggered: { state: 'triggered', count: 1 }, resolved: { state: 'resolved', count: 1 } },
    })
  })

  it('contention: which resource, who loses to whom, by which code', async () => {
    const movedBy = { agent: 'winner', action: 'take', version: 3 }
    await given(shipped('contention'), [
      rejected({ timeMs, agent: 'loser', code: 'STALE_VERSION', resource: 'room/1', movedBy }),
      rejected({ timeMs: 3_000, agent: 'loser', code: 'STALE_READ', resource: 'room/1', movedBy }),
      rejected({ timeMs, agent: 'lost', code: 'INTENT_EXPIRED' }),
      waiting(['room/1', 'room/2']),
    ]).shows({
      resources: {
        'scope-1/room/1': {
          scope: 'scope-1',
          resource: 'room/1',
          rejects: 2,
          waits: 1,
          byCode: { STALE_VERSION: 1, STALE_READ: 1 },
          lastMs: 3_000,
        },
        'scope-1/room/2': { scope: 'scope-1', resource: 'room/2', rejects: 0, waits: 1, byCode: {}, lastMs: timeMs },
      },
      pairs: { 'loser/winner': { loser: 'loser', winner: 'winner', count: 2, lastMs: 3_000 } },
      codes: {
        STALE_VERSION: { code: 'STALE_VERSION', count: 1, lastMs: timeMs },
        STALE_READ: { code: 'STALE_READ', count: 1, lastMs: 3_000 },
        INTENT_EXPIRED: { code: 'INTENT_EXPIRED', count: 1, lastMs: timeMs },
      },
    })
  })

  it('audit-trail: humans and their reasons, what they let happen, what they skipped, and no agent', async () => {
    const verdict = { actions: [{ resource: 'escalation/e1', action: 'approve', input: { reason: 'seen and fine', digest: 'd' } }] }
    const common = { atMs: timeMs, scope: 'scope-1', code: null, message: null, note: null, verdict: null }
    await given(shipped('audit-trail'), [
      committed({ timeMs, agent: 'human:ada', intentId: 'i1', intent: verdict, changes: [] }),
      committed({ timeMs, agent: 'refunder', intentId: 'i2', verdict: 'escalation/e1', changes: [] }),
      committed({ timeMs, agent: 'refunder', changes: [] }),
      rejected({ timeMs, agent: 'refunder', intentId: 'i4', code: 'SKIPPED', message: 'skipped by ada: it never returns' }),
      rejected({ timeMs, agent: 'refunder', code: 'STALE_READ' }),
    ]).shows({
      entries: {
        '000000000001000/0/0/0': {
          ...common,
          kind: 'write',
          event: '0/0/0',
          agent: 'human:ada',
          intentId: 'i1',
          outcome: 'committed',
          actions: [{ resource: 'escalation/e1', action: 'approve', reason: 'seen and fine' }],
        },
        '000000000001000/0/1/0': {
          ...common,
          kind: 'under-verdict',
          event: '0/1/0',
          agent: 'refunder',
          intentId: 'i2',
          outcome: 'committed',
          verdict: 'escalation/e1',
          actions: [],
        },
        '000000000001000/0/3/0': {
          ...common,
          kind: 'skip',
          event: '0/3/0',
          agent: 'refunder',
          intentId: 'i4',
          outcome: 'rejected',
          code: 'SKIPPED',
          message: 'skipped by ada: it never returns',
          actions: [],
        },
      },
    })
  })

  it('begin with what was carried over from other topics, as its last change there had left it', async () => {
    const moved = carried({
      timeMs,
      agent: 'desk',
      intentId: 'i1',
      changes: [{ resource: 'room/1', action: 'book', state: 'taken', version: 3, data: { guest: 'ada' } }],
    })
    const byTime = carried({ timeMs: 2_000, agent: 'clock', intentId: '', changes: [{ resource: 'room/2', state: 'free', version: 2 }] })
    const row = { scope: 'scope-1', type: 'room', contractVersion: 1, timer: null }
    await given(shipped('resources'), [moved, byTime]).shows({
      resources: {
        'scope-1/room/1': {
          ...row,
          resource: 'room/1',
          version: 3,
          state: 'taken',
          data: { guest: 'ada' },
          changedMs: timeMs,
          event: '0/0/0',
          action: 'book',
          agent: 'desk',
          rule: null,
          intentId: 'i1',
        },
        'scope-1/room/2': {
          ...row,
          resource: 'room/2',
          version: 2,
          state: 'free',
          data: {},
          changedMs: 2_000,
          event: '0/0/0',
          action: 'act',
          agent: null,
          rule: 'timer',
          intentId: null,
        },
      },
    })
    // Counts by state come out right, and go on.
    const asked = { resource: 'escalation/e1', state: 'triggered', data: { cause: 'LARGE' }, version: 2 }
    const answered = { resource: 'escalation/e1', state: 'resolved', fromState: 'triggered', data: { cause: 'LARGE' }, version: 3 }
    await given(shipped('escalations'), [
      carried({ timeMs, changes: [asked] }),
      committed({ timeMs, agent: 'human:ada', changes: [answered] }),
    ]).shows({
      escalations: {
        'scope-1/e1': {
          scope: 'scope-1',
          id: 'e1',
          state: 'resolved',
          version: 3,
          changedMs: timeMs,
          by: 'human:ada',
          data: { cause: 'LARGE' },
        },
      },
      states: { triggered: { state: 'triggered', count: 0 }, resolved: { state: 'resolved', count: 1 } },
    })
    // What was done in other topics is counted there.
    await given(shipped('decisions'), [moved]).shows({ decisions: {} })
  })

  it('have names of their own, and each says what it shows', () => {
    expect(new Set(shippedProjections.map(({ name }) => name)).size).toBe(shippedProjections.length)
    for (const { description } of shippedProjections) expect(description).toBeTruthy()
  })
})
