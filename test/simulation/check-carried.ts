/** What a log begins with that goes on from another: all that the model knows of its scopes, and nothing else. */
import type { Event, PastChange, ResourceChange } from '@signalbox/contract'
import { carriedFromHeader } from '@signalbox/generation'
import type { LogRecord } from '@signalbox/log'
import { type Report, type StoredEvent, storedRecords } from './check-log.ts'
import { simulatedLimits } from './contracts.ts'
import type { Environment } from './environment.ts'
import type { Era } from './era.ts'
import { generationLog } from './model/generation.ts'
import { type PlainObject, readIntentRecord, sortedText } from './model/intent.ts'
import { shadowOf } from './model/ledger.ts'
import type { Model } from './model/model.ts'
import type { ModelMove, ModelTimer } from './model/rules.ts'

type Told = Map<string, string>

export function checkCarried(events: readonly StoredEvent[], model: Model, report: Report): void {
  const told: Told = new Map()
  const say = (key: string, text: string) => {
    if (told.has(key)) report('carried', `partition ${model.partition}: ${key} is carried over twice`)
    told.set(key, text)
  }
  for (const { event } of events) if (event.offset < 0) take(event, say)
  const known = knownBy(model)
  for (const [key, text] of known) {
    if (told.get(key) !== text)
      report('carried', `partition ${model.partition}: ${key.replace('\n', ' ')} is carried over as ${told.get(key)}, and was ${text}`)
  }
  for (const key of told.keys())
    if (!known.has(key)) report('carried', `partition ${model.partition}: ${key} is carried over, and was not there`)
}

function take({ payload, scope, type }: Event, say: (key: string, text: string) => void): void {
  if (type === 'IntentPending') {
    const { code, escalation, intentId, resources, since, until } = payload
    say(`pending ${scope} ${intentId}`, pendingText({ ...since!, code, escalation, resources, untilMs: until }))
  }
  if (type === 'PartitionCarried')
    for (const { agent, taintedSince } of payload.quarantines) say(`quarantine ${agent}`, `since ${taintedSince}`)
  if (type !== 'ScopeCarried') return
  for (const { bypassed, intentId } of payload.waiting) say(`bypassed ${scope} ${intentId}`, `${bypassed}`)
  const world = payload.isShadow ? shadowOf(scope) : scope
  for (const [index, change] of payload.changes.entries()) {
    const { changes, olderChanges } = payload.histories[index]!
    say(`${world}\n${change.resource}`, toldText(change, [...changes, ...olderChanges]))
  }
}

function toldText({ data, state, timer, version }: ResourceChange, past: readonly PastChange[]): string {
  const moves = past.map(({ action, agent, intentId, time, version: at }) => ({ version: at, action, agent, intentId, timeMs: time }))
  return resourceText({ version, state, data: JSON.parse(data) as PlainObject, timer }, moves)
}

function knownBy({ ledger, resources, settings }: Model): Told {
  const known: Told = new Map()
  for (const [key, resource] of resources) {
    // The last two runs of changes are remembered.
    const { length } = resource.history
    const count = Math.min(length, ((length - 1) % settings.missed) + 1 + settings.missed)
    known.set(key, resourceText(resource, resource.history.slice(-count)))
  }
  for (const { bypassed, index, intent, offset, ...pending } of ledger.pending.values()) {
    known.set(`pending ${intent.scope} ${intent.intentId}`, pendingText({ ...pending, offset, index }))
    known.set(`bypassed ${intent.scope} ${intent.intentId}`, `${bypassed}`)
  }
  for (const [agent, since] of ledger.quarantined) known.set(`quarantine ${agent}`, `since ${since}`)
  return known
}

interface Resource {
  readonly version: number
  readonly state: string
  readonly data: PlainObject
  readonly timer: ModelTimer | null
}

function resourceText({ data, state, timer, version }: Resource, moves: readonly Omit<ModelMove, 'moment' | 'fields'>[]): string {
  const past = [...moves].sort((a, b) => a.version - b.version)
  const changes = past.map(({ action, agent, intentId, timeMs, version: at }) => `${at} ${action} by ${agent} at ${timeMs} (${intentId})`)
  return `${version} ${state} ${sortedText(data)} ${timer === null ? '' : `${timer.action} at ${timer.due}`}: ${changes.join(', ')}`
}

interface Pending {
  readonly offset: number
  readonly index: number
  readonly code: string
  readonly escalation: string | null
  readonly resources: readonly string[]
  readonly untilMs: number
}

function pendingText({ code, escalation, index, offset, resources, untilMs }: Pending): string {
  return `from ${offset}/${index}, ${code} until ${untilMs}, ${escalation ?? 'nobody'} is asked, with ${resources.join(' ')} in view`
}

/** What nobody could decode, and nobody can have sent again, goes along. */
export function checkLettersCarried(before: Era, era: Era, { codec, report }: Environment): void {
  const partitionsOf = ({ store }: Era) => Array.from({ length: store.partitionCount }, (_, partition) => partition)
  const carried = new Map<string, LogRecord>()
  for (const partition of partitionsOf(era))
    for (const letter of storedRecords(era.store, 'dead-letters', partition)) carried.set(letter.headers[carriedFromHeader] ?? '', letter)
  for (const partition of partitionsOf(before)) {
    const closedAt = closedBy(storedRecords(before.store, 'events', partition).map(({ value }) => codec.decodeEvent(value!)))
    for (const { headers, offset, value } of storedRecords(before.store, 'dead-letters', partition)) {
      if (readIntentRecord(value, codec, simulatedLimits.intentBytes) !== null || Number(headers.sb_source_offset) > closedAt) continue
      const found = carried.get(`intents:${partition}:${offset}`)
      if (found === undefined || !Buffer.from(found.value!).equals(value!))
        report('dead letters', `the dead letter ${partition}/${offset} of the log before is not carried over as it was`)
    }
  }
}

/** The source offset of the record that closed a partition last. */
function closedBy(events: readonly Event[]): number {
  const closing = events.findLast(
    (event) =>
      event.type === 'IntentCommitted' &&
      event.payload.changes.some(({ resource, state }) => resource === generationLog && state === 'closed'),
  )
  return closing?.offset ?? -1
}
