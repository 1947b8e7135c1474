/** What only who restores a backup may write: records at offsets of their own, and where the intents go on. */
import { LogError, type RecordToAppend, type Topic } from '@signalbox/log'
import { withAdmin } from './admin.ts'
import { Client } from './client.ts'
import { closedError } from './errors.ts'
import { fetchOffsets } from './offsets.ts'
import { RecordAppender } from './record-appender.ts'
import { encodeRecordBatch } from './record-batch-writer.ts'
import { produce } from './requests.ts'
import { groupName, type KafkaLogOptions, type Settings, settingsOf, topicName } from './settings.ts'
import { checkTopics } from './topics.ts'
import { TransactionalProducer } from './transactional-producer.ts'
import { pause } from './wait.ts'

/** A placeholder takes about 20 bytes: far below what a batch may have. */
const PLACEHOLDERS_A_REQUEST = 20_000
const MARKER_WAIT_MS = 2
const DEAD_LETTER_TOPICS = [
  'dead-letters',
  'dead-letters.escalation',
  'dead-letters.projector',
  'dead-letters.reactions',
  'dead-letters.ingest',
] as const

export interface KafkaRestoreTarget {
  /** Appends records of a partition that only this call has written, each at its offset; what lies between is filled with empty transactions. */
  appendAt(topic: Topic, partition: number, records: readonly (RecordToAppend & { readonly offset: number })[]): Promise<void>
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
  const intents = topicName(settings.topicPrefix, 'intents')
  const topics = [intents, ...DEAD_LETTER_TOPICS.map((topic) => topicName(settings.topicPrefix, topic))]
  const client = new Client(settings, topics)
  let opened: Promise<Filler> | undefined
  const filler = () => {
    opened ??= openFiller(settings, client, topics)
    return opened
  }
  return {
    async appendAt(topic, partition, records) {
      const name = topicName(settings.topicPrefix, topic)
      const appender = new RecordAppender({ client, settings, topic: name, partition, maxBatchBytes: maxBatchBytes[topic] })
      try {
        let { end } = await fetchOffsets(client, name, partition)
        for (const run of runsOf(records)) {
          await (await filler()).fill(name, partition, end, run[0]!.offset)
          const appended = await Promise.all(run.map((record) => appender.append(record)))
          for (const [index, { offset }] of run.entries())
            if (appended[index]!.offset !== offset) throw notAlone(`${name}/${partition}`, offset, appended[index]!.offset)
          end = run.at(-1)!.offset + 1
        }
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
      if (start !== offset || end !== offset) throw notAlone(`${intents}/${partition}`, offset, Math.max(start, end))
    },
    async close() {
      const reason = closedError('The target of a restore')
      await (await opened)?.producer.disconnect(reason)
      await client.disconnect(reason)
    },
  }
}

/** Those that lie one behind the other. */
function runsOf<Each extends { readonly offset: number }>(records: readonly Each[]): readonly (readonly Each[])[] {
  const runs: Each[][] = []
  for (const record of records) {
    const last = runs.at(-1)
    if (last !== undefined && last.at(-1)!.offset + 1 === record.offset) last.push(record)
    else runs.push([record])
  }
  return runs
}

interface Filler {
  readonly producer: TransactionalProducer
  /** Takes every offset from `end` up to `until`. */
  fill(topic: string, partition: number, end: number, until: number): Promise<void>
}

async function openFiller(settings: Settings, client: Client, topics: readonly string[]): Promise<Filler> {
  const producer = new TransactionalProducer({
    settings,
    name: 'a restore',
    transactionalId: `${groupName(settings.topicPrefix)}.restore`,
    topics,
    signal: new AbortController().signal,
  })
  await producer.initialize()
  return {
    producer,
    async fill(topic, partition, end, until) {
      for (let at = end; at < until; at++) await producer.mark({ topic, partition })
      const deadlineMs = performance.now() + settings.requestTimeoutMs
      // A commit is acknowledged before its marker is there.
      for (let found = end; found !== until; await pause(MARKER_WAIT_MS, new AbortController().signal)) {
        found = (await fetchOffsets(client, topic, partition)).end
        if (found > until || performance.now() > deadlineMs) throw notAlone(`${topic}/${partition}`, until, found)
      }
    },
  }
}

async function fill(client: Client, settings: Settings, topic: string, partition: number, offset: number): Promise<void> {
  const value = new Uint8Array()
  const headers = {}
  for (let { end } = await fetchOffsets(client, topic, partition); end < offset; ) {
    const placeholders = Array.from({ length: Math.min(PLACEHOLDERS_A_REQUEST, offset - end) }, () => ({
      key: 'placeholder',
      value,
      headers,
    }))
    const leader = await client.leader(topic, partition)
    const batch = encodeRecordBatch(placeholders, null)
    const { baseOffset } = await produce(leader, { topic, partition, batch, transactionalId: null, timeoutMs: settings.requestTimeoutMs })
    if (Number(baseOffset) !== end) throw notAlone(`${topic}/${partition}`, end, Number(baseOffset))
    end += placeholders.length
  }
}

function notAlone(where: string, wanted: number, found: number): LogError {
  return new LogError(
    'MISCONFIGURED',
    `Somebody else wrote to ${where} while it was restored: offset ${wanted} was wanted there, and it is at ${found}. Keep agents and sequencers away, delete the new topics, and restore again.`,
  )
}
