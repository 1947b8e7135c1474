import assert from 'node:assert/strict'
import { isLogError } from '@signalbox/log'
import kafkajs from 'kafkajs'
import type { Broker } from 'kafkajs/src/broker/index.js'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { freePorts } from '../../../infra/kafka/ports.ts'
import { Client } from '../src/client.ts'
import { closedError } from '../src/errors.ts'
import { applyKafkaTopics, createTopics, describeStep, openKafkaLog, planKafkaTopics, type TopicsOptions } from '../src/index.ts'
import { settingsOf, TOPIC_IDS, topicName } from '../src/settings.ts'
import { PATIENCE_MS } from './support/records.ts'
import { brokersForTests, dropTopics, plainKafka, uniquePrefix } from './support/topics.ts'

const timeout = PATIENCE_MS * 2
const TOPIC_RESOURCE = kafkajs.ConfigResourceTypes.TOPIC
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

/** Changes one setting of a topic by hand; the others stay, which the request would reset. */
async function setConfig(topic: string, name: string, value: string): Promise<void> {
  const admin = plainKafka().admin()
  await admin.connect()
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: TOPIC_RESOURCE, name: topic }] })
  const kept = resources[0]!.configEntries.filter(({ configSource }) => Number(configSource) === kafkajs.ConfigSource.TOPIC_CONFIG)
  const values = { ...Object.fromEntries(kept.map((entry) => [entry.configName, entry.configValue])), [name]: value }
  const configEntries = Object.entries(values).map(([key, text]) => ({ name: key, value: text }))
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: TOPIC_RESOURCE, name: topic, configEntries }] })
  await admin.disconnect()
  // Brokers learn of it a moment later.
  const client = new Client(settingsOf({ brokers: brokersForTests() }), [])
  const deadline = performance.now() + PATIENCE_MS
  const isKnown = async (broker: Broker) => {
    const found = await broker.describeConfigs({ includeSynonyms: false, resources: [{ type: TOPIC_RESOURCE, name: topic }] })
    return found.resources[0]!.configEntries.some(({ configName, configValue }) => configName === name && configValue === value)
  }
  while (!(await client.everyBroker(isKnown))) {
    if (performance.now() > deadline) throw new Error(`${name}=${value} is not known within ${PATIENCE_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await client.disconnect(closedError('The test'))
}

async function planOf(options: Omit<TopicsOptions, 'brokers'> = {}): Promise<readonly string[]> {
  return (await planKafkaTopics({ brokers: brokersForTests(), topicPrefix, ...options })).steps.map(describeStep)
}

describe('the topics', { timeout }, () => {
  it('are created once, and opening finds them with their partition count', async () => {
    const options = { brokers: brokersForTests(), topicPrefix, partitions: 3, replicationFactor: 1, minInSyncReplicas: 1 }
    const first = await createTopics(options)
    assert.deepEqual([...first.created].sort(), TOPIC_IDS.map((id) => topicName(topicPrefix, id)).sort())
    assert.deepEqual(await createTopics(options), { created: [], mended: [] })
    const log = await openKafkaLog({ brokers: brokersForTests(), topicPrefix })
    assert.equal(log.partitionCount, 3)
    await log.close()
  })

  it('are planned without anything being written, and nothing is left to plan once they are there', async () => {
    const plan = await planOf()
    assert.equal(plan.length, TOPIC_IDS.length)
    assert.match(
      plan[0]!,
      /^create .*\.intents with 12 partitions, the brokers' number of replicas, message\.timestamp\.type=LogAppendTime/,
    )
    assert.match(plan.at(-1)!, /\.snapshots .*cleanup\.policy=compact/)
    await refusal(openKafkaLog({ brokers: brokersForTests(), topicPrefix }))
    assert.equal((await applyKafkaTopics({ brokers: brokersForTests(), topicPrefix, partitions: 2 })).partitions, 2)
    // The count that they have is kept where none is named.
    assert.deepEqual(await planOf(), [])
    assert.deepEqual(await planOf({ minInSyncReplicas: 1 }), [])
  })

  it('that agents may write more to than fits a dead letter are mended, with a warning', async () => {
    const brokers = brokersForTests()
    await createTopics({ brokers, topicPrefix, partitions: 1 })
    await setConfig(topicName(topicPrefix, 'intents'), 'max.message.bytes', '3000000')
    const { steps, warnings } = await planKafkaTopics({ brokers, topicPrefix })
    assert.deepEqual(steps.map(describeStep), [`set max.message.bytes=9065536 on ${topicPrefix}.dead-letters.intents (now 6356992)`])
    assert.match(warnings.join(), /lets agents write records of up to 3000000 bytes, more than the sequencer takes/)
    const applied = await applyKafkaTopics({ brokers, topicPrefix })
    assert.deepEqual(applied.mended, [`${topicPrefix}.dead-letters.intents`])
    assert.deepEqual(await planOf(), [])
  })

  it('with more replicas than brokers are refused by plan and by apply, which then writes nothing', async () => {
    const options = { brokers: brokersForTests(), topicPrefix, replicationFactor: 30 }
    for (const attempt of [planKafkaTopics, applyKafkaTopics])
      assert.match(await refusal(attempt(options)), /INVALID_REPLICATION_FACTOR.*lower --replication-factor, or add brokers/)
    assert.equal((await planOf()).length, TOPIC_IDS.length)
  })

  it('with fewer replicas than wanted are left to be mended by hand', async () => {
    const brokers = brokersForTests()
    await createTopics({ brokers, topicPrefix, partitions: 1, replicationFactor: 1 })
    const plan = await planOf({ replicationFactor: 90 })
    assert.equal(plan.length, TOPIC_IDS.length)
    assert.match(plan[0]!, /^by hand: .*\.intents has 1 replicas, and 90 are wanted\. The cluster has \d+ brokers.*add brokers first/)
    assert.match(await refusal(applyKafkaTopics({ brokers, topicPrefix, replicationFactor: 90 })), /^Nothing was changed\. /)
  })

  it('that want more replicas in sync than they have are refused: nothing could be written', async () => {
    const brokers = brokersForTests()
    await createTopics({ brokers, topicPrefix, partitions: 1, replicationFactor: 1 })
    await setConfig(topicName(topicPrefix, 'events'), 'min.insync.replicas', '2')
    const message = await refusal(openKafkaLog({ brokers, topicPrefix }))
    assert.match(
      message,
      /\.events wants 2 replicas in sync and has only 1, so nothing can be written to it\. .*apply --min-in-sync-replicas 1/,
    )
    await applyKafkaTopics({ brokers, topicPrefix, minInSyncReplicas: 1 })
    await (await openKafkaLog({ brokers, topicPrefix })).close()
  })

  it('that are missing are named, and so is the command that makes them', async () => {
    const message = await refusal(openKafkaLog({ brokers: brokersForTests(), topicPrefix }))
    for (const topic of ['intents', 'events', 'dead-letters.intents', 'snapshots'])
      assert.ok(message.includes(`${topicPrefix}.${topic}`), message)
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
    await assert.rejects(planKafkaTopics({ brokers: 'a:1', replicationFactor: 2, minInSyncReplicas: 3 }), /nothing could be written/)
  })
})
