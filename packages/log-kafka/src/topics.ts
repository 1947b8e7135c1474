import { isLogError, LogError } from '@signalbox/log'
import kafkajs, { type Admin } from 'kafkajs'
import type { Broker } from 'kafkajs/src/broker/index.js'
import { withAdmin } from './admin.ts'
import { Client } from './client.ts'
import { unreachable } from './connection-probe.ts'
import { closedError, errorType } from './errors.ts'
import { type KafkaConnectionOptions, type Settings, settingsOf, TOPIC_IDS, type TopicId, topicName } from './settings.ts'
import {
  type Cluster,
  describeStep,
  type FoundTopic,
  MAX_BATCH_BYTES,
  planTopics,
  type TopicStep,
  type TopicsPlan,
  type WantedTopics,
} from './topic-plan.ts'
import { LONGEST_RETRY_MS, pause, retrying } from './wait.ts'

const APPLY = 'Run `signalbox topics apply`, which creates and mends them.'
const DYNAMIC_TOPIC_CONFIG = 1
// Node does not see this name among the exports of kafkajs, only as a property of its default export.
const TOPIC_RESOURCE = kafkajs.ConfigResourceTypes.TOPIC

export interface TopicsOptions extends KafkaConnectionOptions {
  /** Partitions of every topic; fixed for good, because a scope's partition follows from it. Default: what the topics have, or 12. */
  readonly partitions?: number
  /** Default: what the brokers are set to. */
  readonly replicationFactor?: number
  /** In-sync replicas that must have a record before it is acknowledged. Default: what the brokers are set to. */
  readonly minInSyncReplicas?: number
}

export interface CreateTopicsOptions extends TopicsOptions {
  readonly partitions: number
}

export interface TopicsReport {
  readonly created: readonly string[]
  readonly mended: readonly string[]
}

export interface CheckedTopics {
  readonly clusterId: string
  readonly partitionCount: number
  /** The largest record batch of each topic. */
  readonly maxBatchBytes: Readonly<Record<TopicId, number>>
  /** All of them, unless the log was opened to be read. */
  readonly present: readonly TopicId[]
}

/** What would have to be done; writes nothing, and has the brokers say whether they would. Errors: MISCONFIGURED, TRANSIENT. */
export async function planKafkaTopics(options: TopicsOptions): Promise<TopicsPlan> {
  const wanted = wantedOf(options)
  return withAdmin(wanted.settings, 'Planning the topics', async (admin) => {
    const plan = planTopics(wanted, await clusterOf(admin, wanted.settings))
    for (const step of plan.steps) if (step.action === 'create') await create(admin, step, wanted.settings, true)
    return plan
  })
}

/** Creates the topics that are missing, and sets what is set otherwise; all or, where something is left to do by hand, nothing. */
export async function applyKafkaTopics(options: TopicsOptions): Promise<TopicsReport & Pick<TopicsPlan, 'partitions' | 'warnings'>> {
  const wanted = wantedOf(options)
  const { settings } = wanted
  return withAdmin(settings, 'Creating the topics', async (admin) => {
    const { steps, partitions, warnings } = planTopics(wanted, await clusterOf(admin, settings))
    const byHand = steps.filter((step) => step.action === 'by hand' && !step.isTolerable)
    if (byHand.length > 0) throw new LogError('MISCONFIGURED', `Nothing was changed. ${byHand.map(sentenceOf).join(' ')}`)
    const created: string[] = []
    for (const step of steps) if (step.action === 'create' && (await create(admin, step, settings, false))) created.push(step.topic)
    if (created.length > 0) await untilKnown(settings)
    const mended = new Map<string, Record<string, string>>()
    for (const step of steps) {
      if (step.action === 'set') mended.set(step.topic, { ...mended.get(step.topic), [step.setting]: step.to })
    }
    for (const [topic, values] of mended) await set(admin, topic, values)
    if (mended.size > 0) await untilSet(settings, mended)
    const tolerated = steps.filter((step) => step.action === 'by hand').map(sentenceOf)
    return { created, mended: [...mended.keys()], partitions, warnings: [...tolerated, ...warnings] }
  })
}

/** `applyKafkaTopics` with a partition count. Errors: MISCONFIGURED, TRANSIENT; RangeError for counts that cannot be. */
export async function createTopics(options: CreateTopicsOptions): Promise<TopicsReport> {
  const { created, mended } = await applyKafkaTopics(options)
  return { created, mended }
}

/**
 * That the topics are there, with equal partition counts and fit settings. A broker that has just died is still named by the
 * others for some seconds, and asked: it is tried again while any broker answers. Errors: MISCONFIGURED, TRANSIENT.
 */
export async function checkTopics(settings: Settings, partitions: number | undefined, toRead = false): Promise<CheckedTopics> {
  const deadlineMs = performance.now() + settings.requestTimeoutMs
  for (;;) {
    try {
      return await checkOnce(settings, partitions, toRead)
    } catch (error) {
      const isPassing = isLogError(error, 'TRANSIENT') && performance.now() + LONGEST_RETRY_MS < deadlineMs
      if (!isPassing || !(await isAnyThere(settings))) throw error
      await pause(LONGEST_RETRY_MS, new AbortController().signal)
    }
  }
}

async function isAnyThere({ brokers, connectionTimeoutMs }: Settings): Promise<boolean> {
  const problems = await Promise.all(brokers.map((broker) => unreachable(broker, connectionTimeoutMs)))
  return problems.includes(null)
}

async function checkOnce(settings: Settings, partitions: number | undefined, toRead: boolean): Promise<CheckedTopics> {
  return withAdmin(settings, 'Checking the topics', async (admin) => {
    const cluster = await clusterOf(admin, settings)
    const { clusterId } = await admin.describeCluster()
    const wanted = { topicPrefix: settings.topicPrefix, partitions, replicationFactor: undefined, minInSyncReplicas: undefined }
    const { steps, partitions: partitionCount } = planTopics(wanted, cluster)
    const present = TOPIC_IDS.filter((id) => cluster.topics.has(id))
    const inTheWay = steps.filter((step) => !(step.action === 'by hand' && step.isTolerable))
    // Whoever only reads needs the events and nothing else, however the topics are set up.
    if (!(toRead && present.includes('events'))) {
      const missing = inTheWay.filter(({ action }) => action === 'create').map(({ topic }) => topic)
      if (missing.length > 0) throw new LogError('MISCONFIGURED', `These topics do not exist: ${missing.join(', ')}. ${APPLY}`)
      if (inTheWay.length > 0) throw new LogError('MISCONFIGURED', inTheWay.map(sentenceOf).join(' '))
    }
    const sizes = TOPIC_IDS.map((id) => [id, Number(cluster.topics.get(id)?.settings.get('max.message.bytes') ?? MAX_BATCH_BYTES)] as const)
    return { clusterId, partitionCount, maxBatchBytes: Object.fromEntries(sizes) as Record<TopicId, number>, present }
  })
}

/** What is otherwise than it must be for a log of so many partitions, a sentence each. Asks through an admin that is connected. */
export async function topicTroubles(
  admin: Admin,
  settings: Settings,
  partitions: number,
): Promise<readonly { readonly topic: string; readonly sentence: string }[]> {
  const wanted = { topicPrefix: settings.topicPrefix, partitions, replicationFactor: undefined, minInSyncReplicas: undefined }
  const { steps } = planTopics(wanted, await clusterOf(admin, settings))
  return steps.map((step) => ({
    topic: step.topic,
    sentence: step.action === 'create' ? `${step.topic} is missing. ${APPLY}` : sentenceOf(step),
  }))
}

function sentenceOf(step: TopicStep): string {
  if (step.action === 'by hand') return `${step.topic} ${step.problem}. ${step.mend}`
  if (step.action === 'set') {
    const { topic, setting, from, to } = step
    return `${topic} is set up otherwise than Signalbox needs: ${setting} is ${from ?? 'unknown'} and must be ${to}. ${APPLY}`
  }
  return `${describeStep(step)}. ${APPLY}`
}

function wantedOf(options: TopicsOptions): WantedTopics & { readonly settings: Settings } {
  const { partitions, replicationFactor, minInSyncReplicas } = options
  for (const [name, value] of Object.entries({ partitions, replicationFactor, minInSyncReplicas })) {
    if (value !== undefined && (!Number.isInteger(value) || value < 1))
      throw new RangeError(`${name} must be a whole number from 1 on, got ${value}`)
  }
  if (replicationFactor !== undefined && minInSyncReplicas !== undefined && minInSyncReplicas > replicationFactor)
    throw new RangeError(
      `minInSyncReplicas (${minInSyncReplicas}) must not be more than replicationFactor (${replicationFactor}): nothing could be written`,
    )
  const settings = settingsOf(options)
  return { settings, topicPrefix: settings.topicPrefix, partitions, replicationFactor, minInSyncReplicas }
}

async function clusterOf(admin: Admin, settings: Settings): Promise<Cluster> {
  const { brokers } = await admin.describeCluster()
  const layouts = await layoutsOf(
    admin,
    TOPIC_IDS.map((id) => topicName(settings.topicPrefix, id)),
  )
  const configs = await configsOf(admin, [...layouts.keys()])
  const topics = new Map<TopicId, FoundTopic>()
  for (const id of TOPIC_IDS) {
    const name = topicName(settings.topicPrefix, id)
    const partitions = layouts.get(name)
    if (partitions === undefined) continue
    topics.set(id, { partitions, settings: new Map([...(configs.get(name) ?? [])].map(([setting, { value }]) => [setting, value])) })
  }
  return { brokers: settings.brokers.join(','), brokerIds: brokers.map(({ nodeId }) => nodeId).sort((a, b) => a - b), topics }
}

/** Of the topics that are there. Asked in one request; where one is missing, which fails it, in one for each. */
async function layoutsOf(admin: Admin, names: readonly string[]): Promise<ReadonlyMap<string, FoundTopic['partitions']>> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [...names] })
    return new Map(
      topics.map(({ name, partitions }) => [
        name,
        partitions.map(({ partitionId, replicas, isr }) => ({ id: partitionId, replicas, inSync: isr })),
      ]),
    )
  } catch (error) {
    if (!['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'].includes(errorType(error) ?? '')) throw error
    if (names.length === 1) return new Map()
  }
  const found = new Map<string, FoundTopic['partitions']>()
  for (const name of names) for (const [topic, partitions] of await layoutsOf(admin, [name])) found.set(topic, partitions)
  return found
}

/** False when somebody else was quicker. */
function create(
  admin: Admin,
  { topic, partitions, replicationFactor, settings }: TopicStep & { readonly action: 'create' },
  { requestTimeoutMs }: Settings,
  validateOnly: boolean,
): Promise<boolean> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  // -1: as the brokers are set to.
  const wanted = { topic, numPartitions: partitions, replicationFactor: replicationFactor ?? -1, configEntries }
  return admin.createTopics({ topics: [wanted], waitForLeaders: false, timeout: requestTimeoutMs, validateOnly })
}

/** kafkajs's own wait asks one broker, and gives up when that one does not know yet. */
async function untilKnown(settings: Settings): Promise<void> {
  const topics = TOPIC_IDS.map((id) => topicName(settings.topicPrefix, id))
  await untilEverywhere(settings, 'The new topics have no leaders yet. Try again in a moment.', async (broker) => {
    try {
      await broker.metadata(topics)
      return true
    } catch (error) {
      if (['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE'].includes(errorType(error) ?? '')) return false
      throw error
    }
  })
}

async function untilSet(settings: Settings, mended: ReadonlyMap<string, Readonly<Record<string, string>>>): Promise<void> {
  const request = { includeSynonyms: false, resources: [...mended.keys()].map((name) => ({ type: TOPIC_RESOURCE, name })) }
  await untilEverywhere(settings, 'The new settings are not known to every broker yet. Try again in a moment.', async (broker) => {
    const { resources } = await broker.describeConfigs(request)
    return resources.every(({ resourceName, configEntries }) => {
      const found = new Map(configEntries.map(({ configName, configValue }) => [configName, configValue]))
      return Object.entries(mended.get(resourceName) ?? {}).every(([name, value]) => found.get(name) === value)
    })
  })
}

async function untilEverywhere(settings: Settings, notYet: string, ask: (broker: Broker) => Promise<boolean>): Promise<void> {
  const client = new Client(settings, [])
  const deadlineMs = performance.now() + settings.requestTimeoutMs
  const never = new AbortController().signal
  try {
    await retrying({ deadlineMs, signal: never, retriable: (error) => isLogError(error, 'TRANSIENT') }, async () => {
      if (!(await client.everyBroker(ask))) throw new LogError('TRANSIENT', notYet)
    })
  } finally {
    await client.disconnect(closedError('The client'))
  }
}

interface ConfigValue {
  readonly value: string
  readonly source: number
}

/** By topic. */
async function configsOf(admin: Admin, topics: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<string, ConfigValue>>> {
  if (topics.length === 0) return new Map()
  const asked = topics.map((name) => ({ type: TOPIC_RESOURCE, name }))
  const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: asked })
  return new Map(
    resources.map(({ configEntries, resourceName }) => [
      resourceName,
      new Map(
        configEntries.map(({ configName, configSource, configValue }) => [
          configName,
          { value: configValue, source: Number(configSource) },
        ]),
      ),
    ]),
  )
}

async function set(admin: Admin, topic: string, values: Readonly<Record<string, string>>): Promise<void> {
  // This request replaces all that was set on the topic, so what is to stay goes along.
  const kept = [...((await configsOf(admin, [topic])).get(topic) ?? [])].filter(([, { source }]) => source === DYNAMIC_TOPIC_CONFIG)
  const entries = { ...Object.fromEntries(kept.map(([name, { value }]) => [name, value])), ...values }
  const configEntries = Object.entries(entries).map(([name, value]) => ({ name, value }))
  await admin.alterConfigs({ validateOnly: false, resources: [{ type: TOPIC_RESOURCE, name: topic, configEntries }] })
}
