import assert from 'node:assert/strict'
import { isLogError } from '@signalbox/log'
import kafkajs from 'kafkajs'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { freePorts } from '../../../infra/kafka/ports.ts'
import { createTopics, openKafkaLog } from '../src/index.ts'
import { topicName } from '../src/settings.ts'
import { PATIENCE_MS } from './support/records.ts'
import { brokersForTests, dropTopics, plainKafka, uniquePrefix } from './support/topics.ts'

const timeout = PATIENCE_MS * 2
let topicPrefix = ''

beforeEach(() => {
  topicPrefix = uniquePrefix()
})

afterEach(() => dropTopics(topicPrefix), timeout)

async function refusal(promise: Promise<unknown>): Promise<string> {
  const [outcome] = await Promise.allSettled([promise])
  assert.ok(
    outcome.status === 'rejected' && isLogError(outcome.reason, 'MISCONFIGURED'),
    `expected MISCONFIGURED: ${JSON.stringify(outcome)}`,
  )
  return outcome.reason.message
}

async function setConfig(topic: string, name: string, value: string): Promise<void> {
  const admin = plainKafka().admin()
  await admin.connect()
  const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries: [{ name, value }] }
  await admin.alterConfigs({ validateOnly: false, resources: [resource] })
  await admin.disconnect()
}

describe('the topics', { timeout }, () => {
  it('are created once, and opening finds them with their partition count', async () => {
    const options = { brokers: brokersForTests(), topicPrefix, partitions: 3, replicationFactor: 1, minInSyncReplicas: 1 }
    const first = await createTopics(options)
    assert.deepEqual(
      [...first.created].sort(),
      ['dead-letters.intents', 'events', 'intents'].map((topic) => `${topicPrefix}.${topic}`),
    )
    assert.deepEqual(await createTopics(options), { created: [], mended: [] })
    const log = await openKafkaLog({ brokers: brokersForTests(), topicPrefix })
    assert.equal(log.partitionCount, 3)
    await log.close()
  })

  it('that are missing are named, and so is the command that makes them', async () => {
    const message = await refusal(openKafkaLog({ brokers: brokersForTests(), topicPrefix }))
    for (const topic of ['intents', 'events', 'dead-letters.intents']) assert.ok(message.includes(`${topicPrefix}.${topic}`), message)
    assert.match(message, /signalbox topics apply/)
  })

  it('that have another count than wanted are refused, for opening and for creating', async () => {
    const brokers = brokersForTests()
    await createTopics({ brokers, topicPrefix, partitions: 2 })
    assert.match(await refusal(openKafkaLog({ brokers, topicPrefix, partitions: 3 })), /has 2 partitions, and 3 are wanted/)
    assert.match(await refusal(createTopics({ brokers, topicPrefix, partitions: 4 })), /has 2 partitions, and 4 are wanted/)
  })

  for (const [topic, name, value] of [
    ['intents', 'message.timestamp.type', 'CreateTime'],
    ['events', 'cleanup.policy', 'compact'],
    ['events', 'retention.ms', '86400000'],
    ['dead-letters', 'max.message.bytes', '1000'],
  ] as const) {
    it(`with ${name}=${value} for ${topic} are refused, and mended by creating again`, async () => {
      const brokers = brokersForTests()
      await createTopics({ brokers, topicPrefix, partitions: 1 })
      const wrong = topicName(topicPrefix, topic)
      await setConfig(wrong, name, value)
      const message = await refusal(openKafkaLog({ brokers, topicPrefix }))
      assert.ok(message.includes(wrong) && message.includes(`${name} is ${value}`), message)
      assert.match(message, /signalbox topics apply/)
      assert.deepEqual(await createTopics({ brokers, topicPrefix, partitions: 1 }), { created: [], mended: [wrong] })
      const log = await openKafkaLog({ brokers, topicPrefix })
      await log.close()
    })
  }

  it('that nobody can be asked about are TRANSIENT: no broker there', async () => {
    const [port] = await freePorts(1)
    const opening = openKafkaLog({ brokers: `127.0.0.1:${port}`, topicPrefix, connectionTimeoutMs: 500 })
    const [outcome] = await Promise.allSettled([opening])
    assert.ok(outcome.status === 'rejected' && isLogError(outcome.reason, 'TRANSIENT'), JSON.stringify(outcome))
    assert.match(outcome.reason.message, /127\.0\.0\.1:.*ECONNREFUSED.*brokers are reachable/)
  })

  it('are not looked for with options that cannot work', async () => {
    await assert.rejects(openKafkaLog({ brokers: '' }), RangeError)
    await assert.rejects(openKafkaLog({ brokers: 'localhost' }), /HOST:PORT/)
    await assert.rejects(openKafkaLog({ brokers: 'a:1', revokeTimeoutMs: 20_000 }), /revokeTimeoutMs/)
    await assert.rejects(openKafkaLog({ brokers: 'a:1', transactionTimeoutMs: 5_000 }), /transactionTimeoutMs/)
    await assert.rejects(createTopics({ brokers: 'a:1', partitions: 0 }), /partitions/)
  })
})
