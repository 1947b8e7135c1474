import {
  type AgentData,
  agentData,
  agentInputs,
  agentKey,
  agentNameText,
  agentResource,
  homeScope,
  isAgentName,
  isSystemScope,
  systemScope,
} from '@signalbox/contract'
import { agentIn } from '../decide/consequences.ts'
import { closeEscalation } from '../decide/open-escalations.ts'
import type { Examination, Made, PlannedAction, PlannedAs } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import { defineBuiltIn, keep, refused } from './built-in.ts'

/** Who may put an agent in quarantine, and let it out of it or of an open breaker: no agent does that to another. */
const overseers = ['human:*', 'process-manager']

/**
 * `agent/NAME`: in a scope, its breaker and what it can do; in its home scope, whether it is in quarantine; in the scope of
 * a partition, the same as it is in force there. The process manager carries it from home to every partition.
 */
export const agent = defineBuiltIn({
  type: 'agent',
  data: agentData,
  states: ['active', 'open', 'half-open', 'quarantined'],
  actions: {
    declare: {
      from: ['none', 'active', 'open', 'half-open'],
      to: { none: ['active'], active: ['active'], open: ['open'], 'half-open': ['half-open'] },
      input: agentInputs.declare,
      check: checkSelf,
      apply: declare,
    },
    quarantine: {
      from: ['none', 'active', 'open', 'half-open', 'quarantined'],
      to: 'quarantined',
      by: overseers,
      input: agentInputs.quarantine,
      check: checkPlace,
      apply: quarantine,
    },
    release: {
      from: ['quarantined', 'open', 'half-open'],
      to: 'active',
      by: overseers,
      input: agentInputs.release,
      check: checkPlaceOfRelease,
      apply: release,
      follow: released,
    },
    try: { from: ['open'], to: 'half-open', by: ['clock'], apply: tryAgain },
    open: { from: ['none', 'active', 'half-open'], to: 'open', by: [], apply: keep('open') },
    probe: { from: ['half-open'], to: 'half-open', by: [], apply: keep('half-open') },
    close: { from: ['half-open'], to: 'active', by: [], apply: keep('active') },
  },
})

function checkSelf({ intent }: Examination, planned: PlannedAction): Rejection | null {
  return planned.id === agentKey(intent.agent)
    ? checkName(planned)
    : refused(planned, 'NOT_YOURS', `only ${planned.id} itself declares what it can do`)
}

function declare(examination: Examination, planned: PlannedAs<unknown, { capabilities: string[] }>): Made {
  const { intent, nowMs, state } = examination
  const { capabilities } = planned.input
  const data: AgentData = { ...agentIn(state, intent.scope, planned.id, nowMs), capabilities }
  return { state: planned.before?.state ?? 'active', data, timer: planned.before?.timer ?? null }
}

/** Agents whose names differ only in case are held back as one: there is one resource of them. */
function checkName(planned: PlannedAction): Rejection | null {
  if (!isAgentName(planned.id)) return refused(planned, 'NO_NAME', `no agent can be called ${planned.id}: a name is ${agentNameText}`)
  const name = agentResource(planned.id)
  return planned.request.resource === name
    ? null
    : refused(planned, 'NOT_THE_NAME', `agents whose names differ only in case are one here; name ${name}`)
}

/** A quarantine is asked for in the agent's home scope; the process manager carries it to that of each partition. */
function checkPlace({ intent, rules, state }: Examination, planned: PlannedAction): Rejection | null {
  if (intent.scope === homeScope(planned.id) || intent.scope === systemScope(state.partition, rules.partitionCount))
    return checkName(planned)
  return refused(
    planned,
    'WRONG_SCOPE',
    `a quarantine is over all scopes: ask for it in the scope ~agent/${planned.id} (signalbox agent quarantine ${planned.id})`,
  )
}

function quarantine(
  { nowMs }: Examination,
  planned: PlannedAs<AgentData | undefined, { reason: string; taintedSinceMs: number | null }>,
): Made {
  const { reason, taintedSinceMs } = planned.input
  const before = planned.data
  const data: AgentData = {
    agent: planned.id,
    reason,
    sinceMs: planned.before?.state === 'quarantined' ? before!.sinceMs : nowMs,
    taintedSinceMs,
    opens: 0,
    successes: 0,
    capabilities: before?.capabilities ?? [],
  }
  return { state: 'quarantined', data }
}

/** A breaker is released where it is open, a quarantine where it is asked for. */
function checkPlaceOfRelease(examination: Examination, planned: PlannedAction): Rejection | null {
  const { intent } = examination
  if (agentKey(intent.agent) === agentKey(planned.id))
    return refused(planned, 'NOT_YOURS', 'nobody releases themselves; another human does, who found out what was wrong')
  return isSystemScope(intent.scope) ? checkPlace(examination, planned) : checkName(planned)
}

function release({ nowMs }: Examination, planned: PlannedAs<AgentData, { reason: string }>): Made {
  const { reason } = planned.input
  return { state: 'active', data: { ...planned.data, reason, sinceMs: nowMs, taintedSinceMs: null, successes: 0 } }
}

function released(decisions: Parameters<typeof closeEscalation>[0], { intent }: Examination, planned: PlannedAction): void {
  closeEscalation(decisions, intent.scope, `escalation/breaker-${planned.id}`, 'moot', `${planned.id} was released by ${intent.agent}`)
}

function tryAgain(_examination: Examination, planned: PlannedAs<AgentData>): Made {
  return { state: 'half-open', data: { ...planned.data, successes: 0 } }
}
