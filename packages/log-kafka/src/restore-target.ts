/** What only who restores a backup may write: dead letters as they lay, and where the intents go on. */
import { LogError, type RecordToAppend } from '@signalbox/log'
import { withAdmin } from './admin.ts'
import { Client } from './client.ts'
import { closedError } from './errors.ts'
import { fetchOffsets } from './offsets.ts'
import { RecordAppender } from './record-appender.ts'
import { encodeRecordBatch } from './record-batch-writer.ts'
import { produce } from './requests.ts'
import { type KafkaLogOptions, type Settings, settingsOf, topicName } from './settings.ts'
import { checkTopics } from './topics.ts'

/** A placeholder takes about 20 bytes: far below what a batch may have. */
const placeholdersARequest = 20_000

export interface KafkaRestoreTarget {
  appendDeadLetters(partition: number, records: readonly RecordToAppend[]): Promise<void>
  /**
   * The next intent of a partition, which has none yet, gets this offset: placeholders are written up to it and deleted again, so that the
   * topic is as if its retention had let the old intents go. Errors: MISCONFIGURED (somebody else has written intents), TRANSIENT.
   */
  startIntentsAt(partition: number, offset: number): Promise<void>
  close(): Promise<void>
}

/** Errors: MISCONFIGURED, TRANSIENT. */
export async function openKafkaRestoreTarget(options: KafkaLogOptions): Promise<KafkaRestoreTarget> {
  const settings = settingsOf(options)
  const { maxBatchBytes } = await checkTopics(settings, options.partitions)
  const [intents, deadLetters] = [topicName(settings.topicPrefix, 'intents'), topicName(settings.topicPrefix, 'dead-letters')]
  const client = new Client(settings, [intents, deadLetters])
  return {
    async appendDeadLetters(partition, records) {
      const appender = new RecordAppender({ client, settings, topic: deadLetters, partition, maxBatchBytes: maxBatchBytes['dead-letters'] })
      try {
        await Promise.all(records.map((record) => appender.append(record)))
      } finally {
        await appender.close()
      }
    },
    async startIntentsAt(partition, offset) {
      if (offset === 0) return
      await fill(client, settings, intents, partition, offset)
      await withAdmin(settings, `Letting go of the placeholders of ${intents}/${partition}`, async (admin) => {
        // kafkajs looks for the leader among the topics that it was asked about before.
        await admin.fetchTopicOffsets(intents)
        await admin.deleteTopicRecords({ topic: intents, partitions: [{ partition, offset: `${offset}` }] })
      })
      const { end, start } = await fetchOffsets(client, intents, partition)
      if (start !== offset || end !== offset) throw notAlone(`${intents}/${partition}`, start, end, offset)
    },
    close: () => client.disconnect(closedError('The target of a restore')),
  }
}

async function fill(client: Client, settings: Settings, topic: string, partition: number, offset: number): Promise<void> {
  const value = new Uint8Array()
  const headers = {}
  for (let { end } = await fetchOffsets(client, topic, partition); end < offset; ) {
    const placeholders = Array.from({ length: Math.min(placeholdersARequest, offset - end) }, () => ({
      key: 'placeholder',
      value,
      headers,
    }))
    const leader = await client.leader(topic, partition)
    const batch = encodeRecordBatch(placeholders, null)
    const { baseOffset } = await produce(leader, { topic, partition, batch, transactionalId: null, timeoutMs: settings.requestTimeoutMs })
    if (Number(baseOffset) !== end) throw notAlone(`${topic}/${partition}`, end, Number(baseOffset), offset)
    end += placeholders.length
  }
}

function notAlone(where: string, start: number, end: number, offset: number): LogError {
  return new LogError(
    'MISCONFIGURED',
    `Somebody wrote to ${where} while it was restored: it reaches from ${start} to ${end}, and should begin at ${offset}. Keep agents away, delete the new topics, and restore again.`,
  )
}
