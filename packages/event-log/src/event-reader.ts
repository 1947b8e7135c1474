/** Reads the events of a partition in log order, with the chain checked. Holds no writer: it cannot change a log. */
import { Chain, ChainError, type ChainPosition, type Codec, chainHeader, UnknownSchemaError } from '@signalbox/codec'
import type { Event } from '@signalbox/contract'
import { type Cursor, type Headers, LogError, type LogReader, type LogRecord } from '@signalbox/log'

/** An event with where it lies in the log. */
export interface LoggedEvent {
  readonly event: Event
  readonly logOffset: number
  readonly timestampMs: number
  readonly headers: Headers
}

const bounds = { maxRecords: 2_000, maxBytes: 4 * 1024 * 1024 }
/** For each event that is wanted; a larger one is delivered all the same. */
const fewBytes = 4 * 1024

export interface EventReaderOptions {
  readonly log: LogReader
  readonly codec: Codec
  readonly partition: number
  /** First log offset wanted. */
  readonly fromOffset: number
  /** Where the chain stands before that offset. Without it, it is checked only from offset 0 on. */
  readonly chain?: ChainPosition
}

export class EventReader {
  readonly #cursor: Cursor
  readonly #codec: Codec
  readonly #partition: number
  /** The chain up to the last event read; null when reading began in the middle. */
  readonly chain: Chain | null
  readonly #logName: string

  private constructor(options: EventReaderOptions, cursor: Cursor) {
    this.#cursor = cursor
    this.#codec = options.codec
    this.#partition = options.partition
    this.#logName = options.log.name
    this.chain = options.fromOffset === 0 || options.chain !== undefined ? new Chain(options.chain) : null
  }

  static async open(options: EventReaderOptions): Promise<EventReader> {
    const cursor = await options.log.cursor({ topic: 'events', partition: options.partition, fromOffset: options.fromOffset })
    return new EventReader(options, cursor)
  }

  /** The next events; empty when none came within `waitMs`. Errors as of a cursor; CORRUPT for a broken chain or bytes that are no event. */
  async next(waitMs: number, maxRecords = bounds.maxRecords): Promise<readonly LoggedEvent[]> {
    // Who wants few is not to wait for many: a log loads what it is let.
    const maxBytes = Math.min(bounds.maxBytes, maxRecords * fewBytes)
    const records = await this.#cursor.next({ maxRecords, maxBytes, waitMs })
    const events: LoggedEvent[] = []
    for (const record of records)
      events.push({ event: await this.#decode(record), logOffset: record.offset, timestampMs: record.timestampMs, headers: record.headers })
    return events
  }

  /** Every event before this offset has been delivered; moves past gaps. */
  get position(): number {
    return this.#cursor.position
  }

  async close(): Promise<void> {
    await this.#cursor.close()
  }

  async #decode(record: LogRecord): Promise<Event> {
    const at = `event offset ${record.offset} of partition ${this.#partition} of the ${this.#logName} log`
    const value = record.value ?? new Uint8Array()
    try {
      this.chain?.verify(value, record.headers[chainHeader], at)
      return this.#codec.decodeEvent(value)
    } catch (error) {
      if (error instanceof UnknownSchemaError) {
        await this.#codec.framing.learn(error.schemaId)
        return this.#codec.decodeEvent(value)
      }
      if (error instanceof ChainError) throw new LogError('CORRUPT', error.message, { cause: error })
      throw new LogError('CORRUPT', `${at} cannot be decoded: ${(error as Error).message}`, { cause: error })
    }
  }
}
