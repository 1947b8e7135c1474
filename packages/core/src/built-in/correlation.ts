import { type CorrelationData, correlationData, correlationInputs, correlationResource, systemScope } from '@signalbox/contract'
import type { Examination, Made, PlannedAction, PlannedAs } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import { defineBuiltIn, keep, refused } from './built-in.ts'

const carriers = ['process-manager']
const from = ['none', 'counting']
const to = 'counting'

/**
 * `correlation/counts`, in the scope of a partition: what it has counted of pieces of work. Each is told to the partition that is the
 * work's home, and `exhaust` says to all that a piece of work has asked too much of them together.
 */
export const correlation = defineBuiltIn({
  type: 'correlation',
  data: correlationData,
  states: ['counting'],
  actions: {
    count: { from, to, by: [], apply: keep(to) },
    tell: { from, to, by: carriers, input: correlationInputs.tell, check: checkPlace, apply: tell },
    exhaust: { from, to, by: carriers, input: correlationInputs.exhaust, check: checkPlace, apply: exhaust },
  },
})

function checkPlace({ intent, rules, state }: Examination, planned: PlannedAction): Rejection | null {
  const scope = systemScope(state.partition, rules.partitionCount)
  if (planned.request.resource === correlationResource && intent.scope === scope) return null
  return refused(planned, 'WRONG_SCOPE', `pieces of work are counted by ${correlationResource} in the scope of a partition (here ${scope})`)
}

function tell({ nowMs, rules, state }: Examination, planned: PlannedAs<unknown, Omit<CorrelationData, 'exhausted'>>): Made {
  const { correlationId, count, partition } = planned.input
  const { coordination, limits } = state
  let sum = count
  for (let other = 0; other < rules.partitionCount; other++)
    if (other !== partition) sum += coordination.toldBy(other, correlationId, nowMs)
  const limit = rules.containment.correlationIntents
  const isTooMuch = limit !== null && sum >= limit && coordination.exhaustion(correlationId, nowMs) === undefined
  const exhausted = isTooMuch ? { count: sum, untilMs: nowMs + limits.windowMs } : null
  return { state: to, data: { correlationId, partition, count, exhausted } satisfies CorrelationData }
}

function exhaust(
  _examination: Examination,
  planned: PlannedAs<unknown, Omit<CorrelationData, 'exhausted'> & { readonly untilMs: number }>,
): Made {
  const { correlationId, count, partition, untilMs } = planned.input
  return { state: to, data: { correlationId, partition, count, exhausted: { count, untilMs } } satisfies CorrelationData }
}
