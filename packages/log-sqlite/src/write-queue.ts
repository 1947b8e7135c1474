import { LogError, type LogRecord, type RecordToAppend } from '@signalbox/log'
import { TOPICS } from './database.ts'
import type { LiveTopic } from './live-topic.ts'
import { ChunkBuilder } from './record-format.ts'
import { laterFailure } from './sqlite-errors.ts'
import type { WorkerClient } from './worker-client.ts'

/** One is being written while the next already waits in the worker's mailbox. */
const MAX_UNDER_WAY = 2
const MAX_CHUNK_BYTES = 1024 * 1024
const MAX_SPARE_STORAGES = 16

export interface Outcome {
  succeed(): void
  fail(error: LogError): void
}

interface OpenChunk {
  readonly live: LiveTopic
  readonly builder: ChunkBuilder
}

/** What goes into one transaction. */
class Flush {
  readonly chunks: OpenChunk[] = []
  readonly open = new Map<LiveTopic, ChunkBuilder>()
  /** Shown to cursors once durable. */
  readonly unpublished: { readonly live: LiveTopic; readonly record: LogRecord }[] = []
  readonly outcomes: Outcome[] = []
  bytes = 0
}

/** Gathers what is appended while the worker is busy, and gives it to the worker in one message. */
export class WriteQueue {
  readonly #worker: WorkerClient
  readonly #maxQueuedBytes: number
  readonly #underWay: Flush[] = []
  readonly #spareStorages: ArrayBuffer[] = []
  readonly #onFailure: (error: LogError) => void
  #waiting = new Flush()
  #queuedBytes = 0
  #scheduled = false
  #failure: LogError | undefined

  constructor(worker: WorkerClient, maxQueuedBytes: number, onFailure: (error: LogError) => void) {
    this.#worker = worker
    this.#maxQueuedBytes = maxQueuedBytes
    this.#onFailure = onFailure
    worker.observe({ written: (storages) => this.#written(storages), failed: (error) => this.#failed(error) })
  }

  /** Throws when nothing more can be taken. Errors: TRANSIENT (the queue is full), or why an earlier write failed. */
  checkRoom(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#queuedBytes < this.#maxQueuedBytes) return
    throw new LogError(
      'TRANSIENT',
      `${this.#queuedBytes} bytes wait to be written, over the limit of ${this.#maxQueuedBytes}. Append again a little later.`,
    )
  }

  /** Adds a record to the next transaction: its offset and time are final from here on. */
  add(live: LiveTopic, { headers, indexKeys, key, value }: RecordToAppend, timestampMs: number): LogRecord {
    const flush = this.#waiting
    let builder = flush.open.get(live)
    const offset = live.assignOffset()
    if (builder === undefined || builder.byteLength >= MAX_CHUNK_BYTES) {
      builder = new ChunkBuilder(offset, this.#spareStorages.pop())
      flush.open.set(live, builder)
      flush.chunks.push({ live, builder })
    }
    const bytes = builder.add({ key, value, headers }, offset, timestampMs)
    if (indexKeys !== undefined) builder.name(indexKeys)
    flush.bytes += bytes
    this.#queuedBytes += bytes
    this.#schedule()
    return { offset, timestampMs, key, value, headers }
  }

  /** Shows the record to cursors as soon as the next transaction is durable. */
  publishWhenDurable(live: LiveTopic, record: LogRecord): void {
    this.#waiting.unpublished.push({ live, record })
  }

  /** Tells of the next transaction's outcome. */
  whenDurable(outcome: Outcome): void {
    this.#waiting.outcomes.push(outcome)
  }

  /**
   * Does not wait for more when the worker has nothing to do: while it writes this, the main thread makes the next. An
   * owner that takes a few dozen intents at a time so keeps both busy.
   */
  sendWhenIdle(): void {
    if (this.#underWay.length === 0) this.#send()
  }

  /** Resolves when everything added so far is decided. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      const last = this.#waiting.chunks.length > 0 ? this.#waiting : this.#underWay.at(-1)
      if (last === undefined) return resolve()
      last.outcomes.push({ succeed: resolve, fail: () => resolve() })
    })
  }

  #schedule(): void {
    if (this.#scheduled || this.#underWay.length >= MAX_UNDER_WAY) return
    this.#scheduled = true
    // After the microtasks: the decisions about these intents are appended in them, and share the transaction.
    setImmediate(() => {
      this.#scheduled = false
      this.#send()
    })
  }

  #send(): void {
    const flush = this.#waiting
    if (flush.chunks.length === 0 || this.#failure !== undefined || this.#underWay.length >= MAX_UNDER_WAY) return
    this.#waiting = new Flush()
    this.#underWay.push(flush)
    this.#worker.write(
      flush.chunks.map(({ live, builder }) => ({
        topic: TOPICS.indexOf(live.topic),
        partition: live.partition,
        firstOffset: builder.firstOffset,
        count: builder.count,
        byteLength: builder.byteLength,
        storage: builder.storage,
        names: builder.names,
      })),
    )
  }

  #written(storages: readonly ArrayBuffer[]): void {
    const flush = this.#underWay.shift()
    if (flush === undefined) return
    this.#queuedBytes -= flush.bytes
    for (const storage of storages) {
      if (this.#spareStorages.length < MAX_SPARE_STORAGES && storage.byteLength <= MAX_CHUNK_BYTES) this.#spareStorages.push(storage)
    }
    if (this.#waiting.chunks.length > 0) this.#schedule()
    for (const { live, record } of flush.unpublished) live.publish(record)
    for (const { live, builder } of flush.chunks) live.confirm(builder.firstOffset + builder.count)
    for (const live of flush.open.keys()) live.wake()
    for (const outcome of flush.outcomes) outcome.succeed()
  }

  #failed(error: LogError): void {
    if (this.#failure !== undefined) return
    const later = laterFailure(error)
    this.#failure = later
    const [first, ...others] = [...this.#underWay, this.#waiting]
    const lives = new Set([first!, ...others].flatMap((flush) => [...flush.open.keys()]))
    this.#underWay.length = 0
    this.#waiting = new Flush()
    this.#queuedBytes = 0
    for (const live of lives) live.retreat()
    this.#onFailure(later)
    for (const outcome of first!.outcomes) outcome.fail(error)
    for (const { outcomes } of others) for (const outcome of outcomes) outcome.fail(later)
  }
}
