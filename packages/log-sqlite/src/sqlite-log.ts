import { resolve as resolvePath } from 'node:path'
import {
  type Assignment,
  type AssignmentListener,
  type Cursor,
  type EventIndex,
  isLogError,
  type Log,
  LogError,
  type LogRecord,
  type Membership,
  type Offsets,
  type PartitionWriter,
  type Position,
  type ReadFrom,
  type RecordToAppend,
  type SideTopic,
  type Topic,
} from '@signalbox/log'
import { type CursorSource, SqliteCursor } from './cursor.ts'
import { MAX_PARTITIONS, TOPICS } from './database.ts'
import { LiveTopic, outOfRange } from './live-topic.ts'
import { SqliteMembership } from './membership.ts'
import { SqlitePartitionWriter } from './partition-writer.ts'
import { checkRecordSize, decodeChunk } from './record-format.ts'
import { type Clocks, TimeGuard } from './time-guard.ts'
import { WorkerClient } from './worker-client.ts'
import { WriteQueue } from './write-queue.ts'

export interface SqliteLogOptions {
  /** Made when it is not there. */
  readonly directory: string
  /** Fixed when the log is created (1 when not given); later it must be the same, or not given. */
  readonly partitionCount?: number
  /** Bytes of key, value and headers of one record. Default 1 MiB. */
  readonly maxRecordBytes?: number
  /** The largest the database file may become; then every append fails with FULL. Default: what the disk has. */
  readonly maxFileBytes?: number
  /** Newest records of a topic of a partition that are kept in memory for cursors, in bytes. Default 8 MiB. */
  readonly recentBytes?: number
  /** What may wait to be written, in bytes; then appends fail with TRANSIENT. Default 64 MiB. */
  readonly maxQueuedBytes?: number
  /** Default 60,000. */
  readonly openTimeoutMs?: number
  /** How long closing waits for `AssignmentListener.revoked`, and then for the worker. Default 10,000 each. */
  readonly closeTimeoutMs?: number
  /** Names that a segment of the index of events holds. Default 131,072. */
  readonly segmentNames?: number
  /** For tests. */
  readonly clocks?: Clocks
}

const DEFAULTS = {
  maxRecordBytes: 1024 * 1024,
  recentBytes: 8 * 1024 * 1024,
  maxQueuedBytes: 64 * 1024 * 1024,
  openTimeoutMs: 60_000,
  closeTimeoutMs: 10_000,
}
type Settings = SqliteLogOptions & typeof DEFAULTS

/** Generations of one owner lie below those of the next. */
const GENERATIONS_PER_OWNER = 2 ** 20

/**
 * Takes the log in a directory as its only owner.
 * Errors: OWNED (names who has it), CORRUPT (names the file and the check), MISCONFIGURED (another format or partition
 * count), FULL, TRANSIENT.
 */
export async function openSqliteLog(options: SqliteLogOptions): Promise<Log> {
  const { partitionCount } = options
  if (partitionCount !== undefined && !(Number.isInteger(partitionCount) && partitionCount >= 1 && partitionCount <= MAX_PARTITIONS)) {
    throw new LogError('MISCONFIGURED', `A log has 1 to ${MAX_PARTITIONS} partitions, not ${partitionCount}. Choose another count.`)
  }
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const settings: Settings = { ...DEFAULTS, ...Object.fromEntries(given), directory: resolvePath(options.directory) }
  const { directory, maxFileBytes, openTimeoutMs, segmentNames } = settings
  const worker = await WorkerClient.open({ directory, partitionCount, maxFileBytes, segmentNames }, openTimeoutMs)
  return new SqliteLog(worker, settings)
}

class SqliteLog implements Log {
  readonly name = 'sqlite'
  readonly id: string
  /** A log of one machine is read from its start as fast as it was written. */
  readonly snapshots = null
  readonly index: EventIndex
  readonly partitionCount: number
  readonly #worker: WorkerClient
  readonly #settings: Settings
  readonly #queue: WriteQueue
  readonly #lives: ReadonlyMap<Topic, readonly LiveTopic[]>
  readonly #cursors = new Set<SqliteCursor>()
  readonly #writers = new Map<number, Set<SqlitePartitionWriter>>()
  readonly #time: TimeGuard
  readonly #damaged = new Map<number, LogError>()
  #membership: SqliteMembership | undefined
  #generation: number
  #failure: LogError | undefined
  #closed: Promise<void> | undefined

  constructor(worker: WorkerClient, settings: Settings) {
    const { id, partitionCount, owners, ends } = worker.opened
    this.id = id
    this.partitionCount = partitionCount
    this.#worker = worker
    this.#settings = settings
    this.#time = new TimeGuard(settings.clocks)
    this.index = {
      lastWith: async (partition, key, before) => {
        this.#checkOpen()
        this.#live('events', partition)
        return await this.#noticing(partition, () => worker.find(partition, key, before))
      },
      prove: async (partition) => {
        this.#checkOpen()
        this.#live('events', partition)
        await worker.prove(partition)
      },
    }
    this.#generation = owners * GENERATIONS_PER_OWNER
    this.#queue = new WriteQueue(worker, settings.maxQueuedBytes, (error) => this.#fail(error))
    const { recentBytes } = settings
    this.#lives = new Map(
      TOPICS.map((topic, index) => [topic, ends[index]!.map((end, partition) => new LiveTopic({ topic, partition, end, recentBytes }))]),
    )
  }

  trouble(): string | null {
    return this.#time.trouble()
  }

  append(partition: number, intent: RecordToAppend): Promise<Position & { readonly timestampMs: number }> {
    return this.#append('intents', partition, intent)
  }

  appendAside(topic: SideTopic, partition: number, record: RecordToAppend): Promise<Position & { readonly timestampMs: number }> {
    return this.#append(topic, partition, record)
  }

  #append(topic: Topic, partition: number, given: RecordToAppend): Promise<Position & { readonly timestampMs: number }> {
    return new Promise((resolve, reject) => {
      this.#checkOpen()
      const live = this.#live(topic, partition)
      this.#checkWhole(partition)
      this.#queue.checkRoom()
      checkRecordSize(given, this.#settings.maxRecordBytes)
      const record = this.#queue.add(live, given, this.#time.nowMs())
      // Before it is durable: should this transaction fail, every later one does, and so does any event about the intent.
      live.publish(record)
      live.wake()
      this.#queue.whenDurable({
        succeed: () => resolve({ partition, offset: record.offset, timestampMs: record.timestampMs }),
        fail: reject,
      })
    })
  }

  async cursor({ topic, partition, fromOffset }: ReadFrom): Promise<Cursor> {
    this.#checkOpen()
    const live = this.#live(topic, partition)
    const from = fromOffset === 'end' ? live.visibleEnd : fromOffset
    live.checkRange(from)
    const cursor: SqliteCursor = new SqliteCursor(this.#source(live), from, () => this.#cursors.delete(cursor))
    this.#cursors.add(cursor)
    return cursor
  }

  async offsets(topic: Topic, partition: number): Promise<Offsets> {
    this.#checkOpen()
    const end = this.#live(topic, partition).durableEnd
    return { start: 0, end, written: end }
  }

  async join(listener: AssignmentListener): Promise<Membership> {
    this.#checkOpen()
    if (this.#failure !== undefined) throw this.#failure
    if (this.#membership !== undefined) {
      throw new LogError('MISCONFIGURED', 'This log has a membership already. Leave that one before joining again.')
    }
    this.#membership = new SqliteMembership({
      listener,
      partitionCount: this.partitionCount,
      generation: ++this.#generation,
      revokeTimeoutMs: this.#settings.closeTimeoutMs,
      onLeft: () => {
        this.#membership = undefined
      },
    })
    return this.#membership
  }

  async open({ partition, signal }: Assignment): Promise<PartitionWriter> {
    this.#checkOpen()
    const events = this.#live('events', partition)
    if (signal.aborted) throw new LogError('FENCED', `The assignment of partition ${partition} is over. Wait until it is assigned again.`)
    this.#checkWhole(partition)
    const writers = this.#writers.get(partition) ?? new Set()
    this.#writers.set(partition, writers)
    for (const earlier of writers) earlier.end(new LogError('FENCED', `Another owner opened partition ${partition}. Give it up.`))
    const { maxRecordBytes } = this.#settings
    const deadLetters = this.#live('dead-letters', partition)
    const writer: SqlitePartitionWriter = new SqlitePartitionWriter({
      events,
      deadLetters,
      queue: this.#queue,
      maxRecordBytes,
      onClosed: () => writers.delete(writer),
    })
    writers.add(writer)
    await this.#queue.drained()
    this.#checkOpen()
    if (this.#failure !== undefined) throw this.#failure
    return writer
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { closeTimeoutMs } = this.#settings
    await Promise.all([...this.#cursors].map((cursor) => cursor.close()))
    await this.#membership?.leave()
    await Promise.all([...this.#writers.values()].flatMap((writers) => [...writers].map((writer) => writer.close())))
    await this.#queue.drained()
    await this.#worker.close(closeTimeoutMs)
  }

  #checkOpen(): void {
    if (this.#closed === undefined) return
    throw new LogError('CLOSED', `The log in ${this.#settings.directory} is closed. Open it again to go on.`)
  }

  #checkWhole(partition: number): void {
    const damage = this.#damaged.get(partition)
    if (damage !== undefined) throw damage
  }

  #live(topic: Topic, partition: number): LiveTopic {
    const live = this.#lives.get(topic)?.[partition]
    if (live !== undefined) return live
    throw new LogError(
      'MISCONFIGURED',
      `There is no ${topic}/${partition}: the log has ${this.partitionCount} partition(s), counted from 0.`,
    )
  }

  #source(live: LiveTopic): CursorSource {
    const { topic, partition } = live
    return {
      name: `${topic}/${partition}`,
      recent: (fromOffset, bounds) => {
        // Who decides stops; who reads events gets what is whole.
        if (topic === 'intents') this.#checkWhole(partition)
        if (fromOffset > live.visibleEnd) throw this.#failure ?? outOfRange(topic, partition, fromOffset, live.visibleEnd)
        return live.read(fromOffset, bounds)
      },
      load: async (fromOffset, maxBytes): Promise<readonly LogRecord[]> => {
        const chunks = await this.#noticing(partition, () => this.#worker.read(TOPICS.indexOf(topic), partition, fromOffset, maxBytes))
        return chunks.flatMap((bytes) => decodeChunk({ bytes }, fromOffset))
      },
      onAppend: (waiter) => live.onAppend(waiter),
    }
  }

  /** A partition in which damage was found takes nothing more: what is decided on what is left could be wrong. */
  async #noticing<Result>(partition: number, read: () => Promise<Result>): Promise<Result> {
    try {
      return await read()
    } catch (error) {
      if (isLogError(error, 'CORRUPT')) this.#damage(partition, error)
      throw error
    }
  }

  #damage(partition: number, error: LogError): void {
    if (this.#damaged.has(partition)) return
    this.#damaged.set(partition, error)
    for (const writer of this.#writers.get(partition) ?? []) writer.end(error)
    this.#live('intents', partition).wake()
  }

  #fail(error: LogError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#membership?.lose(error)
  }
}
