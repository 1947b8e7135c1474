/**
 * What becomes of an intent: examined, then one of six outcomes. Whoever decides or explains goes this way: a record's own intent,
 * one that waits, one that a human has agreed to.
 */
import { type EscalationData, intentFromJson, isMarked, JsonError } from '@signalbox/contract'
import type { Check } from '../examine/check.ts'
import { decisionChecks, doorChecks } from '../examine/checks/index.ts'
import { escalationNeeded } from '../examine/consent.ts'
import { type Duplicate, Examination, type NewEscalation, type PlannedAction } from '../examine/examination.ts'
import type { IntentRecord } from '../examine/intent-record.ts'
import type { Rejection } from '../examine/rejection.ts'
import { inShadowNow, shadowOf } from '../examine/shadow.ts'
import type { Rules } from '../rules/rules.ts'
import { ContractFault } from '../rules/sandbox.ts'
import type { PendingIntent } from '../state/coordination/pending.ts'
import type { PartitionState } from '../state/state.ts'
import { queueFull } from './pending-intents.ts'
import { faultRejection, unreadRejection } from './reject-event.ts'

export type Outcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  /** For what stands in its way. */
  | { readonly kind: 'waits'; readonly rejection: Rejection }
  /** A human must agree. */
  | { readonly kind: 'asks'; readonly question: NewEscalation }
  /** On trial: what it would have been. */
  | { readonly kind: 'shadowed'; readonly by: string; readonly rejection: Rejection | null }
  /** It was decided before, or is pending. */
  | { readonly kind: 'repeated'; readonly of: Duplicate }

export interface Decided {
  /** Null where there was no intent to examine. */
  readonly examination: Examination | null
  readonly outcome: Outcome
}

/** Told of each check that ran, with what it found. */
export type Watch = (check: Check, rejection: Rejection | null, examination: Examination) => void

const committed: Outcome = { kind: 'committed' }

/** Of a record's own intent. */
export function outcomeOfRecord(
  state: PartitionState,
  record: IntentRecord,
  rules: Rules,
  nowMs: number,
  watch: Watch | null = null,
): Decided {
  if (record.intent === null) return { examination: null, outcome: { kind: 'rejected', rejection: unreadRejection(record) } }
  const examination = new Examination(rules, state, record, record.intent, nowMs)
  const rejection = examine(examination, watch) ?? unwritable(record)
  examination.isOver = true
  return { examination, outcome: outcomeOf(examination, rejection) }
}

/** A pending intent, to be examined again. `agreed`: the versions that a human has agreed on. */
export function examinationOfPending(
  state: PartitionState,
  rules: Rules,
  { digest, intent: text, since }: Pick<PendingIntent, 'digest' | 'intent' | 'since'>,
  nowMs: number,
  agreed: EscalationData['versions'] | null = null,
): Examination {
  const intent = intentFromJson(JSON.parse(text))
  const examination = new Examination(rules, state, { offset: since.offset, timestampMs: nowMs, intent, problem: null }, intent, nowMs)
  examination.canonical = text
  examination.digest = digest
  examination.passedDoor = true
  examination.wasPending = true
  if (agreed !== null) examination.agreed = new Map(agreed.map(({ resource, version }) => [resource, version]))
  return examination
}

export function outcomeOfPending(examination: Examination, watch: Watch | null = null): Outcome {
  const rejection = runChecks(decisionChecks, examination, watch)
  examination.isOver = true
  return outcomeOf(examination, rejection)
}

/** What was decided of it could not be written: it is decided once more, as a fault. */
function unwritable({ problem }: IntentRecord): Rejection | null {
  return problem === null ? null : faultRejection(new ContractFault(`what was decided could not be written: ${problem}`))
}

function examine(examination: Examination, watch: Watch | null): Rejection | null {
  const atTheDoor = runChecks(doorChecks, examination, watch)
  if (atTheDoor !== null || examination.duplicateOf !== undefined) return atTheDoor
  examination.passedDoor = true
  return runChecks(decisionChecks, examination, watch)
}

/** The first that fails. */
export function runChecks(checks: readonly Check[], examination: Examination, watch: Watch | null = null): Rejection | null {
  for (let index = 0; index < checks.length; index++) {
    const check = checks[index]!
    const rejection = runCheck(check, examination)
    if (watch !== null) watch(check, rejection, examination)
    if (rejection !== null) return rejection
  }
  return null
}

/** What contract code throws makes a dead letter; so does an input that nests too deep for where it is to be kept. */
function runCheck(check: Check, examination: Examination): Rejection | null {
  try {
    return check.run(examination)
  } catch (error) {
    if (error instanceof ContractFault) return faultRejection(error)
    if (error instanceof JsonError) return faultRejection(new ContractFault(`what is to be kept of the intent: ${error.message}`))
    throw error
  }
}

function outcomeOf(examination: Examination, rejection: Rejection | null): Outcome {
  const { agreed, duplicateOf, intent, passedDoor, wasPending } = examination
  if (duplicateOf !== undefined) return { kind: 'repeated', of: duplicateOf }
  const shadow = passedDoor ? shadowOf(examination) : null
  if (shadow !== null) {
    if (!wasPending) return { kind: 'shadowed', by: shadow, rejection }
    if (rejection === null) return { kind: 'rejected', rejection: inShadowNow(shadow) }
  }
  // What a human has agreed to is asked of nobody again.
  if (agreed !== null) return rejection === null ? committed : { kind: 'rejected', rejection }
  if (rejection === null) {
    const question = escalationNeeded(examination)
    return question === null ? committed : unlessFull(examination, { kind: 'asks', question })
  }
  if (intent.onConflict === 'reject' || !canWait(examination, rejection)) return { kind: 'rejected', rejection }
  if (intent.onConflict === 'wait') return unlessFull(examination, { kind: 'waits', rejection })
  const { code: cause, message, resource = null } = rejection
  return unlessFull(examination, { kind: 'asks', question: { cause, message, resource, to: null, approvals: 1 } })
}

/** Who is pending already has a place. */
function unlessFull(examination: Examination, outcome: Outcome): Outcome {
  const full = examination.wasPending ? null : queueFull(examination)
  return full === null ? outcome : { kind: 'rejected', rejection: full }
}

/**
 * What can still come true; a version that is gone never comes back. A verdict is decided at once: it is about the world as its human
 * saw it. So is a withdrawal, of what is pending then; and whether a log goes on, as what waited in a closed one would wait for ever.
 */
function canWait({ planned }: Examination, { code }: Rejection): boolean {
  return isMarked(code, 'waitable') && !planned.some(isOfTheMoment)
}

const ofTheMoment: ReadonlySet<string> = new Set(['escalation', 'generation', 'intent'])

function isOfTheMoment({ contract, prepared }: PlannedAction): boolean {
  return prepared.builtIn !== null && ofTheMoment.has(contract.type)
}
