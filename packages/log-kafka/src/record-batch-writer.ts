/**
 * Record batches as they are sent: format 2 of Kafka's protocol ("Record Batch" in Kafka's documentation). kafkajs has the
 * same, and makes several buffers for each record: half of what a sequencer did was that.
 */
import { crc32c } from './crc32c.ts'

/** What goes into a record. Null deletes the key from a compacted topic. */
export interface RecordToSend {
  readonly key: string
  readonly value: Uint8Array | null
  readonly headers: Readonly<Record<string, string>>
}

/** Of a transactional producer; the sequence number is that of the first record. */
export interface BatchProducer {
  readonly producerId: string
  readonly producerEpoch: number
  readonly firstSequence: number
}

const HEADER_BYTES = 61
const MAGIC = 2
const TRANSACTIONAL = 0x10
const LENGTH_FROM = 12
const CRC_AT = 17
const CRC_FROM = 21
const NO_PRODUCER = -1n
/** What a record's own framing takes at most: four lengths, two deltas, attributes, the number of headers. */
const RECORD_FRAMING_BYTES = 40
const HEADER_FRAMING_BYTES = 10
/** Shorter texts are looked at here; longer ones by Node. */
const SHORT_TEXT = 64

/** One batch of records, ready to be sent. */
export function encodeRecordBatch(records: readonly RecordToSend[], producer: BatchProducer | null, nowMs = Date.now()): Buffer {
  const batch = new BatchBuffer(records)
  const { buffer } = batch
  for (let index = 0; index < records.length; index++) batch.writeRecord(records[index]!, index)
  const { length } = batch
  buffer.writeBigInt64BE(0n, 0)
  buffer.writeInt32BE(length - LENGTH_FROM, 8)
  buffer.writeInt32BE(0, 12)
  buffer.writeInt8(MAGIC, 16)
  buffer.writeInt16BE(producer === null ? 0 : TRANSACTIONAL, 21)
  buffer.writeInt32BE(records.length - 1, 23)
  buffer.writeBigInt64BE(BigInt(nowMs), 27)
  buffer.writeBigInt64BE(BigInt(nowMs), 35)
  buffer.writeBigInt64BE(producer === null ? NO_PRODUCER : BigInt(producer.producerId), 43)
  buffer.writeInt16BE(producer?.producerEpoch ?? -1, 51)
  buffer.writeInt32BE(producer?.firstSequence ?? -1, 53)
  buffer.writeInt32BE(records.length, 57)
  buffer.writeUInt32BE(crc32c(buffer, CRC_FROM, length), CRC_AT)
  return buffer.subarray(0, length)
}

class BatchBuffer {
  readonly buffer: Buffer
  length = HEADER_BYTES

  constructor(records: readonly RecordToSend[]) {
    let bytes = HEADER_BYTES
    for (const record of records) bytes += largestSize(record)
    this.buffer = Buffer.allocUnsafe(bytes)
  }

  writeRecord({ headers, key, value }: RecordToSend, offsetDelta: number): void {
    this.#writeVarint(sizeOf(key, value, headers, offsetDelta))
    this.#writeByte(0)
    this.#writeVarint(0)
    this.#writeVarint(offsetDelta)
    this.#writeText(key)
    if (value === null) this.#writeVarint(-1)
    else {
      this.#writeVarint(value.length)
      this.buffer.set(value, this.length)
      this.length += value.length
    }
    let count = 0
    for (const _ in headers) count++
    this.#writeVarint(count)
    for (const name in headers) {
      this.#writeText(name)
      this.#writeText(headers[name]!)
    }
  }

  #writeByte(byte: number): void {
    this.buffer[this.length++] = byte
  }

  /** Zigzag, then seven bits a byte. */
  #writeVarint(value: number): void {
    const { buffer } = this
    let rest = ((value << 1) ^ (value >> 31)) >>> 0
    while (rest > 127) {
      buffer[this.length++] = (rest & 127) | 128
      rest >>>= 7
    }
    buffer[this.length++] = rest
  }

  #writeText(text: string): void {
    const bytes = byteLength(text)
    this.#writeVarint(bytes)
    const { buffer } = this
    const at = this.length
    if (bytes === text.length && bytes <= SHORT_TEXT)
      for (let index = 0; index < bytes; index++) buffer[at + index] = text.charCodeAt(index)
    else buffer.write(text, at, 'utf8')
    this.length = at + bytes
  }
}

function sizeOf(key: string, value: Uint8Array | null, headers: RecordToSend['headers'], offsetDelta: number): number {
  const keyBytes = byteLength(key)
  let size = 2 + varintBytes(offsetDelta) + varintBytes(keyBytes) + keyBytes
  size += value === null ? 1 : varintBytes(value.length) + value.length
  let count = 0
  for (const name in headers) {
    const nameBytes = byteLength(name)
    const valueBytes = byteLength(headers[name]!)
    size += varintBytes(nameBytes) + nameBytes + varintBytes(valueBytes) + valueBytes
    count++
  }
  return size + varintBytes(count)
}

/** UTF-16 units become three bytes at most. */
function largestSize({ headers, key, value }: RecordToSend): number {
  let bytes = RECORD_FRAMING_BYTES + 3 * key.length + (value?.length ?? 0)
  for (const name in headers) bytes += HEADER_FRAMING_BYTES + 3 * (name.length + headers[name]!.length)
  return bytes
}

function varintBytes(value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let bytes = 1
  for (; rest > 127; rest >>>= 7) bytes++
  return bytes
}

function byteLength(text: string): number {
  const { length } = text
  if (length > SHORT_TEXT) return Buffer.byteLength(text)
  for (let index = 0; index < length; index++) if (text.charCodeAt(index) > 127) return Buffer.byteLength(text)
  return length
}
