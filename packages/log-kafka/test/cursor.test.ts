import assert from 'node:assert/strict'
import { isLogError, type Log } from '@signalbox/log'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { openKafkaLog } from '../src/index.ts'
import { groupName, topicName } from '../src/settings.ts'
import { API, FaultySockets } from './support/faulty-sockets.ts'
import { bounds, PATIENCE_MS, readCount, record, textsOf, until } from './support/records.ts'
import { brokersForTests, deleteRecordsBefore, dropTopics, makeTopics, plainKafka, uniquePrefix } from './support/topics.ts'

const topicPrefix = uniquePrefix()
const intentsTopic = topicName(topicPrefix, 'intents')
const timeout = PATIENCE_MS * 3
const sockets = new FaultySockets()
let log: Log

beforeAll(async () => {
  await makeTopics(topicPrefix, 7)
  log = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, socketFactory: sockets.factory })
}, timeout)

afterAll(async () => {
  await log.close()
  await dropTopics(topicPrefix)
}, timeout)

async function appendMany(partition: number, count: number, text: (index: number) => string = String): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => log.append(partition, record(text(index)))))
}

describe('a cursor', { timeout }, () => {
  it('takes no notice of what the group has committed', async () => {
    await appendMany(0, 10)
    const admin = plainKafka().admin()
    await admin.connect()
    await admin.setOffsets({ groupId: groupName(topicPrefix), topic: intentsTopic, partitions: [{ partition: 0, offset: '7' }] })
    const cursor = await log.cursor({ topic: 'intents', partition: 0, fromOffset: 0 })
    assert.deepEqual(
      textsOf(await readCount(cursor, 10)),
      Array.from({ length: 10 }, (_, index) => `${index}`),
    )
    await cursor.close()
    const committed = await admin.fetchOffsets({ groupId: groupName(topicPrefix), topics: [intentsTopic] })
    assert.equal(committed[0]?.partitions.find(({ partition }) => partition === 0)?.offset, '7', 'and commits nothing')
    await admin.disconnect()
  })

  it('says OFFSET_OUT_OF_RANGE when the log loses what it was to read next, and never jumps', async () => {
    await appendMany(1, 3)
    const cursor = await log.cursor({ topic: 'intents', partition: 1, fromOffset: 0 })
    assert.equal((await readCount(cursor, 3)).length, 3)
    await appendMany(1, 5, (index) => `later ${index}`)
    await deleteRecordsBefore(intentsTopic, 1, 6)
    const [outcome] = await Promise.allSettled([cursor.next(bounds())])
    assert.ok(outcome.status === 'rejected' && isLogError(outcome.reason, 'OFFSET_OUT_OF_RANGE'), JSON.stringify(outcome))
    await cursor.close()
  })

  it('asks again where the disk of a broker is full or broken: the partition gets another leader', async () => {
    const storageError = 56
    const own = new FaultySockets()
    const reader = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, socketFactory: own.factory })
    await appendMany(6, 3)
    const cursor = await reader.cursor({ topic: 'intents', partition: 6, fromOffset: 'end' })
    assert.deepEqual(await cursor.next(bounds({ waitMs: 0 })), [])
    own.failNextAnswer(intentsTopic, storageError)
    await appendMany(6, 1, () => 'behind the error')
    assert.deepEqual(textsOf(await readCount(cursor, 1)), ['behind the error'])
    assert.equal(own.answersFailed, 1)
    await reader.close()
  })

  it('fetches no more than one answer ahead of its reader', async () => {
    const text = 'x'.repeat(100_000)
    await appendMany(2, 100, () => text)
    const cursor = await log.cursor({ topic: 'intents', partition: 2, fromOffset: 0 })
    const fetches = () => sockets.sent.filter((apiKey) => apiKey === API.fetch).length
    const before = fetches()
    await cursor.next(bounds({ maxRecords: 1 }))
    assert.equal(fetches() - before, 1, 'one answer lasts for several calls')
    const rest = await cursor.next(bounds())
    assert.ok(rest.length < 50, `${rest.length} records of 100 kB at once`)
    await until('the fetch ahead', () => fetches() - before === 2)
    // Everything that is still to be fetched now would have to be fetched by somebody who does not wait for a reader.
    await log.offsets('intents', 2)
    assert.equal(fetches() - before, 2)
    assert.equal((await readCount(cursor, 100 - 1 - rest.length)).length, 99 - rest.length)
    await cursor.close()
  })

  it('goes on by itself after its connection broke, and misses and repeats nothing', async () => {
    const cursor = await log.cursor({ topic: 'intents', partition: 3, fromOffset: 0 })
    await log.append(3, record('0'))
    assert.deepEqual(textsOf(await readCount(cursor, 1)), ['0'])
    for (const [index, fault] of (['lost-request', 'lost-answer'] as const).entries()) {
      sockets.break(API.fetch, fault)
      const waiting = readCount(cursor, 1)
      await log.append(3, record(`${index + 1}`))
      assert.deepEqual(textsOf(await waiting), [`${index + 1}`])
    }
    await cursor.close()
  })

  it('reads what other clients write: no key, no value, headers that come twice, compressed batches', async () => {
    const producer = plainKafka().producer({ createPartitioner: () => () => 4 })
    await producer.connect()
    await producer.send({
      topic: intentsTopic,
      compression: 1,
      messages: [
        { key: null, value: null },
        { key: 'k', value: 'v', headers: { twice: ['first', 'last'], __proto__x: 'y' } },
      ],
    })
    await producer.disconnect()
    const cursor = await log.cursor({ topic: 'intents', partition: 4, fromOffset: 0 })
    const [empty, full] = await readCount(cursor, 2)
    assert.equal(empty!.key, null)
    assert.equal(empty!.value, null)
    assert.equal(full!.key, 'k')
    assert.deepEqual(full!.headers, { twice: 'last', __proto__x: 'y' })
    await cursor.close()
  })

  it('refuses two questions at once', async () => {
    const cursor = await log.cursor({ topic: 'intents', partition: 5, fromOffset: 'end' })
    const first = cursor.next(bounds())
    await assert.rejects(cursor.next(bounds()), /twice at once/)
    await log.append(5, record('for the first'))
    assert.deepEqual(textsOf(await first), ['for the first'])
    await cursor.close()
  })
})
