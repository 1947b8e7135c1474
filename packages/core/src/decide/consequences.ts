/** What follows from a decision, in the same record: from what was committed, and from what went wrong too often. */
import { type AgentData, agentKey, agentResource, isMarked, isSystemScope } from '@signalbox/contract'
import { builtInOf, type Examination, type NewEscalation } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import type { Decisions } from '../record/decisions.ts'
import { applyRule } from '../record/rule.ts'
import { contradictionKey } from '../state/coordination/coordination.ts'
import type { PendingIntent } from '../state/coordination/pending.ts'
import type { Tally } from '../state/coordination/tallies.ts'
import { countIn } from '../state/coordination/windows.ts'
import { isOwnAgent } from '../state/own-agents.ts'
import type { PartitionState } from '../state/state.ts'
import { askedOf } from './asked.ts'
import { tellCorrelation, tellsCorrelation } from './correlation.ts'
import { closeEscalation, escalationIn, openEscalation } from './open-escalations.ts'
import type { Decided } from './outcome.ts'
import { levelsOf, versionsOf } from './pending-intents.ts'

/** Whether anything follows from the outcome of a record's own intent besides its event. Asked of nearly every intent: it must be cheap. */
export function hasConsequences(state: PartitionState, decided: Decided): boolean {
  const { examination, outcome } = decided
  if (examination === null || outcome.kind === 'repeated') return false
  if (tellsCorrelation(decided, 1)) return true
  if (outcome.kind === 'shadowed') return false
  if (outcome.kind === 'asks' || examination.afterReject !== null) return true
  const { coordination } = state
  const { agent, scope } = examination.intent
  const tally = coordination.tallies.get(scope, agent, examination.nowMs)
  if (tally.breaker === 'half-open') return true
  if (outcome.kind === 'rejected') return wentWrong(examination, tally) || contradiction(examination, outcome.rejection, 1) !== null
  if (outcome.kind === 'waits') return false
  const { planned } = examination
  for (let index = 0; index < planned.length; index++) {
    const { action, prepared } = planned[index]!
    if (prepared.builtIn !== null || action.fact !== null) return true
  }
  if (coordination.pending.size === 0) return false
  return examination.changes.some(({ resource }) => coordination.pending.waitersFor(scope, resource).length > 0)
}

/** `pending`: what the outcome settles; null where it is that of a record's own intent. */
export function follow(decisions: Decisions, decided: Decided, pending: PendingIntent | null): void {
  const { examination, outcome } = decided
  if (examination === null) return
  if (pending === null && tellsCorrelation(decided, 0)) tellCorrelation(decisions, examination)
  if (outcome.kind === 'asks') openForIntent(decisions, examination, outcome.question)
  if (outcome.kind === 'committed') followCommit(decisions, examination)
  if (outcome.kind !== 'rejected') return
  if (pending === null) {
    examination.afterReject?.(decisions)
    followReject(decisions, examination, outcome.rejection)
  } else if (pending.escalation !== null) {
    const { code, message } = outcome.rejection
    closeEscalation(decisions, pending.scope, pending.escalation, code === 'WITHDRAWN' ? 'withdrawn' : 'moot', message)
  }
}

/** An escalation of a pending intent, with the world that the human is asked about. */
function openForIntent(decisions: Decisions, examination: Examination, asked: NewEscalation): void {
  const { approvals, cause, message, resource } = asked
  const { intent, planned } = examination
  openEscalation(decisions, {
    id: intent.intentId,
    scope: intent.scope,
    cause,
    message,
    agent: intent.agent,
    intentId: intent.intentId,
    resource,
    levels: levelsOf(examination, asked),
    versions: [...versionsOf(examination)],
    asked: askedOf(examination),
    approvals,
    separationOfDuties: planned.some(
      ({ contract, prepared }) => prepared.builtIn === null && contract.coordination.escalation.separationOfDuties,
    ),
    ...(intent.deadline === null ? {} : { untilMs: intent.deadline }),
  })
}

/** What Signalbox's own actions bring about. */
export function followBuiltIns(decisions: Decisions, examination: Examination): void {
  for (const planned of examination.planned) builtInOf(planned.prepared)?.follow?.(decisions, examination, planned)
}

function followCommit(decisions: Decisions, examination: Examination): void {
  const { intent } = examination
  for (const drift of examination.drifts) {
    const said = drift.fields
      .map(({ committed, field, stated }) => `${field} was committed as ${committed}, and the source says ${stated}`)
      .join('; ')
    applyRule(decisions, {
      rule: 'drift',
      scope: intent.scope,
      cause: intent.intentId,
      message: `${drift.resource} drifted: ${said}`,
      resource: drift.resource,
      details: { resource: drift.resource, version: drift.version, fields: drift.fields.map((field) => ({ ...field })) },
    })
    const { fact } = examination.plannedFor(drift.resource)!.action
    if (fact?.escalateTo === undefined) continue
    openEscalation(decisions, {
      id: `drift-${decisions.rules.sha256(drift.resource).slice(0, 22)}`,
      scope: intent.scope,
      cause: 'DRIFT',
      message: `${drift.resource} drifted: ${said}`,
      agent: intent.agent,
      resource: drift.resource,
      levels: [{ to: fact.escalateTo, withinMs: decisions.rules.containment.escalateWithinMs }],
    })
  }
  followBuiltIns(decisions, examination)
  probe(decisions, examination, true)
}

/** What a half-open breaker learns from a decision. */
function probe(decisions: Decisions, { intent }: Examination, isGood: boolean): void {
  const { nowMs, rules, state } = decisions
  const { agent, intentId, scope } = intent
  if (isOwnAgent(agent) || state.coordination.tallies.get(scope, agent, nowMs).breaker !== 'half-open') return
  if (!isGood) {
    openBreaker(decisions, scope, agent, intentId, 'what it was let try went wrong again')
    return
  }
  const data = agentIn(state, scope, agent, nowMs)
  const successes = data.successes + 1
  const isClosed = successes >= rules.containment.breaker.probes
  applyRule(decisions, {
    rule: 'breaker',
    scope,
    cause: intentId,
    message: isClosed
      ? `the breaker of ${agent} closes: ${successes} of what it tried went well`
      : `${agent}: ${successes} of what it was let try went well`,
    changes: [
      {
        resource: agentResource(agent),
        action: isClosed ? 'close' : 'probe',
        state: isClosed ? 'active' : 'half-open',
        data: { ...data, successes },
      },
    ],
  })
  const name = `escalation/breaker-${agentKey(agent)}`
  if (isClosed && escalationIn(state, scope, name)?.data.cause === 'BREAKER_OPEN')
    closeEscalation(decisions, scope, name, 'moot', `the breaker of ${agent} has closed again`)
}

function followReject(decisions: Decisions, examination: Examination, rejection: Rejection): void {
  const { intent, nowMs } = examination
  const { agent, intentId, scope } = intent
  const tally = decisions.state.coordination.tallies.get(scope, agent, nowMs)
  if (tally.breaker === 'half-open' && !isMarked(rejection.code, 'limit')) probe(decisions, examination, false)
  else {
    const why = whyOpen(examination, tally, 0)
    if (why !== null && tally.breaker === 'closed') openBreaker(decisions, scope, agent, intentId, why)
  }
  const met = contradiction(examination, rejection, 0)
  if (met === null) return
  const { count, other, resource, to } = met
  openEscalation(decisions, {
    id: `contradiction-${decisions.rules.sha256(contradictionKey(scope, resource, agent, other)).slice(0, 22)}`,
    scope,
    rule: 'contradiction',
    cause: 'CONTRADICTION',
    message: `${agent} ran into commits of ${other} on ${resource} ${count} times: they want different things, and somebody must say which`,
    agent,
    resource,
    levels: [{ to, withinMs: decisions.rules.containment.escalateWithinMs }],
  })
}

/** Whether a reject that is about to be counted opens the breaker. */
function wentWrong(examination: Examination, tally: Tally): boolean {
  return tally.breaker === 'closed' && whyOpen(examination, tally, 1) !== null
}

/** `more` is 1 before the reject is counted, 0 after. */
function whyOpen({ intent, nowMs, rules, state }: Examination, tally: Tally, more: number): string | null {
  const { breaker, repeatedRejects } = rules.containment
  if ((breaker.rejects === null && repeatedRejects === null) || isOwnAgent(intent.agent) || isSystemScope(intent.scope)) return null
  const { tallies } = state.coordination
  // One too few may be in a row before this one is counted; looking once too often is harmless.
  if (repeatedRejects !== null && tally.repeats + more >= repeatedRejects)
    return `the same reject ${tally.repeats} times in a row (${tally.repeated.trim()}): it goes round in a loop`
  if (breaker.rejects === null) return null
  const rejects = tallies.rejects(tally, nowMs) + more
  const asked = tallies.asked(tally, nowMs) + more
  if (rejects < breaker.rejects || rejects < breaker.ratio * asked) return null
  return `${rejects} of ${asked} intents were rejected within ${state.limits.windowMs} ms`
}

function openBreaker(decisions: Decisions, scope: string, agent: string, cause: string, why: string): void {
  const { nowMs, rules, state } = decisions
  // Nothing of it is committed anyway; and its home scope must go on saying so.
  if (state.resourceIn(scope, agentResource(agent))?.state === 'quarantined') return
  const { openMs, opensBeforeQuarantine } = rules.containment.breaker
  const before = agentIn(state, scope, agent, nowMs)
  const isRecent = before.sinceMs > nowMs - 86_400_000
  const opens = (isRecent ? before.opens : 0) + 1
  const data: AgentData = { ...before, reason: why, sinceMs: nowMs, opens, successes: 0 }
  const isLast = opensBeforeQuarantine !== null && opens >= opensBeforeQuarantine
  applyRule(decisions, {
    rule: 'breaker',
    scope,
    cause,
    message: `the breaker of ${agent} opens for ${openMs} ms: ${why}`,
    changes: [{ resource: agentResource(agent), action: 'open', state: 'open', data, timer: { due: nowMs + openMs, action: 'try' } }],
    ...(isLast ? { details: { quarantine: true } } : {}),
  })
  openEscalation(decisions, {
    id: `breaker-${agentKey(agent)}`,
    scope,
    rule: 'breaker',
    cause: isLast ? 'QUARANTINE' : 'BREAKER_OPEN',
    message: `the breaker of ${agent} in scope ${scope} is open: ${why}`,
    agent,
    resource: agentResource(agent),
  })
}

/** What a scope knows of an agent. */
export function agentIn(state: PartitionState, scope: string, agent: string, nowMs: number): AgentData {
  const found = state.resourceIn(scope, agentResource(agent))
  if (found !== undefined) return JSON.parse(found.data) as AgentData
  return { agent, reason: '', sinceMs: nowMs, taintedSinceMs: null, opens: 0, successes: 0, capabilities: [] }
}

interface Contradiction {
  readonly resource: string
  readonly other: string
  readonly count: number
  readonly to: string
}

/** Whether two agents ran into each other on a resource as often as its contract lets. `more` is 1 before this time is counted, 0 after. */
function contradiction({ intent, nowMs, rules, state }: Examination, { current, resource }: Rejection, more: number): Contradiction | null {
  if (current === undefined || resource === undefined) return null
  const movedBy = current.lastChange
  if (agentKey(movedBy.agent) === agentKey(intent.agent) || isOwnAgent(movedBy.agent)) return null
  const setting = rules.contracts.get(resource.slice(0, resource.indexOf('/')))?.coordination.contradictions ?? null
  if (setting === null) return null
  const count = countIn(
    state.coordination.contradictions.get(contradictionKey(intent.scope, resource, intent.agent, movedBy.agent)),
    nowMs,
    state.limits.windowMs,
  )
  return count + more < setting.count ? null : { resource, other: movedBy.agent, count: count + more, to: setting.to }
}
