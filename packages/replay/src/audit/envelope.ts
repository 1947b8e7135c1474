/** What the headers of events say: the chain of batches, and the epochs of those who wrote. */
import { Chain, ChainError, chainHeader, epochHeader } from '@signalbox/codec'
import { type Event, isOfRecord } from '@signalbox/contract'
import type { LogRecord } from '@signalbox/log'

export class Envelope {
  readonly #partition: number
  #chain: Chain | null = new Chain()
  /** Log offset of the last PartitionOpened; null before the first. */
  #epoch: number | null = null

  /** `beginsInTheMiddle`: of an export without the opening before its first event. */
  constructor(partition: number, beginsInTheMiddle = false) {
    this.#partition = partition
    this.#isUnknown = beginsInTheMiddle
  }

  // Whether who owned the partition before the first event is not known.
  #isUnknown: boolean

  /** Whether somebody has begun to decide. */
  get isOpened(): boolean {
    return this.#epoch !== null
  }

  /** What is wrong with the link of a record; null where nothing is. After a break no later link means anything. */
  chainBreak(record: LogRecord): string | null {
    try {
      this.#chain?.verify(
        record.value ?? new Uint8Array(),
        record.headers[chainHeader],
        `event offset ${record.offset} of partition ${this.#partition}`,
      )
      return null
    } catch (error) {
      if (!(error instanceof ChainError)) throw error
      this.#chain = null
      return error.message
    }
  }

  /** What is wrong with who wrote a record; null where nothing is. */
  epochBreak(record: LogRecord, event: Event): string | null {
    const epoch = record.headers[epochHeader]
    if (this.#isUnknown && epoch !== undefined) this.#epoch = Number(epoch)
    this.#isUnknown = false
    if (event.type === 'PartitionOpened') {
      this.#epoch = record.offset
      return epoch === undefined ? null : `an opening carries epoch ${epoch}, and its epoch is its own log offset`
    }
    // What was carried over is written before anybody owns the partition.
    if (!isOfRecord(event) && epoch === undefined && this.#epoch === null) return null
    if (epoch === `${this.#epoch}`) return null
    return `epoch ${epoch ?? 'none'} wrote after epoch ${this.#epoch ?? 'none'} had begun: two owners wrote at a time`
  }
}
