import type { ConnectionOptions } from 'node:tls'
import { sideTopics, type Topic } from '@signalbox/log'
import type { ISocketFactory, SASLOptions } from 'kafkajs'
import { readAddresses } from './addresses.ts'

/** One line of kafkajs's own log: connections lost and found again, and the like. */
export interface KafkaLogEntry {
  readonly level: 'error' | 'warn' | 'info' | 'debug'
  readonly message: string
  readonly detail: Readonly<Record<string, unknown>>
}

export interface KafkaConnectionOptions {
  /** `HOST:PORT` of some brokers of the cluster, as a list or separated by commas; the others are found through them. */
  readonly brokers: string | readonly string[]
  /** The name that the brokers' logs and quotas know this process by. Default `signalbox`. */
  readonly clientId?: string
  /** What the names of all topics, transactional ids and the group begin with. Default `signalbox`. */
  readonly topicPrefix?: string
  readonly ssl?: boolean | ConnectionOptions
  readonly sasl?: SASLOptions
  /** How long one connection attempt may take. Default 3,000. */
  readonly connectionTimeoutMs?: number
  /** How long one request may wait for its answer, and one call of the port for Kafka to recover. Default 10,000. */
  readonly requestTimeoutMs?: number
  /** How connections are made, for a proxy or another way through. Default: TCP, with TLS where `ssl` is given. */
  readonly socketFactory?: ISocketFactory
  /** Receives kafkajs's own log; nothing is written anywhere without it. */
  readonly onLogEntry?: (entry: KafkaLogEntry) => void
}

export interface KafkaLogOptions extends KafkaConnectionOptions {
  /** The partition count that the topics must have. Default: the one that they have. */
  readonly partitions?: number
  /** How long a member may be silent before its partitions go to others. Default 10,000; brokers refuse less than 6,000. */
  readonly sessionTimeoutMs?: number
  readonly heartbeatIntervalMs?: number
  /** How long `AssignmentListener.revoked` may take. Default 5,000; must be less than the session timeout. */
  readonly revokeTimeoutMs?: number
  /** How long a transaction may stay open before the broker aborts it. Default 30,000; longer than the session timeout. */
  readonly transactionTimeoutMs?: number
  /** How long closing waits for appends under way. Default 5,000. */
  readonly closeTimeoutMs?: number
  /** How often a watch looks at the topics. Default 2,000. */
  readonly watchIntervalMs?: number
  /** How long a transaction may hold a partition back before a watch calls it a trouble. Default 5,000. */
  readonly openTransactionMs?: number
  /** Opens it also where topics are not as they must be, for those who write. Nothing must be written through it. Default false. */
  readonly toRead?: boolean
}

export interface Settings {
  readonly brokers: readonly string[]
  readonly clientId: string
  readonly topicPrefix: string
  readonly ssl: boolean | ConnectionOptions | undefined
  readonly sasl: SASLOptions | undefined
  readonly connectionTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly socketFactory: ISocketFactory | undefined
  readonly onLogEntry: ((entry: KafkaLogEntry) => void) | undefined
  readonly sessionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly revokeTimeoutMs: number
  readonly transactionTimeoutMs: number
  readonly closeTimeoutMs: number
  readonly watchIntervalMs: number
  readonly openTransactionMs: number
}

export function settingsOf(options: KafkaLogOptions): Settings {
  const { addresses, problems } = readAddresses(options.brokers)
  if (problems.length > 0) throw new RangeError(`brokers must be HOST:PORT, separated by commas: ${problems.join('; ')}.`)
  const settings: Settings = {
    brokers: addresses,
    clientId: options.clientId ?? 'signalbox',
    topicPrefix: options.topicPrefix ?? 'signalbox',
    ssl: options.ssl,
    sasl: options.sasl,
    connectionTimeoutMs: options.connectionTimeoutMs ?? 3_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    socketFactory: options.socketFactory,
    onLogEntry: options.onLogEntry,
    sessionTimeoutMs: options.sessionTimeoutMs ?? 10_000,
    heartbeatIntervalMs: options.heartbeatIntervalMs ?? 1_000,
    revokeTimeoutMs: options.revokeTimeoutMs ?? 5_000,
    transactionTimeoutMs: options.transactionTimeoutMs ?? 30_000,
    closeTimeoutMs: options.closeTimeoutMs ?? 5_000,
    watchIntervalMs: options.watchIntervalMs ?? 2_000,
    openTransactionMs: options.openTransactionMs ?? 5_000,
  }
  // Otherwise the session runs out while the owner is still finishing its last batch.
  if (settings.revokeTimeoutMs >= settings.sessionTimeoutMs) throw new RangeError('revokeTimeoutMs must be less than sessionTimeoutMs')
  // A transaction that timed out looks like fencing; a member that stalls that long must have lost its session as well, so
  // that the group gives it the partition anew.
  if (settings.transactionTimeoutMs <= settings.sessionTimeoutMs) {
    throw new RangeError('transactionTimeoutMs must be more than sessionTimeoutMs')
  }
  return settings
}

/** The topics of the port, and the one of snapshots, which only this adapter has. */
export type TopicId = Topic | 'snapshots'

export function topicName(topicPrefix: string, topic: TopicId): string {
  return `${topicPrefix}.${topic === 'dead-letters' ? 'dead-letters.intents' : topic}`
}

export function groupName(topicPrefix: string): string {
  return `${topicPrefix}.sequencer`
}

/** Derived from the lane alone, so that every owner fences the one before it, whichever process that was. */
export function transactionalId(topicPrefix: string, lane: number): string {
  return `${topicPrefix}.sequencer.${lane}`
}

export const TOPICS: readonly Topic[] = ['intents', 'events', 'dead-letters', ...sideTopics]
export const TOPIC_IDS: readonly TopicId[] = [...TOPICS, 'snapshots']
