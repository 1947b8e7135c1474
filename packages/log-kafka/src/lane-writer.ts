import { type AppendedBatch, type Batch, isLogError, LogError, type Topic } from '@signalbox/log'
import { closedError, toLogError } from './errors.ts'
import { Lifetime } from './lifetime.ts'
import { storedBytes } from './records.ts'
import { type Settings, topicName, transactionalId } from './settings.ts'
import { TransactionalProducer } from './transactional-producer.ts'
import { withinMs } from './wait.ts'

/** Batches that were appended meanwhile share one transaction, up to this much. */
const GROUP_BATCHES = 1_000
const GROUP_BYTES = 8 * 1024 * 1024
/**
 * How long a transaction waits for partitions that shared the one before: their agents were answered at the same moment, and
 * their next batches are on the way. Without, four partitions would take turns with small transactions.
 */
const GATHER_MS = 1
/** Batches waiting for their turn; whoever appends waits for answers long before this. */
const QUEUE_BATCHES = 10_000

interface QueuedBatch {
  readonly partition: number
  readonly batch: Batch
  readonly bytes: number
  /** Resolves when it is decided, either way. */
  readonly settled: Promise<unknown>
  resolve(appended: AppendedBatch): void
  reject(error: LogError): void
}

export interface LaneWriterOptions {
  readonly settings: Settings
  readonly lane: number
  /** The largest record batch that each topic takes. */
  readonly maxBatchBytes: Readonly<Record<Topic, number>>
  readonly parent: AbortSignal
}

/** Writes the batches of some partitions, one transaction after the other, each with all that came meanwhile. */
export class LaneWriter {
  readonly maxBatchBytes: LaneWriterOptions['maxBatchBytes']
  readonly #options: LaneWriterOptions
  readonly #where: string
  readonly #lifetime: Lifetime
  readonly #producer: TransactionalProducer
  readonly #eventsTopic: string
  readonly #deadLettersTopic: string
  /** By partition: who may append now. */
  readonly #holders = new Map<number, object>()
  #queue: QueuedBatch[] = []
  #underWay: readonly QueuedBatch[] = []
  #running: Promise<void> | undefined
  /** The partitions of the last transaction. */
  #lastPartitions: ReadonlySet<number> = new Set()
  /** Ends the wait for the others. */
  #gathered: (() => void) | undefined
  #failure: LogError | undefined
  #closed: Promise<void> | undefined

  private constructor(options: LaneWriterOptions) {
    const { settings, lane } = options
    this.maxBatchBytes = options.maxBatchBytes
    this.#options = options
    this.#where = `lane ${lane}`
    this.#lifetime = new Lifetime(`The writer of ${this.#where}`)
    this.#eventsTopic = topicName(settings.topicPrefix, 'events')
    this.#deadLettersTopic = topicName(settings.topicPrefix, 'dead-letters')
    this.#producer = new TransactionalProducer({
      settings,
      name: this.#where,
      transactionalId: transactionalId(settings.topicPrefix, lane),
      topics: [this.#eventsTopic, this.#deadLettersTopic],
      signal: this.#lifetime.signal,
    })
  }

  /** Fences every earlier writer of the lane. Errors: TRANSIENT, MISCONFIGURED, CLOSED. */
  static async open(options: LaneWriterOptions): Promise<LaneWriter> {
    const writer = new LaneWriter(options)
    const endWithLog = () => writer.#lifetime.end()
    options.parent.addEventListener('abort', endWithLog, { once: true })
    try {
      if (options.parent.aborted) throw options.parent.reason
      await writer.#producer.initialize()
      if (options.parent.aborted) throw options.parent.reason
      return writer
    } catch (error) {
      const reason = toLogError(error, `Opening ${writer.#where} failed`, isLogError(error) ? error.code : undefined)
      writer.#lifetime.end()
      await writer.#producer.disconnect(reason)
      throw options.parent.aborted ? options.parent.reason : reason
    } finally {
      // From here on whoever closes the log closes its writers, who get time to finish.
      options.parent.removeEventListener('abort', endWithLog)
    }
  }

  /** Whether another partition may still be written with it. */
  get isUsable(): boolean {
    return this.#failure === undefined && this.#closed === undefined
  }

  /** Lets the holder append to the partition, and nobody that held it before, whose last batches are decided by then. */
  async hold(partition: number, holder: object): Promise<void> {
    this.#holders.set(partition, holder)
    await this.#settled(partition)
    if (this.#failure !== undefined) throw this.#failure
  }

  isHeldBy(partition: number, holder: object): boolean {
    return this.#holders.get(partition) === holder
  }

  append(partition: number, batch: Batch): Promise<AppendedBatch> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (this.#queue.length >= QUEUE_BATCHES) {
      const message = `${QUEUE_BATCHES} batches of ${this.#where} are waiting already. Wait for their answers before appending more.`
      return Promise.reject(new LogError('TRANSIENT', message))
    }
    let bytes = 0
    for (const record of batch.events) bytes += storedBytes(record)
    for (const record of batch.deadLetters) bytes += storedBytes(record)
    const { promise, reject, resolve } = Promise.withResolvers<AppendedBatch>()
    this.#queue.push({ partition, batch, bytes, settled: promise.catch(() => undefined), resolve, reject })
    if (this.#gathered !== undefined && this.#isComplete()) this.#gathered()
    this.#running ??= this.#run()
    return promise
  }

  /** The holder appends no more; with the last one the lane ends. Waits for appends under way, bounded. */
  async release(partition: number, holder: object): Promise<void> {
    const isHolder = this.isHeldBy(partition, holder)
    if (isHolder) this.#holders.delete(partition)
    if (this.#holders.size === 0) return this.close()
    if (isHolder) await withinMs(this.#options.settings.closeTimeoutMs, this.#settled(partition), () => undefined)
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #settled(partition: number): Promise<void> {
    const ofPartition = [...this.#underWay, ...this.#queue].filter((queued) => queued.partition === partition)
    await Promise.all(ofPartition.map(({ settled }) => settled))
  }

  async #close(): Promise<void> {
    await withinMs(this.#options.settings.closeTimeoutMs, this.#running ?? Promise.resolve(), () => undefined)
    this.#lifetime.end()
    const reason = closedError(`The writer of ${this.#where}`)
    this.#failure ??= reason
    for (const { partition, reject } of this.#underWay) reject(outcomeUnknown(partition, reason))
    for (const { reject } of this.#queue.splice(0)) reject(reason)
    await this.#producer.disconnect(reason)
  }

  async #run(): Promise<void> {
    // One turn later, so that appends of the same moment share the first transaction.
    await Promise.resolve()
    while (this.#queue.length > 0 && !this.#lifetime.ended) {
      if (!this.#isComplete()) await this.#gather()
      // Closed meanwhile.
      if (this.#queue.length === 0) break
      this.#underWay = this.#takeGroup()
      this.#lastPartitions = new Set(this.#underWay.map(({ partition }) => partition))
      try {
        await this.#write(this.#underWay)
      } catch (error) {
        this.#fail(toLogError(error, `Writing a batch of ${this.#where} failed`))
      }
      this.#underWay = []
    }
    this.#running = undefined
  }

  /** Whether every partition of the last transaction has something to write again; one alone is not waited for. */
  #isComplete(): boolean {
    if (this.#lastPartitions.size < 2) return true
    const queued = new Set(this.#queue.map(({ partition }) => partition))
    return [...this.#lastPartitions].every((partition) => queued.has(partition))
  }

  async #gather(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS)
      this.#gathered = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#gathered = undefined
  }

  #takeGroup(): readonly QueuedBatch[] {
    let bytes = 0
    let count = 0
    while (count < this.#queue.length && count < GROUP_BATCHES) {
      bytes += this.#queue[count]!.bytes
      if (count > 0 && bytes > GROUP_BYTES) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  async #write(group: readonly QueuedBatch[]): Promise<void> {
    const byPartition = [...Map.groupBy(group, ({ partition }) => partition)]
    const offsets = await this.#producer.write(
      byPartition.flatMap(([partition, batches]) => [
        { topic: this.#eventsTopic, partition, records: batches.flatMap(({ batch }) => batch.events) },
        { topic: this.#deadLettersTopic, partition, records: batches.flatMap(({ batch }) => batch.deadLetters) },
      ]),
    )
    for (const [index, [, batches]] of byPartition.entries()) {
      const ofEvents = offsets[2 * index]!
      let first = 0
      for (const { batch, resolve } of batches) {
        const last = first + batch.events.length - 1
        resolve({ firstOffset: ofEvents[first]!, lastOffset: ofEvents[last]! })
        first = last + 1
      }
    }
  }

  #fail(error: LogError): void {
    const later = laterFailure(error, this.#where)
    this.#failure ??= later
    for (const { reject } of this.#underWay) reject(error)
    // Whatever comes later was certainly not written.
    for (const { reject } of this.#queue.splice(0)) reject(later)
  }
}

function outcomeUnknown(partition: number, cause: LogError): LogError {
  return new LogError('OUTCOME_UNKNOWN', `A batch of partition ${partition} was under way when its writer closed. Open it anew and read.`, {
    cause,
  })
}

/** What every append after a failed one answers. It was certainly not written, whatever became of the first. */
export function laterFailure(error: LogError, where: string): LogError {
  if (isLogError(error, 'FENCED', 'FULL', 'CORRUPT', 'CLOSED')) return error
  const message = `Not written: an earlier batch of ${where} failed. Close the writer and open the partition anew.`
  return new LogError('TRANSIENT', message, { cause: error })
}
