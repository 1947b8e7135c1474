/** What the event of a reject says. */
import {
  type EventReference,
  type IntentRejected,
  isAgentName,
  JsonError,
  type ResourceMove,
  textProblem,
  utf8Length,
} from '@signalbox/contract'
import { canonicalIntent, digestedText } from '../examine/canonical-intent.ts'
import type { Examination } from '../examine/examination.ts'
import type { IntentRecord } from '../examine/intent-record.ts'
import type { Rejection } from '../examine/rejection.ts'
import { bounded, maxMessageLength } from '../rules/bounded.ts'
import type { ContractFault } from '../rules/sandbox.ts'
import { type Change, changesSince, type ResourceState } from '../state/resource.ts'
import type { PartitionState } from '../state/state.ts'

/** Of a record that nobody read: it could not be decoded, or a person passes it by. */
export function unreadRejection({ problem, skip }: IntentRecord): Rejection {
  if (skip === undefined)
    return { code: 'DEAD_LETTERED', message: `the record could not be decoded: ${problem}. It is kept whole as a dead letter` }
  return { code: 'SKIPPED', message: `passed by unread by ${skip.by}: ${skip.reason}. It is kept whole as a dead letter`, details: skip }
}

export function faultRejection(fault: ContractFault): Rejection {
  return { code: 'DEAD_LETTERED', message: `${fault.message}. The intent is kept whole as a dead letter; mend the contract and redrive it` }
}

/** A rejection as the event says it. `examination` is null when there was no intent to examine; `settles` names the event that said it was pending. */
export function rejected(
  state: PartitionState,
  examination: Examination | null,
  rejection: Rejection,
  settles: EventReference | null = null,
): IntentRejected {
  const { actualVersion, code, current, details, expectedVersion, message, owner, resource, retryAfterMs } = rejection
  const embedded = examination === null ? null : embeddable(examination)
  return {
    // A name that is not well-formed is repeated nowhere: it may hold anything.
    intentId: examination !== null && isRepeatable(examination.intent.intentId) ? examination.intent.intentId : null,
    agent: examination !== null && isAgentName(examination.intent.agent) ? examination.intent.agent : null,
    intent: embedded,
    digest:
      embedded === null || examination === null
        ? null
        : examination.digest || examination.rules.sha256(digestedText(examination.intent, embedded)),
    code,
    message: bounded(message, maxMessageLength),
    owner: owner ?? null,
    resource: resource ?? null,
    expectedVersion: expectedVersion ?? null,
    actualVersion: actualVersion ?? null,
    movedBy: current === undefined ? null : move(current.lastChange),
    missed: current === undefined || expectedVersion === undefined ? [] : missedSince(state, current, expectedVersion),
    retryAfterMs: retryAfterMs ?? null,
    details: details === undefined ? null : JSON.stringify(details),
    settles,
  }
}

function isRepeatable(intentId: string): boolean {
  return intentId.length <= 64 && textProblem(intentId) === null
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

function move({ action, agent, index, intentId, offset, partition, time, version }: Change): ResourceMove {
  return { event: { partition, offset, index }, intentId, agent, action, version, time }
}

/** The commits after `version`, oldest first; of many, the newest. */
function missedSince(state: PartitionState, resource: ResourceState, version: number): readonly ResourceMove[] {
  const missed: ResourceMove[] = []
  for (const change of changesSince(resource, version)) {
    if (missed.length === state.limits.missed) break
    missed.push(move(change))
  }
  return missed.reverse()
}
