/** Changes that follow by a rule, and not by the wish of an agent. */
import { canonicalize, type JsonObject, type Rule } from '@signalbox/contract'
import { bounded, maxMessageLength } from '../rules/bounded.ts'
import type { Decisions } from './decisions.ts'
import { changeOf, type RuledChange } from './ruled-change.ts'

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
