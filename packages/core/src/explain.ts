/** Why a decision falls as it does: every check with the values it saw, computed anew by running the checks, not read back. */
import { type IntentPending, type IntentRejected, type IntentShadowed, JsonError, type JsonObject } from '@signalbox/contract'
import type { Check } from './check.ts'
import { decisionChecks, doorChecks } from './checks/index.ts'
import { Decisions } from './decisions.ts'
import { fireDue } from './due.ts'
import { escalationIn } from './escalations.ts'
import { Examination } from './examination.ts'
import type { IntentRecord } from './intent-record.ts'
import { outcomeOf, unkeepable } from './own.ts'
import { faultRejection, rejected, unreadRejection } from './rejected.ts'
import type { Rejection } from './rejection.ts'
import type { Rules } from './rules.ts'
import { ContractFault } from './sandbox.ts'
import { examinationOf } from './settle.ts'
import type { PartitionState } from './state.ts'

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
  readonly changes: Examination['changes']
  readonly time: number
}

const allChecks = [...doorChecks, ...decisionChecks]

/** Explains what `decide` says of the record in this state, once what is due has happened. Changes nothing. */
export function explain(state: PartitionState, record: IntentRecord, rules: Rules): Explanation {
  const nowMs = Math.max(state.time, record.timestampMs)
  if (record.intent === null) {
    const decoding: CheckReport = { name: 'decode', result: 'failed', seen: { problem: record.problem } }
    const rejection = rejected(state, null, unreadRejection(record))
    const checks = [decoding, ...unreached(allChecks, 0)]
    return { outcome: 'rejected', checks, rejection, pending: null, shadow: null, changes: [], time: nowMs }
  }
  const { intent } = record
  return state.scratch(() => {
    fireDue(new Decisions(state, rules, record.offset, nowMs), intent)
    const examination = new Examination(rules, state, record, intent, nowMs)
    return explained(examination, allChecks)
  })
}

/**
 * Explains what would be decided of a pending intent now; with `verdict`, the escalation under which a human agreed, on the versions
 * that were agreed on. Undefined where it is not pending.
 */
export function explainPending(
  state: PartitionState,
  intentId: string,
  nowMs: number,
  rules: Rules,
  verdict: string | null = null,
): Explanation | undefined {
  const pending = state.coordination.pending.get(intentId)
  if (pending === undefined) return undefined
  return state.scratch(() => {
    const examination = examinationOf(state, rules, pending, Math.max(state.time, nowMs))
    if (verdict !== null) {
      const agreed = escalationIn(state, pending.scope, verdict)?.data.versions ?? []
      examination.agreed = new Map(agreed.map(({ resource, version }) => [resource, version]))
    }
    return explained(examination, decisionChecks)
  })
}

function explained(examination: Examination, all: readonly Check[]): Explanation {
  const { reports, rejection } = run(examination, all)
  examination.isOver = true
  const time = examination.nowMs
  const common = { checks: reports, rejection: null, pending: null, shadow: null, changes: [], time }
  // What a human has agreed to is asked of nobody again.
  if (examination.agreed !== null && rejection === null) return { ...common, outcome: 'committed', changes: examination.changes }
  const own = outcomeOf(examination, rejection)
  switch (own.type) {
    case 'IntentCommitted':
      return { ...common, outcome: 'committed', changes: examination.changes }
    case 'IntentPending':
      return { ...common, outcome: 'pending', pending: own.payload }
    case 'IntentDuplicated':
      return { ...common, outcome: 'duplicate' }
    case 'IntentShadowed':
      return { ...common, outcome: 'shadowed', shadow: own.payload, changes: own.payload.changes }
    case 'IntentRejected':
      return { ...common, outcome: 'rejected', rejection: own.payload }
    default:
      throw new Error(`an intent came to ${own.type}; this is a bug in Signalbox`)
  }
}

function run(
  examination: Examination,
  all: readonly Check[],
): { readonly reports: readonly CheckReport[]; readonly rejection: Rejection | null } {
  const reports: CheckReport[] = []
  for (const [index, check] of all.entries()) {
    if (check === decisionChecks[0]) {
      if (examination.duplicateOf !== undefined) return { reports: [...reports, ...unreached(all, index)], rejection: null }
      examination.passedDoor = true
    }
    const rejection = runOne(() => check.run(examination))
    reports.push({ name: check.name, result: rejection === null ? 'passed' : 'failed', seen: check.seen?.(examination) ?? {} })
    if (rejection !== null) return { reports: [...reports, ...unreached(all, index + 1)], rejection }
  }
  return { reports, rejection: null }
}

function unreached(all: readonly Check[], from: number): CheckReport[] {
  return all.slice(from).map(({ name }) => ({ name, result: 'not reached', seen: null }))
}

function runOne(run: () => Rejection | null): Rejection | null {
  try {
    return run()
  } catch (error) {
    if (error instanceof ContractFault) return faultRejection(error)
    if (error instanceof JsonError) return unkeepable(error)
    throw error
  }
}
