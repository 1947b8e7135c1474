import type { LogRecord, RecordToAppend } from '@signalbox/log'
import type { FetchedMessage, FetchedPartition, MessageToSend } from 'kafkajs/src/broker/index.js'

/** Most of a record's own framing: lengths, deltas, attributes. */
const RECORD_OVERHEAD_BYTES = 32
const HEADER_OVERHEAD_BYTES = 8
/** A record batch's header. */
export const BATCH_OVERHEAD_BYTES = 128

/** Sends of more messages than this at once gain nothing. */
const CHUNK_RECORDS = 1_000
const CHUNK_BYTES = 1024 * 1024

/** Bytes of the key, the value and the headers: what counts against `Bounds.maxBytes`. */
export function recordBytes(record: Pick<LogRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = (record.value?.byteLength ?? 0) + (record.key === null ? 0 : Buffer.byteLength(record.key))
  for (const name in record.headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(record.headers[name]!)
  return bytes
}

/** An upper bound of what the record takes in a batch. */
export function storedBytes(record: RecordToAppend): number {
  let headers = 0
  for (const _ in record.headers) headers += HEADER_OVERHEAD_BYTES
  return RECORD_OVERHEAD_BYTES + headers + recordBytes(record)
}

export function toMessage({ key, value, headers }: RecordToAppend): MessageToSend {
  return { key: Buffer.from(key), value: Buffer.from(value.buffer, value.byteOffset, value.byteLength), headers }
}

/** Cuts records into runs that each fit a record batch; the broker limits the bytes of a batch, not of a record. */
export function chunksOf(records: readonly RecordToAppend[]): readonly (readonly RecordToAppend[])[] {
  const chunks: RecordToAppend[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const record of records) {
    const size = storedBytes(record)
    if (bytes + size > CHUNK_BYTES || chunks.at(-1)!.length === CHUNK_RECORDS) {
      chunks.push([])
      bytes = 0
    }
    chunks.at(-1)!.push(record)
    bytes += size
  }
  return chunks
}

function toRecord(message: FetchedMessage): LogRecord {
  const headers = Object.entries(message.headers).map(([name, value]) => {
    // A header may come several times; the last one counts.
    const last = Array.isArray(value) ? (value as readonly Buffer[]).at(-1) : value
    return [name, last?.toString() ?? '']
  })
  return {
    offset: Number(message.offset),
    timestampMs: Number(message.timestamp),
    key: message.key?.toString() ?? null,
    value: message.value,
    headers: Object.fromEntries(headers),
  }
}

const ABORT_MARKER = 0
const MARKER_TYPE_AT = 2

function isAbortMarker({ isControlRecord, key }: FetchedMessage): boolean {
  // The control flag decides, not the bytes: a user's key may look the same.
  return isControlRecord && key !== null && key.length >= MARKER_TYPE_AT + 2 && key.readInt16BE(MARKER_TYPE_AT) === ABORT_MARKER
}

function lastOffsetOf({ batchContext }: FetchedMessage): number {
  return Number(batchContext.firstOffset) + batchContext.lastOffsetDelta
}

/** The records of a fetch's answer that were committed, from the offset on; markers and aborted records left out. */
export function committedRecords(fetched: Pick<FetchedPartition, 'messages' | 'abortedTransactions'>, fromOffset: number): LogRecord[] {
  const aborted = fetched.abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: Number(firstOffset) }))
    .sort((left, right) => left.firstOffset - right.firstOffset)
  const aborting = new Set<string>()
  const records: LogRecord[] = []
  let next = 0
  for (const message of fetched.messages) {
    // All that have begun, not one for each record: a batch can lie past the start of several.
    while (next < aborted.length && aborted[next]!.firstOffset <= lastOffsetOf(message)) aborting.add(aborted[next++]!.producerId)
    const { producerId, inTransaction } = message.batchContext
    if (isAbortMarker(message)) aborting.delete(producerId)
    else if (!message.isControlRecord && !(inTransaction && aborting.has(producerId)) && Number(message.offset) >= fromOffset) {
      records.push(toRecord(message))
    }
  }
  return records
}

/** Where the next fetch goes on: past everything in this answer, markers included. */
export function offsetAfter({ messages }: Pick<FetchedPartition, 'messages'>, fromOffset: number): number {
  const last = messages.at(-1)
  return last === undefined ? fromOffset : Math.max(fromOffset, lastOffsetOf(last) + 1)
}
