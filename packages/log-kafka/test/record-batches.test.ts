/** Record batches: those of our own making against kafkajs's reader, and our reader against kafkajs's writer. */
import assert from 'node:assert/strict'
import { isLogError } from '@signalbox/log'
import fc from 'fast-check'
import Decoder from 'kafkajs/src/protocol/decoder.js'
import Record from 'kafkajs/src/protocol/recordBatch/record/v0/index.js'
import decodeBatch from 'kafkajs/src/protocol/recordBatch/v0/decoder.js'
import { RecordBatch } from 'kafkajs/src/protocol/recordBatch/v0/index.js'
import { describe, it } from 'vitest'
import { crc32c } from '../src/crc32c.ts'
import { type AbortedTransaction, committedRecords } from '../src/record-batch-reader.ts'
import { encodeRecordBatch, type RecordToSend } from '../src/record-batch-writer.ts'

const nowMs = 1_790_000_000_000
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.constantFrom('', '__proto__', 'constructor', 'ce_id', 'ключ', '\u007f', '\u0080'),
)
const anyRecord: fc.Arbitrary<RecordToSend> = fc.record({
  key: text,
  value: fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 300 })),
  headers: fc.dictionary(fc.string({ unit: 'binary', maxLength: 40 }), text, { maxKeys: 8 }),
})
const wellFormed = ({ headers, key }: RecordToSend) =>
  [key, ...Object.keys(headers), ...Object.values(headers)].every((each) => each.isWellFormed())
const anyRecords = fc.array(anyRecord.filter(wellFormed), { minLength: 1, maxLength: 200 })
const producer = { producerId: '4611686018427387904', producerEpoch: 7, firstSequence: 2_147_483_600 }

interface AnyRecord {
  readonly key: string | null
  readonly value: Uint8Array | null
  readonly headers: Readonly<globalThis.Record<string, string>>
}

function plain(records: readonly AnyRecord[]) {
  return records.map(({ headers, key, value }) => [
    key,
    value === null ? null : Buffer.from(value).toString('hex'),
    Object.entries(headers).sort(([left], [right]) => (left < right ? -1 : 1)),
  ])
}

/** As a broker stores it: at an offset, with its own time. */
function stored(batch: Buffer, firstOffset: number, appendedMs: number | null = null): Buffer {
  const copy = Buffer.from(batch)
  copy.writeBigInt64BE(BigInt(firstOffset), 0)
  if (appendedMs !== null) {
    copy.writeInt16BE(copy.readInt16BE(21) | 0x08, 21)
    copy.writeBigInt64BE(BigInt(appendedMs), 35)
    copy.writeUInt32BE(crc32c(copy, 21, copy.length), 17)
  }
  return copy
}

const record = (value: string): RecordToSend => ({ key: 'k', value: Buffer.from(value), headers: {} })
const textsOf = (records: readonly AnyRecord[]) => records.map(({ value }) => Buffer.from(value!).toString())

describe('crc32c', () => {
  it('is the Castagnoli checksum: the vectors of RFC 3720, appendix B.4, and its check value', () => {
    const of = (bytes: Uint8Array) => crc32c(bytes, 0, bytes.length)
    assert.equal(of(Buffer.from('123456789')), 0xe3069283)
    assert.equal(of(new Uint8Array(32)), 0x8a9136aa)
    assert.equal(of(new Uint8Array(32).fill(255)), 0x62a8ab43)
    assert.equal(of(Uint8Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e)
    assert.equal(crc32c(Buffer.from('x123456789x'), 1, 10), 0xe3069283)
  })
})

describe('a batch of our own making', () => {
  it('says to kafkajs what it was made of', async () => {
    await fc.assert(
      fc.asyncProperty(anyRecords, async (records) => {
        // kafkajs gathers headers in an object, where such names mean something else.
        fc.pre(!records.some(({ headers }) => Object.keys(headers).some((name) => name in Object.prototype)))
        const read = await decodeBatch(new Decoder(encodeRecordBatch(records, producer, nowMs)))
        const { firstSequence, producerEpoch, producerId } = read
        assert.deepEqual({ producerId, producerEpoch, firstSequence }, producer)
        assert.equal(read.inTransaction, true)
        assert.equal(read.lastOffsetDelta, records.length - 1)
        const found = read.records.map(({ headers, key, value }) => ({
          key: key!.toString(),
          value,
          headers: Object.fromEntries(Object.entries(headers).map(([name, each]) => [name, each.toString()])),
        }))
        assert.deepEqual(plain(found), plain(records))
        assert.deepEqual(
          read.records.map(({ offset }) => Number(offset)),
          records.map((_, index) => index),
        )
      }),
      { numRuns: 200 },
    )
  })

  it('says to our reader what it was made of, at its offsets and with the time of the log', () => {
    fc.assert(
      fc.property(anyRecords, fc.nat(2 ** 31), (records, offset) => {
        const firstOffset = offset * 1_024
        const bytes = stored(encodeRecordBatch(records, null, nowMs), firstOffset, nowMs + 5)
        const { nextOffset, records: found } = committedRecords({ bytes, aborted: [] }, firstOffset, 'here')
        assert.deepEqual(plain(found), plain(records))
        assert.deepEqual(
          found.map((each) => each.offset),
          records.map((_, index) => firstOffset + index),
        )
        assert.ok(found.every(({ timestampMs }) => timestampMs === nowMs + 5))
        assert.equal(nextOffset, firstOffset + records.length)
      }),
      { numRuns: 200 },
    )
  })
})

describe('our reader', () => {
  it('reads what kafkajs writes, with times of its own', async () => {
    const delays = fc.array(fc.integer({ min: -1_000_000, max: 2 ** 41 }), { minLength: 1, maxLength: 50 })
    await fc.assert(
      fc.asyncProperty(delays, async (timestampDeltas) => {
        const records = timestampDeltas.map((timestampDelta, offsetDelta) =>
          Record({ offsetDelta, timestampDelta, key: Buffer.from('k'), value: Buffer.from(`${offsetDelta}`), headers: { a: 'b' } }),
        )
        const batch = await RecordBatch({ records, firstTimestamp: nowMs, maxTimestamp: nowMs, lastOffsetDelta: records.length - 1 })
        const { records: found } = committedRecords({ bytes: batch.buffer, aborted: [] }, 0, 'here')
        assert.deepEqual(
          found.map(({ timestampMs }) => timestampMs - nowMs),
          timestampDeltas,
        )
      }),
      { numRuns: 100 },
    )
  })

  it('stops before a batch that was cut off, and goes on there', () => {
    const first = stored(encodeRecordBatch(['a', 'b'].map(record), null), 5)
    const whole = Buffer.concat([first, stored(encodeRecordBatch([record('c')], null), 7)])
    for (let length = first.length; length < whole.length; length++) {
      const { nextOffset, records } = committedRecords({ bytes: whole.subarray(0, length), aborted: [] }, 5, 'here')
      assert.deepEqual([nextOffset, textsOf(records)], [7, ['a', 'b']])
    }
  })

  it('names a batch whose bytes were changed', () => {
    const bytes = stored(encodeRecordBatch([record('a')], null), 5)
    bytes[bytes.length - 1]! ^= 1
    assert.throws(
      () => committedRecords({ bytes, aborted: [] }, 5, 'events/0'),
      (error) => isLogError(error, 'CORRUPT') && error.message.includes('events/0') && error.message.includes('offset 5'),
    )
  })

  it('leaves out what lies before the wanted offset', () => {
    const bytes = stored(encodeRecordBatch(['a', 'b', 'c'].map(record), null), 0)
    assert.deepEqual(textsOf(committedRecords({ bytes, aborted: [] }, 2, 'here').records), ['c'])
  })
})

interface BatchShape {
  readonly firstOffset: number
  readonly producerId: bigint
  readonly values: readonly string[]
  readonly marker?: 'commit' | 'abort'
}

function bytesOf({ firstOffset, marker, producerId, values }: BatchShape): Buffer {
  // Four zero bytes: what kafkajs's own filter takes for the end of an aborted transaction.
  const key = marker === 'commit' ? '\0\0\0\u0001' : '\0\0\0\0'
  const records = values.map((value) => ({ key, value: Buffer.from(value), headers: {} }))
  const batch = stored(encodeRecordBatch(records, { ...producer, producerId: `${producerId}` }), firstOffset)
  if (marker !== undefined) batch.writeInt16BE(batch.readInt16BE(21) | 0x20, 21)
  batch.writeUInt32BE(crc32c(batch, 21, batch.length), 17)
  return batch
}

function committed(batches: readonly BatchShape[], aborted: readonly AbortedTransaction[], from = 0) {
  return committedRecords({ bytes: Buffer.concat(batches.map(bytesOf)), aborted }, from, 'here')
}

describe('transactions that were aborted', () => {
  it('are hidden when all have begun before the first batch of the answer', () => {
    const batches: BatchShape[] = [
      { firstOffset: 10, producerId: 2n, values: ['two'] },
      { firstOffset: 11, producerId: 1n, values: ['one'] },
      { firstOffset: 12, producerId: 3n, values: ['three'] },
    ]
    // One at a time, as kafkajs does it, would let the first record pass.
    const aborted = [
      { producerId: 1n, firstOffset: 0 },
      { producerId: 2n, firstOffset: 1 },
    ]
    assert.deepEqual(textsOf(committed(batches, aborted, 10).records), ['three'])
    assert.deepEqual(textsOf(committed(batches, aborted.toReversed(), 10).records), ['three'], 'in whatever order the broker lists them')
  })

  it('go on being hidden after a user key of four zero bytes, up to the marker', () => {
    const batches: BatchShape[] = [
      { firstOffset: 0, producerId: 1n, values: ['a', 'b', 'c'] },
      { firstOffset: 3, producerId: 1n, values: ['marker'], marker: 'abort' },
      { firstOffset: 4, producerId: 1n, values: ['d'] },
      { firstOffset: 5, producerId: 1n, values: ['marker'], marker: 'commit' },
    ]
    const { nextOffset, records } = committed(batches, [{ producerId: 1n, firstOffset: 0 }])
    assert.deepEqual([textsOf(records), nextOffset], [['d'], 6])
  })
})
