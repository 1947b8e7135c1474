/** Why a decision falls as it does: every check with the values it saw, computed anew by running the checks, not read back. */
import type { IntentRejected, JsonObject } from '@signalbox/contract'
import { decisionChecks, doorChecks } from './checks/index.ts'
import { faultRejection, rejected } from './decide.ts'
import { Examination } from './examination.ts'
import type { IntentRecord } from './intent-record.ts'
import type { Rejection } from './rejection.ts'
import type { Rules } from './rules.ts'
import { ContractFault } from './sandbox.ts'
import type { PartitionState } from './state.ts'

export interface CheckReport {
  readonly name: string
  readonly result: 'passed' | 'failed' | 'not reached'
  /** The values that the check saw; null where it was not reached. */
  readonly seen: JsonObject | null
}

export interface Explanation {
  readonly outcome: 'committed' | 'rejected' | 'duplicate'
  readonly checks: readonly CheckReport[]
  readonly rejection: IntentRejected | null
  readonly changes: Examination['changes']
  readonly time: number
}

/** Explains what `decide` says of the record in this state. Changes nothing. */
export function explain(state: PartitionState, record: IntentRecord, rules: Rules): Explanation {
  const nowMs = Math.max(state.time, record.timestampMs)
  const all = [...doorChecks, ...decisionChecks]
  const unreached = (from: number): CheckReport[] => all.slice(from).map(({ name }) => ({ name, result: 'not reached', seen: null }))
  if (record.intent === null) {
    const decoding: CheckReport = { name: 'decode', result: 'failed', seen: { problem: record.problem } }
    const rejection = rejected(state, null, { code: 'DEAD_LETTERED', message: `the record could not be decoded: ${record.problem}` })
    return { outcome: 'rejected', checks: [decoding, ...unreached(0)], rejection, changes: [], time: nowMs }
  }
  const examination = new Examination(rules, state, record, record.intent, nowMs)
  const checks: CheckReport[] = []
  for (const [index, check] of all.entries()) {
    if (index === doorChecks.length && examination.duplicateOf !== undefined) break
    const rejection = runOne(() => check.run(examination))
    checks.push({ name: check.name, result: rejection === null ? 'passed' : 'failed', seen: check.seen?.(examination) ?? {} })
    if (rejection === null) continue
    return {
      outcome: 'rejected',
      checks: [...checks, ...unreached(index + 1)],
      rejection: rejected(state, examination, rejection),
      changes: [],
      time: nowMs,
    }
  }
  const outcome = examination.duplicateOf === undefined ? 'committed' : 'duplicate'
  return { outcome, checks: [...checks, ...unreached(checks.length)], rejection: null, changes: examination.changes, time: nowMs }
}

function runOne(run: () => Rejection | null): Rejection | null {
  try {
    return run()
  } catch (error) {
    if (error instanceof ContractFault) return faultRejection(error)
    throw error
  }
}
