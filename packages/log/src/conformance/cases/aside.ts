import assert from 'node:assert/strict'
import { sideTopics } from '../../port.ts'
import type { ConformanceCase } from '../harness.ts'
import { assertTexts, batch, openWriter, range, readCount, record, rejectsWith, within } from '../support.ts'

export const asideCases: readonly ConformanceCase[] = [
  {
    name: 'keeps what consumers append beside the log, in order, each topic and partition apart',
    async run({ log, otherPartition, partition, patienceMs }) {
      const texts = range(20).map((index) => `told ${index}`)
      const positions = await within(
        patienceMs,
        'appending aside',
        Promise.all(texts.map((text) => log.appendAside('notifications', partition, record(text, { headers: { cause: 'EXHAUSTED' } })))),
      )
      await log.appendAside('dead-letters.escalation', partition, record('unheard'))
      await log.appendAside('dead-letters.projector', otherPartition, record('poison'))
      const told = await readCount(log, 'notifications', partition, texts.length, patienceMs)
      assertTexts(told, texts)
      assert.deepEqual(
        told.map(({ offset }) => offset),
        positions.map(({ offset }) => offset),
      )
      assert.equal(told[0]!.headers.cause, 'EXHAUSTED')
      assert.ok(told.every(({ timestampMs }, index) => timestampMs === positions[index]!.timestampMs))
      assertTexts(await readCount(log, 'dead-letters.escalation', partition, 1, patienceMs), ['unheard'])
      assertTexts(await readCount(log, 'dead-letters.projector', otherPartition, 1, patienceMs), ['poison'])
      const { end, start } = await log.offsets('notifications', otherPartition)
      assert.equal(end, start, 'nothing was told of the other partition')
    },
  },
  {
    name: 'appends aside while the partition has an owner, and refuses what is too large',
    async run({ harness, log, partition, patienceMs }) {
      const writer = await openWriter(log, partition)
      await within(patienceMs, 'an event', writer.append(batch('event')))
      await within(patienceMs, 'appending aside', log.appendAside('notifications', partition, record('beside')))
      await within(patienceMs, 'a later event', writer.append(batch('later')))
      assertTexts(await readCount(log, 'events', partition, 2, patienceMs), ['event', 'later'])
      await rejectsWith(
        patienceMs,
        'too large',
        log.appendAside('notifications', partition, { ...record(''), value: new Uint8Array(harness.tooLargeBytes) }),
        'TOO_LARGE',
      )
      await writer.close()
    },
  },
  {
    name: 'gives what was appended aside to a later process, from every topic',
    partitionCount: 1,
    async runOnOwnStore({ patienceMs, store }) {
      const first = await store.open()
      for (const topic of sideTopics) await first.appendAside(topic, 0, record(`in ${topic}`))
      await first.close()
      await rejectsWith(patienceMs, 'closed', first.appendAside('notifications', 0, record('late')), 'CLOSED')
      const second = await store.open()
      for (const topic of sideTopics) assertTexts(await readCount(second, topic, 0, 1, patienceMs), [`in ${topic}`])
      await second.close()
    },
  },
]
