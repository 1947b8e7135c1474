import { TOPIC_IDS, type TopicId, topicName } from './settings.ts'

/** How a setting that is found compares with the one that is wanted. */
export type Rule =
  /** Any other value is wrong. */
  | 'exactly'
  /** Larger is as good, and -1 (no limit) is the largest. */
  | 'at least'
  /** Given to a new topic; what is there later is left alone. */
  | 'initially'

export interface WantedSetting {
  readonly value: string
  readonly rule: Rule
}

export interface TopicDesign {
  readonly purpose: string
  readonly settings: Readonly<Record<string, WantedSetting>>
}

/** A scope's partition follows from the count, so it is fixed for good: 12 can be shared out evenly to 1, 2, 3, 4, 6 or 12 sequencers. */
export const DEFAULT_PARTITIONS = 12
/** The largest record batch of a topic, and so the largest record. Intents are up to 256 KiB, results up to about 1 MiB. */
export const MAX_BATCH_BYTES = 2 * 1024 * 1024
/** What a dead letter adds to the record that it keeps whole: its cause, where it came from, the batch around it. */
const DEAD_LETTER_ENVELOPE_BYTES = 64 * 1024
/** A byte of a header or key that is no UTF-8 takes three once it was read as text. */
const BYTES_PER_FOREIGN_BYTE = 3

/** The largest dead letter of a record of this size: one that did not fit would stop its partition. */
export function deadLetterBytes(recordBytes: number): number {
  return BYTES_PER_FOREIGN_BYTE * recordBytes + DEAD_LETTER_ENVELOPE_BYTES
}

const DAY_MS = 86_400_000
const exactly = (value: string): WantedSetting => ({ value, rule: 'exactly' })
const atLeast = (value: number): WantedSetting => ({ value: `${value}`, rule: 'at least' })
const initially = (value: number): WantedSetting => ({ value: `${value}`, rule: 'initially' })

const COMMON: Readonly<Record<string, WantedSetting>> = {
  // Time is the log's: invariant 5 of the port.
  'message.timestamp.type': exactly('LogAppendTime'),
  'cleanup.policy': exactly('delete'),
  'max.message.bytes': atLeast(MAX_BATCH_BYTES),
  // The broker unpacks what others send packed: kafkajs lacks snappy, lz4 and zstd, and one such intent would stop its partition.
  'compression.type': exactly('uncompressed'),
  // A replica that lags must not become the truth: what was acknowledged would be gone.
  'unclean.leader.election.enable': exactly('false'),
}
const FOREVER = { 'retention.ms': exactly('-1'), 'retention.bytes': exactly('-1') }

/** The topics as data. What each must be set to, and why it is there. */
export const TOPIC_DESIGNS: Readonly<Record<TopicId, TopicDesign>> = {
  intents: {
    purpose: 'what agents ask for',
    // An intent that goes before it was decided is lost; one whose id is older than a day is rejected anyway.
    settings: { ...COMMON, 'retention.ms': atLeast(7 * DAY_MS), 'retention.bytes': exactly('-1') },
  },
  events: { purpose: 'what was decided: the truth, never deleted, never compacted', settings: { ...COMMON, ...FOREVER } },
  'dead-letters': {
    purpose: 'records that could not be decided, whole',
    settings: { ...COMMON, ...FOREVER, 'max.message.bytes': atLeast(deadLetterBytes(MAX_BATCH_BYTES)) },
  },
  notifications: { purpose: 'whom the escalation consumer has told of what', settings: { ...COMMON, ...FOREVER } },
  'dead-letters.escalation': { purpose: 'notifications that reached nobody, whole', settings: { ...COMMON, ...FOREVER } },
  'dead-letters.projector': {
    purpose: 'events that a projection could not take, whole',
    settings: { ...COMMON, ...FOREVER, 'max.message.bytes': atLeast(deadLetterBytes(MAX_BATCH_BYTES)) },
  },
  'dead-letters.reactions': {
    purpose: 'changes that a reaction could not answer, whole',
    settings: { ...COMMON, ...FOREVER, 'max.message.bytes': atLeast(deadLetterBytes(MAX_BATCH_BYTES)) },
  },
  'dead-letters.ingest': {
    purpose: 'records of systems of record that a source could not read, whole',
    settings: { ...COMMON, ...FOREVER, 'max.message.bytes': atLeast(deadLetterBytes(MAX_BATCH_BYTES)) },
  },
  snapshots: {
    purpose: 'a cache that shortens a restore; it may be deleted',
    // Compaction leaves the newest segment alone: with the default of 1 GiB every old snapshot would stay for long.
    settings: { ...COMMON, 'cleanup.policy': exactly('compact'), 'segment.bytes': initially(64 * 1024 * 1024) },
  },
}

/** A topic as it is. */
export interface FoundTopic {
  readonly partitions: readonly { readonly id: number; readonly replicas: readonly number[]; readonly inSync: readonly number[] }[]
  readonly settings: ReadonlyMap<string, string>
}

export interface Cluster {
  readonly brokers: string
  readonly brokerIds: readonly number[]
  readonly topics: ReadonlyMap<TopicId, FoundTopic>
}

export interface WantedTopics {
  readonly topicPrefix: string
  /** Default: what the topics have, or 12. */
  readonly partitions: number | undefined
  /** Default: what the brokers are set to. */
  readonly replicationFactor: number | undefined
  /** In-sync replicas that must have a record before it is acknowledged. Default: what the brokers are set to. */
  readonly minInSyncReplicas: number | undefined
}

export type TopicStep =
  | {
      readonly action: 'create'
      readonly topic: string
      readonly partitions: number
      /** Null: as the brokers are set to. */
      readonly replicationFactor: number | null
      readonly settings: Readonly<Record<string, string>>
    }
  | { readonly action: 'set'; readonly topic: string; readonly setting: string; readonly from: string | null; readonly to: string }
  /** What no command of Signalbox changes by itself: it moves or deletes records. */
  | {
      readonly action: 'by hand'
      readonly topic: string
      readonly problem: string
      readonly mend: string
      /** The log goes on with the partitions that it has; who opens it need not be turned away. */
      readonly isTolerable: boolean
    }

export interface TopicsPlan {
  readonly partitions: number
  readonly steps: readonly TopicStep[]
  /** What works and should be known. */
  readonly warnings: readonly string[]
}

/** What would have to be done to make the cluster's topics as wanted. Changes nothing. */
export function planTopics(wanted: WantedTopics, cluster: Cluster): TopicsPlan {
  const partitions = wanted.partitions ?? partitionsOf(cluster) ?? DEFAULT_PARTITIONS
  const steps: TopicStep[] = []
  const warnings: string[] = []
  for (const id of TOPIC_IDS) {
    const topic = topicName(wanted.topicPrefix, id)
    const settings = wantedSettings(id, wanted, cluster)
    const found = cluster.topics.get(id)
    if (found === undefined) {
      const values = Object.fromEntries(Object.entries(settings).map(([name, { value }]) => [name, value]))
      steps.push({ action: 'create', topic, partitions, replicationFactor: wanted.replicationFactor ?? null, settings: values })
      continue
    }
    steps.push(...layoutSteps(topic, found, partitions, wanted, cluster))
    for (const [setting, { value, rule }] of Object.entries(settings)) {
      const from = found.settings.get(setting) ?? null
      if (!fits(from, value, rule)) steps.push({ action: 'set', topic, setting, from, to: value })
    }
    warnings.push(...replicationWarnings(topic, found, cluster, wanted.minInSyncReplicas))
  }
  warnings.push(...sizeWarnings(wanted.topicPrefix, cluster))
  return { partitions, steps, warnings }
}

/**
 * The partitions that the log has. Kafka never takes a partition away: where the topics differ, somebody added some, and the log is
 * what all had before. Intents and events come first, as the others can be made anew.
 */
function partitionsOf({ topics }: Cluster): number | undefined {
  const countOf = (id: TopicId) => topics.get(id)?.partitions.length ?? Number.POSITIVE_INFINITY
  const least = Math.min(countOf('intents'), countOf('events'))
  if (Number.isFinite(least)) return least
  return TOPIC_IDS.map((id) => topics.get(id)?.partitions.length).find((count) => count !== undefined)
}

function wantedSettings(id: TopicId, { minInSyncReplicas }: WantedTopics, cluster: Cluster): Readonly<Record<string, WantedSetting>> {
  const settings = { ...TOPIC_DESIGNS[id].settings }
  if (minInSyncReplicas !== undefined) settings['min.insync.replicas'] = exactly(`${minInSyncReplicas}`)
  // Of the largest record that an agent can write.
  const intentBytes = Number(cluster.topics.get('intents')?.settings.get('max.message.bytes') ?? 0)
  if (id === 'dead-letters') settings['max.message.bytes'] = atLeast(deadLetterBytes(Math.max(MAX_BATCH_BYTES, intentBytes)))
  return settings
}

function fits(found: string | null, wanted: string, rule: Rule): boolean {
  if (rule === 'initially') return true
  if (rule === 'exactly') return found === wanted
  return found !== null && (found === '-1' || Number(found) >= Number(wanted))
}

function layoutSteps(topic: string, found: FoundTopic, partitions: number, wanted: WantedTopics, cluster: Cluster): TopicStep[] {
  const steps: TopicStep[] = []
  const count = found.partitions.length
  if (count > partitions) steps.push(addedStep(topic, count, partitions, wanted.topicPrefix))
  if (count < partitions) {
    steps.push({
      action: 'by hand',
      topic,
      problem: `has ${count} partitions, and ${partitions} are wanted`,
      mend:
        `A partition count is fixed once there are records, because a scope's partition follows from it: name the count that the topics have (--partitions ${count}), ` +
        'or use new topics (KAFKA_TOPIC_PREFIX). A topic that nothing was ever written to can be deleted and made anew: ' +
        `kafka-topics.sh --bootstrap-server ${cluster.brokers} --delete --topic ${topic}, then signalbox topics apply --partitions ${partitions}.`,
      isTolerable: false,
    })
  }
  const replicas = fewestReplicas(found)
  if (wanted.replicationFactor !== undefined && replicas < wanted.replicationFactor) {
    steps.push({
      action: 'by hand',
      topic,
      problem: `has ${replicas} replicas, and ${wanted.replicationFactor} are wanted`,
      mend: reassignment(topic, found, wanted.replicationFactor, cluster),
      isTolerable: false,
    })
  }
  const minInSync = wanted.minInSyncReplicas ?? Number(found.settings.get('min.insync.replicas') ?? 1)
  if (minInSync > replicas) {
    steps.push({
      action: 'by hand',
      topic,
      problem: `wants ${minInSync} replicas in sync and has only ${replicas}, so nothing can be written to it`,
      mend: `Lower it (signalbox topics apply --min-in-sync-replicas ${replicas}), or add replicas: ${reassignment(topic, found, minInSync, cluster)}`,
      isTolerable: false,
    })
  }
  return steps
}

/** Somebody added partitions, which nothing takes away again. */
function addedStep(topic: string, count: number, partitions: number, topicPrefix: string): TopicStep {
  return {
    action: 'by hand',
    topic,
    problem: `has ${count} partitions, and the log has ${partitions}: nobody decides or reads what lies on partition ${partitions} and those after it`,
    mend:
      "Kafka takes no partition away, and a scope's partition follows from the count. The log goes on with the partitions that it has. Move it to new topics, " +
      `which takes along what lies on the added ones: KAFKA_TOPIC_PREFIX=NEW signalbox topics apply --partitions ${count}, then ` +
      `KAFKA_TOPIC_PREFIX=${topicPrefix} signalbox generation move NEW --reason WHY. See docs/operating.md, Partitions that somebody added.`,
    isTolerable: true,
  }
}

function fewestReplicas({ partitions }: FoundTopic): number {
  return Math.min(...partitions.map(({ replicas }) => replicas.length))
}

/** The command that gives every partition more replicas; each keeps those that it has. */
function reassignment(topic: string, { partitions }: FoundTopic, wanted: number, { brokerIds, brokers }: Cluster): string {
  if (brokerIds.length < wanted)
    return `The cluster has ${brokerIds.length} brokers, so no topic can have ${wanted} replicas: add brokers first.`
  const list = partitions.map(({ id, replicas }) => {
    const others = brokerIds.filter((broker) => !replicas.includes(broker))
    const start = id % Math.max(1, others.length)
    const more = [...others.slice(start), ...others.slice(0, start)].slice(0, wanted - replicas.length)
    return { topic, partition: id, replicas: [...replicas, ...more] }
  })
  const json = JSON.stringify({ version: 1, partitions: list })
  return `echo '${json}' > replicas.json && kafka-reassign-partitions.sh --bootstrap-server ${brokers} --reassignment-json-file replicas.json --execute`
}

function replicationWarnings(topic: string, found: FoundTopic, { brokerIds }: Cluster, wantedInSync: number | undefined): string[] {
  const warnings: string[] = []
  const replicas = fewestReplicas(found)
  const minInSync = wantedInSync ?? Number(found.settings.get('min.insync.replicas') ?? 1)
  if (replicas === 1 && brokerIds.length >= 3)
    warnings.push(`${topic} is on one broker only, and is gone with it. Make it with --replication-factor 3, or add replicas.`)
  if (replicas >= 3 && minInSync === 1)
    warnings.push(
      `${topic} acknowledges what a single replica has: set min.insync.replicas (signalbox topics apply --min-in-sync-replicas 2).`,
    )
  const short = found.partitions.filter(({ replicas: all, inSync }) => inSync.length < Math.min(minInSync, all.length))
  if (short.length > 0)
    warnings.push(
      `${topic} cannot be written to in ${short.length} of its partitions: too few replicas are in sync. See which broker is down.`,
    )
  return warnings
}

function sizeWarnings(topicPrefix: string, { topics }: Cluster): string[] {
  const bytes = Number(topics.get('intents')?.settings.get('max.message.bytes') ?? 0)
  if (bytes <= MAX_BATCH_BYTES) return []
  const name = topicName(topicPrefix, 'intents')
  return [
    `${name} lets agents write records of up to ${bytes} bytes, more than the sequencer takes: they become dead letters. Set max.message.bytes to ${MAX_BATCH_BYTES}.`,
  ]
}

/** A step in a line, as `plan` and the messages of `openKafkaLog` show it. */
export function describeStep(step: TopicStep): string {
  if (step.action === 'create') {
    const replicas = step.replicationFactor === null ? "the brokers' number of replicas" : `${step.replicationFactor} replicas`
    const settings = Object.entries(step.settings).map(([name, value]) => `${name}=${value}`)
    return `create ${step.topic} with ${step.partitions} partitions, ${replicas}, ${settings.join(' ')}`
  }
  if (step.action === 'set') return `set ${step.setting}=${step.to} on ${step.topic} (now ${step.from ?? 'unknown'})`
  return `by hand: ${step.topic} ${step.problem}. ${step.mend}`
}
