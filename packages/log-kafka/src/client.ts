import { LogError } from '@signalbox/log'
import { Kafka, type LogEntry, logLevel } from 'kafkajs'
import type { Broker } from 'kafkajs/src/broker/index.js'
import Cluster from 'kafkajs/src/cluster/index.js'
import { createLogger } from 'kafkajs/src/loggers/index.js'
import defaultSocketFactory from 'kafkajs/src/network/socketFactory.js'
import { codeOf, errorType } from './errors.ts'
import { repairKafkajs, withQuietSockets } from './kafkajs-repairs.ts'
import type { Settings } from './settings.ts'
import { withinMs } from './wait.ts'

export const READ_UNCOMMITTED = 0
export const READ_COMMITTED = 1
/** A consumer's replica id: no broker. */
export const CONSUMER = -1
const COORDINATOR_TYPES = { group: 0, transaction: 1 } as const
const METADATA_MAX_AGE_MS = 300_000
const DISCONNECT_TIMEOUT_MS = 2_000

const LEVELS: Readonly<Record<number, 'error' | 'warn' | 'info' | 'debug'>> = {
  [logLevel.ERROR]: 'error',
  [logLevel.WARN]: 'warn',
  [logLevel.INFO]: 'info',
  [logLevel.DEBUG]: 'debug',
}

function logCreatorOf({ onLogEntry }: Settings) {
  return () => (entry: LogEntry) => {
    const { message, ...detail } = entry.log
    onLogEntry?.({ level: LEVELS[entry.level] ?? 'debug', message, detail })
  }
}

function retryOf({ brokers }: Settings) {
  // Enough to try every address that was given; what is to wait longer is retried by whoever called, within its own bound.
  return { retries: brokers.length + 1, initialRetryTime: 5, maxRetryTime: 50 }
}

function socketFactoryOf({ socketFactory }: Settings) {
  return withQuietSockets(socketFactory ?? defaultSocketFactory())
}

/** kafkajs's public API, for what it does well: topics. */
export function publicClient(settings: Settings): Kafka {
  repairKafkajs()
  return new Kafka({
    brokers: [...settings.brokers],
    clientId: settings.clientId,
    ...(settings.ssl === undefined ? {} : { ssl: settings.ssl }),
    ...(settings.sasl === undefined ? {} : { sasl: settings.sasl }),
    socketFactory: socketFactoryOf(settings),
    connectionTimeout: settings.connectionTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    retry: retryOf(settings),
    logLevel: settings.onLogEntry === undefined ? logLevel.NOTHING : logLevel.INFO,
    logCreator: logCreatorOf(settings),
  })
}

/**
 * Connections of one user: a broker answers the requests of one connection one after the other, so whoever waits long (a
 * cursor at the end of its topic) or must not wait (a writer) has connections of its own.
 */
export class Client {
  readonly settings: Settings
  readonly #cluster: Cluster
  readonly #topics: readonly string[]
  #connected = false

  constructor(settings: Settings, topics: readonly string[]) {
    repairKafkajs()
    this.settings = settings
    this.#topics = topics
    this.#cluster = new Cluster({
      logger: createLogger({
        level: settings.onLogEntry === undefined ? logLevel.NOTHING : logLevel.INFO,
        logCreator: logCreatorOf(settings),
      }),
      socketFactory: socketFactoryOf(settings),
      brokers: settings.brokers,
      ssl: settings.ssl,
      sasl: settings.sasl,
      clientId: settings.clientId,
      connectionTimeout: settings.connectionTimeoutMs,
      authenticationTimeout: settings.requestTimeoutMs,
      reauthenticationThreshold: 10_000,
      requestTimeout: settings.requestTimeoutMs,
      enforceRequestTimeout: true,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      retry: retryOf(settings),
      allowAutoTopicCreation: false,
      isolationLevel: READ_COMMITTED,
    })
  }

  /** The addresses that the cluster gives to its clients; none of them is connected to. */
  async advertised(): Promise<readonly { readonly nodeId: number; readonly address: string }[]> {
    await this.#cluster.connect()
    await this.#cluster.refreshMetadata()
    const brokers = this.#cluster.brokerPool.metadata?.brokers ?? []
    return brokers.map(({ nodeId, host, port }) => ({ nodeId, address: `${host}:${port}` }))
  }

  /** Whether every broker that can be reached says yes: each learns of topics and settings by itself, a moment later. */
  async everyBroker(ask: (broker: Broker) => Promise<boolean>): Promise<boolean> {
    await this.#cluster.connect()
    await this.#cluster.refreshMetadata()
    for (const nodeId of Object.keys(this.#cluster.brokerPool.brokers)) {
      const broker = await this.#cluster.findBroker({ nodeId }).catch(() => undefined)
      try {
        if (broker !== undefined && !(await ask(broker))) return false
      } catch (error) {
        // One that went away need not agree.
        if (errorType(error) !== undefined) throw error
      }
    }
    return true
  }

  /** The broker that leads the partition, connected. */
  async leader(topic: string, partition: number): Promise<Broker> {
    await this.#connect()
    await this.#cluster.refreshMetadataIfNecessary()
    const found = this.#cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition)
    if (found === undefined) throw new Error(`no metadata of ${topic}/${partition}`)
    return this.#cluster.findBroker({ nodeId: found.leader })
  }

  /** Every partition of the topics that has a leader, by that broker, connected; as the cluster has them now. */
  async leaders(
    topics: readonly string[],
  ): Promise<ReadonlyMap<Broker, readonly { readonly topic: string; readonly partition: number }[]>> {
    await this.#connect()
    await this.#cluster.refreshMetadata()
    const places = topics.flatMap((topic) =>
      this.#cluster.findTopicPartitionMetadata(topic).map(({ leader, partitionId }) => ({ topic, partition: partitionId, leader })),
    )
    const byLeader = [...Map.groupBy(places, ({ leader }) => leader)].filter(([leader]) => leader >= 0)
    return new Map(await Promise.all(byLeader.map(async ([nodeId, led]) => [await this.#cluster.findBroker({ nodeId }), led] as const)))
  }

  /** The broker that coordinates the group or the transactional id, connected. */
  async coordinator(type: 'group' | 'transaction', id: string): Promise<Broker> {
    await this.#connect()
    await this.#cluster.refreshMetadataIfNecessary()
    const coordinator = await this.#askForCoordinator({ groupId: id, coordinatorType: COORDINATOR_TYPES[type] })
    return this.#cluster.findBroker({ nodeId: coordinator.nodeId })
  }

  /** Any broker knows. kafkajs asks them too, and then keeps to itself what they answered: a missing right would look like a passing fault. */
  async #askForCoordinator(request: { readonly groupId: string; readonly coordinatorType: number }): Promise<{ readonly nodeId: number }> {
    const brokers = Object.entries(this.#cluster.brokerPool.brokers)
    brokers.sort(([, left], [, right]) => Number(right.isConnected()) - Number(left.isConnected()))
    let failure: unknown = new LogError('TRANSIENT', 'No broker of the cluster is known. See that the brokers are reachable.')
    for (const [nodeId] of brokers) {
      try {
        const broker = await this.#cluster.findBroker({ nodeId })
        return (await broker.findGroupCoordinator(request)).coordinator
      } catch (error) {
        if (errorType(error) !== undefined) throw error
        failure = error
      }
    }
    throw failure
  }

  /** After an answer such as NOT_LEADER_FOR_PARTITION, or a lost connection. Never rejects: the next attempt will tell. */
  async refresh(): Promise<void> {
    await this.#cluster.refreshMetadata().catch(() => {
      this.#connected = false
    })
  }

  /** Ends every connection at once. Requests under way fail with the error. Bounded; safe to call twice. */
  async disconnect(reason: Error): Promise<void> {
    const { seedBroker, brokers } = this.#cluster.brokerPool
    for (const broker of [seedBroker, ...Object.values(brokers)]) {
      // kafkajs would wait for the answers first, and the one to a fetch can take as long as the fetch may wait.
      for (const { requestQueue } of broker?.connectionPool.pool ?? []) requestQueue.rejectAll(reason)
    }
    const disconnected = this.#cluster.disconnect().catch(() => undefined)
    await withinMs(DISCONNECT_TIMEOUT_MS, disconnected, () => undefined)
  }

  async #connect(): Promise<void> {
    if (this.#connected) return
    await this.#cluster.connect()
    await this.#cluster.addMultipleTargetTopics(this.#topics)
    this.#connected = true
  }
}

const LOADING: ReadonlySet<string> = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'CONCURRENT_TRANSACTIONS',
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'NOT_ENOUGH_REPLICAS',
  'OFFSET_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
])

/** Whether the cluster is finding its feet: electing, loading, connecting. A protocol error that is not that stays. */
export function isPassing(error: unknown): boolean {
  const type = errorType(error)
  return type === undefined ? codeOf(error) === 'TRANSIENT' : LOADING.has(type)
}

/**
 * Whether a reader need only ask again. A broker whose disk is full or broken answers so while its partitions move to
 * others: no writer should go on as if that were nothing, but whoever reads has lost nothing by it.
 */
export function isPassingRead(error: unknown): boolean {
  return isPassing(error) || errorType(error) === 'KAFKA_STORAGE_ERROR'
}
