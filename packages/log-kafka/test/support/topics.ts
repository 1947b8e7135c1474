import { randomBytes } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'
import { createTopics } from '../../src/index.ts'

/** The broker of this run, which infra/kafka/vitest-global-setup.ts has started or found. */
export function brokersForTests(): string {
  const brokers = process.env.KAFKA_BROKERS
  if (!brokers) throw new Error('KAFKA_BROKERS is not set: run the tests with infra/kafka/vitest-global-setup.ts as global setup.')
  return brokers
}

export function plainKafka(retryMs = 20): Kafka {
  return new Kafka({
    clientId: 'tests',
    brokers: brokersForTests().split(','),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: retryMs, retries: 10 },
  })
}

/** A prefix that no other test file uses. */
export function uniquePrefix(): string {
  return `test-${randomBytes(6).toString('hex')}`
}

export async function makeTopics(topicPrefix: string, partitions: number): Promise<void> {
  await createTopics({ brokers: brokersForTests(), topicPrefix, partitions })
}

export async function dropTopics(topicPrefix: string): Promise<void> {
  const admin = plainKafka().admin()
  await admin.connect()
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${topicPrefix}.`))
    if (topics.length > 0) await admin.deleteTopics({ topics })
  } finally {
    await admin.disconnect()
  }
}

export async function deleteRecordsBefore(topic: string, partition: number, offset: number): Promise<void> {
  const admin = plainKafka().admin()
  await admin.connect()
  try {
    // kafkajs looks for the leader among the topics that it was asked about before.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: `${offset}` }] })
  } finally {
    await admin.disconnect()
  }
}
