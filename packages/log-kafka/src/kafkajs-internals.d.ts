// The parts of kafkajs 2.2.4 below its public API that this package builds on. The version is pinned exactly, and every
// shape here is exercised against a real broker by the tests. Why below the API: its consumer cannot be told where to start
// (no assign), jumps silently when an offset is out of range and leaks aborted records; its producer waits 300 ms between
// transactions and is quadratic in the size of a send; each has a test under `test/`.

declare module 'kafkajs/src/cluster/index.js' {
  import type { ConnectionOptions } from 'node:tls'
  import type { ISocketFactory, SASLOptions } from 'kafkajs'
  import type { Broker } from 'kafkajs/src/broker/index.js'
  import type { RootLogger } from 'kafkajs/src/loggers/index.js'

  interface ClusterOptions {
    readonly logger: RootLogger
    readonly socketFactory: ISocketFactory
    readonly brokers: readonly string[]
    readonly ssl: boolean | ConnectionOptions | undefined
    readonly sasl: SASLOptions | undefined
    readonly clientId: string
    readonly connectionTimeout: number
    readonly authenticationTimeout: number
    readonly reauthenticationThreshold: number
    readonly requestTimeout: number
    readonly enforceRequestTimeout: boolean
    readonly metadataMaxAge: number
    readonly retry: { readonly retries: number; readonly initialRetryTime: number; readonly maxRetryTime: number }
    readonly allowAutoTopicCreation: boolean
    readonly isolationLevel: number
  }

  /** One set of connections: to each broker one for fetches and one for everything else. */
  export default class Cluster {
    constructor(options: ClusterOptions)
    readonly brokerPool: {
      readonly seedBroker?: Broker
      readonly brokers: Readonly<Record<string, Broker>>
      readonly metadata?: { readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[] } | null
    }
    connect(): Promise<void>
    disconnect(): Promise<void>
    refreshMetadata(): Promise<void>
    refreshMetadataIfNecessary(): Promise<void>
    addMultipleTargetTopics(topics: readonly string[]): Promise<void>
    findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[]
    findBroker(node: { readonly nodeId: number | string }): Promise<Broker>
  }
}

declare module 'kafkajs/src/broker/index.js' {
  interface PartitionsOf<P> {
    readonly topic: string
    readonly partitions: readonly P[]
  }
  interface ProducerIdentity {
    readonly transactionalId: string
    readonly producerId: string
    readonly producerEpoch: number
  }
  interface MessageToSend {
    readonly key: Buffer
    /** Null deletes the key from a compacted topic. */
    readonly value: Buffer | null
    readonly headers: Readonly<Record<string, string>>
  }
  interface FetchedMessage {
    readonly offset: string
    readonly timestamp: string
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly headers: Readonly<Record<string, Buffer | readonly Buffer[]>>
    readonly isControlRecord: boolean
    readonly batchContext: {
      readonly firstOffset: string
      readonly lastOffsetDelta: number
      readonly producerId: string
      readonly inTransaction: boolean
    }
  }
  interface FetchedPartition {
    readonly partition: number
    readonly highWatermark: string
    readonly lastStableOffset: string
    readonly abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[]
    readonly messages: readonly FetchedMessage[]
  }
  interface ProducedPartition {
    readonly partition: number
    readonly baseOffset: string
    readonly logAppendTime: string
  }

  export class Broker {
    readonly nodeId: number
    readonly connectionPool: {
      readonly pool: readonly { readonly requestQueue: { rejectAll(error: Error): void } }[]
    }
    isConnected(): boolean
    metadata(topics: readonly string[]): Promise<unknown>
    describeConfigs(request: {
      readonly includeSynonyms: boolean
      readonly resources: readonly { readonly type: number; readonly name: string }[]
    }): Promise<{
      readonly resources: readonly {
        readonly resourceName: string
        readonly configEntries: readonly { readonly configName: string; readonly configValue: string }[]
      }[]
    }>
    findGroupCoordinator(request: {
      readonly groupId: string
      readonly coordinatorType: number
    }): Promise<{ readonly coordinator: { readonly nodeId: number } }>
    fetch(request: {
      readonly replicaId: number
      readonly isolationLevel: number
      readonly maxWaitTime: number
      readonly minBytes: number
      readonly maxBytes: number
      readonly topics: readonly PartitionsOf<{ readonly partition: number; readonly fetchOffset: string; readonly maxBytes: number }>[]
    }): Promise<{ readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartition[] }[] }>
    listOffsets(request: {
      readonly replicaId: number
      readonly isolationLevel: number
      readonly topics: readonly PartitionsOf<{ readonly partition: number; readonly timestamp: number }>[]
    }): Promise<{ readonly responses: readonly PartitionsOf<{ readonly partition: number; readonly offset: string }>[] }>
    produce(request: {
      readonly acks: -1
      readonly timeout: number
      readonly transactionalId?: string
      readonly producerId?: string
      readonly producerEpoch?: number
      readonly topicData: readonly PartitionsOf<{
        readonly partition: number
        readonly firstSequence?: number
        readonly messages: readonly MessageToSend[]
      }>[]
    }): Promise<{ readonly topics: readonly { readonly topicName: string; readonly partitions: readonly ProducedPartition[] }[] }>
    initProducerId(request: {
      readonly transactionalId: string
      readonly transactionTimeout: number
    }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>
    addPartitionsToTxn(request: ProducerIdentity & { readonly topics: readonly PartitionsOf<number>[] }): Promise<unknown>
    endTxn(request: ProducerIdentity & { readonly transactionResult: boolean }): Promise<unknown>
    joinGroup(request: {
      readonly groupId: string
      readonly sessionTimeout: number
      readonly rebalanceTimeout: number
      readonly memberId: string
      readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[]
    }): Promise<{
      readonly generationId: number
      readonly leaderId: string
      readonly memberId: string
      readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]
    }>
    syncGroup(request: {
      readonly groupId: string
      readonly generationId: number
      readonly memberId: string
      readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[]
    }): Promise<{ readonly memberAssignment: Buffer }>
    heartbeat(request: { readonly groupId: string; readonly groupGenerationId: number; readonly memberId: string }): Promise<unknown>
    leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>
  }
}

declare module 'kafkajs/src/loggers/index.js' {
  import type { logCreator } from 'kafkajs'
  export interface RootLogger {
    namespace(name: string): RootLogger
  }
  export function createLogger(options: { readonly level: number; readonly logCreator: logCreator }): RootLogger
}

declare module 'kafkajs/src/network/socketFactory.js' {
  import type { ISocketFactory } from 'kafkajs'
  export default function socketFactory(): ISocketFactory
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    pending: readonly unknown[]
    throttledUntil: number
    scheduleCheckPendingRequests(): void
  }
}

declare module 'kafkajs/src/protocol/error.js' {
  export const errorCodes: { type: string; code: number; retriable: boolean; message: string }[]
}
