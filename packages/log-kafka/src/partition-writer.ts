import { type AppendedBatch, type Batch, isLogError, LogError, type PartitionWriter } from '@signalbox/log'
import { closedError, toLogError } from './errors.ts'
import { Lifetime } from './lifetime.ts'
import { BATCH_OVERHEAD_BYTES, storedBytes } from './records.ts'
import { type Settings, topicName, transactionalId } from './settings.ts'
import { TransactionalProducer } from './transactional-producer.ts'
import { withinMs } from './wait.ts'

/** Batches that were appended meanwhile share one transaction, up to this much. */
const GROUP_BATCHES = 1_000
const GROUP_BYTES = 8 * 1024 * 1024
/** Batches waiting for their turn; whoever appends waits for answers long before this. */
const QUEUE_BATCHES = 10_000

interface QueuedBatch {
  readonly batch: Batch
  readonly bytes: number
  resolve(appended: AppendedBatch): void
  reject(error: LogError): void
}

export interface PartitionWriterOptions {
  readonly settings: Settings
  readonly partition: number
  readonly maxBatchBytes: number
  readonly parent: AbortSignal
  readonly onClosed: () => void
}

export class KafkaPartitionWriter implements PartitionWriter {
  readonly partition: number
  readonly #options: PartitionWriterOptions
  readonly #lifetime: Lifetime
  readonly #producer: TransactionalProducer
  readonly #eventsTopic: string
  readonly #deadLettersTopic: string
  #queue: QueuedBatch[] = []
  #underWay: readonly QueuedBatch[] = []
  #running: Promise<void> | undefined
  #failure: LogError | undefined
  #closed: Promise<void> | undefined

  private constructor(options: PartitionWriterOptions) {
    const { settings, partition } = options
    this.partition = partition
    this.#options = options
    this.#lifetime = new Lifetime(`The writer of partition ${partition}`)
    this.#eventsTopic = topicName(settings.topicPrefix, 'events')
    this.#deadLettersTopic = topicName(settings.topicPrefix, 'dead-letters')
    this.#producer = new TransactionalProducer({
      settings,
      partition,
      transactionalId: transactionalId(settings.topicPrefix, partition),
      topics: [this.#eventsTopic, this.#deadLettersTopic],
      signal: this.#lifetime.signal,
    })
  }

  /** Fences every earlier writer of the partition. Errors: TRANSIENT, MISCONFIGURED, CLOSED. */
  static async open(options: PartitionWriterOptions): Promise<KafkaPartitionWriter> {
    const writer = new KafkaPartitionWriter(options)
    const endWithLog = () => writer.#lifetime.end()
    options.parent.addEventListener('abort', endWithLog, { once: true })
    try {
      if (options.parent.aborted) throw options.parent.reason
      await writer.#producer.initialize()
      if (options.parent.aborted) throw options.parent.reason
      return writer
    } catch (error) {
      const reason = toLogError(error, `Opening partition ${options.partition} failed`, isLogError(error) ? error.code : undefined)
      writer.#lifetime.end()
      await writer.#producer.disconnect(reason)
      throw options.parent.aborted ? options.parent.reason : reason
    } finally {
      // From here on whoever closes the log closes its writers, who get time to finish.
      options.parent.removeEventListener('abort', endWithLog)
    }
  }

  append(batch: Batch): Promise<AppendedBatch> {
    if (this.#closed !== undefined) return Promise.reject(closedError(`The writer of partition ${this.partition}`))
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const refusal = this.#refusalOf(batch)
    if (refusal !== undefined) {
      this.#failure = laterFailure(refusal, this.partition)
      return Promise.reject(refusal)
    }
    const bytes = [...batch.events, ...batch.deadLetters].reduce((sum, record) => sum + storedBytes(record), 0)
    return new Promise((resolve, reject) => {
      this.#queue.push({ batch, bytes, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    await withinMs(this.#options.settings.closeTimeoutMs, this.#running ?? Promise.resolve(), () => undefined)
    this.#lifetime.end()
    const reason = closedError(`The writer of partition ${this.partition}`)
    this.#failure ??= reason
    for (const { reject } of this.#underWay) reject(outcomeUnknown(this.partition, reason))
    for (const { reject } of this.#queue.splice(0)) reject(reason)
    await this.#producer.disconnect(reason)
    this.#options.onClosed()
  }

  #refusalOf({ events, deadLetters }: Batch): LogError | undefined {
    const where = `partition ${this.partition}`
    if (events.length === 0)
      return new LogError('MISCONFIGURED', `A batch of ${where} has no event. Append at least one with its dead letters.`)
    if (this.#queue.length >= QUEUE_BATCHES) {
      return new LogError(
        'TRANSIENT',
        `${QUEUE_BATCHES} batches of ${where} are waiting already. Wait for their answers before appending more.`,
      )
    }
    const { maxBatchBytes } = this.#options
    const tooLarge = [...events, ...deadLetters].find((record) => storedBytes(record) + BATCH_OVERHEAD_BYTES > maxBatchBytes)
    if (tooLarge === undefined) return undefined
    return new LogError(
      'TOO_LARGE',
      `A record of ${tooLarge.value.byteLength} bytes is too large for ${where}: with its framing at most ${maxBatchBytes} are taken. ` +
        'Make it smaller, or raise max.message.bytes of the topic.',
    )
  }

  async #run(): Promise<void> {
    // One turn later, so that appends of the same moment share the first transaction.
    await Promise.resolve()
    while (this.#queue.length > 0 && !this.#lifetime.ended) {
      this.#underWay = this.#takeGroup()
      try {
        await this.#write(this.#underWay)
      } catch (error) {
        this.#fail(toLogError(error, `Writing a batch of partition ${this.partition} failed`))
      }
      this.#underWay = []
    }
    this.#running = undefined
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
    const [offsets] = await this.#producer.write([
      { topic: this.#eventsTopic, records: group.flatMap(({ batch }) => batch.events) },
      { topic: this.#deadLettersTopic, records: group.flatMap(({ batch }) => batch.deadLetters) },
    ])
    let first = 0
    for (const { batch, resolve } of group) {
      const last = first + batch.events.length - 1
      resolve({ firstOffset: offsets![first]!, lastOffset: offsets![last]! })
      first = last + 1
    }
  }

  #fail(error: LogError): void {
    // What waited behind a batch that is too large was refused before; whatever comes later was certainly not written.
    this.#failure ??= laterFailure(error, this.partition)
    for (const { reject } of this.#underWay) reject(error)
    for (const { reject } of this.#queue.splice(0)) reject(laterFailure(error, this.partition))
  }
}

function outcomeUnknown(partition: number, cause: LogError): LogError {
  return new LogError('OUTCOME_UNKNOWN', `A batch of partition ${partition} was under way when its writer closed. Open it anew and read.`, {
    cause,
  })
}

/** What every append after a failed one answers. It was certainly not written, whatever became of the first. */
function laterFailure(error: LogError, partition: number): LogError {
  if (isLogError(error, 'FENCED', 'FULL', 'CORRUPT', 'CLOSED')) return error
  const message = `Not written: an earlier batch of partition ${partition} failed. Close the writer and open the partition anew.`
  return new LogError('TRANSIENT', message, { cause: error })
}
