import assert from 'node:assert/strict'
import type { LogRecord, RecordToAppend } from '../../port.ts'
import type { ConformanceCase } from '../harness.ts'
import {
  assertRising,
  assertTexts,
  batch,
  openWriter,
  range,
  readAllEvents,
  readAllIntents,
  readCount,
  record,
  rejectsWith,
  textOf,
} from '../support.ts'

const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte)

const UNUSUAL_RECORDS: readonly RecordToAppend[] = [
  { key: 'plain', value: Uint8Array.of(1, 2, 3), headers: {} },
  { key: 'every-byte', value: ALL_BYTES, headers: { ce_id: '1' } },
  { key: 'a view into a larger buffer', value: ALL_BYTES.subarray(100, 120), headers: {} },
  { key: 'no-bytes', value: new Uint8Array(), headers: { empty: '' } },
  { key: 'Zürich/房間/🚂', value: new TextEncoder().encode('Grüße'), headers: { note: 'naïve 房間 🚂', traceparent: '00-4bf9-00f0-01' } },
  {
    key: ' spaces and\ttabs\n',
    value: Uint8Array.of(0),
    headers: Object.fromEntries(range(40).map((index) => [`header_${index}`, `${index}`])),
  },
  { key: 'k'.repeat(1_000), value: new Uint8Array(100_000).fill(7), headers: { long: 'ä'.repeat(5_000) } },
]

function assertSameRecord(stored: LogRecord, appended: RecordToAppend): void {
  assert.equal(stored.key, appended.key)
  assert.ok(stored.value instanceof Uint8Array, 'the value is bytes')
  assert.deepEqual(Buffer.from(stored.value), Buffer.from(appended.value))
  assert.deepEqual({ ...stored.headers }, { ...appended.headers })
  assert.ok(Number.isSafeInteger(stored.timestampMs) && stored.timestampMs > 0, `timestamp ${stored.timestampMs} is whole milliseconds`)
}

export const recordCases: readonly ConformanceCase[] = [
  {
    name: 'gives intents back as they were: binary values, empty values, text beyond ASCII, no headers and many',
    async run({ log, partition, patienceMs }) {
      for (const intent of UNUSUAL_RECORDS) await log.append(partition, intent)
      const stored = await readCount(log, 'intents', partition, UNUSUAL_RECORDS.length, patienceMs)
      stored.forEach((found, index) => {
        assertSameRecord(found, UNUSUAL_RECORDS[index]!)
      })
    },
  },
  {
    name: 'gives events and dead letters back as they were',
    async run({ log, partition, patienceMs }) {
      const writer = await openWriter(log, partition)
      await writer.append({ events: UNUSUAL_RECORDS, deadLetters: UNUSUAL_RECORDS.toReversed() })
      const events = await readCount(log, 'events', partition, UNUSUAL_RECORDS.length, patienceMs)
      const deadLetters = await readCount(log, 'dead-letters', partition, UNUSUAL_RECORDS.length, patienceMs)
      events.forEach((found, index) => {
        assertSameRecord(found, UNUSUAL_RECORDS[index]!)
      })
      deadLetters.forEach((found, index) => {
        assertSameRecord(found, UNUSUAL_RECORDS.toReversed()[index]!)
      })
      await writer.close()
    },
  },
  {
    name: 'answers the offset and the timestamp that the intent is then read with',
    async run({ log, partition, patienceMs }) {
      const positions = []
      for (const index of range(20)) positions.push(await log.append(partition, record(`intent ${index}`)))
      const stored = await readCount(log, 'intents', partition, 20, patienceMs)
      assert.deepEqual(
        positions,
        stored.map(({ offset, timestampMs }) => ({ partition, offset, timestampMs })),
      )
      assertRising(stored.map(({ offset }) => offset))
      assertTexts(
        stored,
        range(20).map((index) => `intent ${index}`),
      )
      const again = await readCount(log, 'intents', partition, 20, patienceMs)
      assert.deepEqual(again, stored, 'a record does not change between two readings')
    },
  },
  {
    name: 'keeps every one of many intents appended at once, each at the offset it was answered',
    async run({ log, partition, patienceMs }) {
      const texts = range(300).map((index) => `intent ${index}`)
      const positions = await Promise.all(texts.map((text) => log.append(partition, record(text))))
      const stored = await readAllIntents(log, partition, patienceMs)
      assert.equal(stored.length, texts.length)
      assertRising(stored.map(({ offset }) => offset))
      const textAt = new Map(stored.map((found) => [found.offset, textOf(found)]))
      positions.forEach(({ offset }, index) => {
        assert.equal(textAt.get(offset), texts[index])
      })
    },
  },
  {
    name: 'keeps partitions and topics apart',
    async run({ log, partition, otherPartition, patienceMs }) {
      const writer = await openWriter(log, partition)
      const otherWriter = await openWriter(log, otherPartition)
      await Promise.all([
        log.append(partition, record('an intent')),
        log.append(otherPartition, record('another intent')),
        writer.append({ events: [record('an event')], deadLetters: [record('a dead letter')] }),
        otherWriter.append({ events: [record('another event')], deadLetters: [record('another dead letter')] }),
      ])
      assertTexts(await readAllIntents(log, partition, patienceMs), ['an intent'])
      assertTexts(await readAllIntents(log, otherPartition, patienceMs), ['another intent'])
      assertTexts(await readAllEvents(log, writer, patienceMs), ['an event'])
      assertTexts(await readAllEvents(log, otherWriter, patienceMs), ['another event'])
      assertTexts(await readCount(log, 'dead-letters', partition, 1, patienceMs), ['a dead letter'])
      assertTexts(await readCount(log, 'dead-letters', otherPartition, 1, patienceMs), ['another dead letter'])
      await writer.close()
      await otherWriter.close()
    },
  },
  {
    name: 'says where a topic starts and ends',
    async run({ log, partition, patienceMs }) {
      const empty = await log.offsets('intents', partition)
      assert.equal(empty.start, empty.end, 'an empty topic starts where it ends')
      const first = await log.append(partition, record('first'))
      const last = await log.append(partition, record('last'))
      const { start, end } = await log.offsets('intents', partition)
      assert.equal(start, first.offset)
      assert.ok(end > last.offset, `end ${end} lies past the last record at ${last.offset}`)
      const writer = await openWriter(log, partition)
      const { firstOffset, lastOffset } = await writer.append(batch('a', 'b', 'c'))
      const events = await log.offsets('events', partition)
      assert.ok(events.start <= firstOffset && events.end > lastOffset, 'what was acknowledged lies within the offsets')
      const next = await writer.append(batch('d'))
      assert.ok(next.firstOffset >= events.end, 'new records get the end or a later offset')
      await writer.close()
      assertTexts(await readCount(log, 'events', partition, 4, patienceMs), ['a', 'b', 'c', 'd'])
    },
  },
  {
    name: 'refuses an intent that is too large, and keeps on working',
    async run({ log, partition, harness, patienceMs }) {
      const tooLarge = record('', { value: new Uint8Array(harness.tooLargeBytes) })
      await log.append(partition, record('before'))
      await rejectsWith(patienceMs, 'appending a too large intent', log.append(partition, tooLarge), 'TOO_LARGE')
      await log.append(partition, record('after'))
      assertTexts(await readAllIntents(log, partition, patienceMs), ['before', 'after'])
    },
  },
  {
    name: 'says MISCONFIGURED of a partition that is not there',
    async run({ log, patienceMs }) {
      const partition = log.partitionCount
      await rejectsWith(patienceMs, 'offsets', log.offsets('events', partition), 'MISCONFIGURED')
      await rejectsWith(patienceMs, 'cursor', log.cursor({ topic: 'events', partition, fromOffset: 0 }), 'MISCONFIGURED')
      await rejectsWith(patienceMs, 'append', log.append(partition, record('lost')), 'MISCONFIGURED')
    },
  },
]
