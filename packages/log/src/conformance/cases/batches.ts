import assert from 'node:assert/strict'
import type { LogReader, LogRecord } from '../../port.ts'
import type { ConformanceCase } from '../harness.ts'
import {
  assertRising,
  assertTexts,
  batch,
  collect,
  openWriter,
  patient,
  range,
  readAllEvents,
  readCount,
  record,
  rejectsWith,
  textOf,
  within,
} from '../support.ts'

interface Place {
  readonly batchIndex: number
  readonly index: number
  readonly size: number
}

function textOfPlace({ batchIndex, index, size }: Place): string {
  return `${batchIndex} ${index} ${size}`
}

function placeOf(stored: LogRecord): Place {
  const [batchIndex, index, size] = textOf(stored).split(' ').map(Number)
  return { batchIndex: batchIndex!, index: index!, size: size! }
}

/** Reads along while batches are written, and checks at every answer that the whole of the batch it ends in is there. */
async function readWholeBatches(
  reader: LogReader,
  partition: number,
  batchCount: number,
  maxRecords: number,
  patienceMs: number,
): Promise<void> {
  const cursor = await reader.cursor({ topic: 'events', partition, fromOffset: 0 })
  let previous: Place = { batchIndex: -1, index: 0, size: 1 }
  const deadline = performance.now() + patienceMs
  while (previous.batchIndex < batchCount - 1 || previous.index < previous.size - 1) {
    assert.ok(
      performance.now() < deadline,
      `batch ${batchCount - 1} did not come within ${patienceMs} ms; the last record: ${textOfPlace(previous)}`,
    )
    const records = await within(patienceMs * 2, 'cursor.next', cursor.next(patient(patienceMs, { maxRecords })))
    for (const stored of records) {
      const place = placeOf(stored)
      const startsNext = previous.index === previous.size - 1
      const expected = startsNext
        ? { batchIndex: previous.batchIndex + 1, index: 0 }
        : { batchIndex: previous.batchIndex, index: previous.index + 1 }
      assert.deepEqual({ batchIndex: place.batchIndex, index: place.index }, expected, 'no record is missing, repeated or in another place')
      previous = place
    }
    const last = records.at(-1)
    if (last === undefined) continue
    const { end } = await reader.offsets('events', partition)
    assert.ok(
      end > last.offset + previous.size - 1 - previous.index,
      `the rest of batch ${previous.batchIndex} is there as soon as its first record is`,
    )
  }
  await cursor.close()
}

const BATCH_COUNT = 40

function placedBatch(batchIndex: number) {
  const size = 1 + (batchIndex % 7) * 3
  return batch(...range(size).map((index) => textOfPlace({ batchIndex, index, size })))
}

export const batchCases: readonly ConformanceCase[] = [
  {
    name: 'shows many concurrent readers whole batches only, in the order of the calls',
    async run({ log, partition, patienceMs }) {
      const writer = await openWriter(log, partition)
      const readers = [1, 2, 5, 1_000, 10_000, 10_000].map((maxRecords) =>
        readWholeBatches(log, partition, BATCH_COUNT, maxRecords, patienceMs),
      )
      const writing = (async () => {
        for (const index of range(BATCH_COUNT / 2))
          await writer.append(placedBatch(index * 2)).then(() => writer.append(placedBatch(index * 2 + 1)))
      })()
      await within(patienceMs * 2, 'writing and reading', Promise.all([writing, ...readers]))
      await writer.close()
    },
  },
  {
    name: 'shows handles that only read whole batches only',
    appliesTo: (harness) => harness.hasReader,
    async run({ log, store, partition, patienceMs }) {
      const reader = await store.openReader!()
      assert.equal(reader.partitionCount, log.partitionCount)
      assert.equal(reader.name, log.name)
      const writer = await openWriter(log, partition)
      const readers = [1, 5, 10_000].map((maxRecords) => readWholeBatches(reader, partition, BATCH_COUNT, maxRecords, patienceMs))
      const writing = Promise.all(range(BATCH_COUNT).map((index) => writer.append(placedBatch(index))))
      await within(patienceMs * 2, 'writing and reading', Promise.all([writing, ...readers]))
      await writer.close()
      await reader.close()
      await reader.close()
      await rejectsWith(patienceMs, 'a cursor of a closed reader', reader.cursor({ topic: 'events', partition, fromOffset: 0 }), 'CLOSED')
    },
  },
  {
    name: 'makes overlapping appends visible in the order of the calls',
    async run({ log, partition, patienceMs }) {
      const writer = await openWriter(log, partition)
      const answers = await Promise.all(range(50).map((index) => writer.append(batch(`${index} a`, `${index} b`))))
      assertRising(answers.flatMap(({ firstOffset, lastOffset }) => [firstOffset, lastOffset]))
      const events = await readAllEvents(log, writer, patienceMs)
      assertTexts(
        events,
        range(50).flatMap((index) => [`${index} a`, `${index} b`]),
      )
      assert.deepEqual(
        answers.flatMap(({ firstOffset, lastOffset }) => [firstOffset, lastOffset]),
        events.map(({ offset }) => offset),
      )
      await writer.close()
    },
  },
  {
    name: 'shows a batch to everybody by the time it is acknowledged, its dead letters too',
    async run({ log, partition, patienceMs }) {
      const writer = await openWriter(log, partition)
      const deadLettersBefore = await log.offsets('dead-letters', partition)
      const { firstOffset, lastOffset } = await writer.append({
        events: [record('event')],
        deadLetters: [record('dead 1'), record('dead 2')],
      })
      assert.equal(firstOffset, lastOffset)
      assert.ok((await log.offsets('events', partition)).end > lastOffset, 'the event is visible')
      assert.ok((await log.offsets('dead-letters', partition)).end >= deadLettersBefore.end + 2, 'the dead letters are visible')
      assertTexts(await readCount(log, 'events', partition, 1, patienceMs, { from: firstOffset }), ['event'])
      assertTexts(await readCount(log, 'dead-letters', partition, 2, patienceMs), ['dead 1', 'dead 2'])
      await writer.close()
    },
  },
  {
    name: 'takes a batch of 2,000 events and 100 dead letters',
    async run({ log, partition, patienceMs }) {
      const writer = await openWriter(log, partition)
      const texts = range(2_000).map((index) => `event ${index} ${'.'.repeat(200)}`)
      const deadTexts = range(100).map((index) => `dead ${index}`)
      await within(
        patienceMs,
        'append',
        writer.append({ events: texts.map((text) => record(text)), deadLetters: deadTexts.map((text) => record(text)) }),
      )
      assertTexts(await readAllEvents(log, writer, patienceMs), texts)
      assertTexts(await readCount(log, 'dead-letters', partition, 100, patienceMs), deadTexts)
      await writer.close()
    },
  },
  {
    name: 'writes nothing of a batch that fails, and nothing that was appended after it',
    async run({ log, partition, harness, patienceMs }) {
      const writer = await openWriter(log, partition)
      const tooLarge = record('', { value: new Uint8Array(harness.tooLargeBytes) })
      const before = writer.append(batch('before'))
      const failing = writer.append({ events: [record('partly'), tooLarge, record('partly')], deadLetters: [record('partly')] })
      const afterwards = range(3).map((index) => writer.append(batch(`after ${index}`)))
      const outcomes = Promise.allSettled([before, failing, ...afterwards])
      await within(patienceMs, 'the append before the failure', before)
      await rejectsWith(patienceMs, 'the batch that is too large', failing, 'TOO_LARGE')
      await within(patienceMs, 'the others', outcomes)
      for (const append of afterwards) await rejectsWith(patienceMs, 'a later append', append, 'TRANSIENT', 'TOO_LARGE', 'CLOSED')
      await rejectsWith(patienceMs, 'an append after the failure', writer.append(batch('late')), 'TRANSIENT', 'TOO_LARGE', 'CLOSED')
      await writer.close()
      const next = await openWriter(log, partition, 2)
      assertTexts(await readAllEvents(log, next, patienceMs), ['before'])
      await next.append({ events: [record('fine')], deadLetters: [record('a dead letter')] })
      assertTexts(await readCount(log, 'dead-letters', partition, 1, patienceMs), ['a dead letter'])
      await next.close()
    },
  },
  {
    name: 'finishes the appends under way when the writer closes, and takes no more',
    async run({ log, partition, patienceMs }) {
      const writer = await openWriter(log, partition)
      const appends = range(5).map((index) => writer.append(batch(`${index}`)))
      await within(patienceMs, 'close', writer.close())
      await within(patienceMs, 'the appends', Promise.all(appends))
      await rejectsWith(patienceMs, 'an append to a closed writer', writer.append(batch('late')), 'CLOSED')
      await writer.close()
      const cursor = await log.cursor({ topic: 'events', partition, fromOffset: 0 })
      assertTexts(await collect(cursor, patienceMs, (records) => records.length >= 5), ['0', '1', '2', '3', '4'])
      await cursor.close()
    },
  },
]
