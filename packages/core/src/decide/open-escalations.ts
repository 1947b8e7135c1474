/** What is put before a human: opened, counted again, brought up to date and closed. */
import type { EscalationData, Rule, Timer } from '@signalbox/contract'
import type { Decisions } from '../record/decisions.ts'
import { applyRule } from '../record/rule.ts'
import { bounded, maxMessageLength } from '../rules/bounded.ts'
import type { PartitionState } from '../state/state.ts'
import { digestOf } from './asked.ts'

export interface OpenedEscalation {
  /** The id of the escalation: the same for the same thing that went wrong. */
  readonly id: string
  readonly scope: string
  readonly cause: string
  readonly message: string
  readonly agent: string
  readonly intentId?: string
  readonly resource: string | null
  readonly rule?: Rule
  /** Default: whom the settings name. */
  readonly levels?: EscalationData['levels']
  readonly versions?: EscalationData['versions']
  readonly asked?: EscalationData['asked']
  readonly approvals?: number
  readonly separationOfDuties?: boolean
  /** The deadline of what it is about: it is over by then at the latest. */
  readonly untilMs?: number
}

export function isOpen(state: string): boolean {
  return state === 'triggered' || state === 'acknowledged'
}

export function escalationIn(
  state: PartitionState,
  scope: string,
  name: string,
): { readonly state: string; readonly data: EscalationData } | undefined {
  const found = state.resourceIn(scope, name)
  return found === undefined ? undefined : { state: found.state, data: JSON.parse(found.data) as EscalationData }
}

/** Opens an escalation; where the same is open already, it is counted again. */
export function openEscalation(decisions: Decisions, opened: OpenedEscalation): void {
  const { nowMs, rules, state } = decisions
  const {
    agent,
    approvals = 1,
    asked = null,
    cause,
    id,
    intentId = null,
    message,
    resource,
    rule = 'escalation',
    scope,
    versions = [],
  } = opened
  const name = `escalation/${id}`
  const before = escalationIn(state, scope, name)
  if (before !== undefined && isOpen(before.state)) {
    const data = { ...before.data, count: before.data.count + 1, message: bounded(message, maxMessageLength) }
    const timer = state.resourceIn(scope, name)!.timer
    applyRule(decisions, {
      rule,
      scope,
      cause: intentId,
      message: `again: ${message}`,
      changes: [{ resource: name, action: 'again', state: before.state, data, timer }],
    })
    return
  }
  const { escalateTo, escalateWithinMs } = rules.containment
  const levels = opened.levels ?? [{ to: escalateTo, withinMs: escalateWithinMs }]
  const sumMs = levels.reduce((sum, { withinMs }) => sum + withinMs, 0)
  const data: EscalationData = {
    cause,
    message: bounded(message, maxMessageLength),
    group: `${cause} ${resource === null ? agent : resource.slice(0, resource.indexOf('/'))}`,
    agent,
    intentId,
    resource,
    levels: [...levels],
    level: 0,
    to: levels[0]!.to,
    expiresMs: Math.min(opened.untilMs ?? Number.MAX_SAFE_INTEGER, nowMs + sumMs),
    untilMs: opened.untilMs ?? null,
    openedMs: nowMs,
    count: 1,
    versions: [...versions],
    asked,
    digest: digestOf([...versions], asked, rules.sha256),
    approvalsNeeded: approvals,
    approvals: [],
    separationOfDuties: opened.separationOfDuties ?? false,
    acknowledgedBy: null,
    assignee: null,
    verdict: null,
    verdictBy: null,
    verdictReason: null,
  }
  applyRule(decisions, {
    rule,
    scope,
    cause: intentId,
    message,
    changes: [{ resource: name, action: 'trigger', state: 'triggered', data, timer: levelTimer(data, nowMs) }],
  })
}

/** When the level that is asked now is over, or the whole of it, if that is earlier. */
export function levelTimer({ expiresMs, level, levels }: EscalationData, nowMs: number): Timer {
  return { due: Math.min(expiresMs, nowMs + levels[level]!.withinMs), action: 'lapse' }
}

/** Ends an escalation that is open; does nothing where it is not. */
export function closeEscalation(
  decisions: Decisions,
  scope: string,
  name: string,
  verdict: NonNullable<EscalationData['verdict']>,
  why: string,
): void {
  const open = escalationIn(decisions.state, scope, name)
  if (open === undefined || !isOpen(open.state)) return
  const data: EscalationData = { ...open.data, verdict, verdictReason: bounded(why, maxMessageLength) }
  applyRule(decisions, {
    rule: 'escalation',
    scope,
    cause: open.data.intentId,
    message: `${name} is over: ${why}`,
    changes: [{ resource: name, action: 'close', state: 'resolved', data }],
  })
}
