/** The only place where anything is decided. */
import type { Event } from '@signalbox/contract'
import { hasConsequences } from './decide/consequences.ts'
import { outcomeOfRecord } from './decide/outcome.ts'
import { record as recordOutcome, saidOf } from './decide/recorder.ts'
import { fireDue } from './decide/timers.ts'
import { examineWaiters } from './decide/waiters.ts'
import type { IntentRecord } from './examine/intent-record.ts'
import { Decisions, eventOf } from './record/decisions.ts'
import type { Rules } from './rules/rules.ts'
import type { PartitionState } from './state/state.ts'

/**
 * Decides one intent record against a state: the events that it makes, to be applied by `evolve` before the next record
 * is decided. Changes nothing. First comes what time brought: timers that are due; then what became of the intent, then
 * what follows from that, and last the waiting intents for which something moved.
 */
export function decide(state: PartitionState, record: IntentRecord, rules: Rules): readonly Event[] {
  const nowMs = Math.max(state.time, record.timestampMs)
  const { closed, pending, timers } = state.coordination
  // The log goes on elsewhere: what time brings, and what waits, is there.
  if (closed !== null || (timers.nextMs > nowMs && !pending.hasReady)) {
    const decided = outcomeOfRecord(state, record, rules, nowMs)
    // Nearly every intent ends here, alone in its record.
    if (closed !== null || !hasConsequences(state, decided)) return [eventOf(state, record.offset, 0, nowMs, saidOf(state, decided))]
  }
  return state.scratch(() => {
    const decisions = new Decisions(state, rules, record.offset, nowMs)
    fireDue(decisions, record.intent)
    recordOutcome(decisions, outcomeOfRecord(state, record, rules, nowMs))
    if (state.coordination.closed === null) examineWaiters(decisions)
    return decisions.events
  })
}

export interface Written<Bytes> {
  readonly events: readonly Event[]
  /** Of the events, one each. */
  readonly bytes: readonly Bytes[]
}

/**
 * Decides a record and writes what was decided. A decision that cannot be written is a fault of its intent, as one of contract
 * code is: the record is then decided as a dead letter. Throws where that cannot be written either: a broken invariant.
 */
export function decideAndWrite<Bytes>(
  state: PartitionState,
  record: IntentRecord,
  rules: Rules,
  write: (event: Event) => Bytes,
): Written<Bytes> {
  const events = decide(state, record, rules)
  try {
    return { events, bytes: events.map(write) }
  } catch (cause) {
    if (record.intent === null) throw cause
    const again = decide(state, { ...record, problem: cause instanceof Error ? cause.message : String(cause) }, rules)
    return { events: again, bytes: again.map(write) }
  }
}
