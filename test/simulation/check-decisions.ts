/** One partition's decisions against the model: each record exactly one, in order, and the one that the model makes. */
import { createHash } from 'node:crypto'
import type { Event, IntentCommitted, IntentRejected, Observation } from '@signalbox/contract'
import type { LogRecord } from '@signalbox/log'
import type { Report, StoredEvent } from './check-log.ts'
import { type ModelIntent, type Plain, sortedText } from './model/intent.ts'
import type { Expected, Model, ModelChange } from './model/model.ts'

export interface Decided {
  readonly stored: StoredEvent
  readonly expected: Expected
  readonly intent: ModelIntent | null
}

export interface DecisionsToCheck {
  readonly partition: number
  readonly model: Model
  readonly records: readonly LogRecord[]
  readonly events: readonly StoredEvent[]
  /** What agents observed of this partition. */
  readonly observations: readonly Observation[]
  readonly readIntent: (record: LogRecord) => ModelIntent | null
  readonly report: Report
}

/** The decisions by their event reference; ends where records and events part. */
export function checkDecisions({
  events,
  model,
  observations,
  partition,
  readIntent,
  records,
  report,
}: DecisionsToCheck): Map<string, Decided> {
  const decided = new Map<string, Decided>()
  const waiting = [...observations].sort((one, other) => positionOf(one) - positionOf(other))
  const observeUpTo = (logOffset: number) => {
    while (waiting.length > 0 && positionOf(waiting[0]!) <= logOffset) checkObservation(waiting.shift()!, model, report)
  }
  let next = 0
  for (const stored of events) {
    observeUpTo(stored.logOffset)
    const { event } = stored
    if (event.type === 'PartitionOpened') continue
    const record = records[next++]
    if (record === undefined || event.partition !== partition || event.offset !== record.offset || event.index !== 0) {
      const wanted = record === undefined ? 'nothing more' : `${partition}/${record.offset}/0`
      report(
        'exactly one',
        `partition ${partition}: the event at ${stored.logOffset} is ${event.partition}/${event.offset}/${event.index}, where ${wanted} had to come`,
      )
      return decided
    }
    const intent = readIntent(record)
    const expected = model.next({ offset: record.offset, timestampMs: record.timestampMs, intent })
    const problem = differenceOf(event, expected, intent)
    if (problem !== null) report('model', `partition ${partition}, intent at ${record.offset}: ${problem}`)
    decided.set(`${event.partition}/${event.offset}/${event.index}`, { stored, expected, intent })
  }
  observeUpTo(Number.MAX_SAFE_INTEGER)
  if (next < records.length)
    report('exactly one', `partition ${partition}: ${records.length - next} intents, from ${records[next]!.offset} on, have no decision`)
  return decided
}

function positionOf({ position }: Observation): number {
  return Number(position.split(':')[1])
}

function checkObservation({ position, resources, scope }: Observation, model: Model, report: Report): void {
  for (const seen of resources) {
    const is = model.find(scope, seen.resource)
    const same =
      seen.version === (is?.version ?? 0) &&
      seen.state === (is?.state ?? 'none') &&
      sortedText(seen.data as Plain) === sortedText(is?.data ?? null)
    if (!same)
      report(
        'observed',
        `${scope} ${seen.resource} was seen at ${position} as version ${seen.version} ${JSON.stringify(seen.data)}; it was version ${is?.version ?? 0} ${JSON.stringify(is?.data)}`,
      )
  }
}

function differenceOf(event: Event, expected: Expected, intent: ModelIntent | null): string | null {
  const told = outcomeOf(event)
  if (told.outcome !== expected.outcome || told.code !== expected.code)
    return `decided ${told.outcome} ${told.code ?? ''}, and the model says ${expected.outcome} ${expected.code ?? ''}`
  if (event.time !== expected.time) return `decided at time ${event.time}, and the model says ${expected.time}`
  if (event.scope !== (intent?.scope ?? '')) return `the event is of scope ${event.scope}`
  if (event.type === 'IntentCommitted') return differenceOfCommit(event.payload, expected)
  if (event.type === 'IntentRejected') return differenceOfReject(event.payload, expected)
  if (event.type === 'IntentDuplicated' && event.payload.decision.offset !== expected.duplicateOf)
    return `a duplicate of ${event.payload.decision.offset}, and the model says of ${expected.duplicateOf}`
  return null
}

function outcomeOf(event: Event): { readonly outcome: Expected['outcome'] | null; readonly code: string | null } {
  if (event.type === 'IntentCommitted') return { outcome: 'committed', code: null }
  if (event.type === 'IntentRejected') return { outcome: 'rejected', code: event.payload.code }
  if (event.type === 'IntentDuplicated') return { outcome: 'duplicate', code: event.payload.code }
  return { outcome: null, code: null }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function differenceOfCommit({ changes, digest, intent }: IntentCommitted, expected: Expected): string | null {
  if (intent !== expected.embedded) return `the embedded intent is ${intent}, and was ${expected.embedded}`
  if (digest !== digestOf(intent)) return `the digest of the intent is ${digest}, and must be ${digestOf(intent)}`
  const told = changesText(changes.map((change) => ({ ...change, data: JSON.parse(change.data) as ModelChange['data'] })))
  return told === changesText(expected.changes) ? null : `changed ${told}, and the model says ${changesText(expected.changes)}`
}

/** Changes as text, to compare. */
export function changesText(changes: readonly ModelChange[]): string {
  return changes
    .map(
      ({ action, data, fromState, fromVersion, resource, state, version }) =>
        `${action} ${resource} ${fromVersion}>${version} ${fromState}>${state} ${sortedText(data)}`,
    )
    .join(', ')
}

function differenceOfReject(rejected: IntentRejected, expected: Expected): string | null {
  const told = [
    rejected.resource,
    rejected.expectedVersion,
    rejected.actualVersion,
    rejected.movedBy?.intentId ?? null,
    ...rejected.missed.map(({ version }) => version),
  ]
  const wanted = [expected.resource, expected.expectedVersion, expected.actualVersion, expected.movedBy, ...expected.missed]
  if (JSON.stringify(told) !== JSON.stringify(wanted))
    return `${rejected.code} tells ${JSON.stringify(told)}, and the model ${JSON.stringify(wanted)}`
  if (rejected.intent !== expected.embedded) return `the embedded intent is ${rejected.intent}, and must be ${expected.embedded}`
  const digest = expected.embedded === null ? null : digestOf(expected.embedded)
  return rejected.digest === digest ? null : `the digest of the intent is ${rejected.digest}, and must be ${digest}`
}
