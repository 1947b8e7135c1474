import { crc32 } from 'node:zlib'
import { LogError, type LogRecord, type RecordToAppend } from '@signalbox/log'
import { hashOf } from './name-hash.ts'

/*
 * Records lie in chunks: one row holds all records that one transaction wrote to one topic of one partition, up to a size.
 * A row each costs several microseconds in node:sqlite, a chunk costs that once. Each record in a chunk is:
 *
 *   u32 bytes that follow the checksum | u32 CRC-32 of them | f64 offset | f64 timestampMs | u32 bytes of the key |
 *   u32 bytes of the headers | key | headers as JSON, nothing when there are none | value          (little-endian)
 */
const CHECKSUM_END = 8
const FIXED_BYTES = 32
/** UTF-8 needs at most three bytes for each UTF-16 unit. */
const UTF8_FACTOR = 3
const FIRST_CAPACITY = 64 * 1024

export interface Chunk {
  readonly firstOffset: number
  readonly count: number
  readonly bytes: Uint8Array
}

/** Writes records one after another into one buffer, which another thread can then be given. */
export class ChunkBuilder {
  readonly firstOffset: number
  #buffer: Buffer<ArrayBuffer>
  #view: DataView<ArrayBuffer>
  #byteLength = 0
  #count = 0
  // Hash of a name, and how many records after the first its record comes; one after the other.
  readonly #names: number[] = []

  constructor(firstOffset: number, storage: ArrayBuffer = new ArrayBuffer(FIRST_CAPACITY)) {
    this.firstOffset = firstOffset
    this.#buffer = Buffer.from(storage)
    this.#view = new DataView(storage)
  }

  get byteLength(): number {
    return this.#byteLength
  }

  get count(): number {
    return this.#count
  }

  get storage(): ArrayBuffer {
    return this.#buffer.buffer
  }

  /** Notes names of the record that was added last. */
  name(keys: readonly string[]): void {
    for (const key of keys) this.#names.push(hashOf(key), this.#count - 1)
  }

  /** As `NAMES` in `event-index.ts`; null where no record has names. */
  get names(): Uint32Array<ArrayBuffer> | null {
    return this.#names.length === 0 ? null : Uint32Array.from(this.#names)
  }

  /** Adds a record without its checksum: that is computed where there is time, by `sealChunk`. Returns its bytes. */
  add({ key, value, headers }: RecordToAppend, offset: number, timestampMs: number): number {
    const headersText = textOfHeaders(headers)
    this.#reserve(FIXED_BYTES + (key.length + headersText.length) * UTF8_FACTOR + value.byteLength)
    const start = this.#byteLength
    const buffer = this.#buffer
    const keyBytes = buffer.write(key, start + FIXED_BYTES)
    const headersStart = start + FIXED_BYTES + keyBytes
    const headersBytes = headersText === '' ? 0 : buffer.write(headersText, headersStart)
    buffer.set(value, headersStart + headersBytes)
    const end = headersStart + headersBytes + value.byteLength
    const view = this.#view
    view.setUint32(start, end - start - CHECKSUM_END, true)
    view.setFloat64(start + 8, offset, true)
    view.setFloat64(start + 16, timestampMs, true)
    view.setUint32(start + 24, keyBytes, true)
    view.setUint32(start + 28, headersBytes, true)
    this.#byteLength = end
    this.#count += 1
    return end - start
  }

  #reserve(bytes: number): void {
    const wanted = this.#byteLength + bytes
    if (wanted <= this.#buffer.byteLength) return
    const larger = Buffer.from(new ArrayBuffer(Math.max(wanted, this.#buffer.byteLength * 2)))
    this.#buffer.copy(larger, 0, 0, this.#byteLength)
    this.#buffer = larger
    this.#view = new DataView(larger.buffer)
  }
}

function textOfHeaders(headers: RecordToAppend['headers']): string {
  for (const _ in headers) return JSON.stringify(headers)
  return ''
}

/** Bytes of key, headers and value as they are stored; a bound from above where that is already small enough. */
export function checkRecordSize(record: RecordToAppend, maxRecordBytes: number): void {
  const headersText = textOfHeaders(record.headers)
  if ((record.key.length + headersText.length) * UTF8_FACTOR + record.value.byteLength <= maxRecordBytes) return
  const bytes = Buffer.byteLength(record.key) + Buffer.byteLength(headersText) + record.value.byteLength
  if (bytes <= maxRecordBytes) return
  throw new LogError(
    'TOO_LARGE',
    `A record of ${bytes} bytes is over the limit of ${maxRecordBytes}. Send a reference to the content instead.`,
  )
}

/** Writes the checksum of every record of a chunk into it. */
export function sealChunk(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let start = 0; start < bytes.byteLength; ) {
    const end = start + CHECKSUM_END + view.getUint32(start, true)
    view.setUint32(start + 4, crc32(bytes.subarray(start + CHECKSUM_END, end)), true)
    start = end
  }
}

/** What is wrong with a chunk; undefined when nothing is. */
export function findDamage({ firstOffset, count, bytes }: Chunk): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let offset = firstOffset
  let start = 0
  while (start < bytes.byteLength) {
    if (start + FIXED_BYTES > bytes.byteLength) return `the record at offset ${offset} is cut off`
    const end = start + CHECKSUM_END + view.getUint32(start, true)
    if (end > bytes.byteLength || end < start + FIXED_BYTES) return `the record at offset ${offset} has an impossible length`
    if (crc32(bytes.subarray(start + CHECKSUM_END, end)) !== view.getUint32(start + 4, true)) {
      return `the checksum (CRC-32) of the record at offset ${offset} does not match`
    }
    if (view.getFloat64(start + 8, true) !== offset) return `the record at offset ${offset} belongs elsewhere`
    offset += 1
    start = end
  }
  return offset === firstOffset + count ? undefined : `${firstOffset + count - offset} record(s) after offset ${offset} are missing`
}

/** The records of a sound chunk from an offset on. Their values are views into the chunk's bytes. */
export function decodeChunk({ bytes }: Pick<Chunk, 'bytes'>, fromOffset: number): LogRecord[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records: LogRecord[] = []
  for (let start = 0; start < buffer.byteLength; ) {
    const end = start + CHECKSUM_END + view.getUint32(start, true)
    const offset = view.getFloat64(start + 8, true)
    if (offset >= fromOffset) {
      const headersStart = start + FIXED_BYTES + view.getUint32(start + 24, true)
      const valueStart = headersStart + view.getUint32(start + 28, true)
      records.push({
        offset,
        timestampMs: view.getFloat64(start + 16, true),
        key: buffer.toString('utf8', start + FIXED_BYTES, headersStart),
        value: bytes.subarray(valueStart, end),
        headers: valueStart === headersStart ? {} : JSON.parse(buffer.toString('utf8', headersStart, valueStart)),
      })
    }
    start = end
  }
  return records
}

/** What a record counts against `maxBytes`. */
export function recordBytes(record: LogRecord): number {
  let bytes = (record.value?.byteLength ?? 0) + (record.key?.length ?? 0)
  for (const name in record.headers) bytes += name.length + record.headers[name]!.length
  return bytes
}
