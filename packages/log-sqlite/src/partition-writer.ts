import { type AppendedBatch, type Batch, isLogError, LogError, type PartitionWriter } from '@signalbox/log'
import type { LiveTopic } from './live-topic.ts'
import { checkRecordSize } from './record-format.ts'
import { laterFailure } from './sqlite-errors.ts'
import type { WriteQueue } from './write-queue.ts'

export interface PartitionWriterOptions {
  readonly events: LiveTopic
  readonly deadLetters: LiveTopic
  readonly queue: WriteQueue
  readonly maxRecordBytes: number
  readonly onClosed: () => void
}

export class SqlitePartitionWriter implements PartitionWriter {
  readonly partition: number
  readonly #options: PartitionWriterOptions
  #failure: LogError | undefined

  constructor(options: PartitionWriterOptions) {
    this.partition = options.events.partition
    this.#options = options
  }

  append(batch: Batch): Promise<AppendedBatch> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure)
      try {
        this.#check(batch)
      } catch (error) {
        if (isLogError(error)) this.#failure = laterFailure(error)
        return reject(error)
      }
      const { queue } = this.#options
      const appended = this.#add(batch)
      queue.whenDurable({
        succeed: () => resolve(appended),
        fail: (error) => {
          this.#failure ??= laterFailure(error)
          reject(error)
        },
      })
      queue.sendWhenIdle()
    })
  }

  async close(): Promise<void> {
    this.end(new LogError('CLOSED', `The writer of partition ${this.partition} is closed. Open the partition anew to write.`))
    await this.#options.queue.drained()
    this.#options.onClosed()
  }

  /** Takes no more appends; those under way go on. */
  end(reason: LogError): void {
    if (this.#failure === undefined || reason.code === 'FENCED' || reason.code === 'CORRUPT') this.#failure = reason
  }

  #check({ events, deadLetters }: Batch): void {
    const { queue, maxRecordBytes } = this.#options
    queue.checkRoom()
    if (events.length === 0) throw new RangeError('A batch has at least one event.')
    for (const record of events) checkRecordSize(record, maxRecordBytes)
    for (const record of deadLetters) checkRecordSize(record, maxRecordBytes)
  }

  #add(batch: Batch): AppendedBatch {
    const { queue, events, deadLetters } = this.#options
    const timestampMs = Date.now()
    let firstOffset = -1
    let lastOffset = -1
    for (const event of batch.events) {
      const record = queue.add(events, event, timestampMs)
      queue.publishWhenDurable(events, record)
      if (firstOffset < 0) firstOffset = record.offset
      lastOffset = record.offset
    }
    for (const deadLetter of batch.deadLetters) queue.publishWhenDurable(deadLetters, queue.add(deadLetters, deadLetter, timestampMs))
    return { firstOffset, lastOffset }
  }
}
