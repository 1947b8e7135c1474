/** How a pending intent ends: in exactly one decision, which names the event that said it was pending. */
import { intentFromJson } from '@signalbox/contract'
import type { PendingIntent } from './coordination/pending.ts'
import type { Decisions } from './decisions.ts'
import { closeEscalation } from './escalations.ts'
import { Examination } from './examination.ts'
import { followCommit } from './follow.ts'
import { rejected } from './rejected.ts'
import type { Rejection } from './rejection.ts'
import type { Rules } from './rules.ts'
import type { PartitionState } from './state.ts'

/** A pending intent, to be examined again. */
export function examinationOf(state: PartitionState, rules: Rules, pending: PendingIntent, nowMs: number): Examination {
  const intent = intentFromJson(JSON.parse(pending.intent))
  const { offset } = pending.since
  const examination = new Examination(rules, state, { offset, timestampMs: nowMs, intent, problem: null }, intent, nowMs)
  examination.canonical = pending.intent
  examination.digest = pending.digest
  examination.passedDoor = true
  examination.wasPending = true
  return examination
}

export function rejectPending(decisions: Decisions, intentId: string, rejection: Rejection): void {
  const { nowMs, rules, state } = decisions
  const pending = state.coordination.pending.get(intentId)
  if (pending === undefined) return
  const examination = examinationOf(state, rules, pending, nowMs)
  decisions.emit({ type: 'IntentRejected', scope: pending.scope, payload: rejected(state, examination, rejection, pending.since) })
  if (pending.escalation !== null) closeEscalation(decisions, pending.scope, pending.escalation, verdictOf(rejection), rejection.message)
}

function verdictOf({ code }: Rejection): 'withdrawn' | 'moot' {
  return code === 'WITHDRAWN' ? 'withdrawn' : 'moot'
}

/** Commits a pending intent that was examined and found good. `verdict` is the escalation under which a human agreed. */
export function commitPending(decisions: Decisions, pending: PendingIntent, examination: Examination, verdict: string | null): void {
  const { amount, changes, intent } = examination
  const { agent, digest, intentId, scope, since } = pending
  decisions.emit({
    type: 'IntentCommitted',
    scope,
    payload: { intentId, agent, intent: pending.intent, digest, changes, settles: since, verdict, amount },
  })
  followCommit(decisions, examination, intent.agent)
}
