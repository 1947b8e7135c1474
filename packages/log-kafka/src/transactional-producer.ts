import { LogError, type RecordToAppend } from '@signalbox/log'
import type { Broker } from 'kafkajs/src/broker/index.js'
import { Client, isPassing } from './client.ts'
import { errorType, isAnswer, isFenced, toLogError } from './errors.ts'
import { encodeRecordBatch } from './record-batch-writer.ts'
import { chunksOf } from './records.ts'
import { fetch, produce } from './requests.ts'
import type { Settings } from './settings.ts'
import { retrying, withinMs } from './wait.ts'

const INT_32_MAX = 2_147_483_647
const ABORT_TIMEOUT_MS = 1_000
const LONG_POLL_MS = 500

/** What goes to one partition of one topic. */
export interface PartitionRecords {
  readonly topic: string
  readonly partition: number
  readonly records: readonly RecordToAppend[]
}

interface Place {
  readonly topic: string
  readonly partition: number
}

export interface TransactionalProducerOptions {
  readonly settings: Settings
  /** For messages: what it writes. */
  readonly name: string
  readonly transactionalId: string
  readonly topics: readonly string[]
  /** Aborted with CLOSED when the writer is closed for good. */
  readonly signal: AbortSignal
}

/**
 * Transactions on some partitions, one after the other. After an error it is of no further use: it is
 * discarded, never repaired, and the next one with its transactional id aborts or completes what this one left open.
 */
export class TransactionalProducer {
  readonly #options: TransactionalProducerOptions
  readonly #client: Client
  readonly #nextSequence = new Map<string, number>()
  #identity = { transactionalId: '', producerId: '-1', producerEpoch: -1 }

  constructor(options: TransactionalProducerOptions) {
    this.#options = options
    this.#client = new Client(options.settings, options.topics)
  }

  /**
   * Fences every earlier producer of the transactional id. Resolves once a transaction that one of them left is decided:
   * the coordinator answers CONCURRENT_TRANSACTIONS until its markers are written.
   */
  async initialize(): Promise<void> {
    const { settings, transactionalId } = this.#options
    const identity = await this.#retry(async () => {
      const coordinator = await this.#coordinator()
      return coordinator.initProducerId({ transactionalId, transactionTimeout: settings.transactionTimeoutMs })
    })
    this.#identity = { transactionalId, producerId: identity.producerId, producerEpoch: identity.producerEpoch }
  }

  /**
   * Writes all the records in one transaction, and resolves to their offsets, for each entry in order, once everybody can
   * read them. Entries without records are left out; no two are of the same place. Errors: LogError.
   */
  async write(entries: readonly PartitionRecords[]): Promise<readonly (readonly number[])[]> {
    const used = entries.filter(({ records }) => records.length > 0)
    const offsets = await this.#produceOrAbort(used)
    await this.#commit()
    try {
      await this.#untilReadable(used.map((entry) => ({ ...entry, markerOffset: offsets.get(entry)!.at(-1)! + 1 })))
    } catch (error) {
      throw toLogError(error, `${this.#where} committed a batch, but could not see it become readable`, 'OUTCOME_UNKNOWN')
    }
    return entries.map((entry) => offsets.get(entry) ?? [])
  }

  /** An empty transaction: its marker takes one offset of the place, which no reader sees. Errors: LogError. */
  async mark({ partition, topic }: Place): Promise<void> {
    await this.#retry(async () => {
      const coordinator = await this.#coordinator()
      return coordinator.addPartitionsToTxn({ ...this.#identity, topics: [{ topic, partitions: [partition] }] })
    })
    await this.#commit()
  }

  disconnect(reason: Error): Promise<void> {
    return this.#client.disconnect(reason)
  }

  get #where(): string {
    return `The writer of ${this.#options.name}`
  }

  async #produceOrAbort(entries: readonly PartitionRecords[]): Promise<ReadonlyMap<PartitionRecords, readonly number[]>> {
    try {
      // Right after a transaction this answers CONCURRENT_TRANSACTIONS for a few milliseconds; kafkajs would wait 300.
      await this.#retry(async () => {
        const coordinator = await this.#coordinator()
        return coordinator.addPartitionsToTxn({ ...this.#identity, topics: byTopic(entries, ({ partition }) => partition) })
      })
      // All of them, also where one has failed: an abort must not overtake a request that is still on its way.
      const produced = await Promise.allSettled(entries.map(async (entry) => [entry, await this.#produce(entry)] as const))
      const failed = produced.find((outcome) => outcome.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      return new Map(produced.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : [])))
    } catch (error) {
      if (!isFenced(error)) await this.#abort()
      throw toLogError(error, `${this.#where} could not write a batch; nothing of it will ever be visible`)
    }
  }

  async #produce({ partition, records, topic }: PartitionRecords): Promise<number[]> {
    const { settings } = this.#options
    const place = `${topic}/${partition}`
    const offsets: number[] = []
    // Several requests, one transaction: kafkajs is slow with many messages, and the broker limits the bytes of a batch.
    for (const chunk of chunksOf(records)) {
      const firstSequence = this.#nextSequence.get(place) ?? 0
      const { producerEpoch, producerId, transactionalId } = this.#identity
      const batch = encodeRecordBatch(chunk, { producerId, producerEpoch, firstSequence })
      const produced = await this.#retry(async () => {
        const leader = await this.#client.leader(topic, partition)
        return produce(leader, { topic, partition, batch, transactionalId, timeoutMs: settings.requestTimeoutMs })
      }, isCertainlyNotWritten)
      this.#nextSequence.set(place, sequenceAfter(firstSequence, chunk.length))
      const baseOffset = Number(produced.baseOffset)
      for (let index = 0; index < chunk.length; index++) offsets.push(baseOffset + index)
    }
    return offsets
  }

  async #commit(): Promise<void> {
    try {
      const coordinator = await this.#coordinator()
      await coordinator.endTxn({ ...this.#identity, transactionResult: true })
    } catch (error) {
      // A fenced producer's commit is refused; after any other failure only the log can tell.
      throw toLogError(error, `${this.#where} could not commit a batch`, isFenced(error) ? 'FENCED' : 'OUTCOME_UNKNOWN')
    }
  }

  /** A courtesy to readers, who cannot read past an open transaction; the next owner's `initialize` does the same. */
  async #abort(): Promise<void> {
    const aborted = this.#coordinator().then((coordinator) => coordinator.endTxn({ ...this.#identity, transactionResult: false }))
    await withinMs(
      ABORT_TIMEOUT_MS,
      aborted.catch(() => undefined),
      () => undefined,
    )
  }

  /**
   * A commit is acknowledged before its markers are in the partitions. A read-committed fetch of the marker waits for just
   * that, and brings a few bytes.
   */
  async #untilReadable(places: readonly MarkedPlace[]): Promise<void> {
    const started = performance.now()
    let waiting = places
    while (waiting.length > 0) {
      const asked = waiting
      const readable = await this.#retry(async () => {
        const leaders = await Promise.all(asked.map(({ topic, partition }) => this.#client.leader(topic, partition)))
        const byLeader = Map.groupBy(asked, (_, index) => leaders[index]!)
        return (await Promise.all([...byLeader].map(([leader, ofLeader]) => readableOf(leader, ofLeader)))).flat()
      })
      waiting = asked.filter((place) => !readable.includes(place))
      if (waiting.length > 0 && performance.now() - started > this.#options.settings.requestTimeoutMs) {
        throw new LogError('OUTCOME_UNKNOWN', `${this.#where} waited too long for its batch to become readable. Open it anew and read.`)
      }
    }
  }

  #coordinatorBroker: Broker | undefined

  async #coordinator(): Promise<Broker> {
    // Asking which broker it is would cost every transaction two more round trips.
    this.#coordinatorBroker ??= await this.#client.coordinator('transaction', this.#options.transactionalId)
    return this.#coordinatorBroker
  }

  #retry<Result>(call: () => Promise<Result>, retriable: (error: unknown) => boolean = isPassing): Promise<Result> {
    const { settings, signal } = this.#options
    const deadlineMs = performance.now() + settings.requestTimeoutMs
    return retrying({ deadlineMs, signal, retriable }, async (attempt) => {
      try {
        return await call()
      } catch (error) {
        if (errorType(error) !== 'CONCURRENT_TRANSACTIONS') {
          this.#coordinatorBroker = undefined
          // The first attempt may have met nothing worse than a connection that had gone stale.
          if (attempt > 1) await this.#client.refresh()
        }
        throw error
      }
    })
  }
}

interface MarkedPlace extends Place {
  readonly markerOffset: number
}

/** Waits until at least one of a leader's places is readable up to its marker; gives all that are. */
async function readableOf(leader: Broker, places: readonly MarkedPlace[]): Promise<readonly MarkedPlace[]> {
  const fetched = await fetch(leader, {
    places: places.map(({ markerOffset, partition, topic }) => ({ topic, partition, fromOffset: markerOffset })),
    maxWaitMs: LONG_POLL_MS,
    maxBytes: 1,
  })
  const stable = new Map(fetched.map(({ lastStableOffset, partition, topic }) => [`${topic}/${partition}`, lastStableOffset]))
  return places.filter(({ markerOffset, partition, topic }) => (stable.get(`${topic}/${partition}`) ?? -1) >= markerOffset)
}

function byTopic<P extends Place, Item>(places: readonly P[], itemOf: (place: P) => Item): { topic: string; partitions: Item[] }[] {
  return [...Map.groupBy(places, ({ topic }) => topic)].map(([topic, ofTopic]) => ({ topic, partitions: ofTopic.map(itemOf) }))
}

/** A new leader, too few replicas: the broker has answered, and will take the same request later. No answer is another matter. */
function isCertainlyNotWritten(error: unknown): boolean {
  return isAnswer(error) && isPassing(error)
}

/** Sequence numbers of a producer are 31 bits and wrap to 0. */
export function sequenceAfter(sequence: number, count: number): number {
  return sequence > INT_32_MAX - count ? count - (INT_32_MAX - sequence) - 1 : sequence + count
}
