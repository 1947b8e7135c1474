/** What coordination must keep to in every log, told from its events alone by a model that knows nothing of the core's code. */
import { type Event, isOwnEvent, isRejectCode, isSystemScope, type ReservationData, rejectCodes } from '@signalbox/contract'
import { evolve, PartitionState, StateBuilder, snapshotParts } from '@signalbox/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Asked } from './arbitraries.ts'
import { contained, nearLimits, playedList, playedRules } from './played.ts'
import { settle, worlds } from './worlds.ts'

const { decideAll, emptyState } = worlds[1]!
const runs = { numRuns: 250 }

/** Every event of a log and of all that follows when nobody asks for anything any more, with the state before each. */
function forEach(
  see: (event: Event, before: PartitionState) => void,
  done: (events: readonly Event[], state: PartitionState) => void = () => {},
  parameters: fc.Parameters<[readonly Asked[]]> = runs,
): void {
  fc.assert(
    fc.property(playedList, (list) => {
      const state = emptyState()
      const events = [...decideAll(state, list)]
      for (let hours = 0; hours < 4; hours++) events.push(...settle(state, playedRules, 3_600_000))
      const before = new PartitionState(0, nearLimits)
      for (const event of events) {
        see(event, before)
        evolve(before, event)
      }
      done(events, before)
    }),
    parameters,
  )
}

function changesOf({ payload, type }: Event) {
  return type === 'IntentCommitted' || type === 'RuleApplied' ? payload.changes : []
}

test('a pending intent ends in exactly one decision, which names its first pending event', () => {
  const ends = new Map<string, number>()
  forEach(
    (event) => {
      const { offset, payload, type } = event
      if (offset === 0 && event.index === 0) ends.clear()
      if (type === 'IntentPending' && payload.since === null) ends.set(payload.intentId, 0)
    },
    (events, state) => {
      const since = new Map<string, object>()
      for (const { index, offset, partition, payload, type } of events) {
        if (type === 'IntentPending') {
          if (payload.since === null) since.set(payload.intentId, { partition, offset, index })
          else expect(payload.since).toEqual(since.get(payload.intentId))
        }
        if ((type !== 'IntentCommitted' && type !== 'IntentRejected') || payload.settles === null) continue
        // What a human had done in its place names it too.
        const { intentId } = payload
        if (!since.has(intentId!)) expect([...since.values()]).toContainEqual(payload.settles)
        else {
          expect(payload.settles).toEqual(since.get(intentId!))
          ends.set(intentId!, (ends.get(intentId!) ?? 0) + 1)
        }
      }
      expect([...ends.values()].every((count) => count === 1)).toBe(true)
      expect(state.coordination.pending.size).toBe(0)
    },
  )
})

test('an id that is used up is decided once', () => {
  forEach(
    () => {},
    (events) => {
      const decided = new Set<string>()
      for (const { payload, type } of events) {
        if (type !== 'IntentCommitted' && type !== 'IntentRejected' && type !== 'IntentShadowed') continue
        if (type === 'IntentRejected' && isRejectCode(payload.code) && !rejectCodes[payload.code].remembered) continue
        expect(decided.has(payload.intentId!), `${payload.intentId} was decided twice`).toBe(false)
        decided.add(payload.intentId!)
      }
    },
  )
})

test('each change follows on the one before: no version is left out, none comes twice', () => {
  forEach((event, before) => {
    for (const { fromState, fromVersion, resource, version } of changesOf(event)) {
      const known = before.resourceIn(event.scope, resource)
      expect({ fromVersion, version, fromState }).toEqual({
        fromVersion: known?.version ?? 0,
        version: (known?.version ?? 0) + 1,
        fromState: known?.state ?? null,
      })
    }
  })
})

test('a record has one decision of its own intent, and its events stay within what a record may be', () => {
  forEach(
    () => {},
    (events) => {
      const own = new Map<number, number>()
      for (const event of events) {
        expect(event.index).toBeLessThan(256)
        own.set(event.offset, (own.get(event.offset) ?? 0) + (isOwnEvent(event) ? 1 : 0))
      }
      expect([...own.values()].every((count) => count === 1)).toBe(true)
    },
  )
})

/** The lease in force on a resource, as the last event said it; null where there is none. */
function leaseIn(
  state: PartitionState,
  scope: string,
  resource: string,
  nowMs: number,
  ended: ReadonlySet<string>,
): ReservationData | null {
  const found = state.resourceIn(scope, `reservation/${resource}`)
  if (found?.state !== 'held') return null
  const data = JSON.parse(found.data) as ReservationData
  return data.expiresMs > nowMs && !ended.has(data.lease) ? data : null
}

test('a lease in force has one holder: nobody else acts on the resource, nor gets another lease', () => {
  let ended = new Set<string>()
  forEach((event, before) => {
    if (event.offset === 0 && event.index === 0) ended = new Set()
    if (event.type === 'IntentCommitted') {
      const { priority = 0, reservation } = JSON.parse(event.payload.intent) as { priority?: number; reservation?: string }
      for (const { action, resource, data } of event.payload.changes) {
        const reserved = resource.replace(/^reservation\//, '')
        const lease = leaseIn(before, event.scope, reserved, event.time, ended)
        if (lease === null) continue
        // Of a reservation: to be taken by a higher priority, ended by its holder or a human, or by a commit below.
        if (resource !== reserved) {
          if (action === 'take') expect((JSON.parse(data) as ReservationData).priority).toBeGreaterThan(lease.priority)
          else if (action === 'renew') expect(event.payload.agent).toBe(lease.holder)
          continue
        }
        if (action === 'usurp') expect(reservation === lease.lease || Math.min(priority, 5) > lease.priority).toBe(true)
        else expect(reservation).toBe(lease.lease)
      }
    }
    if (!isSystemScope(event.scope)) return
    for (const { resource, state } of changesOf(event)) {
      if (state !== 'quarantined') continue
      // All that it holds, for good.
      for (const [key, { data }] of before.resources()) {
        const { holder, lease } = JSON.parse(data) as ReservationData
        if (key.includes('\u0000reservation/') && holder === resource.slice('agent/'.length)) ended.add(lease)
      }
    }
  })
})

function noteQuarantine(event: Event, quarantined: Set<string>): void {
  if (!isSystemScope(event.scope)) return
  for (const { resource, state } of changesOf(event)) {
    if (state === 'quarantined') quarantined.add(resource.slice('agent/'.length))
    else quarantined.delete(resource.slice('agent/'.length))
  }
}

test('a fencing token never falls, and no two leases share one', () => {
  let last = new Map<string, { readonly token: number; readonly lease: string }>()
  forEach((event) => {
    if (event.offset === 0 && event.index === 0) last = new Map()
    for (const { data, resource } of changesOf(event)) {
      if (!resource.startsWith('reservation/')) continue
      const { lease, token } = JSON.parse(data) as ReservationData
      const before = last.get(`${event.scope} ${resource}`)
      if (before?.lease === lease) expect(token).toBe(before.token)
      else expect(token).toBeGreaterThan(before?.token ?? 0)
      last.set(`${event.scope} ${resource}`, { token, lease })
    }
  })
})

test('an agent in quarantine commits nothing but reports of effects', () => {
  let quarantined = new Set<string>()
  forEach((event) => {
    if (event.offset === 0 && event.index === 0) quarantined = new Set()
    if (event.type === 'IntentCommitted' && quarantined.has(event.payload.agent)) {
      for (const { action, resource } of event.payload.changes)
        expect(`${resource.slice(0, 7)} ${action}`).toMatch(/^effect\/ (done|failed)$/)
    }
    noteQuarantine(event, quarantined)
  })
})

/** What a limit turned away uses nothing up. */
const turnedAway: ReadonlySet<string> = new Set(['BUDGET_EXCEEDED', 'BREAKER_OPEN', 'AGENT_QUARANTINED', 'CORRELATION_EXHAUSTED'])

const reliefs: ReadonlySet<string> = new Set([
  'effect done',
  'effect failed',
  'reservation release',
  'handoff decline',
  'task fail',
  'intent withdraw',
])

/** What makes things better is never held back, and may wait too. */
function isRelief(text: string): boolean {
  const { actions } = JSON.parse(text) as { readonly actions: readonly { readonly action: string; readonly resource: string }[] }
  return actions.every(({ action, resource }) => reliefs.has(`${resource.slice(0, resource.indexOf('/'))} ${action}`))
}

test('budgets are never exceeded', () => {
  const [budget] = contained.budgets
  let used = new Map<string, { asked: number; amount: number }>()
  let pending = new Map<string, number>()
  const pendingOf = new Map<string, string>()
  forEach((event) => {
    if (event.offset === 0 && event.index === 0) [used, pending] = [new Map(), new Map()]
    const { payload, scope, time, type } = event
    if (!('agent' in payload) || payload.agent !== 'spender') return
    const key = `${scope} ${Math.floor(time / nearLimits.windowMs)}`
    const counted = used.get(key) ?? { asked: 0, amount: 0 }
    used.set(key, counted)
    const own = isOwnEvent(event) && type !== 'IntentDuplicated'
    if (own && !(type === 'IntentRejected' && turnedAway.has(payload.code))) {
      if ((type === 'IntentCommitted' || type === 'IntentPending') && !isRelief(payload.intent))
        expect(counted.asked).toBeLessThan(budget!.intents!)
      counted.asked++
    }
    if (type === 'IntentCommitted') {
      counted.amount += payload.amount ?? 0
      expect(counted.amount).toBeLessThanOrEqual(budget!.amount!)
    }
    if (type === 'IntentPending' && payload.since === null) {
      pendingOf.set(payload.intentId, scope)
      pending.set(scope, (pending.get(scope) ?? 0) + 1)
      expect(pending.get(scope)).toBeLessThanOrEqual(budget!.pending!)
    }
    if ((type === 'IntentCommitted' || type === 'IntentRejected') && payload.settles !== null && pendingOf.has(payload.intentId!))
      pending.set(scope, pending.get(scope)! - 1)
  })
})

test('timers fire once, not before their time, and what is touched never acts past its own', () => {
  let fired = new Set<string>()
  forEach((event, before) => {
    if (event.offset === 0 && event.index === 0) fired = new Set()
    if (event.type === 'RuleApplied' && event.payload.rule === 'timer') {
      const { resource } = event.payload
      const { timer, version } = before.resourceIn(event.scope, resource!)!
      expect(timer!.due).toBeLessThanOrEqual(event.time)
      const key = `${event.scope} ${resource} ${version} ${timer!.due}`
      expect(fired.has(key)).toBe(false)
      fired.add(key)
    }
    if (event.type !== 'IntentCommitted' || event.payload.settles !== null) return
    for (const { resource } of event.payload.changes) {
      const timer = before.resourceIn(event.scope, resource)?.timer
      if (timer != null) expect(timer.due).toBeGreaterThan(event.time)
    }
  })
})

test('a timer is in force for each resource that has one and each intent that waits, and for nothing else', () => {
  forEach(
    () => {},
    (events) => {
      const state = new PartitionState(0, nearLimits)
      for (const event of events) {
        evolve(state, event)
        const due = [...state.resources()].flatMap(([, { timer }]) => (timer === null ? [] : [timer.due]))
        for (const { escalation, untilMs } of state.coordination.pending.all()) if (escalation === null) due.push(untilMs)
        expect(state.coordination.timers.size).toBe(due.length)
        expect(state.coordination.timers.nextMs).toBe(Math.min(Number.POSITIVE_INFINITY, ...due))
      }
    },
  )
})

test('a state made of the parts of a snapshot is due, waits and counts as the one that was folded', () => {
  fc.assert(
    fc.property(playedList, (list) => {
      const state = emptyState()
      decideAll(state, list)
      const builder = new StateBuilder(nearLimits)
      const parts = [...snapshotParts(state)]
      // In any order but for the first.
      for (const part of [parts[0]!, ...parts.slice(1).reverse()]) builder.add(part)
      const { pending, timers } = builder.state.coordination
      expect(timers.nextMs).toBe(state.coordination.timers.nextMs)
      expect(timers.size).toBe(state.coordination.timers.size)
      expect(pending.ready()).toEqual(state.coordination.pending.ready())
      expect(
        settle(builder.state, playedRules, 600_000)
          .map(({ payload }) => payload)
          .filter((payload) => !('intent' in payload && payload.agent === 'clock')),
      ).toEqual(
        settle(state, playedRules, 600_000)
          .map(({ payload }) => payload)
          .filter((payload) => !('intent' in payload && payload.agent === 'clock')),
      )
    }),
    runs,
  )
})

/** Codes that need no coordination: properties and tests beside this one bring them about. */
const plain: ReadonlySet<string> = new Set([
  'SKIPPED',
  'WRONG_PARTITION',
  'GENERATION_CLOSED',
  'INTENT_MALFORMED',
  'INTENT_ID_INVALID',
  'INTENT_EXPIRED',
  'INTENT_FROM_THE_FUTURE',
  'INTENT_ID_REUSED',
  'DEAD_LETTERED',
  'AGENT_UNKNOWN',
  'CONTRACT_UNKNOWN',
  'ACTION_UNKNOWN',
  'INPUT_INVALID',
  'RESOURCE_REPEATED',
  'RESULT_TOO_LARGE',
])

test('the logs of these laws reach every code, rule and kind of event that coordination has', () => {
  const seen = new Set<string>()
  const quarantined = new Set<string>()
  forEach(
    (event) => {
      const { payload, type } = event
      if (event.offset === 0 && event.index === 0) quarantined.clear()
      seen.add(type)
      if (type === 'IntentRejected') seen.add(payload.code)
      if (type === 'RuleApplied') seen.add(`rule ${payload.rule}`)
      if (type === 'IntentPending') seen.add(`pending ${payload.code}`)
      if (type === 'IntentCommitted' && payload.verdict !== null) seen.add('verdict')
      if (type === 'IntentCommitted' && quarantined.has(payload.agent)) seen.add('report in quarantine')
      noteQuarantine(event, quarantined)
    },
    () => {},
    // Always the same logs: whether they reach enough is no matter of chance.
    { seed: 5, numRuns: 600 },
  )
  const expected = [
    ...Object.keys(rejectCodes).filter((code) => !plain.has(code)),
    ...['timer', 'breaker', 'escalation', 'verdict', 'drift', 'contradiction', 'other'].map((rule) => `rule ${rule}`),
    ...['LARGE', 'VERY_LARGE', 'UNSURE', 'TAINTED', 'RESERVED', 'BEHIND_WAITERS', 'STATE_CONFLICT'].map((code) => `pending ${code}`),
    ...['verdict', 'report in quarantine', 'WaitersExamined', 'IntentShadowed', 'IntentDuplicated'],
  ]
  expect(expected.filter((each) => !seen.has(each))).toEqual([])
})
