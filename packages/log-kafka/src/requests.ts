/** Requests of our own, and the two that carry records, sent through kafkajs's connections with batches of our own making. */
import BrokerClass, { type Broker, type BrokerRequest, type ProducedPartition } from 'kafkajs/src/broker/index.js'
import fetchRequest from 'kafkajs/src/protocol/requests/fetch/v11/request.js'
import fetchResponse from 'kafkajs/src/protocol/requests/fetch/v11/response.js'
import produceResponse from 'kafkajs/src/protocol/requests/produce/v7/response.js'
import { CONSUMER, READ_COMMITTED } from './client.ts'
import type { AbortedTransaction, FetchedRecords } from './record-batch-reader.ts'

const PRODUCE = 0
const PRODUCE_VERSION = 7
const ACKS_ALL = -1

/** How kafkajs sends a request: a method that it keeps to itself. */
const sendRequest = Object.getOwnPropertySymbols(BrokerClass.prototype).find(
  ({ description }) => description === 'private:Broker:sendRequest',
)
if (sendRequest === undefined) throw new Error('kafkajs is not the version that this package is made for; pin 2.2.4')

/** Sends a request that kafkajs does not have, or has otherwise, through its connections. */
export function send<Answer>(broker: Broker, request: BrokerRequest<Answer>): Promise<Answer> {
  return (broker as unknown as Record<symbol, (request: BrokerRequest<Answer>) => Promise<Answer>>)[sendRequest!]!(request)
}

export interface ProduceRequest {
  readonly topic: string
  readonly partition: number
  /** See `encodeRecordBatch`. */
  readonly batch: Buffer
  /** Null for a producer without transactions. */
  readonly transactionalId: string | null
  readonly timeoutMs: number
}

/** Appends one batch to one partition, acknowledged by all replicas in sync. */
export async function produce(broker: Broker, request: ProduceRequest): Promise<ProducedPartition> {
  const { topics } = await send(broker, {
    request: {
      apiKey: PRODUCE,
      apiVersion: PRODUCE_VERSION,
      apiName: 'Produce',
      encode: async () => {
        const buffer = encodeProduce(request)
        return { buf: buffer, buffer }
      },
    },
    response: produceResponse,
  })
  return topics[0]!.partitions[0]!
}

function encodeProduce({ batch, partition, timeoutMs, topic, transactionalId }: ProduceRequest): Buffer {
  const [id, name] = [transactionalId === null ? null : Buffer.from(transactionalId), Buffer.from(topic)]
  const buffer = Buffer.allocUnsafe(26 + (id?.length ?? 0) + name.length + batch.length)
  let at = buffer.writeInt16BE(id?.length ?? -1, 0)
  if (id !== null) at += id.copy(buffer, at)
  at = buffer.writeInt16BE(ACKS_ALL, at)
  at = buffer.writeInt32BE(timeoutMs, at)
  at = buffer.writeInt32BE(1, at)
  at = buffer.writeInt16BE(name.length, at)
  at += name.copy(buffer, at)
  at = buffer.writeInt32BE(1, at)
  at = buffer.writeInt32BE(partition, at)
  at = buffer.writeInt32BE(batch.length, at)
  at += batch.copy(buffer, at)
  return buffer.subarray(0, at)
}

export interface PlaceToFetch {
  readonly topic: string
  readonly partition: number
  readonly fromOffset: number
}

export interface FetchRequest {
  readonly places: readonly PlaceToFetch[]
  /** How long the broker may hold the answer back while there is nothing at any of the places. */
  readonly maxWaitMs: number
  /** For each place; a single batch that is larger comes whole. */
  readonly maxBytes: number
}

export interface FetchedPlace extends FetchedRecords {
  readonly topic: string
  readonly partition: number
  readonly lastStableOffset: number
}

/** What is committed at some places that the broker leads. */
export async function fetch(broker: Broker, { maxBytes, maxWaitMs, places }: FetchRequest): Promise<readonly FetchedPlace[]> {
  const byTopic = Map.groupBy(places, ({ topic }) => topic)
  const request = fetchRequest({
    replicaId: CONSUMER,
    isolationLevel: READ_COMMITTED,
    maxWaitTime: maxWaitMs,
    minBytes: 1,
    maxBytes: maxBytes * places.length,
    topics: [...byTopic].map(([topic, ofTopic]) => ({
      topic,
      partitions: ofTopic.map(({ fromOffset, partition }) => ({ partition, fetchOffset: `${fromOffset}`, maxBytes })),
    })),
  })
  const answer = await send(broker, {
    request,
    response: { decode: async (bytes: Buffer) => new FetchAnswer(bytes).read(), parse: fetchResponse.parse },
  })
  return answer.responses.flatMap(({ partitions, topicName }) => partitions.map((partition) => ({ topic: topicName, ...partition })))
}

interface FetchedTopic {
  readonly topicName: string
  readonly partitions: readonly (Omit<FetchedPlace, 'topic'> & { readonly errorCode: number })[]
}

/** Fetch response, version 11. */
class FetchAnswer {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  read(): { clientSideThrottleTime: number; errorCode: number; responses: readonly FetchedTopic[] } {
    const clientSideThrottleTime = this.#int32()
    const errorCode = this.#int16()
    this.#int32()
    return { clientSideThrottleTime, errorCode, responses: this.#array(() => this.#topic()) }
  }

  #topic(): FetchedTopic {
    const length = this.#int16()
    const topicName = this.#bytes.toString('utf8', this.#at, this.#at + length)
    this.#at += length
    return { topicName, partitions: this.#array(() => this.#partition()) }
  }

  #partition(): FetchedTopic['partitions'][number] {
    const partition = this.#int32()
    const errorCode = this.#int16()
    this.#int64()
    const lastStableOffset = Number(this.#int64())
    this.#int64()
    const aborted = this.#array((): AbortedTransaction => ({ producerId: this.#int64(), firstOffset: Number(this.#int64()) }))
    this.#int32()
    const length = Math.max(0, this.#int32())
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return { partition, errorCode, lastStableOffset, aborted, bytes }
  }

  #array<Item>(readItem: () => Item): Item[] {
    const count = Math.max(0, this.#int32())
    const items: Item[] = []
    for (let index = 0; index < count; index++) items.push(readItem())
    return items
  }

  #int16(): number {
    this.#at += 2
    return this.#bytes.readInt16BE(this.#at - 2)
  }

  #int32(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  #int64(): bigint {
    this.#at += 8
    return this.#bytes.readBigInt64BE(this.#at - 8)
  }
}
