/**
 * How much one piece of work (a correlation) asks of all partitions together. Each counts what it takes up of the work, and tells the
 * partition that is the work's home; that one says to all when it is too much. The process manager carries both.
 */
import { type CorrelationData, correlationResource, isSystemScope, systemScope } from '@signalbox/contract'
import { isTakenUp } from '../evolve/coordination.ts'
import type { Examination } from '../examine/examination.ts'
import type { Decisions } from '../record/decisions.ts'
import { applyRule } from '../record/rule.ts'
import { counted, countIn } from '../state/coordination/windows.ts'
import { isOwnAgent } from '../state/own-agents.ts'
import type { Decided } from './outcome.ts'

/**
 * After how many intents a partition tells. What no partition has told yet is at most a quarter of what is let, and a large limit does
 * not make an event of every intent.
 */
function every(limit: number, partitionCount: number): number {
  return Math.max(1, Math.floor(limit / (4 * partitionCount)))
}

/** Whether a partition tells with this decision what it has counted. `more` is 1 before the intent is counted, 0 after. */
export function tellsCorrelation({ examination, outcome }: Decided, more: 0 | 1): boolean {
  const { intent, nowMs, rules, state } = examination!
  const limit = rules.containment.correlationIntents
  if (limit === null || rules.partitionCount === 1 || outcome.kind === 'repeated') return false
  const { agent, causationId, correlationId, intentId, scope } = intent
  if ((causationId === null && correlationId === intentId) || isSystemScope(scope)) return false
  if (outcome.kind === 'rejected' && (isOwnAgent(agent) || !isTakenUp(outcome.rejection.code))) return false
  const { now } = counted(state.coordination.correlations.get(correlationId), nowMs, state.limits.windowMs, more)
  return now % every(limit, rules.partitionCount) === 0
}

export function tellCorrelation(decisions: Decisions, { intent, nowMs, rules, state }: Examination): void {
  const { correlationId, intentId } = intent
  const { partition } = state
  const count = countIn(state.coordination.correlations.get(correlationId), nowMs, state.limits.windowMs)
  const data: CorrelationData = { correlationId, partition, count, exhausted: null }
  applyRule(decisions, {
    rule: 'loop',
    scope: systemScope(partition, rules.partitionCount),
    cause: intentId,
    message: `partition ${partition} has taken up ${count} intents of correlation ${correlationId} within ${state.limits.windowMs} ms`,
    changes: [{ resource: correlationResource, action: 'count', state: 'counting', data }],
  })
}
