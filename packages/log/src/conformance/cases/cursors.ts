import assert from 'node:assert/strict'
import type { Cursor, Log } from '../../port.ts'
import type { ConformanceCase } from '../harness.ts'
import {
  assertTexts,
  batch,
  collect,
  openWriter,
  patient,
  range,
  readCount,
  record,
  rejectsWith,
  SHORT_WAIT_MS,
  settled,
  textOf,
  within,
} from '../support.ts'

async function appendIntents(log: Log, partition: number, texts: readonly string[]): Promise<readonly number[]> {
  const offsets = []
  for (const text of texts) offsets.push((await log.append(partition, record(text))).offset)
  return offsets
}

/** The answer of a cursor from an offset, an error of `cursor` itself included: either may say that it is out of range. */
async function firstAnswer(log: Log, partition: number, fromOffset: number, patienceMs: number) {
  const cursor = await log.cursor({ topic: 'intents', partition, fromOffset })
  try {
    return await cursor.next(patient(patienceMs))
  } finally {
    await cursor.close()
  }
}

async function nextText(cursor: Cursor, patienceMs: number): Promise<string> {
  const records = await collect(cursor, patienceMs, (seen) => seen.length > 0, { maxRecords: 1 })
  assert.equal(records.length, 1)
  return textOf(records[0]!)
}

export const cursorCases: readonly ConformanceCase[] = [
  {
    name: 'tells by its position when everything before an end has been delivered, gaps included',
    async run({ log, partition, patienceMs }) {
      const writer = await openWriter(log, partition)
      for (const index of range(3)) await writer.append(batch(`${index} a`, `${index} b`))
      const { end } = await log.offsets('events', partition)
      const cursor = await log.cursor({ topic: 'events', partition, fromOffset: 0 })
      const seen: string[] = []
      const reading = async (): Promise<void> => {
        while (cursor.position < end) {
          for (const record of await cursor.next({ ...patient(SHORT_WAIT_MS), maxRecords: 2 })) {
            assert.ok(cursor.position > record.offset)
            seen.push(textOf(record))
          }
        }
      }
      await within(patienceMs, 'the position reaches the end', reading())
      assert.deepEqual(seen, ['0 a', '0 b', '1 a', '1 b', '2 a', '2 b'])
      await cursor.close()
      await writer.close()
    },
  },
  {
    name: 'reads from any offset: the record there, or the next one where there is a gap',
    async run({ log, partition, patienceMs }) {
      const writer = await openWriter(log, partition)
      for (const index of range(4)) await writer.append(batch(`${index} a`, `${index} b`))
      const events = await readCount(log, 'events', partition, 8, patienceMs)
      const { start } = await log.offsets('events', partition)
      for (let wanted = start; wanted <= events.at(-1)!.offset; wanted++) {
        const left = events.filter(({ offset }) => offset >= wanted)
        assert.deepEqual(await readCount(log, 'events', partition, left.length, patienceMs, { from: wanted }), left)
      }
      await writer.close()
    },
  },
  {
    name: "gives a cursor from 'end' only what is appended after it was opened",
    async run({ log, partition, patienceMs }) {
      const onEmpty = await log.cursor({ topic: 'intents', partition, fromOffset: 'end' })
      await appendIntents(log, partition, ['a', 'b'])
      const afterTwo = await log.cursor({ topic: 'intents', partition, fromOffset: 'end' })
      await appendIntents(log, partition, ['c', 'd'])
      assertTexts(await collect(onEmpty, patienceMs, (records) => records.length >= 4), ['a', 'b', 'c', 'd'])
      assertTexts(await collect(afterTwo, patienceMs, (records) => records.length >= 2), ['c', 'd'])
      await onEmpty.close()
      await afterTwo.close()
      const writer = await openWriter(log, partition)
      await writer.append(batch('old 1', 'old 2'))
      const events = await log.cursor({ topic: 'events', partition, fromOffset: 'end' })
      await writer.append(batch('new'))
      assert.equal(await nextText(events, patienceMs), 'new')
      await events.close()
      await writer.close()
    },
  },
  {
    name: 'waits no longer than asked for a first record, and goes on afterwards',
    async run({ log, partition, patienceMs }) {
      const cursor = await log.cursor({ topic: 'intents', partition, fromOffset: 0 })
      assert.deepEqual(await within(patienceMs, 'next without waiting', cursor.next(patient(0))), [])
      assert.deepEqual(await within(patienceMs, 'next', cursor.next(patient(SHORT_WAIT_MS))), [])
      await log.append(partition, record('late'))
      assert.equal(await nextText(cursor, patienceMs), 'late')
      assert.deepEqual(await within(patienceMs, 'next', cursor.next(patient(SHORT_WAIT_MS))), [])
      await cursor.close()
    },
  },
  {
    name: 'wakes every waiting cursor of a topic when a record comes, and no record gets lost',
    async run({ log, partition, patienceMs }) {
      const writer = await openWriter(log, partition)
      const cursors = await Promise.all(range(5).map(() => log.cursor({ topic: 'events', partition, fromOffset: 0 })))
      for (const round of range(5)) {
        const waiting = Promise.all(cursors.map((cursor) => nextText(cursor, patienceMs)))
        const both = Promise.all([waiting, writer.append(batch(`round ${round}`))])
        const [texts] = await within(patienceMs * 2, 'waking', both)
        assert.deepEqual(
          texts,
          cursors.map(() => `round ${round}`),
        )
      }
      await Promise.all(cursors.map((cursor) => cursor.close()))
      await writer.close()
    },
  },
  {
    name: 'keeps to maxRecords and leaves nothing out',
    async run({ log, partition, patienceMs }) {
      const texts = range(25).map((index) => `intent ${index}`)
      await Promise.all(texts.map((text) => log.append(partition, record(text))))
      const all = await readCount(log, 'intents', partition, 25, patienceMs)
      for (const maxRecords of [1, 4, 25]) {
        const cursor = await log.cursor({ topic: 'intents', partition, fromOffset: 0 })
        const seen = []
        while (seen.length < 25) {
          const records = await within(patienceMs * 2, 'next', cursor.next(patient(patienceMs, { maxRecords })))
          assert.ok(records.length > 0 && records.length <= maxRecords, `${records.length} records of at most ${maxRecords}`)
          seen.push(...records)
        }
        assert.deepEqual(seen, all)
        await cursor.close()
      }
    },
  },
  {
    name: 'keeps to maxBytes, but delivers a first record that alone is larger',
    async run({ log, partition, patienceMs }) {
      const sizes = [1_000, 1_000, 1_000, 9_000, 1_000, 1_000, 9_000, 9_000, 1_000]
      for (const size of sizes) await log.append(partition, record('', { value: new Uint8Array(size) }))
      const cursor = await log.cursor({ topic: 'intents', partition, fromOffset: 0 })
      const seen: number[] = []
      while (seen.length < sizes.length) {
        const records = await within(patienceMs * 2, 'next', cursor.next(patient(patienceMs, { maxBytes: 3_500 })))
        const bytes = records.map(({ value }) => value?.byteLength ?? 0)
        const sum = bytes.reduce((total, size) => total + size, 0)
        assert.ok(bytes.length === 1 || (bytes.length > 1 && sum <= 3_500), `${bytes.length} records of ${sum} bytes together`)
        seen.push(...bytes)
      }
      assert.deepEqual(seen, sizes)
      await cursor.close()
    },
  },
  {
    name: 'wakes the waiting call with CLOSED when the cursor is closed, and does not disturb another cursor',
    async run({ log, partition, patienceMs }) {
      const closing = await log.cursor({ topic: 'intents', partition, fromOffset: 0 })
      const staying = await log.cursor({ topic: 'intents', partition, fromOffset: 0 })
      const waiting = settled(closing.next(patient(patienceMs * 10)))
      const stillWaiting = settled(nextText(staying, patienceMs))
      await within(patienceMs, 'close', closing.close())
      const outcome = await within(patienceMs, 'the waiting call', waiting)
      assert.equal(outcome.status === 'rejected' ? outcome.reason.code : outcome, 'CLOSED')
      await rejectsWith(patienceMs, 'next of a closed cursor', closing.next(patient(0)), 'CLOSED')
      await closing.close()
      await log.append(partition, record('for the other'))
      assert.deepEqual(await within(patienceMs * 2, 'the other cursor', stillWaiting), { status: 'fulfilled', value: 'for the other' })
      await staying.close()
    },
  },
  {
    name: 'moves several cursors of a topic independently',
    async run({ log, partition, patienceMs }) {
      const offsets = await appendIntents(log, partition, ['a', 'b', 'c'])
      const [first, second, third] = await Promise.all([
        log.cursor({ topic: 'intents', partition, fromOffset: 0 }),
        log.cursor({ topic: 'intents', partition, fromOffset: 0 }),
        log.cursor({ topic: 'intents', partition, fromOffset: offsets[2]! }),
      ])
      assert.equal(await nextText(first, patienceMs), 'a')
      assert.equal(await nextText(first, patienceMs), 'b')
      assert.equal(await nextText(second, patienceMs), 'a')
      assert.equal(await nextText(third, patienceMs), 'c')
      assert.equal(await nextText(first, patienceMs), 'c')
      assert.equal(await nextText(second, patienceMs), 'b')
      await Promise.all([first.close(), second.close(), third.close()])
    },
  },
  {
    name: 'says OFFSET_OUT_OF_RANGE where the log ends before the wanted offset, and waits at its very end',
    async run({ log, partition, patienceMs }) {
      await appendIntents(log, partition, ['a', 'b'])
      const { end } = await log.offsets('intents', partition)
      await rejectsWith(patienceMs, 'reading past the end', firstAnswer(log, partition, end + 1, patienceMs), 'OFFSET_OUT_OF_RANGE')
      const atEnd = await log.cursor({ topic: 'intents', partition, fromOffset: end })
      await log.append(partition, record('c'))
      assert.equal(await nextText(atEnd, patienceMs), 'c')
      await atEnd.close()
    },
  },
  {
    name: 'says OFFSET_OUT_OF_RANGE where the log starts after the wanted offset',
    appliesTo: (harness) => harness.deletesRecords,
    async run({ log, store, partition, patienceMs }) {
      const offsets = await appendIntents(log, partition, ['a', 'b', 'c', 'd'])
      await store.deleteRecordsBefore!('intents', partition, offsets[2]!)
      assert.equal((await log.offsets('intents', partition)).start, offsets[2])
      await rejectsWith(patienceMs, 'reading what is gone', firstAnswer(log, partition, offsets[1]!, patienceMs), 'OFFSET_OUT_OF_RANGE')
      assertTexts(await readCount(log, 'intents', partition, 2, patienceMs, { from: offsets[2]! }), ['c', 'd'])
    },
  },
]
