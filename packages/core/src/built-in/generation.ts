import { type GenerationData, generationData, generationInputs, generationResource, systemScope } from '@signalbox/contract'
import type { Examination, Made, PlannedAction, PlannedAs } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import { defineBuiltIn, refused } from './built-in.ts'

const people = ['human:*']

/**
 * `generation/log`, in the scope of a partition: whether its log goes on in other topics. From the commit of `close` on every intent is
 * rejected there and nothing happens by itself, so that two logs never decide the same; `reopen` alone is let through.
 */
export const generation = defineBuiltIn({
  type: 'generation',
  data: generationData,
  states: ['open', 'closed'],
  actions: {
    close: {
      from: ['none', 'open'],
      to: 'closed',
      by: people,
      input: generationInputs.close,
      check: checkClose,
      apply: close,
      relief: 'release',
    },
    reopen: {
      from: ['closed'],
      to: 'open',
      by: people,
      input: generationInputs.reopen,
      check: checkPlace,
      apply: reopen,
      relief: 'release',
    },
  },
})

function checkPlace({ intent, rules, state }: Examination, planned: PlannedAction): Rejection | null {
  const scope = systemScope(state.partition, rules.partitionCount)
  if (planned.request.resource !== generationResource || intent.scope !== scope)
    return refused(
      planned,
      'WRONG_SCOPE',
      `each partition is closed on its own, by ${generationResource} in its scope (here ${scope}); signalbox generation does it for all`,
    )
  if (intent.actions.length === 1) return null
  return refused(planned, 'NOT_ALONE', 'closing or opening a log is an intent of its own; send it without other actions')
}

/** Another log does not have the scope: what waits in it could never be decided. */
function checkClose(examination: Examination, planned: PlannedAction): Rejection | null {
  const misplaced = checkPlace(examination, planned)
  if (misplaced !== null) return misplaced
  const { intent, state } = examination
  const waiting = [...state.coordination.pending.all()].filter(({ scope }) => scope === intent.scope).map(({ intentId }) => intentId)
  if (waiting.length === 0) return null
  return refused(
    planned,
    'PENDING_HERE',
    `${waiting.length} intents are pending in ${intent.scope}, which is of this log alone; withdraw them first: signalbox intent withdraw ${waiting.sort()[0]}`,
  )
}

function close({ intent, nowMs }: Examination, planned: PlannedAs<unknown, { next: string; reason: string }>): Made {
  const { next, reason } = planned.input
  const data: GenerationData = { next, by: intent.agent, reason, sinceMs: nowMs }
  return { state: 'closed', data }
}

function reopen({ intent, nowMs }: Examination, planned: PlannedAs<GenerationData, { reason: string }>): Made {
  const { reason } = planned.input
  const data: GenerationData = { ...planned.data, by: intent.agent, reason, sinceMs: nowMs }
  return { state: 'open', data }
}
