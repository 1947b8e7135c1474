/**
 * Record batches as they are fetched: format 2 of Kafka's protocol. What kafkajs gives of a record it makes of strings and
 * copies, does not check the batch's checksum, and leaves out which transactions were aborted.
 */
import { gunzipSync } from 'node:zlib'
import { LogError, type LogRecord } from '@signalbox/log'
import { crc32c } from './crc32c.ts'

export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

export interface FetchedRecords {
  /** Batches one after the other; the last may be cut off. */
  readonly bytes: Buffer
  readonly aborted: readonly AbortedTransaction[]
}

export interface CommittedRecords {
  readonly records: LogRecord[]
  /** Where the next fetch goes on: past everything in these bytes, markers included. */
  readonly nextOffset: number
}

const HEADER_BYTES = 61
const LENGTH_FROM = 12
const MAGIC = 2
const CRC_FROM = 21
const COMPRESSION = 0x07
const GZIP = 1
const LOG_APPEND_TIME = 0x08
const TRANSACTIONAL = 0x10
const CONTROL = 0x20
const ABORT = 0

/** The committed records from `fromOffset` on. Errors: CORRUPT (a checksum does not fit), MISCONFIGURED (packed in a way that is not read here). */
export function committedRecords({ aborted, bytes }: FetchedRecords, fromOffset: number, where: string): CommittedRecords {
  const transactions = new AbortedTransactions(aborted)
  const records: LogRecord[] = []
  let nextOffset = fromOffset
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const length = LENGTH_FROM + bytes.readInt32BE(at + 8)
    if (at + length > bytes.length) break
    const batch = readBatch(bytes, at, length, where)
    transactions.reach(batch.lastOffset)
    if (batch.isControl) {
      if (markerType(batch) === ABORT) transactions.end(batch.producerId)
    } else if (!(batch.isTransactional && transactions.isAborted(batch.producerId))) readRecords(batch, fromOffset, records)
    nextOffset = Math.max(nextOffset, batch.lastOffset + 1)
    at += length
  }
  return { records, nextOffset }
}

/** Which producers' records do not count, as the offsets go by. */
class AbortedTransactions {
  readonly #begin: readonly AbortedTransaction[]
  readonly #aborting = new Set<bigint>()
  #next = 0

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#begin = [...aborted].sort((left, right) => left.firstOffset - right.firstOffset)
  }

  /** All that have begun by here, not one for each record: a batch can lie past the start of several. */
  reach(lastOffset: number): void {
    while (this.#next < this.#begin.length && this.#begin[this.#next]!.firstOffset <= lastOffset)
      this.#aborting.add(this.#begin[this.#next++]!.producerId)
  }

  end(producerId: bigint): void {
    this.#aborting.delete(producerId)
  }

  isAborted(producerId: bigint): boolean {
    return this.#aborting.has(producerId)
  }
}

interface Batch {
  readonly firstOffset: number
  readonly lastOffset: number
  readonly firstTimestampMs: number
  /** Of all its records, where the log gives the time; null where they have their own. */
  readonly appendedMs: number | null
  readonly producerId: bigint
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly count: number
  /** The records alone. */
  readonly body: Buffer
}

function readBatch(bytes: Buffer, at: number, length: number, where: string): Batch {
  const firstOffset = Number(bytes.readBigInt64BE(at))
  const magic = bytes.readInt8(at + 16)
  if (magic !== MAGIC)
    throw new LogError(
      'MISCONFIGURED',
      `${where} has records of format ${magic} at offset ${firstOffset}; Kafka 4 has format ${MAGIC} only.`,
    )
  if (crc32c(bytes, at + CRC_FROM, at + length) !== bytes.readUInt32BE(at + 17))
    throw new LogError(
      'CORRUPT',
      `${where}: the checksum of the batch at offset ${firstOffset} does not fit its bytes. Compare the replicas.`,
    )
  const attributes = bytes.readInt16BE(at + 21)
  const firstTimestampMs = Number(bytes.readBigInt64BE(at + 27))
  return {
    firstOffset,
    lastOffset: firstOffset + bytes.readInt32BE(at + 23),
    firstTimestampMs,
    appendedMs: (attributes & LOG_APPEND_TIME) === 0 ? null : Number(bytes.readBigInt64BE(at + 35)),
    producerId: bytes.readBigInt64BE(at + 43),
    isTransactional: (attributes & TRANSACTIONAL) !== 0,
    isControl: (attributes & CONTROL) !== 0,
    count: bytes.readInt32BE(at + 57),
    body: unpacked(attributes & COMPRESSION, bytes.subarray(at + HEADER_BYTES, at + length), where),
  }
}

function unpacked(compression: number, body: Buffer, where: string): Buffer {
  if (compression === 0) return body
  if (compression === GZIP) return gunzipSync(body)
  const message = `${where} has packed records (snappy, lz4 or zstd), which are not read here. Run \`signalbox topics apply\`: it makes the brokers unpack them.`
  throw new LogError('MISCONFIGURED', message)
}

/** A marker's key: its version, then its type. */
function markerType({ body }: Batch): number {
  const reader = new RecordReader(body)
  reader.skipToKey()
  const key = reader.readBytes()
  return key === null || key.length < 4 ? -1 : key.readInt16BE(2)
}

function readRecords(batch: Batch, fromOffset: number, records: LogRecord[]): void {
  const { appendedMs, body, count, firstOffset, firstTimestampMs } = batch
  const reader = new RecordReader(body)
  for (let index = 0; index < count; index++) {
    const end = reader.readVarint() + reader.at
    reader.at++
    const timestampDelta = reader.readVarlong()
    const offset = firstOffset + reader.readVarint()
    if (offset >= fromOffset) {
      records.push({
        offset,
        timestampMs: appendedMs ?? firstTimestampMs + timestampDelta,
        key: reader.readText(),
        value: reader.readBytes(),
        headers: reader.readHeaders(),
      })
    }
    reader.at = end
  }
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({})

class RecordReader {
  readonly #bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  readVarint(): number {
    const bytes = this.#bytes
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[this.at++]!
      value |= (byte & 127) << shift
      if (byte < 128) break
    }
    return (value >>> 1) ^ -(value & 1)
  }

  /** Up to 2^53: a time. */
  readVarlong(): number {
    const bytes = this.#bytes
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[this.at++]!
      value += (byte & 127) * factor
      if (byte < 128) break
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  skipToKey(): void {
    this.readVarint()
    this.at++
    this.readVarlong()
    this.readVarint()
  }

  readBytes(): Buffer | null {
    const length = this.readVarint()
    if (length < 0) return null
    const start = this.at
    this.at = start + length
    return this.#bytes.subarray(start, this.at)
  }

  readText(): string | null {
    const length = this.readVarint()
    if (length < 0) return null
    const start = this.at
    this.at = start + length
    return textOf(this.#bytes, start, length)
  }

  readHeaders(): Readonly<Record<string, string>> {
    const count = this.readVarint()
    if (count === 0) return NO_HEADERS
    const headers: Record<string, string> = {}
    // A header may come several times; the last one counts.
    for (let index = 0; index < count; index++) {
      const name = this.readText() ?? ''
      const value = this.readText() ?? ''
      // That name is one that an object has already, and not for this.
      if (name === '__proto__') Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true })
      else headers[name] = value
    }
    return headers
  }
}

/** Names of headers, types, keys: the same few again and again, and found here without a call out of JavaScript. */
const KNOWN_TEXTS = 1_024
const KNOWN_LENGTH = 48
const known: (string | undefined)[] = new Array(KNOWN_TEXTS)

function textOf(bytes: Buffer, start: number, length: number): string {
  if (length === 0) return ''
  if (length > KNOWN_LENGTH) return bytes.toString('utf8', start, start + length)
  let hash = length
  for (let at = start; at < start + length; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
  const slot = (hash ^ (hash >>> 15)) & (KNOWN_TEXTS - 1)
  const candidate = known[slot]
  if (candidate !== undefined && isText(candidate, bytes, start, length)) return candidate
  const text = bytes.toString('utf8', start, start + length)
  // Only what is one byte a unit can be compared unit by unit.
  if (text.length === length) known[slot] = text
  return text
}

function isText(candidate: string, bytes: Buffer, start: number, length: number): boolean {
  if (candidate.length !== length) return false
  for (let index = 0; index < length; index++) if (candidate.charCodeAt(index) !== bytes[start + index]) return false
  return true
}
