/** What time brings: the timers of what the record touches, always; others up to a bound, in the order in which they are due. */
import { agentResource, bareIntent, clockAgent, derivedId, type Intent } from '@signalbox/contract'
import { clockChecks } from '../examine/checks/index.ts'
import { Examination } from '../examine/examination.ts'
import type { Decisions } from '../record/decisions.ts'
import { bounded, maxMessageLength } from '../rules/bounded.ts'
import { type DurableTimer, pendingTimerKey } from '../state/coordination/timers.ts'
import { resourceKey } from '../state/state.ts'
import { followBuiltIns } from './consequences.ts'
import { runChecks } from './outcome.ts'
import { rejectPending } from './recorder.ts'

export function fireDue(decisions: Decisions, intent: Intent | null): void {
  const { nowMs, rules, state } = decisions
  const { closed, timers } = state.coordination
  if (timers.nextMs > nowMs || closed !== null) return
  const touched = intent === null ? [] : touchedTimers(decisions, intent)
  const others = timers.due(nowMs, rules.limits.timersARecord, new Set(touched.map(([key]) => key)))
  for (const [key, timer] of [...touched, ...others]) {
    // One that fired before may have ended it, or set it anew.
    if (timers.get(key)?.dueMs === timer.dueMs && decisions.hasRoom) fire(decisions, timer)
  }
}

function touchedTimers(
  { nowMs, state }: Decisions,
  { actions, agent, intentId, reads, scope }: Intent,
): readonly (readonly [string, DurableTimer])[] {
  const keys = new Set<string>([resourceKey(scope, agentResource(agent))])
  for (const { resource } of [...actions, ...reads]) {
    keys.add(resourceKey(scope, resource))
    keys.add(resourceKey(scope, `reservation/${resource}`))
    if (resource.startsWith('intent/')) keys.add(pendingTimerKey(resource.slice('intent/'.length)))
  }
  keys.add(pendingTimerKey(intentId))
  return [...keys]
    .map((key) => [key, state.coordination.timers.get(key)] as const)
    .filter((entry): entry is readonly [string, DurableTimer] => entry[1] !== undefined && entry[1].dueMs <= nowMs)
    .sort(([a, { dueMs: aMs }], [b, { dueMs: bMs }]) => aMs - bMs || (a < b ? -1 : 1))
}

function fire(decisions: Decisions, timer: DurableTimer): void {
  const { intentId, resource, scope } = timer
  if (resource !== null) {
    fireResource(decisions, scope, resource, timer)
    return
  }
  const pending = decisions.state.coordination.pending.get(intentId!)
  if (pending === undefined) return
  rejectPending(decisions, pending.intentId, {
    code: 'DEADLINE_PASSED',
    message: `it waited until its time was over, and then still: ${pending.message}`,
    details: { waitedFor: pending.code, untilMs: pending.untilMs },
  })
}

function fireResource(decisions: Decisions, scope: string, resource: string, { action, dueMs }: DurableTimer): void {
  const { nowMs, offset, rules, state } = decisions
  const cause = ['timer', scope, resource, `${state.resourceIn(scope, resource)?.version}`]
  const intent = clockIntent(scope, resource, action, derivedId(nowMs, cause, rules.sha256))
  const examination = new Examination(rules, state, { offset, timestampMs: nowMs, intent, problem: null }, intent, nowMs)
  const rejection = runChecks(clockChecks, examination)
  examination.isOver = true
  const lateMs = nowMs - dueMs
  const said = `${action} of ${resource} was due${lateMs > 0 ? ` ${lateMs} ms ago` : ''}`
  decisions.emit({
    type: 'RuleApplied',
    scope,
    payload: {
      rule: 'timer',
      message: bounded(rejection === null ? said : `${said}, and could not be done: ${rejection.message}`, maxMessageLength),
      cause: null,
      changes: rejection === null ? examination.changes : [],
      resource,
      code: rejection?.code ?? null,
      details: null,
    },
  })
  if (rejection === null) followBuiltIns(decisions, examination)
}

/** Nobody sees it but its effects, which are named after its id. */
function clockIntent(scope: string, resource: string, action: string, intentId: string): Intent {
  return bareIntent({ intentId, scope, agent: clockAgent, actions: [{ resource, action, input: '{}', expectedVersion: null }] })
}
