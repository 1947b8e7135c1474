/** Writes what is carried over into the partitions of a new log, in batches, with the hash chain of each. */
import { Chain, type Codec, chainHeader, cloudEventHeaders } from '@signalbox/codec'
import type { Event } from '@signalbox/contract'
import { indexKeysOf } from '@signalbox/event-log'
import { type Log, notEmpty, type PartitionWriter, type RecordToAppend } from '@signalbox/log'
import { GenerationError } from './errors.ts'

const batchEvents = 500
const batchBytes = 512 * 1024

/** Beyond the port: what only who makes a new log may do. */
export interface NewTopics {
  /** Appends dead letters to a partition that has none, each at the offset named. Called in order. */
  appendAt(
    topic: 'dead-letters' | 'dead-letters.escalation' | 'dead-letters.reactions' | 'dead-letters.ingest',
    partition: number,
    records: readonly (RecordToAppend & { readonly offset: number })[],
  ): Promise<void>
  /** The next intent of a partition, which has none yet, gets this offset. */
  startIntentsAt(partition: number, offset: number): Promise<void>
}

export class NewLog {
  readonly log: Log
  readonly codec: Codec
  readonly #partitions: readonly Partition[]
  #events = 0

  private constructor(log: Log, codec: Codec, partitions: readonly Partition[]) {
    this.log = log
    this.codec = codec
    this.#partitions = partitions
  }

  /** Errors: GenerationError where the log is not empty; LogError. */
  static async open(log: Log, codec: Codec): Promise<NewLog> {
    const found = await notEmpty(log)
    if (found !== null)
      throw new GenerationError(
        `${found.topic}/${found.partition} of the new topics is not empty (it ends at ${found.end}); a log is carried over into topics that nothing was ever written to. Delete them, and create them anew: signalbox topics apply`,
      )
    const partitions: Partition[] = []
    try {
      for (let partition = 0; partition < log.partitionCount; partition++) {
        const writer = await log.open({ partition, generation: 1, signal: new AbortController().signal })
        partitions.push(new Partition(writer, log, codec))
      }
    } catch (error) {
      await Promise.allSettled(partitions.map((each) => each.close()))
      throw error
    }
    return new NewLog(log, codec, partitions)
  }

  get events(): number {
    return this.#events
  }

  async write(event: Event): Promise<void> {
    this.#events++
    await this.#partitions[event.partition]!.add(event)
  }

  async flush(): Promise<void> {
    for (const partition of this.#partitions) await partition.flush()
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#partitions.map((partition) => partition.close()))
  }
}

class Partition {
  readonly #writer: PartitionWriter
  readonly #log: Log
  readonly #codec: Codec
  readonly #chain = new Chain()
  #batch: RecordToAppend[] = []
  #bytes = 0

  constructor(writer: PartitionWriter, log: Log, codec: Codec) {
    this.#writer = writer
    this.#log = log
    this.#codec = codec
  }

  async add(event: Event): Promise<void> {
    const value = this.#codec.encodeEvent(event)
    if (this.#batch.length === batchEvents || (this.#batch.length > 0 && this.#bytes + value.length > batchBytes)) await this.flush()
    this.#chain.add(value)
    this.#bytes += value.length
    this.#batch.push({
      key: event.scope || `partition-${event.partition}`,
      value,
      headers: cloudEventHeaders(event),
      ...(this.#log.index === null ? {} : { indexKeys: indexKeysOf(event) }),
    })
  }

  async flush(): Promise<void> {
    const last = this.#batch.pop()
    if (last === undefined) return
    const events = [...this.#batch, { ...last, headers: { ...last.headers, [chainHeader]: this.#chain.close() } }]
    this.#batch = []
    this.#bytes = 0
    await this.#writer.append({ events, deadLetters: [] })
  }

  async close(): Promise<void> {
    await this.#writer.close()
  }
}
