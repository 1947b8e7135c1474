import type { LogRecord, RecordToAppend } from '@signalbox/log'

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
