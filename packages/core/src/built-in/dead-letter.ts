import {
  type DeadLetterData,
  type DeadLetterId,
  deadLetterData,
  deadLetterInputs,
  derivedId,
  parseDeadLetterId,
  systemScope,
} from '@signalbox/contract'
import type { Examination, Made, PlannedAction, PlannedAs } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import { defineBuiltIn, refused } from './built-in.ts'

/** What is done with dead letters is done by people. */
const people = ['human:*']
const undecided = ['none', 'open']

/**
 * `dead-letter/TOPIC:PARTITION:OFFSET`: what people decided of a dead letter, in the scope of its partition. It is there from the first
 * verdict on. A redrive gives the id that the new intent has: whoever appends it, and however often, it is one intent.
 */
export const deadLetter = defineBuiltIn({
  type: 'dead-letter',
  data: deadLetterData,
  states: ['open', 'redriven', 'discarded'],
  actions: {
    redrive: {
      from: undecided,
      to: 'redriven',
      by: people,
      input: deadLetterInputs.redrive,
      check: checkPlace,
      apply: redrive,
      relief: 'release',
    },
    discard: {
      from: undecided,
      to: 'discarded',
      by: people,
      input: deadLetterInputs.discard,
      check: checkPlace,
      apply: settle('discarded'),
    },
    reopen: {
      from: ['discarded', 'redriven'],
      to: 'open',
      by: people,
      input: deadLetterInputs.reopen,
      check: checkReopen,
      apply: settle('open'),
    },
  },
})

function letterOf(planned: PlannedAction): DeadLetterId | null {
  return parseDeadLetterId(planned.id)
}

function checkPlace({ intent, rules, state }: Examination, planned: PlannedAction): Rejection | null {
  if (intent.actions.length > 1) return refused(planned, 'NOT_ALONE', 'a verdict is an intent of its own; send it without other actions')
  const letter = letterOf(planned)
  if (letter === null)
    return refused(planned, 'NO_SUCH_LETTER', `${planned.id} is no dead letter; one is named TOPIC:PARTITION:OFFSET, like intents:0:17`)
  if (letter.partition === state.partition && intent.scope === systemScope(state.partition, rules.partitionCount)) return null
  const where = letter.partition < rules.partitionCount ? ` ${systemScope(letter.partition, rules.partitionCount)}` : ''
  return refused(planned, 'WRONG_SCOPE', `what is decided of ${planned.id} is kept in the scope of its partition${where}; ask for it there`)
}

/** An intent that may still be decided must not get a second one beside it. */
function checkReopen(examination: Examination, planned: PlannedAs<DeadLetterData>): Rejection | null {
  const misplaced = checkPlace(examination, planned)
  if (misplaced !== null || planned.before!.state !== 'redriven') return misplaced
  const { atMs, intentId } = planned.data
  const { clockSkewMs, identityHorizonMs } = examination.rules.limits
  // From then on its id is too old to be decided.
  if (intentId !== null && examination.nowMs <= atMs + identityHorizonMs + clockSkewMs)
    return refused(
      planned,
      'REDRIVEN',
      `it is redriven as intent ${intentId}, which may still be decided; look what became of it (signalbox dead-letter show ${planned.id})`,
    )
  return null
}

function redrive(
  { intent, nowMs, record, rules, state }: Examination,
  planned: PlannedAs<unknown, ReturnType<(typeof deadLetterInputs)['redrive']['parse']>>,
): Made {
  const { batch, edited, fresh, reason } = planned.input
  const isIntent = letterOf(planned)!.topic === 'intents'
  const intentId = isIntent ? derivedId(nowMs, ['redrive', planned.id, `${state.partition}/${record.offset}`], rules.sha256) : null
  const data: DeadLetterData = { by: intent.agent, reason, atMs: nowMs, intentId, edited, fresh, batch }
  return { state: 'redriven', data }
}

function settle(to: 'discarded' | 'open') {
  return ({ intent, nowMs }: Examination, planned: PlannedAs<unknown, { reason: string }>): Made => {
    const { reason } = planned.input
    const data: DeadLetterData = { by: intent.agent, reason, atMs: nowMs, intentId: null, edited: false, fresh: false, batch: null }
    return { state: to, data }
  }
}
