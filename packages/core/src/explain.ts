/** Why a decision falls as it does: every check with the values it saw, computed anew on the way that `decide` goes, not read back. */
import type { IntentPending, IntentRejected, IntentShadowed, JsonObject, ResourceChange } from '@signalbox/contract'
import { escalationIn } from './decide/open-escalations.ts'
import { type Decided, examinationOfPending, outcomeOfPending, outcomeOfRecord, type Watch } from './decide/outcome.ts'
import { saidOf } from './decide/recorder.ts'
import { fireDue } from './decide/timers.ts'
import type { Check } from './examine/check.ts'
import { decisionChecks, doorChecks } from './examine/checks/index.ts'
import type { IntentRecord } from './examine/intent-record.ts'
import { Decisions } from './record/decisions.ts'
import type { Rules } from './rules/rules.ts'
import type { PartitionState } from './state/state.ts'

export interface CheckReport {
  readonly name: string
  readonly result: 'passed' | 'failed' | 'not reached'
  /** The values that the check saw; null where it was not reached. */
  readonly seen: JsonObject | null
}

export interface Explanation {
  readonly outcome: 'committed' | 'rejected' | 'duplicate' | 'pending' | 'shadowed'
  readonly checks: readonly CheckReport[]
  readonly rejection: IntentRejected | null
  /** What it would wait for. */
  readonly pending: IntentPending | null
  /** What it would have been, in shadow. */
  readonly shadow: IntentShadowed | null
  readonly changes: readonly ResourceChange[]
  readonly time: number
}

const allChecks = [...doorChecks, ...decisionChecks]

/** Explains what `decide` says of the record in this state, once what is due has happened. Changes nothing. */
export function explain(state: PartitionState, record: IntentRecord, rules: Rules): Explanation {
  const nowMs = Math.max(state.time, record.timestampMs)
  return state.scratch(() => {
    // A record that nobody could read brings no time with it.
    if (record.intent !== null) fireDue(new Decisions(state, rules, record.offset, nowMs), record.intent)
    return explained(state, nowMs, allChecks, (watch) => outcomeOfRecord(state, record, rules, nowMs, watch), record.problem)
  })
}

/**
 * Explains what would be decided of a pending intent now; with `verdict`, the escalation under which a human agreed, on the versions
 * that were agreed on. Undefined where it is not pending.
 */
export function explainPending(
  state: PartitionState,
  intentId: string,
  atMs: number,
  rules: Rules,
  verdict: string | null = null,
): Explanation | undefined {
  const pending = state.coordination.pending.get(intentId)
  if (pending === undefined) return undefined
  const nowMs = Math.max(state.time, atMs)
  return state.scratch(() => {
    const agreed = verdict === null ? null : (escalationIn(state, pending.scope, verdict)?.data.versions ?? [])
    const examination = examinationOfPending(state, rules, pending, nowMs, agreed)
    return explained(state, nowMs, decisionChecks, (watch) => ({ examination, outcome: outcomeOfPending(examination, watch) }))
  })
}

function explained(
  state: PartitionState,
  time: number,
  all: readonly Check[],
  decide: (watch: Watch) => Decided,
  problem: string | null = null,
): Explanation {
  const reached: CheckReport[] = []
  const decided = decide((check, rejection, examination) => {
    reached.push({ name: check.name, result: rejection === null ? 'passed' : 'failed', seen: check.seen?.(examination) ?? {} })
  })
  const rest = all.slice(reached.length).map(({ name }): CheckReport => ({ name, result: 'not reached', seen: null }))
  if (decided.examination === null) reached.push({ name: 'decode', result: 'failed', seen: { problem } })
  const common = { checks: [...reached, ...rest], rejection: null, pending: null, shadow: null, changes: [], time }
  const { payload, type } = saidOf(state, decided)
  switch (type) {
    case 'IntentCommitted':
      return { ...common, outcome: 'committed', changes: payload.changes }
    case 'IntentPending':
      return { ...common, outcome: 'pending', pending: payload }
    case 'IntentDuplicated':
      return { ...common, outcome: 'duplicate' }
    case 'IntentShadowed':
      return { ...common, outcome: 'shadowed', shadow: payload, changes: payload.changes }
    case 'IntentRejected':
      return { ...common, outcome: 'rejected', rejection: payload }
    default:
      throw new Error(`an intent came to ${type}; this is a bug in Signalbox`)
  }
}
