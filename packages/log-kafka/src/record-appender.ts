import { LogError, type Position, type RecordToAppend } from '@signalbox/log'
import { type Client, isPassing } from './client.ts'
import { closedError, isAnswer, toLogError } from './errors.ts'
import { Lifetime } from './lifetime.ts'
import { encodeRecordBatch } from './record-batch-writer.ts'
import { BATCH_OVERHEAD_BYTES, chunksOf, storedBytes } from './records.ts'
import { produce } from './requests.ts'
import type { Settings } from './settings.ts'
import { retrying, withinMs } from './wait.ts'

/** Records waiting for their turn, of one partition of a topic. */
const QUEUE_RECORDS = 20_000
const QUEUE_BYTES = 64 * 1024 * 1024
const REQUEST_RECORDS = 1_000

export type AppendedRecord = Position & { readonly timestampMs: number }

interface QueuedRecord {
  readonly record: RecordToAppend
  readonly bytes: number
  resolve(appended: AppendedRecord): void
  reject(error: LogError): void
}

export interface RecordAppenderOptions {
  readonly client: Client
  readonly settings: Settings
  readonly topic: string
  readonly partition: number
  readonly maxBatchBytes: number
}

/** Appends to one partition of a topic: one request at a time, which takes along all that came meanwhile. */
export class RecordAppender {
  readonly #options: RecordAppenderOptions
  readonly #lifetime: Lifetime
  readonly #where: string
  #queue: QueuedRecord[] = []
  #queuedBytes = 0
  #underWay: readonly QueuedRecord[] = []
  #running: Promise<void> | undefined

  constructor(options: RecordAppenderOptions) {
    this.#options = options
    this.#where = `${options.topic}/${options.partition}`
    this.#lifetime = new Lifetime('The log')
  }

  append(record: RecordToAppend): Promise<AppendedRecord> {
    const bytes = storedBytes(record)
    const { maxBatchBytes } = this.#options
    if (bytes + BATCH_OVERHEAD_BYTES > maxBatchBytes) {
      const message = `A record of ${record.value.byteLength} bytes is too large for ${this.#where}: with its framing at most ${maxBatchBytes} are taken. Make it smaller.`
      return Promise.reject(new LogError('TOO_LARGE', message))
    }
    if (this.#queue.length >= QUEUE_RECORDS || (this.#queue.length > 0 && this.#queuedBytes + bytes > QUEUE_BYTES)) {
      const message = `${this.#queue.length} records are waiting for ${this.#where} already. Wait for their answers before appending more.`
      return Promise.reject(new LogError('TRANSIENT', message))
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ record, bytes, resolve, reject })
      this.#queuedBytes += bytes
      this.#running ??= this.#run()
    })
  }

  /** Waits for what is under way, bounded, and refuses the rest. Whoever owns the client disconnects it afterwards. */
  async close(): Promise<void> {
    await withinMs(this.#options.settings.closeTimeoutMs, this.#running ?? Promise.resolve(), () => undefined)
    this.#lifetime.end()
    const reason = closedError('The log')
    for (const { reject } of this.#underWay) {
      reject(
        new LogError('OUTCOME_UNKNOWN', `A record was on its way to ${this.#where} when the log closed. Append it again.`, {
          cause: reason,
        }),
      )
    }
    for (const { reject } of this.#queue.splice(0)) reject(reason)
  }

  async #run(): Promise<void> {
    // Agents who are answered at one moment ask again at one moment: all of them go into the first request.
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (this.#queue.length > 0 && !this.#lifetime.ended) {
      const first = chunksOf(this.#queue.slice(0, REQUEST_RECORDS).map(({ record }) => record))[0]!
      this.#underWay = this.#queue.splice(0, first.length)
      for (const { bytes } of this.#underWay) this.#queuedBytes -= bytes
      try {
        await this.#produce(this.#underWay)
      } catch (error) {
        const failure = toLogError(error, `Appending to ${this.#where} failed`)
        for (const { reject } of this.#underWay) reject(failure)
      }
      this.#underWay = []
    }
    this.#running = undefined
  }

  async #produce(group: readonly QueuedRecord[]): Promise<void> {
    const { client, settings, topic, partition } = this.#options
    const batch = encodeRecordBatch(
      group.map(({ record }) => record),
      null,
    )
    const deadlineMs = performance.now() + settings.requestTimeoutMs
    const produced = await retrying({ deadlineMs, signal: this.#lifetime.signal, retriable: isPassing }, async (attempt) => {
      if (attempt > 1) await client.refresh()
      const leader = await client.leader(topic, partition)
      try {
        return await produce(leader, { topic, partition, batch, transactionalId: null, timeoutMs: settings.requestTimeoutMs })
      } catch (error) {
        if (isAnswer(error)) throw error
        // It was sent, and no answer came: repeating it here could write it twice behind the back of whoever asked.
        throw toLogError(error, `No certain answer came to an append to ${this.#where}`, 'OUTCOME_UNKNOWN')
      }
    })
    const { baseOffset, logAppendTime } = produced
    group.forEach(({ resolve }, index) => {
      resolve({ partition, offset: Number(baseOffset) + index, timestampMs: Number(logAppendTime) })
    })
  }
}
