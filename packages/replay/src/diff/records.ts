/** The events of a partition, record by record: what one intent record made, and the intent as it can be decided again. */
import {
  type ContractRecord,
  type Event,
  intentFromJson,
  isOfRecord,
  isOwnEvent,
  type JsonObject,
  makeUuidV7,
  tickIntent,
} from '@signalbox/contract'
import { evolve, type IntentRecord, type PartitionState, type Skip } from '@signalbox/core'
import { readEvents } from '@signalbox/event-log'
import { beginningOf, type Source } from '@signalbox/partition-state'
import { embeddedIntent } from '@signalbox/presentation'
import { findDecision } from '../find.ts'

export interface DecidedRecord {
  readonly offset: number
  readonly events: readonly Event[]
  /** Log offset of its first event. */
  readonly logOffset: number
  /** What was decided; from the events' own copy. */
  readonly intent: IntentRecord
  /** By which it was decided. */
  readonly contracts: readonly ContractRecord[]
  /** Nothing of it can be compared but what time and rules brought. */
  readonly isStandIn: boolean
}

/** The state that the first record of a partition was decided at: an empty one, or what was carried over from other topics. A new one at each call. */
export async function stateBeforeDecisions(source: Source, partition: number): Promise<PartitionState> {
  const state = beginningOf(source, partition)
  for await (const { event } of readEvents(source, partition)) {
    if (isOfRecord(event)) break
    // Openings alone record contracts, which nobody who decides anew asks of.
    if (event.type !== 'PartitionOpened') evolve(state, event)
  }
  return state
}

/** Every record that has a decision, in order; openings between them are left out. */
export async function* decidedRecords(source: Source, partition: number): AsyncGenerator<DecidedRecord> {
  let events: Event[] = []
  let first = 0
  let inForce = beginningOf(source, partition).contracts
  let contracts = inForce
  for await (const { event, logOffset } of readEvents(source, partition)) {
    if (event.type === 'PartitionOpened') inForce = event.payload.contracts
    if (!isOfRecord(event)) continue
    if (events.length > 0 && event.offset !== events[0]!.offset) {
      yield { ...(await recordOf(source, events, first)), contracts }
      events = []
    }
    if (events.length === 0) {
      first = logOffset
      contracts = inForce
    }
    events.push(event)
  }
  if (events.length > 0) yield { ...(await recordOf(source, events, first)), contracts }
}

async function recordOf(source: Source, events: readonly Event[], logOffset: number): Promise<Omit<DecidedRecord, 'contracts'>> {
  const first = events[0]!
  const own = events.find(isOwnEvent)
  const intent = own === undefined ? null : await intentOf(source, own)
  return { offset: first.offset, events, logOffset, intent: intent ?? standIn(source, first), isStandIn: intent === null }
}

/** The event's time is the log's own, raised where that had gone back: the same time, raised again, is the same. */
async function intentOf(source: Source, own: Event): Promise<IntentRecord | null> {
  const { offset, time: timestampMs } = own
  if (own.type === 'IntentRejected' && own.payload.code === 'SKIPPED')
    return { offset, timestampMs, intent: null, problem: null, skip: JSON.parse(own.payload.details ?? '{}') as Skip }
  const intent = own.type === 'IntentDuplicated' ? await duplicated(source, own) : embeddedIntent(own)
  return intent === null ? null : { offset, timestampMs, intent: intentFromJson(intent), problem: null }
}

/** In place of a record whose intent is not there (it could not be decoded, or its scope was not exported): time goes on all the same. */
function standIn({ log }: Source, { offset, partition, time }: Event): IntentRecord {
  const bits = new Uint8Array(10)
  new DataView(bits.buffer).setFloat64(2, offset)
  return { offset, timestampMs: time, intent: tickIntent(partition, log.partitionCount, makeUuidV7(time, bits)), problem: null }
}

/** A duplicate's event does not repeat the intent: it is the one whose decision it repeats. */
async function duplicated(source: Source, { payload }: Extract<Event, { readonly type: 'IntentDuplicated' }>): Promise<JsonObject | null> {
  const found = await findDecision(source, payload.intentId)
  return found === null ? null : embeddedIntent(found.event)
}
