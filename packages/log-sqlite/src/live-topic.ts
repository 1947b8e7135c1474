import { type Bounds, LogError, type LogRecord, type Topic } from '@signalbox/log'
import { recordBytes } from './record-format.ts'

const COMPACT_AFTER = 1_024

export interface LiveTopicOptions {
  readonly topic: Topic
  readonly partition: number
  /** Offset past the last durable record. */
  readonly end: number
  /** How many bytes of durable records stay in memory for cursors. */
  readonly recentBytes: number
}

/** What the owner's main thread knows of one topic of one partition: its ends and its newest records. */
export class LiveTopic {
  readonly topic: Topic
  readonly partition: number
  readonly #recentBytesLimit: number
  readonly #waiters = new Set<() => void>()
  #nextOffset: number
  #visibleEnd: number
  #durableEnd: number
  /** Contiguous, up to the visible end; those before `#head` were let go. */
  #recent: (LogRecord | undefined)[] = []
  #head = 0
  #recentBytes = 0

  constructor({ topic, partition, end, recentBytes }: LiveTopicOptions) {
    this.topic = topic
    this.partition = partition
    this.#recentBytesLimit = recentBytes
    this.#nextOffset = end
    this.#visibleEnd = end
    this.#durableEnd = end
  }

  get visibleEnd(): number {
    return this.#visibleEnd
  }

  get durableEnd(): number {
    return this.#durableEnd
  }

  assignOffset(): number {
    return this.#nextOffset++
  }

  /** Shows the next record to cursors; `wake` follows when there are no more. */
  publish(record: LogRecord): void {
    this.#recent.push(record)
    this.#recentBytes += recordBytes(record)
    this.#visibleEnd = record.offset + 1
  }

  wake(): void {
    if (this.#waiters.size === 0) return
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter()
  }

  onAppend(waiter: () => void): () => void {
    this.#waiters.add(waiter)
    return () => this.#waiters.delete(waiter)
  }

  /** What lies before `end` is in the file from now on, so that memory may let go of it. */
  confirm(end: number): void {
    this.#durableEnd = end
    while (this.#recentBytes > this.#recentBytesLimit && this.#head < this.#recent.length) {
      const oldest = this.#recent[this.#head]!
      if (oldest.offset >= end) break
      this.#recentBytes -= recordBytes(oldest)
      this.#recent[this.#head++] = undefined
    }
    if (this.#head > COMPACT_AFTER && this.#head * 2 > this.#recent.length) {
      this.#recent = this.#recent.slice(this.#head)
      this.#head = 0
    }
  }

  /** Takes back what never became durable. */
  retreat(): void {
    while ((this.#recent.at(-1)?.offset ?? -1) >= this.#durableEnd) this.#recentBytes -= recordBytes(this.#recent.pop()!)
    this.#nextOffset = this.#durableEnd
    this.#visibleEnd = this.#durableEnd
    this.wake()
  }

  checkRange(offset: number): void {
    if (offset >= 0 && offset <= this.#visibleEnd) return
    throw outOfRange(this.topic, this.partition, offset, this.#visibleEnd)
  }

  /** The records that are in memory; undefined when the wanted one is in the file only. */
  read(fromOffset: number, bounds: Bounds): readonly LogRecord[] | undefined {
    if (fromOffset >= this.#visibleEnd) return []
    const first = this.#recent[this.#head]
    if (first === undefined || fromOffset < first.offset) return undefined
    const start = this.#head + fromOffset - first.offset
    const end = Math.min(this.#recent.length, start + bounds.maxRecords)
    const records: LogRecord[] = []
    let bytes = 0
    for (let index = start; index < end; index++) {
      const record = this.#recent[index]!
      bytes += recordBytes(record)
      if (index > start && bytes > bounds.maxBytes) break
      records.push(record)
    }
    return records
  }
}

export function outOfRange(topic: Topic, partition: number, offset: number, end: number): LogError {
  return new LogError(
    'OFFSET_OUT_OF_RANGE',
    `Offset ${offset} of ${topic}/${partition} is out of range: the log has 0 up to ${end}. Read from an offset in that range.`,
  )
}
