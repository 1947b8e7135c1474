/** What somebody else does to the topics while a log is served is noticed within seconds, and told when it is over. */
import assert from 'node:assert/strict'
import type { Log, LogTrouble, LogWatch } from '@signalbox/log'
import kafkajs, { type Admin } from 'kafkajs'
import { afterEach, beforeEach, describe, it, vi } from 'vitest'
import { createTopics, openKafkaLog } from '../src/index.ts'
import { type TopicId, topicName } from '../src/settings.ts'
import { PATIENCE_MS } from './support/records.ts'
import { brokersForTests, dropTopics, plainKafka, uniquePrefix } from './support/topics.ts'

const timeout = PATIENCE_MS * 3
const partitionCount = 3
let topicPrefix = ''
let admin: Admin
let log: Log
let watch: LogWatch
let told: (readonly LogTrouble[])[] = []

const name = (topic: TopicId) => topicName(topicPrefix, topic)

beforeEach(async () => {
  topicPrefix = uniquePrefix()
  await createTopics({ brokers: brokersForTests(), topicPrefix, partitions: partitionCount })
  admin = plainKafka().admin()
  await admin.connect()
  log = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, watchIntervalMs: 100, openTransactionMs: 500 })
  told = []
  watch = log.watch!((troubles) => told.push(troubles))
}, timeout)

afterEach(async () => {
  await log.close()
  await admin.disconnect()
  await dropTopics(topicPrefix)
}, timeout)

async function trouble(matches: (trouble: LogTrouble) => boolean): Promise<LogTrouble> {
  return await vi.waitUntil(() => watch.troubles.find(matches), { timeout: PATIENCE_MS, interval: 20 })
}

async function over(): Promise<void> {
  await vi.waitUntil(() => told.length > 0 && watch.troubles.length === 0, { timeout: PATIENCE_MS, interval: 20 })
}

async function set(topic: TopicId, setting: string, value: string): Promise<void> {
  const configEntries = [{ name: setting, value }]
  // What is left out goes back to what the broker is set to: several settings differ then, and each is told.
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: name(topic), configEntries }],
  })
}

describe('a watch', { timeout }, () => {
  it('tells nothing of a log that nobody changes', async () => {
    const { offset } = await log.append(0, { key: 'a', value: Buffer.from('{}'), headers: {} })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    assert.deepEqual([told, watch.troubles, watch.unserved.size, offset], [[], [], 0, 0])
  })

  it.each(['intents', 'events', 'dead-letters', 'notifications', 'dead-letters.projector', 'snapshots'] as const)(
    'tells of partitions that were added to %s',
    async (topic) => {
      await admin.createPartitions({ topicPartitions: [{ topic: name(topic), count: 6 }] })
      const { message } = await trouble(({ kind }) => kind === 'topic')
      assert.match(message, new RegExp(`^${name(topic)} has 6 partitions, and the log has 3: .*signalbox generation move NEW`))
      // Whoever opens it now has the partitions that it had.
      const again = await openKafkaLog({ brokers: brokersForTests(), topicPrefix })
      assert.equal(again.partitionCount, partitionCount)
      await again.close()
    },
  )

  it('counts the intents on partitions that were added, and a cursor reads them', async () => {
    await admin.createPartitions({ topicPartitions: [{ topic: name('intents'), count: 5 }] })
    const producer = plainKafka().producer()
    await producer.connect()
    await producer.send({
      topic: name('intents'),
      messages: [3, 4, 4].map((partition) => ({ partition, key: 'a', value: `${partition}` })),
    })
    await producer.disconnect()
    await trouble(({ kind, partition }) => kind === 'unserved partition' && partition === 4)
    assert.deepEqual(
      [...watch.unserved],
      [
        [3, 1],
        [4, 2],
      ],
    )
    assert.deepEqual(
      (await log.unserved!()).map(({ end, partition, start, written }) => [partition, start, end, written]),
      [
        [3, 0, 1, 1],
        [4, 0, 2, 2],
      ],
    )
    const cursor = await log.cursor({ topic: 'intents', partition: 4, fromOffset: 0 })
    const records = await cursor.next({ maxRecords: 10, maxBytes: 1_000, waitMs: PATIENCE_MS })
    assert.deepEqual(
      records.map(({ value }) => Buffer.from(value!).toString()),
      ['4', '4'],
    )
  })

  it.each([
    ['events', 'cleanup.policy', 'compact'],
    ['events', 'retention.ms', '1000000'],
    ['intents', 'message.timestamp.type', 'CreateTime'],
    ['intents', 'retention.ms', '60000'],
    ['intents', 'compression.type', 'gzip'],
    ['events', 'max.message.bytes', '100000'],
    ['dead-letters.escalation', 'retention.bytes', '1000'],
  ] as const)('tells that %s was set to %s=%s', async (topic, setting, value) => {
    await set(topic, setting, value)
    const { message } = await trouble((each) => each.message.includes(`${setting} is ${value}`))
    assert.match(message, /signalbox topics apply/)
    // Reading goes on whatever is set; opening to write is refused.
    const reader = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, toRead: true })
    assert.equal(reader.partitionCount, partitionCount)
    await reader.close()
    await assert.rejects(openKafkaLog({ brokers: brokersForTests(), topicPrefix }), /signalbox topics apply/)
    const { applyKafkaTopics } = await import('../src/index.ts')
    await applyKafkaTopics({ brokers: brokersForTests(), topicPrefix })
    await over()
  })

  it.each(['notifications', 'dead-letters.escalation', 'dead-letters', 'intents'] as const)(
    'tells that %s is missing, and what only reads events goes on',
    async (topic) => {
      await admin.deleteTopics({ topics: [name(topic)] })
      const { message } = await trouble((each) => each.message.includes('is missing'))
      assert.ok(message.startsWith(name(topic)))
      const reader = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, toRead: true })
      assert.deepEqual([reader.partitionCount, await reader.offsets('events', 2)], [partitionCount, { start: 0, end: 0, written: 0 }])
      await reader.close()
    },
  )

  it('tells that the intents were made anew', async () => {
    for (let count = 0; count < 5; count++) await log.append(1, { key: 'a', value: Buffer.from('{}'), headers: {} })
    await new Promise((resolve) => setTimeout(resolve, 500))
    await admin.deleteTopics({ topics: [name('intents')] })
    await trouble((each) => each.message.includes('is missing'))
    await createTopics({ brokers: brokersForTests(), topicPrefix, partitions: partitionCount })
    const { message } = await trouble((each) => each.message.includes('made anew'))
    assert.match(message, /intents\/1 ended at 5, and ends at 0 now/)
  })

  it.each(['intents', 'events'] as const)('tells whose open transaction holds back %s, and that it is over', async (topic) => {
    const producer = plainKafka().producer({ transactionalId: `${topicPrefix}-stranger`, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic: name(topic), messages: [{ partition: 2, key: 'a', value: '{}' }] })
    const found = await trouble(({ kind }) => kind === 'open transaction')
    assert.deepEqual([found.topic, found.partition], [topic, 2])
    assert.match(found.message, /is held back at offset 0 by an open transaction of producer \d+, transactional id .*-stranger: /)
    assert.match(found.message, /kafka-transactions\.sh .* --start-offset 0/)
    const { end, written } = await log.offsets(topic, 2)
    assert.deepEqual([end, written], [0, 1])
    await transaction.abort()
    await producer.disconnect()
    await over()
  })
})
