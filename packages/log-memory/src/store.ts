import { randomUUID } from 'node:crypto'
import {
  type AppendedBatch,
  type Batch,
  LogError,
  type LogRecord,
  type RecordToAppend,
  type SideTopic,
  sideTopics,
  type Topic,
} from '@signalbox/log'
import { MemoryGroup } from './group.ts'
import { MemoryTopic, recordBytes } from './topic.ts'

export interface MemoryLogStoreOptions {
  /** Default: a random one. */
  readonly id?: string
  /** Default 1. */
  readonly partitionCount?: number
  /** Skips one offset after each batch of an owner, as Kafka's transaction markers do. Default false. */
  readonly gapAfterBatch?: boolean
  /** Bytes of key, value and headers of one record. Default 1 MiB. */
  readonly maxRecordBytes?: number
}

export interface MemorySnapshot {
  readonly position: number
  readonly chunks: readonly Uint8Array[]
  readonly manifest: Uint8Array
}

const DEFAULT_MAX_RECORD_BYTES = 1024 * 1024
const TOPICS: readonly Topic[] = ['intents', 'events', 'dead-letters', ...sideTopics]

/**
 * What is "on disk": everything that outlives the handles of a memory log. Drop a handle with work under way and open
 * another on the same store, or have several at a time: each is a process of its own.
 */
export class MemoryLogStore {
  readonly id: string
  readonly partitionCount: number
  readonly maxRecordBytes: number
  readonly group: MemoryGroup
  /** By partition: the newest. */
  readonly snapshots = new Map<number, MemorySnapshot>()
  readonly #gapAfterBatch: boolean
  readonly #topics: ReadonlyMap<Topic, readonly MemoryTopic[]>
  readonly #owners: { epoch: number; generation: number }[]

  constructor(options: MemoryLogStoreOptions = {}) {
    this.id = options.id ?? `memory-${randomUUID()}`
    this.partitionCount = options.partitionCount ?? 1
    this.maxRecordBytes = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES
    this.#gapAfterBatch = options.gapAfterBatch ?? false
    this.group = new MemoryGroup(this.partitionCount)
    const partitions = Array.from({ length: this.partitionCount }, (_, partition) => partition)
    this.#topics = new Map(TOPICS.map((topic) => [topic, partitions.map((partition) => new MemoryTopic(`${topic}/${partition}`))]))
    this.#owners = partitions.map(() => ({ epoch: 0, generation: 0 }))
  }

  topic(topic: Topic, partition: number): MemoryTopic {
    const found = this.#topics.get(topic)?.[partition]
    if (found !== undefined) return found
    throw new LogError(
      'MISCONFIGURED',
      `There is no ${topic}/${partition}: the log has ${this.partitionCount} partition(s), counted from 0.`,
    )
  }

  appendIntent(partition: number, intent: RecordToAppend, timestampMs: number): LogRecord {
    return this.#append('intents', partition, intent, timestampMs)
  }

  appendAside(topic: SideTopic, partition: number, record: RecordToAppend, timestampMs: number): LogRecord {
    return this.#append(topic, partition, record, timestampMs)
  }

  /** For a log that goes on from another one: the next intent of a partition that never had one gets this offset. Throws RangeError. */
  startIntentsAt(partition: number, offset: number): void {
    this.topic('intents', partition).startAt(offset)
  }

  /** For a log that goes on from another one: dead letters, which need no owner, each at the offset named. Throws RangeError. */
  appendLettersAt(
    topic: 'dead-letters' | 'dead-letters.escalation',
    partition: number,
    letters: readonly (RecordToAppend & { readonly offset: number })[],
    timestampMs: number,
  ): void {
    const { end } = this.topic(topic, partition).offsets
    const gap = letters.findIndex(({ offset }, index) => offset !== end + index)
    if (gap >= 0) throw new RangeError(`${topic}/${partition} goes on at ${end + gap}, not at ${letters[gap]!.offset}.`)
    for (const letter of letters) this.#append(topic, partition, letter, timestampMs)
  }

  #append(topic: Topic, partition: number, record: RecordToAppend, timestampMs: number): LogRecord {
    this.checkSize(record)
    return this.topic(topic, partition).append([record], timestampMs, false)[0]!
  }

  /**
   * Fences every earlier writer of the partition and returns the epoch that the new one appends under. An order that is
   * older than the one already followed is refused.
   */
  takeOwnership(partition: number, generation: number): number {
    this.topic('events', partition)
    const owner = this.#owners[partition]!
    if (generation < owner.generation) {
      throw new LogError(
        'FENCED',
        `Partition ${partition} was opened under generation ${owner.generation}; ${generation} is over. Give it up.`,
      )
    }
    owner.generation = generation
    owner.epoch += 1
    return owner.epoch
  }

  /** Takes effect whole, at one moment. Errors: FENCED, TOO_LARGE. */
  appendBatch(partition: number, epoch: number, batch: Batch, timestampMs: number): AppendedBatch {
    const current = this.#owners[partition]!.epoch
    if (epoch !== current) {
      throw new LogError('FENCED', `Another owner opened partition ${partition} (epoch ${current}, this one is ${epoch}). Give it up.`)
    }
    if (batch.events.length === 0) throw new RangeError('A batch has at least one event.')
    for (const record of batch.events) this.checkSize(record)
    for (const record of batch.deadLetters) this.checkSize(record)
    if (batch.deadLetters.length > 0) this.topic('dead-letters', partition).append(batch.deadLetters, timestampMs, this.#gapAfterBatch)
    const events = this.topic('events', partition).append(batch.events, timestampMs, this.#gapAfterBatch)
    return { firstOffset: events[0]!.offset, lastOffset: events.at(-1)!.offset }
  }

  checkSize(record: RecordToAppend): void {
    const bytes = recordBytes(record)
    if (bytes <= this.maxRecordBytes) return
    throw new LogError(
      'TOO_LARGE',
      `A record of ${bytes} bytes is over the limit of ${this.maxRecordBytes}. Send a reference to the content instead.`,
    )
  }
}
