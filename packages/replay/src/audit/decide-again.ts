/** Decides an intent once more, at the state that its decision was made at, and compares. */
import { type Codec, UndecodableError, UnknownSchemaError } from '@signalbox/codec'
import {
  builtInRecord,
  type ContractRecord,
  canonicalize,
  containmentRecord,
  contractRecords,
  type Event,
  intentFromJson,
  isOwnEvent,
  isReservedType,
  type JsonObject,
} from '@signalbox/contract'
import { decideAndWrite, type IntentRecord, type PartitionState, type Rules, type Skip } from '@signalbox/core'
import type { LogRecord } from '@signalbox/log'
import { rulesAt } from '@signalbox/partition-state'
import { embeddedIntent } from '@signalbox/presentation'

export type Comparison =
  | { readonly outcome: 'equal' }
  | { readonly outcome: 'impossible'; readonly why: string }
  | { readonly outcome: 'different'; readonly message: string }

export interface DecideAgainOptions {
  readonly codec: Codec
  readonly rules: Rules
  /** Of the rules, as `PartitionOpened` records them. */
  readonly contracts: readonly ContractRecord[]
}

/** `record` is the intent as it lies in the log; null where it is gone, and the event's own copy has to do. */
export async function decideAgain(
  options: DecideAgainOptions,
  state: PartitionState,
  logged: readonly Event[],
  record: LogRecord | null,
): Promise<Comparison> {
  const rules = rulesAt(options.rules, state.contracts)
  const records = rules === options.rules ? options.contracts : contractRecords(rules.contracts, rules.sha256, rules.containment)
  const others = otherContracts(state.contracts, records)
  if (others !== null) return { outcome: 'impossible', why: others }
  const first = logged.find(isOwnEvent)
  if (first === undefined) return { outcome: 'different', message: 'no event says what became of the intent of the record' }
  const intent = wasSkipped(first) ? skipped(first) : record === null ? ofEvent(first) : await ofRecord(options.codec, record)
  if (intent === null) return { outcome: 'impossible', why: 'the intent is gone, and its event has no copy of it' }
  const again = decideAndWrite(state, intent, rules, options.codec.encodeEvent).events
  const [expected, found] = [textOf(again), textOf(logged)]
  if (expected === found) return { outcome: 'equal' }
  return { outcome: 'different', message: `decided again it is ${shorten(expected)}, and the log says ${shorten(found)}` }
}

/** Null where it was decided by exactly these contracts: another version of one may rightly decide otherwise. */
function otherContracts(then: readonly ContractRecord[], now: readonly ContractRecord[]): string | null {
  if (now.every(({ type }) => isReservedType(type))) return 'no contracts are given (--config)'
  const name = ({ type, version }: ContractRecord) => `${type}@${version}`
  const differing = then.filter(({ digest, type }) => !now.some((each) => each.type === type && each.digest === digest))
  const reasons = differing.map((record) => {
    if (record.type === builtInRecord) return "Signalbox's own contracts were of another release"
    if (record.type === containmentRecord) return 'the settings of containment were others'
    return now.some((each) => name(each) === name(record))
      ? `${name(record)} was another of that version`
      : `${name(record)} is not in the config`
  })
  const added = now.filter(({ type }) => !then.some((each) => each.type === type)).map((record) => `${name(record)} was not there yet`)
  return reasons.length + added.length === 0 ? null : [...reasons, ...added].sort().join(', ')
}

type Reject = Extract<Event, { readonly type: 'IntentRejected' }>

function wasSkipped(event: Event): event is Reject {
  return event.type === 'IntentRejected' && event.payload.code === 'SKIPPED'
}

/** That a person passed it by is no decision of the contracts: it is taken as given. */
function skipped({ offset, payload, time }: Reject): IntentRecord {
  return { offset, timestampMs: time, intent: null, problem: null, skip: JSON.parse(payload.details ?? '{}') as Skip }
}

async function ofRecord(codec: Codec, record: LogRecord): Promise<IntentRecord> {
  const { offset, timestampMs } = record
  for (;;) {
    try {
      return { offset, timestampMs, intent: codec.decodeIntent(record.value), problem: null }
    } catch (error) {
      if (error instanceof UnknownSchemaError) await codec.framing.learn(error.schemaId)
      else if (error instanceof UndecodableError) return { offset, timestampMs, intent: null, problem: error.message }
      else throw error
    }
  }
}

function ofEvent(event: Event): IntentRecord | null {
  const embedded = embeddedIntent(event)
  if (embedded === null) return null
  // The event's time is the log's own, raised where that had gone back: the same time, raised again, is the same.
  return { offset: event.offset, timestampMs: event.time, intent: intentFromJson(embedded), problem: null }
}

function textOf(events: readonly Event[]): string {
  return canonicalize(JSON.parse(JSON.stringify(events)) as JsonObject, 'events')
}

function shorten(text: string): string {
  return text.length > 400 ? `${text.slice(0, 400)}…` : text
}
