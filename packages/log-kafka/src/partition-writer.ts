import { type AppendedBatch, type Batch, LogError, type PartitionWriter } from '@signalbox/log'
import { closedError } from './errors.ts'
import { type LaneWriter, laterFailure } from './lane-writer.ts'
import { BATCH_OVERHEAD_BYTES, storedBytes } from './records.ts'

/** One partition of a lane. */
export class KafkaPartitionWriter implements PartitionWriter {
  readonly partition: number
  readonly #lane: LaneWriter
  #failure: LogError | undefined
  #closed: Promise<void> | undefined

  private constructor(lane: LaneWriter, partition: number) {
    this.#lane = lane
    this.partition = partition
  }

  /** Whoever wrote the partition with this lane before cannot any more. Errors: those of the lane. */
  static async attach(lane: LaneWriter, partition: number): Promise<KafkaPartitionWriter> {
    const writer = new KafkaPartitionWriter(lane, partition)
    await lane.hold(partition, writer)
    return writer
  }

  append(batch: Batch): Promise<AppendedBatch> {
    if (this.#closed !== undefined) return Promise.reject(closedError(`The writer of partition ${this.partition}`))
    const refusal = this.#failure ?? this.#refusalOf(batch)
    if (refusal !== undefined) {
      this.#failure ??= laterFailure(refusal, `partition ${this.partition}`)
      return Promise.reject(refusal)
    }
    return this.#lane.append(this.partition, batch)
  }

  close(): Promise<void> {
    this.#closed ??= this.#lane.release(this.partition, this)
    return this.#closed
  }

  #refusalOf({ events, deadLetters }: Batch): LogError | undefined {
    const where = `partition ${this.partition}`
    if (!this.#lane.isHeldBy(this.partition, this)) return new LogError('FENCED', `The ${where} was opened anew. Give it up.`)
    if (events.length === 0)
      return new LogError('MISCONFIGURED', `A batch of ${where} has no event. Append at least one with its dead letters.`)
    for (const [topic, records] of [
      ['events', events],
      ['dead-letters', deadLetters],
    ] as const) {
      const most = this.#lane.maxBatchBytes[topic]
      const tooLarge = records.find((record) => storedBytes(record) + BATCH_OVERHEAD_BYTES > most)
      if (tooLarge === undefined) continue
      const bytes = tooLarge.value.byteLength
      const message = `A record of ${bytes} bytes is too large for the ${topic} of ${where}: with its framing at most ${most} are taken. `
      return new LogError('TOO_LARGE', `${message}Make it smaller, or raise max.message.bytes of the topic.`)
    }
    return undefined
  }
}
