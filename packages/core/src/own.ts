/** What becomes of a record's own intent. */
import { isScope, JsonError } from '@signalbox/contract'
import type { Check } from './check.ts'
import { decisionChecks, doorChecks } from './checks/index.ts'
import type { ScopedSaid } from './decisions.ts'
import { escalationNeeded } from './escalate.ts'
import { shadowed } from './evolve.ts'
import { Examination, type PlannedAction } from './examination.ts'
import type { IntentRecord } from './intent-record.ts'
import { escalatedPending, type NewEscalation, queueFull, waitingPending } from './pend.ts'
import { faultRejection, rejected, unreadRejection } from './rejected.ts'
import type { Rejection } from './rejection.ts'
import type { Rules } from './rules.ts'
import { ContractFault } from './sandbox.ts'
import { shadowOf } from './shadow.ts'
import type { PartitionState } from './state.ts'

/** The event of the intent, with what must be known to see what follows from it. */
export type Own = ScopedSaid & {
  /** Null when there was no intent to examine. */
  readonly examination: Examination | null
  readonly rejection: Rejection | null
  /** The escalation that must be opened with it. */
  readonly escalation: NewEscalation | null
}

export function decideOwn(state: PartitionState, record: IntentRecord, rules: Rules, nowMs: number): Own {
  if (record.intent === null) {
    const rejection = unreadRejection(record)
    return rejectedOwn(state, null, rejection, '')
  }
  const examination = new Examination(rules, state, record, record.intent, nowMs)
  const rejection = examine(examination) ?? unwritable(record)
  examination.isOver = true
  return outcomeOf(examination, rejection)
}

/** What was decided of it could not be written: it is decided once more, as a fault. */
function unwritable({ problem }: IntentRecord): Rejection | null {
  return problem === null ? null : faultRejection(new ContractFault(`what was decided could not be written: ${problem}`))
}

/** What the checks come to. */
export function outcomeOf(examination: Examination, rejection: Rejection | null): Own {
  const { canonical, changes, digest, duplicateOf, intent, state } = examination
  const { agent, intentId, scope } = intent
  if (duplicateOf !== undefined) return duplicate(examination)
  const shadow = examination.passedDoor ? shadowOf(examination) : null
  if (shadow !== null) {
    const { code = null, message = null, resource = null } = rejection ?? {}
    const payload = {
      intentId,
      agent,
      intent: canonical,
      digest,
      by: shadow,
      code,
      message,
      resource,
      changes: rejection === null ? changes : [],
    }
    return { type: 'IntentShadowed', scope, payload, examination, rejection: null, escalation: null }
  }
  if (rejection === null) {
    const escalation = escalationNeeded(examination)
    if (escalation !== null) return pendingOwn(examination, escalation)
    const { amount } = examination
    const payload = { intentId, agent, intent: canonical, digest, changes, settles: null, verdict: null, amount }
    return { type: 'IntentCommitted', scope, payload, examination, rejection: null, escalation: null }
  }
  if (intent.onConflict === 'wait' && canWait(examination, rejection)) {
    const full = queueFull(examination)
    if (full !== null) return rejectedOwn(state, examination, full, scope)
    return { type: 'IntentPending', scope, payload: waitingPending(examination, rejection), examination, rejection, escalation: null }
  }
  if (intent.onConflict === 'escalate' && canWait(examination, rejection)) {
    const { code, message, resource = null } = rejection
    return pendingOwn(examination, { cause: code, message, resource, to: null, approvals: 1 })
  }
  return rejectedOwn(state, examination, rejection, scope)
}

function pendingOwn(examination: Examination, escalation: NewEscalation): Own {
  const full = queueFull(examination)
  const { scope } = examination.intent
  if (full !== null) return rejectedOwn(examination.state, examination, full, scope)
  return {
    type: 'IntentPending',
    scope,
    payload: escalatedPending(examination, escalation, null),
    examination,
    rejection: null,
    escalation,
  }
}

function rejectedOwn(state: PartitionState, examination: Examination | null, rejection: Rejection, asked: string): Own {
  // A name that is not well-formed is repeated nowhere: it may hold what a store does not take.
  const scope = isScope(asked) ? asked : ''
  return { type: 'IntentRejected', scope, payload: rejected(state, examination, rejection), examination, rejection, escalation: null }
}

function duplicate(examination: Examination): Own {
  const { digest, duplicateOf, intent } = examination
  const { agent, intentId, scope } = intent
  const { code, index, isPending, offset, partition } = duplicateOf!
  const decision = { partition, offset, index }
  const outcome = isPending ? 'pending' : code === null ? 'committed' : code === shadowed ? 'shadowed' : 'rejected'
  const payload = { intentId, agent, digest, decision, outcome, code: code === shadowed ? null : code } as const
  return { type: 'IntentDuplicated', scope, payload, examination, rejection: null, escalation: null }
}

/** What can still come true. A version that is gone never comes back. */
const waitable: ReadonlySet<string> = new Set(['RESERVED', 'BEHIND_WAITERS', 'STATE_CONFLICT', 'GUARD_REFUSED', 'INVARIANT_VIOLATED'])

/**
 * A verdict is decided at once: it is about the world as its human saw it. So is a withdrawal, of what is pending then; and whether a
 * log goes on, as what waited in a closed one would wait for ever.
 */
export function canWait({ planned }: Examination, { code }: Rejection): boolean {
  return waitable.has(code) && !planned.some(isOfTheMoment)
}

const ofTheMoment: ReadonlySet<string> = new Set(['escalation', 'generation', 'intent'])

function isOfTheMoment({ contract, prepared }: PlannedAction): boolean {
  return prepared.builtIn !== null && ofTheMoment.has(contract.type)
}

export function examine(examination: Examination): Rejection | null {
  const atTheDoor = runChecks(doorChecks, examination)
  if (atTheDoor !== null || examination.duplicateOf !== undefined) return atTheDoor
  examination.passedDoor = true
  return runChecks(decisionChecks, examination)
}

/** The first that fails. What contract code throws makes a dead letter. */
export function runChecks(checks: readonly Check[], examination: Examination): Rejection | null {
  try {
    for (let index = 0; index < checks.length; index++) {
      const rejection = checks[index]!.run(examination)
      if (rejection !== null) return rejection
    }
    return null
  } catch (error) {
    if (error instanceof ContractFault) return faultRejection(error)
    if (error instanceof JsonError) return unkeepable(error)
    throw error
  }
}

/** What an input holds may nest too deep for where it is to be kept. */
export function unkeepable({ message }: JsonError): Rejection {
  return faultRejection(new ContractFault(`what is to be kept of the intent: ${message}`))
}
