import { isLogError, LogError, type Topic } from '@signalbox/log'
import kafkajs, { type Admin, type ITopicConfig } from 'kafkajs'
import { publicClient } from './client.ts'
import { errorType, toLogError } from './errors.ts'
import { type KafkaConnectionOptions, type Settings, settingsOf, TOPICS, topicName } from './settings.ts'
import { retrying } from './wait.ts'

/** The largest record batch of a topic; no record is larger. Intents are up to 256 KiB, results up to about 1 MiB. */
const MAX_BATCH_BYTES = 2 * 1024 * 1024
const APPLY = 'Run `signalbox topics apply`, which creates and mends them.'
const DYNAMIC_TOPIC_CONFIG = 1
// Node does not see this name among the exports of kafkajs, only as a property of its default export.
const TOPIC_RESOURCE = kafkajs.ConfigResourceTypes.TOPIC

const COMMON: Readonly<Record<string, string>> = {
  // Time is the log's: invariant 5 of the port.
  'message.timestamp.type': 'LogAppendTime',
  'cleanup.policy': 'delete',
  'max.message.bytes': `${MAX_BATCH_BYTES}`,
  // The broker unpacks what others send packed: kafkajs lacks snappy, lz4 and zstd, and one such intent would stop its partition.
  'compression.type': 'uncompressed',
}

/** What each topic must be set to. The events are the truth and the dead letters are kept whole: neither ever expires. */
export const TOPIC_CONFIGS: Readonly<Record<Topic, Readonly<Record<string, string>>>> = {
  intents: COMMON,
  events: { ...COMMON, 'retention.ms': '-1', 'retention.bytes': '-1' },
  'dead-letters': { ...COMMON, 'retention.ms': '-1', 'retention.bytes': '-1' },
}

export interface CreateTopicsOptions extends KafkaConnectionOptions {
  /** Partitions of every topic; fixed for good, because a scope's partition follows from it. */
  readonly partitions: number
  /** Default: what the brokers are set to. */
  readonly replicationFactor?: number
  /** In-sync replicas that must have a record before it is acknowledged. Default: what the brokers are set to. */
  readonly minInSyncReplicas?: number
}

export interface TopicsReport {
  readonly created: readonly string[]
  readonly mended: readonly string[]
}

export interface CheckedTopics {
  readonly partitionCount: number
  /** The smallest `max.message.bytes` of the topics that a writer or an agent appends to. */
  readonly maxBatchBytes: Readonly<Record<Topic, number>>
}

/** Creates the topics that are missing, and sets what is set otherwise. Errors: MISCONFIGURED, TRANSIENT. */
export async function createTopics(options: CreateTopicsOptions): Promise<TopicsReport> {
  const settings = settingsOf(options)
  const { partitions, replicationFactor, minInSyncReplicas } = options
  if (!Number.isInteger(partitions) || partitions < 1)
    throw new RangeError(`partitions must be a whole number from 1 on, got ${partitions}`)
  const extra: Record<string, string> = minInSyncReplicas === undefined ? {} : { 'min.insync.replicas': `${minInSyncReplicas}` }
  return withAdmin(settings, 'Creating the topics', async (admin) => {
    const counts = await partitionCounts(admin, settings)
    const missing = TOPICS.filter((topic) => counts.get(topic) === undefined)
    const wanted = missing.map((topic): ITopicConfig => {
      const configEntries = Object.entries({ ...TOPIC_CONFIGS[topic], ...extra }).map(([name, value]) => ({ name, value }))
      return {
        topic: topicName(settings.topicPrefix, topic),
        numPartitions: partitions,
        replicationFactor: replicationFactor ?? -1,
        configEntries,
      }
    })
    if (wanted.length > 0) {
      await admin.createTopics({ topics: wanted, waitForLeaders: false, timeout: settings.requestTimeoutMs })
      await untilKnown(admin, settings)
    }
    const mended: string[] = []
    for (const topic of TOPICS.filter((each) => !missing.includes(each))) {
      if (counts.get(topic) !== partitions) throw wrongCount(settings, topic, counts.get(topic)!, partitions)
      if (await mend(admin, settings, topic, extra)) mended.push(topicName(settings.topicPrefix, topic))
    }
    return { created: wanted.map(({ topic }) => topic), mended }
  })
}

/** That the topics are there, with equal partition counts and fit settings. Errors: MISCONFIGURED, TRANSIENT. */
export async function checkTopics(settings: Settings, partitions: number | undefined): Promise<CheckedTopics> {
  return withAdmin(settings, 'Checking the topics', async (admin) => {
    const counts = await partitionCounts(admin, settings)
    const missing = TOPICS.filter((topic) => counts.get(topic) === undefined).map((topic) => topicName(settings.topicPrefix, topic))
    if (missing.length > 0) throw new LogError('MISCONFIGURED', `These topics do not exist: ${missing.join(', ')}. ${APPLY}`)
    const partitionCount = partitions ?? counts.get('intents')!
    for (const topic of TOPICS) {
      if (counts.get(topic) !== partitionCount) throw wrongCount(settings, topic, counts.get(topic)!, partitionCount)
    }
    const maxBatchBytes: Record<Topic, number> = { intents: 0, events: 0, 'dead-letters': 0 }
    for (const topic of TOPICS) {
      const configs = await configsOf(admin, settings, topic)
      checkConfigs(settings, topic, configs)
      maxBatchBytes[topic] = Number(configs.get('max.message.bytes')?.value ?? MAX_BATCH_BYTES)
    }
    return { partitionCount, maxBatchBytes }
  })
}

function wrongCount({ topicPrefix }: Settings, topic: Topic, found: number, wanted: number): LogError {
  return new LogError(
    'MISCONFIGURED',
    `${topicName(topicPrefix, topic)} has ${found} partitions, and ${wanted} are wanted. A partition count is fixed once there are records: ` +
      'open the log with the count that all its topics have, or use another topic prefix. `signalbox topics apply` creates topics, but never changes their count.',
  )
}

async function withAdmin<Result>(settings: Settings, what: string, use: (admin: Admin) => Promise<Result>): Promise<Result> {
  const admin = publicClient(settings).admin()
  try {
    await admin.connect()
    return await use(admin)
  } catch (error) {
    throw toLogError(error, `${what} through ${settings.brokers.join(', ')} failed`)
  } finally {
    await admin.disconnect().catch(() => undefined)
  }
}

async function partitionCounts(admin: Admin, { topicPrefix }: Settings): Promise<ReadonlyMap<Topic, number>> {
  const counts = new Map<Topic, number>()
  for (const topic of TOPICS) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topicName(topicPrefix, topic)] })
      counts.set(topic, topics[0]!.partitions.length)
    } catch (error) {
      if (!['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'].includes(errorType(error) ?? '')) throw error
    }
  }
  return counts
}

/** Brokers learn of a new topic a moment after it was created; kafkajs's own wait gives up when one has not yet. */
async function untilKnown(admin: Admin, settings: Settings): Promise<void> {
  const deadlineMs = performance.now() + settings.requestTimeoutMs
  const never = new AbortController().signal
  await retrying({ deadlineMs, signal: never, retriable: (error) => isLogError(error, 'TRANSIENT') }, async () => {
    const known = await partitionCounts(admin, settings)
    if (known.size < TOPICS.length) throw new LogError('TRANSIENT', 'The new topics have no leaders yet. Try again in a moment.')
  })
}

interface ConfigValue {
  readonly value: string
  readonly source: number
}

async function configsOf(admin: Admin, { topicPrefix }: Settings, topic: Topic): Promise<ReadonlyMap<string, ConfigValue>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: TOPIC_RESOURCE, name: topicName(topicPrefix, topic) }],
  })
  const entries = resources[0]?.configEntries ?? []
  return new Map(
    entries.map(({ configName, configValue, configSource }) => [configName, { value: configValue, source: Number(configSource) }]),
  )
}

/** Whether a setting is as wanted; a batch may be larger than it must be. */
function fits(name: string, value: string | undefined, wanted: string): boolean {
  return name === 'max.message.bytes' ? Number(value) >= Number(wanted) : value === wanted
}

function checkConfigs({ topicPrefix }: Settings, topic: Topic, configs: ReadonlyMap<string, ConfigValue>): void {
  const wrong = Object.entries(TOPIC_CONFIGS[topic]).filter(([name, wanted]) => !fits(name, configs.get(name)?.value, wanted))
  if (wrong.length === 0) return
  const list = wrong.map(([name, wanted]) => `${name} is ${configs.get(name)?.value ?? 'unknown'} and must be ${wanted}`).join('; ')
  throw new LogError('MISCONFIGURED', `${topicName(topicPrefix, topic)} is set up otherwise than Signalbox needs: ${list}. ${APPLY}`)
}

async function mend(admin: Admin, settings: Settings, topic: Topic, extra: Readonly<Record<string, string>>): Promise<boolean> {
  const configs = await configsOf(admin, settings, topic)
  const wanted = { ...TOPIC_CONFIGS[topic], ...extra }
  const wrong = Object.entries(wanted).filter(([name, value]) => !fits(name, configs.get(name)?.value, value))
  if (wrong.length === 0) return false
  // This request replaces all that was set on the topic, so what is to stay goes along.
  const kept = [...configs].filter(([, { source }]) => source === DYNAMIC_TOPIC_CONFIG).map(([name, { value }]) => [name, value] as const)
  const entries = { ...Object.fromEntries(kept), ...Object.fromEntries(wrong) }
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: TOPIC_RESOURCE,
        name: topicName(settings.topicPrefix, topic),
        configEntries: Object.entries(entries).map(([name, value]) => ({ name, value })),
      },
    ],
  })
  return true
}
