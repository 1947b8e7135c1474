/** From an outcome to events: the intent's own, and with it what follows. */
import { isScope } from '@signalbox/contract'
import { shadowed } from '../evolve/evolve.ts'
import type { Duplicate } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import type { Decisions, ScopedSaid } from '../record/decisions.ts'
import type { PendingIntent } from '../state/coordination/pending.ts'
import type { PartitionState } from '../state/state.ts'
import { follow } from './consequences.ts'
import { type Decided, examinationOfPending } from './outcome.ts'
import { escalatedPending, waitingPending } from './pending-intents.ts'
import { rejected } from './reject-event.ts'

/** The pending intent that an outcome settles. */
export interface Settling {
  readonly pending: PendingIntent
  /** The escalation under which a human agreed. */
  readonly verdict: string | null
}

export function record(decisions: Decisions, decided: Decided, settling: Settling | null = null): void {
  decisions.emit(saidOf(decisions.state, decided, settling))
  // It was the intent that closes the log: its commit is the last thing that happens.
  if (decisions.state.coordination.closed === null) follow(decisions, decided, settling?.pending ?? null)
}

/** A pending intent ends without a commit; nothing happens where it has ended already. */
export function rejectPending(decisions: Decisions, intentId: string, rejection: Rejection): void {
  const { nowMs, rules, state } = decisions
  const pending = state.coordination.pending.get(intentId)
  if (pending === undefined) return
  const examination = examinationOfPending(state, rules, pending, nowMs)
  record(decisions, { examination, outcome: { kind: 'rejected', rejection } }, { pending, verdict: null })
}

/** The event of an intent's outcome. */
export function saidOf(state: PartitionState, { examination, outcome }: Decided, settling: Settling | null = null): ScopedSaid {
  const settles = settling?.pending.since ?? null
  if (outcome.kind === 'rejected') {
    // A name that is not well-formed is repeated nowhere: it may hold what a store does not take.
    const scope = examination !== null && isScope(examination.intent.scope) ? examination.intent.scope : ''
    return { type: 'IntentRejected', scope, payload: rejected(state, examination, outcome.rejection, settles) }
  }
  const { amount, canonical: intent, changes, digest } = examination!
  const { agent, intentId, scope } = examination!.intent
  switch (outcome.kind) {
    case 'committed': {
      const verdict = settling?.verdict ?? null
      return { type: 'IntentCommitted', scope, payload: { intentId, agent, intent, digest, changes, settles, verdict, amount } }
    }
    case 'waits':
      return { type: 'IntentPending', scope, payload: waitingPending(examination!, outcome.rejection) }
    case 'asks':
      return { type: 'IntentPending', scope, payload: escalatedPending(examination!, outcome.question, settles) }
    case 'shadowed': {
      const { code = null, message = null, resource = null } = outcome.rejection ?? {}
      const would = { code, message, resource, changes: outcome.rejection === null ? changes : [] }
      return { type: 'IntentShadowed', scope, payload: { intentId, agent, intent, digest, by: outcome.by, ...would } }
    }
    case 'repeated':
      return { type: 'IntentDuplicated', scope, payload: { intentId, agent, digest, ...duplicateOf(outcome.of) } }
  }
}

function duplicateOf({ code, index, isPending, offset, partition }: Duplicate) {
  const outcome = isPending ? 'pending' : code === null ? 'committed' : code === shadowed ? 'shadowed' : 'rejected'
  return { decision: { partition, offset, index }, outcome, code: code === shadowed ? null : code } as const
}
