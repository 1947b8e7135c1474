import assert from 'node:assert/strict'
import type { Log, PartitionWriter } from '../../port.ts'
import type { ConformanceCase } from '../harness.ts'
import {
  assertTexts,
  batch,
  collect,
  openWriter,
  range,
  readAllEvents,
  readAllIntents,
  readCount,
  record,
  rejectsWith,
  textOf,
  within,
} from '../support.ts'

/** The first writer is fenced; what it appends from now on fails and stays invisible. */
async function assertFenced(
  log: Log,
  fenced: PartitionWriter,
  owner: PartitionWriter,
  visible: readonly string[],
  patienceMs: number,
): Promise<void> {
  await rejectsWith(patienceMs, 'an append of the fenced writer', fenced.append(batch('fenced 1')), 'FENCED')
  await rejectsWith(patienceMs, 'its next append', fenced.append(batch('fenced 2')), 'FENCED')
  await within(patienceMs, 'closing the fenced writer', fenced.close())
  await owner.append(batch('by the owner'))
  assertTexts(await readAllEvents(log, owner, patienceMs), [...visible, 'by the owner'])
}

/** Opens a partition while appends of its earlier writer are under way. */
async function assertDecidedBeforeOpen(first: PartitionWriter, second: Log, patienceMs: number): Promise<void> {
  const { partition } = first
  const appends = range(30).map((index) => first.append(batch(`${index} a`, `${index} b`)))
  const outcomes = Promise.allSettled(appends)
  const owner = await within(patienceMs, 'open', openWriter(second, partition, 2))
  const { firstOffset } = await within(patienceMs, 'the first append of the new owner', owner.append(batch('by the owner')))
  const settled = await within(patienceMs, 'the appends of the first writer', outcomes)
  const late = settled.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.lastOffset] : []))
  assert.ok(
    late.every((offset) => offset < firstOffset),
    'nothing of the first writer lies after the first record of the new owner',
  )
  const texts = (await readAllEvents(second, owner, patienceMs)).map(textOf)
  assert.equal(texts.at(-1), 'by the owner')
  const visible = texts.slice(0, -1)
  assert.deepEqual(
    visible,
    range(30)
      .flatMap((index) => [`${index} a`, `${index} b`])
      .slice(0, visible.length),
    'a run of whole batches from the first one on',
  )
  assert.equal(visible.length % 2, 0, 'no half batch')
  const acknowledged = settled.findLastIndex((outcome) => outcome.status === 'fulfilled') + 1
  assert.ok(
    settled.slice(0, acknowledged).every((outcome) => outcome.status === 'fulfilled'),
    'once one append fails, every later one does',
  )
  assert.ok(visible.length / 2 >= acknowledged, 'what was acknowledged is there')
  await first.close()
  await owner.close()
}

export const ownershipCases: readonly ConformanceCase[] = [
  {
    name: 'fences a writer when its partition is opened again',
    async run({ log, partition, patienceMs }) {
      const fenced = await openWriter(log, partition, 1)
      await fenced.append(batch('before'))
      const owner = await openWriter(log, partition, 2)
      await assertFenced(log, fenced, owner, ['before'], patienceMs)
      await owner.close()
    },
  },
  {
    name: 'fences a writer of another process',
    appliesTo: (harness) => harness.manyProcesses,
    async run({ log, store, partition, patienceMs }) {
      const other = await store.open()
      const fenced = await openWriter(log, partition, 1)
      await fenced.append(batch('before'))
      const owner = await openWriter(other, partition, 2)
      await assertFenced(log, fenced, owner, ['before'], patienceMs)
      await other.close()
    },
  },
  {
    name: 'decides the appends under way before open resolves',
    async run({ log, partition, patienceMs }) {
      await assertDecidedBeforeOpen(await openWriter(log, partition), log, patienceMs)
    },
  },
  {
    name: 'decides the appends of another process before open resolves',
    appliesTo: (harness) => harness.manyProcesses,
    async run({ log, store, partition, patienceMs }) {
      const other = await store.open()
      await assertDecidedBeforeOpen(await openWriter(log, partition), other, patienceMs)
      await other.close()
    },
  },
  {
    name: 'does not fence the writer of another partition',
    async run({ log, partition, otherPartition, patienceMs }) {
      const writer = await openWriter(log, partition)
      // Under one order: an adapter may deal several partitions as one, whose older writers a newer order fences together.
      const opened = [await openWriter(log, otherPartition, 1), await openWriter(log, otherPartition, 1)]
      await writer.append(batch('still the owner'))
      assertTexts(await readCount(log, 'events', partition, 1, patienceMs), ['still the owner'])
      await Promise.all([writer, ...opened].map((each) => each.close()))
    },
  },
  {
    name: 'keeps everything acknowledged across closing and opening, and goes on at later offsets',
    partitionCount: 2,
    async runOnOwnStore({ store, patienceMs }) {
      const first = await store.open()
      const writer = await openWriter(first, 1)
      const intent = await first.append(1, record('intent', { key: 'ключ', headers: { ce_id: 'ä' } }))
      const { lastOffset } = await writer.append({ events: [record('event 1'), record('event 2')], deadLetters: [record('dead letter')] })
      const before = await Promise.all(
        (['intents', 'events', 'dead-letters'] as const).map((topic) => readCount(first, topic, 1, topic === 'events' ? 2 : 1, patienceMs)),
      )
      await first.close()
      const second = await store.open()
      assert.equal(second.partitionCount, 2)
      const after = await Promise.all(
        (['intents', 'events', 'dead-letters'] as const).map((topic) =>
          readCount(second, topic, 1, topic === 'events' ? 2 : 1, patienceMs),
        ),
      )
      assert.deepEqual(after, before)
      assert.ok((await second.append(1, record('later'))).offset > intent.offset)
      const next = await openWriter(second, 1, 2)
      assert.ok((await next.append(batch('event 3'))).firstOffset > lastOffset)
      assertTexts(await readAllEvents(second, next, patienceMs), ['event 1', 'event 2', 'event 3'])
      assertTexts(await readAllIntents(second, 1, patienceMs), ['intent', 'later'])
      assertTexts(await readCount(second, 'dead-letters', 1, 1, patienceMs), ['dead letter'])
      await second.close()
    },
  },
  {
    name: 'never loses an intent that an event was written about, however early the cursor delivered it',
    partitionCount: 1,
    async runOnOwnStore({ store, patienceMs }) {
      const log = await store.open()
      const writer = await openWriter(log, 0)
      const cursor = await log.cursor({ topic: 'intents', partition: 0, fromOffset: 0 })
      const appends = Promise.all(range(200).map((index) => log.append(0, record(`intent ${index}`))))
      const written: Promise<unknown>[] = []
      let seen = 0
      while (seen < 200) {
        const intents = await collect(cursor, patienceMs, (records) => records.length > 0, { maxRecords: 16 })
        seen += intents.length
        written.push(writer.append({ events: intents.map((intent) => record(`${intent.offset} ${textOf(intent)}`)), deadLetters: [] }))
      }
      await within(patienceMs, 'the events', Promise.all(written))
      await within(patienceMs, 'the intents', appends)
      await log.close()
      const again = await store.open()
      const intents = await readAllIntents(again, 0, patienceMs)
      const events = await readCount(again, 'events', 0, 200, patienceMs)
      assertTexts(
        events,
        intents.map((intent) => `${intent.offset} ${textOf(intent)}`),
      )
      await again.close()
    },
  },
  {
    name: 'refuses a second owner with OWNED, and lets the first go on',
    appliesTo: (harness) => !harness.manyProcesses,
    partitionCount: 1,
    async runOnOwnStore({ store, patienceMs }) {
      const owner = await store.open()
      await rejectsWith(patienceMs, 'a second owner', store.open(), 'OWNED')
      await owner.append(0, record('by the first'))
      await owner.close()
      const next = await store.open()
      assertTexts(await readAllIntents(next, 0, patienceMs), ['by the first'])
      await next.close()
    },
  },
]
