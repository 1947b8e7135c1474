/** Decides a run of intent records into one batch of event records, against the newest layer of the state. */
import { type Chain, chainHeader, cloudEventHeaders, epochHeader, UndecodableError } from '@signalbox/codec'
import { type Event, formatEventReference, type Intent } from '@signalbox/contract'
import { decideAndWrite, evolve, type IntentRecord, type PartitionState } from '@signalbox/core'
import { indexKeysOf } from '@signalbox/event-log'
import type { Batch, Headers, Log, LogRecord, RecordToAppend } from '@signalbox/log'
import type { SequencerSettings } from './settings.ts'

export interface DecidedBatch {
  readonly batch: Batch
  readonly events: readonly Event[]
  /** How many of the records are in it; the rest would have made it too large. */
  readonly taken: number
  /** The link of the chain that closes it. */
  readonly link: string
}

export interface BatchContext {
  readonly settings: Pick<SequencerSettings, 'codec' | 'rules' | 'bounds'> & { readonly log: { readonly index: Log['index'] } }
  readonly state: PartitionState
  readonly chain: Chain
  readonly epoch: string
}

/** Throws UnknownSchemaError before anything is decided that could not be undone by dropping the layer and the chain. */
export function decodeIntents(records: readonly LogRecord[], settings: Pick<SequencerSettings, 'codec'>): IntentRecord[] {
  return records.map((record) => {
    const { intent, problem } = decodeOne(record, settings)
    return { offset: record.offset, timestampMs: record.timestampMs, intent, problem }
  })
}

function decodeOne(record: LogRecord, { codec }: Pick<SequencerSettings, 'codec'>): { intent: Intent | null; problem: string | null } {
  try {
    return { intent: codec.decodeIntent(record.value), problem: null }
  } catch (error) {
    if (error instanceof UndecodableError) return { intent: null, problem: error.message }
    throw error
  }
}

/** `records` and `intents` are the same run, as read and as decoded. */
export function decideBatch(context: BatchContext, records: readonly LogRecord[], intents: readonly IntentRecord[]): DecidedBatch {
  const { chain, settings, state } = context
  const events: Event[] = []
  const eventRecords: RecordToAppend[] = []
  const deadLetters: RecordToAppend[] = []
  let bytes = 0
  let taken = 0
  state.begin()
  for (; taken < intents.length && (taken === 0 || bytes < settings.bounds.batchBytes); taken++) {
    const record = records[taken]!
    const decided = decideAndWrite(state, intents[taken]!, settings.rules, settings.codec.encodeEvent)
    for (const [index, event] of decided.events.entries()) {
      evolve(state, event)
      const value = decided.bytes[index]!
      bytes += value.length
      chain.add(value)
      events.push(event)
      eventRecords.push({
        key: event.scope || record.key || `partition-${state.partition}`,
        value,
        headers: eventHeaders(event, record.headers, context.epoch),
        ...(settings.log.index !== null ? { indexKeys: indexKeysOf(event) } : {}),
      })
      // What no event embeds is kept whole elsewhere: nothing that an agent sent is ever lost.
      if (event.type === 'IntentRejected' && (event.payload.code === 'DEAD_LETTERED' || event.payload.intent === null)) {
        const letter = event.payload.settles === null ? deadLetter(event, record, state.partition) : pendingLetter(event)
        bytes += letter.value.length
        deadLetters.push(letter)
      }
    }
  }
  const last = eventRecords.pop()!
  const link = chain.close()
  eventRecords.push({ ...last, headers: { ...last.headers, [chainHeader]: link } })
  return { batch: { events: eventRecords, deadLetters }, events, taken, link }
}

/** CloudEvents attributes, the envelope, and the trace context that the intent came with. */
export function eventHeaders(event: Event, from: Headers, epoch: string): Headers {
  const headers: Record<string, string> = { ...cloudEventHeaders(event), [epochHeader]: epoch }
  if (from.traceparent !== undefined) headers.traceparent = from.traceparent
  if (from.tracestate !== undefined) headers.tracestate = from.tracestate
  return headers
}

/** Of an intent that was pending: its record is long past, and the record that woke it is another's. */
function pendingLetter(event: Event & { type: 'IntentRejected' }): RecordToAppend {
  const { code, intent, message, settles } = event.payload
  return {
    key: event.scope,
    value: Buffer.from(intent ?? ''),
    headers: {
      sb_code: code,
      sb_cause: message,
      sb_event: formatEventReference(event),
      sb_source_partition: `${event.partition}`,
      sb_source_offset: `${settles!.offset}`,
    },
  }
}

function deadLetter(event: Event & { type: 'IntentRejected' }, record: LogRecord, partition: number): RecordToAppend {
  return {
    key: record.key || `partition-${partition}`,
    value: record.value ?? new Uint8Array(),
    headers: {
      ...record.headers,
      sb_code: event.payload.code,
      sb_cause: event.payload.message,
      sb_event: formatEventReference(event),
      sb_source_partition: `${partition}`,
      sb_source_offset: `${record.offset}`,
      sb_source_timestamp_ms: `${record.timestampMs}`,
    },
  }
}
