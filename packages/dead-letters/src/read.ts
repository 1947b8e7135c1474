/** Reads the dead letters of a log, with all that the log knows of each. Reads every event once. */
import {
  type ContractOwner,
  type ContractRecord,
  type ContractSet,
  type DeadLetterData,
  type DeadLetterTopic,
  deadLetterTopics,
  type Event,
  formatDeadLetterId,
  formatEventReference,
  type Intent,
  isReservedType,
  type JsonObject,
  resourceType,
} from '@signalbox/contract'
import { type EventLog, readEvents } from '@signalbox/event-log'
import type { LogRecord } from '@signalbox/log'
import { decodeLetter, header } from './decode.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { DeadLetter, IntentOutcome, LetterAction, Standing, WholeLetter } from './letter.ts'
import { isRedriven } from './lineage.ts'
import { Outcomes } from './outcomes.ts'
import { logTopics, readRecord, readTopic } from './topics.ts'

/** Values that are kept while letters are read, so that few need be read again one by one. */
const keptBytes = 64 * 1024 * 1024

type Rejected = Extract<Event, { readonly type: 'IntentRejected' }>

/** What a topic gives of a letter, before the events are asked. */
interface Found {
  readonly id: string
  readonly topic: DeadLetterTopic
  readonly partition: number
  readonly record: Omit<LogRecord, 'value'>
  readonly bytes: number
  readonly about: About
  reject: Rejected | null
  contracts: readonly ContractRecord[] | null
}

interface About {
  readonly scope: string | null
  readonly agent: string | null
  readonly intentId: string | null
  readonly actions: readonly LetterAction[]
  readonly undecodable: string | null
  readonly parked: DeadLetter['parked']
  readonly target: string | null
  /** The reaction or the source. */
  readonly subject: string | null
}

export interface ReadOptions {
  /** Who owns what: shown beside the letters. Null where no contracts are at hand. */
  readonly contracts: ContractSet | null
  readonly topics?: readonly DeadLetterTopic[]
}

export class DeadLetters {
  readonly #source: EventLog
  readonly #kept: ReadonlyMap<string, Uint8Array>
  /** By topic, partition and offset: within a partition, in the order in which they became dead letters. */
  readonly all: readonly DeadLetter[]

  constructor(source: EventLog, kept: ReadonlyMap<string, Uint8Array>, all: readonly DeadLetter[]) {
    this.#source = source
    this.#kept = kept
    this.all = all
  }

  find(id: string): DeadLetter | undefined {
    return this.all.find((letter) => letter.id === id)
  }

  /** Errors of the log; an Error where the record is gone (the topic's retention). */
  async whole(letter: DeadLetter): Promise<WholeLetter> {
    const { codec, log } = this.#source
    const { id, offset, partition, topic } = letter
    const value = this.#kept.get(id) ?? (await readRecord(log, logTopics[topic], partition, offset))?.value ?? null
    if (value === null && letter.bytes > 0)
      throw new Error(`dead letter ${id} is gone from topic ${logTopics[topic]}; its retention has passed`)
    const bytes = value ?? new Uint8Array()
    const { intent, json } = await decodeLetter(topic, bytes, codec)
    return { letter, value: bytes, decoded: intent ?? json }
  }
}

/** Errors: those of the log, TRANSIENT, CORRUPT, CLOSED. */
export async function readDeadLetters(source: EventLog, { contracts, topics = deadLetterTopics }: ReadOptions): Promise<DeadLetters> {
  const { partitionCount } = source.log
  const kept = new Map<string, Uint8Array>()
  const found: Found[] = []
  for (const topic of topics)
    for (let partition = 0; partition < partitionCount; partition++) found.push(...(await readLetters(source, topic, partition, kept)))
  const events = new EventsOfLetters(found)
  for (let partition = 0; partition < partitionCount; partition++)
    for await (const { event } of readEvents(source, partition)) events.take(event)
  const delivered = found.some(({ topic }) => topic === 'escalation') ? await readDeliveries(source) : new Map<string, IntentOutcome>()
  return new DeadLetters(
    source,
    kept,
    found.map((each) => letterOf(each, events, contracts, delivered)),
  )
}

async function readLetters(source: EventLog, topic: DeadLetterTopic, partition: number, kept: Map<string, Uint8Array>): Promise<Found[]> {
  const found: Found[] = []
  let room = keptBytes - [...kept.values()].reduce((sum, { length }) => sum + length, 0)
  for await (const { value, ...record } of readTopic(source.log, logTopics[topic], partition)) {
    const bytes = value ?? new Uint8Array()
    const { intent, json, problem } = await decodeLetter(topic, bytes, source.codec)
    const about = intent === null ? aboutJson(topic, json, problem) : aboutIntent(intent)
    const id = formatDeadLetterId({ topic, partition, offset: record.offset })
    if (room >= bytes.length) kept.set(id, bytes)
    room -= bytes.length
    found.push({ id, topic, partition, record, bytes: bytes.length, about, reject: null, contracts: null })
  }
  return found
}

function aboutIntent({ actions, agent, intentId, scope }: Intent): About {
  const named = actions.map(({ action, resource }) => ({ resource, action }))
  return { scope, agent, intentId, actions: named, undecodable: null, parked: null, target: null, subject: null }
}

function aboutJson(topic: DeadLetterTopic, json: JsonObject | null, undecodable: string | null): About {
  const nothing: About = { scope: null, agent: null, intentId: null, actions: [], undecodable, parked: null, target: null, subject: null }
  if (json === null || topic === 'intents') return nothing
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  if (topic === 'projector') {
    const { event, key, projection } = json as { event?: { scope?: string } } & JsonObject
    return {
      ...nothing,
      scope: text((event as { scope?: string } | undefined)?.scope),
      parked: { projection: `${projection}`, key: `${key}` },
    }
  }
  if (topic === 'reactions') {
    const { agent, change, reaction } = json as {
      change?: { scope?: unknown; resource?: unknown; action?: unknown; agent?: unknown }
    } & JsonObject
    const actions = change === undefined ? [] : [{ resource: `${change.resource}`, action: `${change.action}` }]
    return { ...nothing, scope: text(change?.scope), agent: text(agent ?? change?.agent), actions, subject: text(reaction) }
  }
  if (topic === 'ingest') return { ...nothing, subject: text(json.source) }
  const { cause, escalation, notification, scope } = json as {
    cause?: { target?: string }
    notification?: { payload?: JsonObject }
  } & JsonObject
  const payload = notification?.payload ?? {}
  const actions = typeof escalation === 'string' ? [{ resource: escalation, action: 'tell' }] : []
  return { ...nothing, scope: text(scope), agent: text(payload.agent), actions, target: text(cause?.target) }
}

/** What the events say of the letters, in one pass. */
class EventsOfLetters {
  readonly #byReference = new Map<string, Found>()
  readonly #originals = new Set<string>()
  readonly #openContracts = new Map<number, readonly ContractRecord[]>()
  readonly marks = new Map<string, { readonly state: string; readonly data: DeadLetterData; readonly event: string }>()
  readonly redriven = new Outcomes()
  readonly original = new Outcomes()

  constructor(found: readonly Found[]) {
    for (const each of found) {
      if (each.topic !== 'intents') continue
      const reference = each.record.headers.sb_event
      if (reference !== undefined) this.#byReference.set(reference, each)
      if (each.about.intentId !== null) this.#originals.add(originalKey(each.partition, each.about.intentId, each.about.scope))
    }
  }

  take(event: Event): void {
    switch (event.type) {
      case 'PartitionOpened':
        this.#openContracts.set(event.partition, event.payload.contracts)
        return
      case 'IntentRejected':
        this.#takeReject(event)
        break
      case 'IntentCommitted':
        this.#takeMark(event)
        break
      case 'IntentPending':
      case 'IntentShadowed':
        break
      default:
        return
    }
    const { intent, intentId } = event.payload
    if (intentId === null) return
    if (intent === null || isRedriven(intent)) this.redriven.take(event, intentId)
    const key = originalKey(event.partition, intentId, event.scope)
    if (this.#originals.has(key)) this.original.take(event, key)
  }

  #takeReject(event: Rejected): void {
    const letter = this.#byReference.get(formatEventReference(event))
    if (letter === undefined) return
    letter.reject = event
    letter.contracts = this.#openContracts.get(event.partition) ?? null
  }

  #takeMark(event: Extract<Event, { readonly type: 'IntentCommitted' }>): void {
    for (const { data, resource, state } of event.payload.changes) {
      if (resource.startsWith('dead-letter/'))
        this.marks.set(resource.slice('dead-letter/'.length), {
          state,
          data: JSON.parse(data) as DeadLetterData,
          event: formatEventReference(event),
        })
    }
  }
}

function originalKey(partition: number, intentId: string, scope: string | null): string {
  return `${partition} ${intentId} ${scope}`
}

/** Of notifications that were sent again: by the id of their letter, what came of it. */
async function readDeliveries({ log }: EventLog): Promise<Map<string, IntentOutcome>> {
  const delivered = new Map<string, IntentOutcome>()
  for (let partition = 0; partition < log.partitionCount; partition++) {
    for await (const { offset, timestampMs, value } of readTopic(log, 'notifications', partition)) {
      const receipt = JSON.parse(Buffer.from(value ?? new Uint8Array()).toString() || '{}') as {
        readonly letter?: string
        readonly kind?: string
        readonly cause?: string
      }
      if (receipt.letter === undefined) continue
      const arrived = receipt.kind === 'delivered'
      delivered.set(receipt.letter, {
        outcome: arrived ? 'committed' : 'rejected',
        code: arrived ? null : (receipt.cause ?? null),
        message: arrived ? null : 'it did not arrive again, and is a dead letter anew',
        event: `notifications ${partition}:${offset}`,
        timeMs: timestampMs,
      })
    }
  }
  return delivered
}

function letterOf(
  found: Found,
  events: EventsOfLetters,
  contracts: ContractSet | null,
  delivered: ReadonlyMap<string, IntentOutcome>,
): DeadLetter {
  const { about, bytes, id, partition, record, reject, topic } = found
  const { headers } = record
  const code = header(headers, 'sb_code') || 'UNKNOWN'
  const cause = header(headers, 'sb_cause') || '(no cause is recorded)'
  const scope = about.scope ?? (reject?.scope || keyOf(record.key))
  const sourceOffset = Number(headers.sb_source_offset ?? record.offset)
  const { subject: own, ...shown } = about
  const subject =
    own ?? (topic === 'projector' ? `${about.parked?.projection}` : topic === 'escalation' ? about.target : subjectOf(about.actions))
  return {
    id,
    topic,
    partition,
    offset: record.offset,
    timestampMs: record.timestampMs,
    bytes,
    headers,
    code,
    cause,
    fingerprint: fingerprintOf(code, cause, subject),
    event: headers.sb_event ?? null,
    sourceOffset,
    ...shown,
    subject: own,
    scope,
    agent: about.agent ?? reject?.payload.agent ?? null,
    intentId: about.intentId ?? reject?.payload.intentId ?? null,
    owner: ownerOf(about.actions, reject, contracts),
    standing: standingOf(id, events, delivered),
    sentAgain: about.intentId === null ? null : events.original.finalOf(originalKey(partition, about.intentId, about.scope)),
    contracts: found.contracts,
  }
}

/** A record without a scope is kept under its partition's name. */
function keyOf(key: string | null): string | null {
  return key === null || /^partition-\d+$/.test(key) ? null : key
}

function subjectOf([first]: readonly LetterAction[]): string | null {
  return first === undefined ? null : `${resourceType(first.resource)} ${first.action}`
}

function ownerOf(actions: readonly LetterAction[], reject: Rejected | null, contracts: ContractSet | null): ContractOwner | null {
  const said = reject?.payload.owner ?? null
  if (said !== null || contracts === null) return said
  for (const { resource } of actions) {
    const type = resourceType(resource)
    const contract = type === null || isReservedType(type) ? undefined : contracts.get(type)
    if (contract !== undefined) return contract.owner
  }
  return null
}

function standingOf(id: string, { marks, redriven }: EventsOfLetters, delivered: ReadonlyMap<string, IntentOutcome>): Standing {
  const mark = marks.get(id)
  if (mark === undefined) return { state: 'open', by: null, reason: null, atMs: null }
  const { atMs, batch, by, edited, fresh, intentId, reason } = mark.data
  if (mark.state === 'discarded') return { state: 'discarded', by, reason, atMs }
  if (mark.state !== 'redriven') return { state: 'open', by, reason, atMs }
  // What follows from a change or a record was decided before its letter was marked.
  if (/^(?:reactions|ingest):/.test(id)) {
    const outcome: IntentOutcome = { outcome: 'committed', code: null, message: null, event: mark.event, timeMs: atMs }
    return { state: 'redriven', by, reason, atMs, batch, edited, fresh, intentId, outcome }
  }
  const outcome = intentId === null ? (delivered.get(id) ?? null) : redriven.of(intentId)
  return { state: 'redriven', by, reason, atMs, batch, edited, fresh, intentId, outcome }
}
