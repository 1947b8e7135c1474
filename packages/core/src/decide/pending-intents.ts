/** Intents that are not decided yet: what their event says, and what is kept of the world that a human is asked about. */
import type { EscalationData, EventReference, IntentPending } from '@signalbox/contract'
import type { Examination, NewEscalation } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import { waitingBounds } from '../examine/waiting-bounds.ts'
import { bounded, maxMessageLength } from '../rules/bounded.ts'

/** Resources that one intent may wait for: its own and their reservations, and some that contract code looked at. */
const maxResources = 600

export function waitingPending(examination: Examination, rejection: Rejection): IntentPending {
  const { code, message } = rejection
  const { canonical, digest, intent, nowMs, planned } = examination
  const waitMs = Math.min(...planned.map((each) => waitingBounds(examination, each).deadlineMs))
  return {
    intentId: intent.intentId,
    agent: intent.agent,
    intent: canonical,
    digest,
    reason: 'waiting',
    code,
    message: bounded(message, maxMessageLength),
    resources: waitsFor(examination, rejection),
    until: Math.min(intent.deadline ?? Number.MAX_SAFE_INTEGER, nowMs + waitMs),
    escalation: null,
    since: null,
  }
}

/** With whose change the intent is decided again: what it acts on, their reservations, and what contract code read. */
export function waitsFor({ planned, readByCode }: Examination, { resource: inTheWay }: Rejection): readonly string[] {
  const resources = new Set<string>()
  if (inTheWay !== undefined) resources.add(inTheWay)
  for (const { prepared, request } of planned) {
    resources.add(request.resource)
    if (prepared.builtIn === null) resources.add(`reservation/${request.resource}`)
  }
  for (const resource of readByCode ?? []) {
    if (resources.size >= maxResources) break
    resources.add(resource)
  }
  return [...resources].sort()
}

export function escalatedPending(examination: Examination, asked: NewEscalation, since: EventReference | null): IntentPending {
  const { cause, message } = asked
  const { canonical, digest, intent } = examination
  return {
    intentId: intent.intentId,
    agent: intent.agent,
    intent: canonical,
    digest,
    reason: 'escalated',
    code: cause,
    message: bounded(message, maxMessageLength),
    resources: [],
    until: escalationEndMs(examination, asked),
    escalation: `escalation/${intent.intentId}`,
    since,
  }
}

/** The earlier of the levels' end and the intent's deadline. */
function escalationEndMs(examination: Examination, asked: NewEscalation): number {
  const levels = levelsOf(examination, asked)
  const sumMs = levels.reduce((sum, { withinMs }) => sum + withinMs, 0)
  return Math.min(examination.intent.deadline ?? Number.MAX_SAFE_INTEGER, examination.nowMs + sumMs)
}

/** Who is asked, one after another: from whom the rule names, or they before all others. */
export function levelsOf(examination: Examination, { to }: NewEscalation): EscalationData['levels'] {
  const levels = [...contractLevels(examination)]
  const from = levels.findIndex((level) => level.to === to)
  if (to === null || from === 0) return levels
  return from > 0 ? levels.slice(from) : [{ to, withinMs: levels[0]!.withinMs }, ...levels]
}

function contractLevels({ planned, rules }: Examination): EscalationData['levels'] {
  const governed = planned.find(({ prepared }) => prepared.builtIn === null)
  if (governed !== undefined) return [...governed.contract.coordination.escalation.levels]
  return [{ to: rules.containment.escalateTo, withinMs: rules.containment.escalateWithinMs }]
}

/** The named and read resources as they are: what a verdict is about. Not those that nobody's version decides. */
export function versionsOf(examination: Examination): readonly { readonly resource: string; readonly version: number }[] {
  const versions = new Map<string, number>()
  for (const { action, before, request } of examination.planned) {
    if (action.conflict !== 'commutative') versions.set(request.resource, before?.version ?? 0)
  }
  for (const { resource } of examination.intent.reads) {
    const planned = examination.plannedFor(resource)
    if (planned?.action.conflict === 'commutative') continue
    versions.set(resource, examination.current(resource)?.version ?? 0)
  }
  return [...versions].sort(([a], [b]) => (a < b ? -1 : 1)).map(([resource, version]) => ({ resource, version }))
}

/** Why an intent may not join those that are pending; null where it may. */
export function queueFull(examination: Examination): Rejection | null {
  const { intent, planned, rules, state } = examination
  for (const each of planned) {
    const { contract, request } = each
    const { queue } = waitingBounds(examination, each)
    if (state.coordination.pending.waitersFor(intent.scope, request.resource).length < queue) continue
    return {
      code: 'WAIT_QUEUE_FULL',
      message: `${queue} intents wait for ${request.resource} already, as many as its contract lets; propose again later`,
      resource: request.resource,
      owner: contract.owner,
      details: { queue },
    }
  }
  const budget = examination.budget?.pending
  const { pending } = state.coordination.tallies.get(intent.scope, intent.agent, examination.nowMs)
  const most = budget ?? rules.limits.pendingAnAgent
  if (pending < most) return null
  return {
    code: 'BUDGET_EXCEEDED',
    message: `${pending} intents of ${intent.agent} are pending in scope ${intent.scope}, as many as may be; wait for one of them, or withdraw it`,
    details: { budget: 'pending', limit: most, used: pending },
  }
}
