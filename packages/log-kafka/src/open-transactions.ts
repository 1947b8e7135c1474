/**
 * Whose transaction is open on a partition. kafkajs has neither request; both are of the flexible versions, whose lengths are one more
 * than what they count, and which end each structure with its tagged fields, of which there are none here.
 */
import type { Broker } from 'kafkajs/src/broker/index.js'
import type { Client } from './client.ts'
import { send } from './requests.ts'

const DESCRIBE_PRODUCERS = 61
const LIST_TRANSACTIONS = 66

export interface OpenTransaction {
  readonly producerId: bigint
  /** Null where the brokers do not tell it, as to somebody without the right to describe it. */
  readonly transactionalId: string | null
  readonly startOffset: number
}

/** The first of the transactions that are open on the partition; null where the brokers do not tell. */
export async function openTransaction(client: Client, topic: string, partition: number): Promise<OpenTransaction | null> {
  const producers = await describeProducers(await client.leader(topic, partition), topic, partition)
  const open = producers.filter(({ startOffset }) => startOffset >= 0).sort((left, right) => left.startOffset - right.startOffset)
  if (open.length === 0) return null
  const { producerId, startOffset } = open[0]!
  let transactionalId: string | null = null
  await client.everyBroker(async (broker) => {
    transactionalId ??= await transactionalIdOf(broker, producerId)
    return true
  })
  return { producerId, transactionalId, startOffset }
}

interface ActiveProducer {
  readonly producerId: bigint
  /** Of its transaction; -1 where none is open. */
  readonly startOffset: number
}

async function describeProducers(broker: Broker, topic: string, partition: number): Promise<readonly ActiveProducer[]> {
  const name = Buffer.from(topic)
  const where = Buffer.alloc(4)
  where.writeInt32BE(partition)
  const body = Buffer.concat([size(1), size(name.length), name, size(1), where, noTags, noTags])
  return await ask(broker, DESCRIBE_PRODUCERS, 'DescribeProducers', body, (answer) => {
    answer.int32()
    const topics = answer.array(() => {
      answer.text()
      const partitions = answer.array(() => {
        answer.int32()
        answer.int16()
        answer.text()
        const producers = answer.array((): ActiveProducer => {
          const producerId = answer.int64()
          answer.int32()
          answer.int32()
          answer.int64()
          answer.int32()
          const startOffset = Number(answer.int64())
          answer.tags()
          return { producerId, startOffset }
        })
        answer.tags()
        return producers
      })
      answer.tags()
      return partitions.flat()
    })
    return topics.flat()
  })
}

/** Of a producer whose transactions this broker coordinates; null where it does not, or may not say. */
async function transactionalIdOf(broker: Broker, producerId: bigint): Promise<string | null> {
  const id = Buffer.alloc(8)
  id.writeBigInt64BE(producerId)
  return await ask(broker, LIST_TRANSACTIONS, 'ListTransactions', Buffer.concat([size(0), size(1), id, noTags]), (answer) => {
    answer.int32()
    answer.int16()
    answer.array(() => answer.text())
    const found = answer.array(() => {
      const transactionalId = answer.text()
      const owner = answer.int64()
      answer.text()
      answer.tags()
      return { transactionalId, owner }
    })
    return found.find(({ owner }) => owner === producerId)?.transactionalId ?? null
  })
}

const noTags = Buffer.from([0])

/** How many follow, as flexible versions have it. */
function size(count: number): Buffer {
  const bytes: number[] = []
  let left = count + 1
  for (; left > 0x7f; left >>>= 7) bytes.push((left & 0x7f) | 0x80)
  bytes.push(left)
  return Buffer.from(bytes)
}

/** Version 0 of a request. The tagged fields of its header, which kafkajs does not write, come first. */
async function ask<Result>(
  broker: Broker,
  apiKey: number,
  apiName: string,
  body: Buffer,
  read: (answer: FlexibleAnswer) => Result,
): Promise<Result> {
  const buffer = Buffer.concat([noTags, body])
  return await send<Result>(broker, {
    request: { apiKey, apiVersion: 0, apiName, encode: async () => ({ buf: buffer, buffer }) },
    response: { decode: async (bytes) => read(new FlexibleAnswer(bytes)), parse: async (answer) => answer },
  })
}

class FlexibleAnswer {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
    // Of the header.
    this.tags()
  }

  int16(): number {
    this.#at += 2
    return this.#bytes.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  int64(): bigint {
    this.#at += 8
    return this.#bytes.readBigInt64BE(this.#at - 8)
  }

  text(): string | null {
    const length = this.#varint() - 1
    if (length < 0) return null
    this.#at += length
    return this.#bytes.toString('utf8', this.#at - length, this.#at)
  }

  array<Item>(readItem: () => Item): Item[] {
    const count = Math.max(0, this.#varint() - 1)
    const items: Item[] = []
    for (let index = 0; index < count; index++) items.push(readItem())
    return items
  }

  tags(): void {
    for (let left = this.#varint(); left > 0; left--) {
      this.#varint()
      this.#at += this.#varint()
    }
  }

  #varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at++)
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
  }
}
