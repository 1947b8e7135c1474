/** Changes that follow by a rule, and not by the wish of an agent. */
import { builtInVersion, canonicalize, type JsonObject, type ResourceChange, type Rule, type Timer } from '@signalbox/contract'
import { bounded } from './bounded.ts'
import type { Decisions } from './decisions.ts'
import { maxMessageLength } from './rejected.ts'
import type { PartitionState } from './state.ts'

export interface RuledChange {
  readonly resource: string
  readonly action: string
  readonly state: string
  readonly data: object
  readonly timer?: Timer | null
}

export interface AppliedRule {
  readonly rule: Rule
  readonly scope: string
  readonly message: string
  /** The intent at whose decision it happened. */
  readonly cause: string | null
  readonly changes?: readonly RuledChange[]
  readonly resource?: string
  readonly details?: JsonObject
}

export function applyRule(decisions: Decisions, { cause, changes = [], details, message, resource, rule, scope }: AppliedRule): void {
  const { state } = decisions
  decisions.emit({
    type: 'RuleApplied',
    scope,
    payload: {
      rule,
      message: bounded(message, maxMessageLength),
      cause,
      changes: changes.map((change) => changeOf(state, scope, change)),
      resource: resource ?? changes[0]?.resource ?? null,
      code: null,
      details: details === undefined ? null : canonicalize(details),
    },
  })
}

/** The after-image of one of Signalbox's own resources. */
export function changeOf(
  state: PartitionState,
  scope: string,
  { action, data, resource, state: name, timer }: RuledChange,
): ResourceChange {
  const before = state.resourceIn(scope, resource)
  return {
    resource,
    action,
    contractVersion: builtInVersion,
    fromVersion: before?.version ?? 0,
    version: (before?.version ?? 0) + 1,
    fromState: before?.state ?? null,
    state: name,
    data: canonicalize(data),
    timer: timer ?? null,
    fields: null,
  }
}
