/** The only place where anything is decided. */
import { type Event, type EventBase, type IntentRejected, isAgentName, JsonError, type ResourceMove, utf8Length } from '@signalbox/contract'
import { bounded } from './bounded.ts'
import { canonicalIntent } from './canonical-intent.ts'
import type { Check } from './check.ts'
import { decisionChecks, doorChecks } from './checks/index.ts'
import { Examination } from './examination.ts'
import type { IntentRecord } from './intent-record.ts'
import type { Rejection } from './rejection.ts'
import type { Rules } from './rules.ts'
import { ContractFault } from './sandbox.ts'
import type { Change, PartitionState, ResourceState } from './state.ts'

/**
 * Decides one intent record against a state: the events that it makes, to be applied by `evolve` before the next record
 * is decided. Changes nothing. The first event says what became of the intent.
 */
export function decide(state: PartitionState, record: IntentRecord, rules: Rules): readonly Event[] {
  const nowMs = Math.max(state.time, record.timestampMs)
  if (record.intent === null)
    return [{ ...baseOf(state, record, nowMs), type: 'IntentRejected', payload: rejected(state, null, unreadRejection(record)) }]
  const examination = new Examination(rules, state, record, record.intent, nowMs)
  const rejection = examine(examination)
  examination.isOver = true
  if (rejection !== null)
    return [{ ...baseOf(state, record, nowMs), type: 'IntentRejected', payload: rejected(state, examination, rejection) }]
  const { agent, intentId } = record.intent
  const { canonical, changes, digest, duplicateOf } = examination
  if (duplicateOf !== undefined) {
    const decision = { partition: state.partition, offset: duplicateOf.offset, index: 0 }
    const outcome = duplicateOf.code === null ? 'committed' : 'rejected'
    const payload = { intentId, agent, digest, decision, outcome, code: duplicateOf.code } as const
    return [{ ...baseOf(state, record, nowMs), type: 'IntentDuplicated', payload }]
  }
  // Written out: this is where almost every intent ends, and a spread is slow.
  return [
    {
      partition: state.partition,
      offset: record.offset,
      index: 0,
      time: nowMs,
      scope: record.intent.scope,
      type: 'IntentCommitted',
      payload: { intentId, agent, intent: canonical, digest, changes },
    },
  ]
}

function baseOf({ partition }: PartitionState, { intent, offset }: IntentRecord, nowMs: number): EventBase {
  return { partition, offset, index: 0, time: nowMs, scope: intent?.scope ?? '' }
}

function examine(examination: Examination): Rejection | null {
  try {
    const atTheDoor = firstFailure(doorChecks, examination)
    if (atTheDoor !== null || examination.duplicateOf !== undefined) return atTheDoor
    return firstFailure(decisionChecks, examination)
  } catch (error) {
    if (error instanceof ContractFault) return faultRejection(error)
    throw error
  }
}

function firstFailure(checks: readonly Check[], examination: Examination): Rejection | null {
  for (let index = 0; index < checks.length; index++) {
    const rejection = checks[index]!.run(examination)
    if (rejection !== null) return rejection
  }
  return null
}

/** Of a record that nobody read: it could not be decoded, or a person passes it by. */
function unreadRejection({ problem, skip }: IntentRecord): Rejection {
  if (skip === undefined)
    return { code: 'DEAD_LETTERED', message: `the record could not be decoded: ${problem}. It is kept whole as a dead letter` }
  return { code: 'SKIPPED', message: `passed by unread by ${skip.by}: ${skip.reason}. It is kept whole as a dead letter`, details: skip }
}

export function faultRejection(fault: ContractFault): Rejection {
  return { code: 'DEAD_LETTERED', message: `${fault.message}. The intent is kept whole as a dead letter; mend the contract and redrive it` }
}

// A message may repeat what contract code said, or the names in an input: it must not outgrow the record.
const maxMessageLength = 2_000

/** A rejection as the event says it. `examination` is null when there was no intent to examine. */
export function rejected(state: PartitionState, examination: Examination | null, rejection: Rejection): IntentRejected {
  const { actualVersion, code, current, details, expectedVersion, message, owner, resource } = rejection
  const embedded = examination === null ? null : embeddable(examination)
  return {
    // A name that is not well-formed is repeated nowhere: it may hold anything.
    intentId: examination !== null && examination.intent.intentId.length <= 64 ? examination.intent.intentId : null,
    agent: examination !== null && isAgentName(examination.intent.agent) ? examination.intent.agent : null,
    intent: embedded,
    digest: embedded === null || examination === null ? null : examination.digest || examination.rules.sha256(embedded),
    code,
    message: bounded(message, maxMessageLength),
    owner: owner ?? null,
    resource: resource ?? null,
    expectedVersion: expectedVersion ?? null,
    actualVersion: actualVersion ?? null,
    movedBy: current === undefined ? null : move(state.partition, current.lastChange),
    missed: current === undefined || expectedVersion === undefined ? [] : missedSince(state, current, expectedVersion),
    retryAfterMs: null,
    details: details === undefined ? null : JSON.stringify(details),
  }
}

/** The canonical intent, or null where it has none or one beyond the limits: such a record is kept whole as a dead letter. */
function embeddable({ canonical, intent, rules }: Examination): string | null {
  if (canonical !== '') return canonical
  if (intent.actions.length > rules.limits.actions || intent.reads.length > rules.limits.reads) return null
  try {
    const text = canonicalIntent(intent)
    return utf8Length(text) > rules.limits.intentBytes ? null : text
  } catch (error) {
    if (error instanceof JsonError) return null
    throw error
  }
}

function move(partition: number, { action, agent, index, intentId, offset, time, version }: Change): ResourceMove {
  return { event: { partition, offset, index }, intentId, agent, action, version, time }
}

/** The commits after `version`, oldest first; of many, the newest. */
function missedSince(state: PartitionState, { lastChange, olderChange }: ResourceState, version: number): readonly ResourceMove[] {
  const missed: ResourceMove[] = []
  let older = olderChange
  for (let change: Change | null = lastChange; change !== null && change.version > version && missed.length < state.limits.missed; ) {
    missed.push(move(state.partition, change))
    change = change.previous ?? older
    if (change === older) older = null
  }
  return missed.reverse()
}
