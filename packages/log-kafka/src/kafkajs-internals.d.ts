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
  export interface PartitionsOf<P> {
    readonly topic: string
    readonly partitions: readonly P[]
  }
  export interface ProducerIdentity {
    readonly transactionalId: string
    readonly producerId: string
    readonly producerEpoch: number
  }
  /** A request as kafkajs's connections take it. */
  export interface BrokerRequest<Answer> {
    readonly request: {
      readonly apiKey: number
      readonly apiVersion: number
      readonly apiName: string
      encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>
    }
    readonly response: {
      decode(bytes: Buffer): Promise<Answer>
      /** Throws the error that the answer has. */
      parse(answer: Answer): Promise<Answer>
    }
  }
  export interface ProducedPartition {
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
    listOffsets(request: {
      readonly replicaId: number
      readonly isolationLevel: number
      readonly topics: readonly PartitionsOf<{ readonly partition: number; readonly timestamp: number }>[]
    }): Promise<{ readonly responses: readonly PartitionsOf<{ readonly partition: number; readonly offset: string }>[] }>
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
  export default Broker
}

declare module 'kafkajs/src/protocol/requests/produce/v7/response.js' {
  import type { BrokerRequest, ProducedPartition } from 'kafkajs/src/broker/index.js'

  interface Produced {
    readonly topics: readonly { readonly topicName: string; readonly partitions: readonly ProducedPartition[] }[]
  }
  const response: BrokerRequest<Produced>['response']
  export default response
}

declare module 'kafkajs/src/protocol/requests/fetch/v11/request.js' {
  import type { BrokerRequest } from 'kafkajs/src/broker/index.js'
  export default function fetchRequest(request: {
    readonly replicaId: number
    readonly isolationLevel: number
    readonly maxWaitTime: number
    readonly minBytes: number
    readonly maxBytes: number
    readonly topics: readonly {
      readonly topic: string
      readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string; readonly maxBytes: number }[]
    }[]
  }): BrokerRequest<never>['request']
}

declare module 'kafkajs/src/protocol/requests/fetch/v11/response.js' {
  const response: { parse<Answer>(answer: Answer): Promise<Answer> }
  export default response
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

// For the tests alone, which hold our record batches against those of kafkajs.
declare module 'kafkajs/src/protocol/decoder.js' {
  export default class Decoder {
    constructor(bytes: Buffer)
  }
}

declare module 'kafkajs/src/protocol/recordBatch/record/v0/index.js' {
  export default function Record(record: {
    readonly offsetDelta: number
    readonly timestampDelta: number
    readonly key: Buffer
    readonly value: Buffer
    readonly headers: Readonly<globalThis.Record<string, string>>
  }): object
}

declare module 'kafkajs/src/protocol/recordBatch/v0/index.js' {
  export function RecordBatch(batch: {
    readonly records: readonly object[]
    readonly firstTimestamp: number
    readonly maxTimestamp: number
    readonly lastOffsetDelta: number
  }): Promise<{ readonly buffer: Buffer }>
}

declare module 'kafkajs/src/protocol/recordBatch/v0/decoder.js' {
  import type Decoder from 'kafkajs/src/protocol/decoder.js'
  export default function decode(decoder: Decoder): Promise<{
    readonly producerId: string
    readonly producerEpoch: number
    readonly firstSequence: number
    readonly inTransaction: boolean
    readonly lastOffsetDelta: number
    readonly records: readonly {
      readonly offset: string
      readonly key: Buffer | null
      readonly value: Buffer | null
      readonly headers: Readonly<Record<string, Buffer>>
    }[]
  }>
}
