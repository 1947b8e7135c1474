/** What an event changes of who waits, what is due, what is counted and who is in quarantine. */
import {
  agentKey,
  bounds,
  type CorrelationData,
  correlationResource,
  type Event,
  type EventBase,
  type EventReference,
  type GenerationData,
  generationResource,
  type Intent,
  isMarked,
  isRemembered,
  isSystemScope,
  type ResourceChange,
} from '@signalbox/contract'
import { type CoordinationState, contradictionKey, toldKey } from '../state/coordination/coordination.ts'
import { askKey, type PendingIntent } from '../state/coordination/pending.ts'
import { pendingTimerKey } from '../state/coordination/timers.ts'
import { counted } from '../state/coordination/windows.ts'
import { isOwnAgent } from '../state/own-agents.ts'
import type { PartitionState } from '../state/state.ts'

/** Whether a reject counts as something that its piece of work asked for. */
export function isTakenUp(code: string): boolean {
  return isRemembered(code) && !isMarked(code, 'limit')
}

export function evolveCoordination(state: PartitionState, event: Event): void {
  switch (event.type) {
    case 'IntentCommitted': {
      const { agent, amount, intentId, settles } = event.payload
      settle(state, intentId, settles, event.time)
      if (!isOwnAgent(agent)) state.coordination.tallies.commit(event.scope, agent, event.time, amount ?? 0, settles === null)
      if (settles === null) followChain(state, event, event.payload)
      if (state.coordination.pending.size > 0) {
        for (const { action, resource } of event.payload.changes) state.coordination.pending.bypass(event.scope, resource, action, settles)
      }
      break
    }
    case 'IntentRejected':
      noteReject(state, event)
      break
    case 'IntentPending':
      notePending(state, event)
      break
    case 'IntentShadowed': {
      const { agent } = event.payload
      if (!isOwnAgent(agent)) state.coordination.tallies.commit(event.scope, agent, event.time, 0, true)
      followChain(state, event, event.payload)
      break
    }
    case 'WaitersExamined':
      for (const { code, intentId, resources } of event.payload.waiting) {
        const pending = state.coordination.pending.get(intentId)
        if (pending !== undefined) state.coordination.pending.put({ ...pending, code, resources })
      }
      break
    case 'RuleApplied':
      if (event.payload.rule === 'timer' && event.payload.changes.length === 0 && event.payload.resource !== null)
        spendTimer(state, event.scope, event.payload.resource)
      break
  }
}

/** What follows from a resource's change, whoever made it. */
export function resourceMoved(state: PartitionState, { index, offset, partition, scope, time }: EventBase, change: ResourceChange): void {
  const { coordination } = state
  const { resource } = change
  coordination.pending.wake(scope, resource)
  if (resource.startsWith('reservation/')) coordination.noteReservation(scope)
  if (resource === generationResource && isSystemScope(scope))
    coordination.setClosed(change.state === 'closed' ? (JSON.parse(change.data) as GenerationData) : null)
  if (resource === correlationResource && isSystemScope(scope)) correlationMoved(coordination, change, time)
  if (!resource.startsWith('agent/')) return
  const agent = resource.slice('agent/'.length)
  const tally = coordination.tallies.get(scope, agent, time)
  if (!isSystemScope(scope)) {
    const breaker = change.state === 'open' || change.state === 'half-open' ? change.state : 'closed'
    // A breaker that closes begins anew: what opened it must not open it again.
    const counts =
      change.action === 'close' || change.action === 'release' ? { rejects: 0, rejectsBefore: 0, repeated: '', repeats: 0 } : {}
    if (tally.breaker !== breaker || change.action === 'close') coordination.tallies.set(scope, agent, { ...tally, ...counts, breaker })
    return
  }
  if (change.state === 'quarantined') {
    const { reason, sinceMs, taintedSinceMs } = JSON.parse(change.data) as {
      reason: string
      sinceMs: number
      taintedSinceMs: number | null
    }
    coordination.setQuarantine(agent, { reason, sinceMs, taintedSinceMs })
    coordination.setLastQuarantine(agent, { partition, offset, index })
    // What it waits for, and what others wait for of it.
    coordination.pending.wakeAll()
  } else coordination.setQuarantine(agent, undefined)
}

/** What was counted elsewhere is kept at the home of the correlation; that it was too much, everywhere. */
function correlationMoved(coordination: CoordinationState, { action, data }: ResourceChange, timeMs: number): void {
  const { correlationId, count, exhausted, partition } = JSON.parse(data) as CorrelationData
  if (action === 'tell') coordination.setTold(toldKey(partition, correlationId), { count, timeMs })
  if (exhausted !== null) coordination.setExhausted(correlationId, exhausted)
}

function settle(state: PartitionState, intentId: string, settles: EventReference | null, timeMs: number): void {
  if (settles === null) return
  const { pending, tallies, timers } = state.coordination
  const settled = pending.get(intentId)
  if (settled === undefined) return
  pending.end(intentId)
  pending.wakeBehind(settled)
  timers.end(pendingTimerKey(intentId))
  const tally = tallies.get(settled.scope, settled.agent, timeMs)
  tallies.set(settled.scope, settled.agent, { ...tally, pending: Math.max(0, tally.pending - 1) })
}

function noteReject(state: PartitionState, { payload, scope, time }: Event & { type: 'IntentRejected' }): void {
  const { agent, code, intent, intentId, movedBy, resource, settles } = payload
  if (intentId !== null) settle(state, intentId, settles, time)
  const { coordination } = state
  // What lies in the wrong place is nothing of that scope, which is kept elsewhere; nor is what came when the log was closed, as what it
  // held then is all that is carried over.
  if (agent === null || scope === '' || isOwnAgent(agent) || code === 'WRONG_PARTITION' || coordination.closed !== null) return
  // What waited and came to nothing is no reject that the agent could have spared itself.
  if (settles === null) coordination.tallies.reject(scope, agent, time, `${code} ${resource ?? ''}`, !isMarked(code, 'limit'))
  if (movedBy !== null && resource !== null && agentKey(movedBy.agent) !== agentKey(agent) && !isOwnAgent(movedBy.agent)) {
    const key = contradictionKey(scope, resource, agent, movedBy.agent)
    coordination.setContradictions(key, counted(coordination.contradictions.get(key), time, state.limits.windowMs))
  }
  // What did not get through the door is no link: anyone could send it under anyone's id.
  if (intentId !== null && intent !== null && settles === null && isRemembered(code))
    followChain(state, { scope, time }, { agent, intent, intentId }, isTakenUp(code))
}

function notePending(state: PartitionState, event: Event & { type: 'IntentPending' }): void {
  const { agent, code, digest, escalation, intent, intentId, message, reason, resources, since, until } = event.payload
  const { pending, tallies, timers } = state.coordination
  const before = pending.get(intentId)
  const { partition, offset, index } = event
  const { actions } = JSON.parse(intent) as { readonly actions: readonly { readonly action: string; readonly resource: string }[] }
  const entry: PendingIntent = {
    intentId,
    scope: event.scope,
    agent,
    intent,
    digest,
    since: since ?? { partition, offset, index },
    reason,
    code,
    message,
    resources,
    untilMs: until,
    escalation,
    asks: actions.map(({ action, resource }) => askKey(action, resource)),
    bypassed: before?.bypassed ?? 0,
  }
  pending.put(entry)
  // An escalation has a timer of its own, and denies when nobody answers.
  if (reason === 'escalated') {
    timers.end(pendingTimerKey(intentId))
    if (before !== undefined) pending.wakeBehind(before)
  } else timers.set(pendingTimerKey(intentId), { dueMs: until, scope: event.scope, resource: null, intentId, action: 'expire' })
  // What it counted where it was first pending was carried over with it.
  if (before !== undefined || event.offset < 0) return
  const tally = tallies.get(event.scope, agent, event.time)
  tallies.set(event.scope, agent, { ...tally, asked: tally.asked + 1, pending: tally.pending + 1 })
  followChain(state, event, event.payload)
}

function spendTimer(state: PartitionState, scope: string, resource: string): void {
  const current = state.resourceIn(scope, resource)
  if (current !== undefined) state.setResource(scope, resource, { ...current, timer: null })
}

/**
 * How far an intent is from the first of its chain: one step more than its cause, as this partition knows that one, or, where it was
 * decided on another, as the intent says it.
 */
export function depthOf(
  { coordination }: PartitionState,
  { causationDepth, causationId }: Pick<Intent, 'causationDepth' | 'causationId'>,
  timeMs: number,
): number {
  if (causationId === null) return 0
  return Math.min(bounds.depth.most, Math.max(coordination.link(causationId, timeMs)?.depth ?? 0, causationDepth ?? 0) + 1)
}

/** Of the many that nothing caused and that belong to no other's work, nothing is kept. */
function followChain(
  state: PartitionState,
  { scope, time }: Pick<EventBase, 'scope' | 'time'>,
  { agent, intent, intentId }: { readonly agent: string; readonly intent: string; readonly intentId: string },
  isTakenUp = true,
): void {
  const lineage = lineageOf(intent, agent, intentId)
  if (lineage === null) return
  const { causationDepth = null, causationId = null, correlationId } = lineage
  const { coordination } = state
  if (causationId !== null) coordination.setLink(intentId, { depth: depthOf(state, { causationDepth, causationId }, time), timeMs: time })
  // What Signalbox asks of a partition is not the work's.
  if (!isTakenUp || isSystemScope(scope)) return
  coordination.setCorrelation(correlationId, counted(coordination.correlations.get(correlationId), time, state.limits.windowMs))
}

type Lineage = Partial<Pick<Intent, 'causationDepth' | 'causationId'>> & Pick<Intent, 'correlationId'>

/**
 * What a canonical intent says of its cause and its correlation; null where it has neither but its own id. They follow the agent,
 * which follows the actions, and only what stands there is parsed. Looked for from the end, where nothing else can look like it:
 * what an input holds lies before, and quotes in a note are escaped.
 */
function lineageOf(intent: string, agent: string, intentId: string): Lineage | null {
  const before = `],"agent":"${agent}"`
  const start = intent.lastIndexOf(before) + before.length
  if (intent.startsWith(`,"correlationId":"${intentId}"`, start)) return null
  // Events of tests, and of restored logs, may embed nothing.
  if (start < before.length || intent[start] !== ',') return null
  const lineage = JSON.parse(`{${intent.slice(start + 1)}`) as Lineage
  return lineage.causationId === undefined && lineage.correlationId === intentId ? null : lineage
}
