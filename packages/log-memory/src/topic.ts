import { type Bounds, LogError, type LogRecord, type Offsets, type RecordToAppend } from '@signalbox/log'

/** The records of one topic of one partition. */
export class MemoryTopic {
  readonly #where: string
  readonly #waiters = new Set<() => void>()
  /** Offsets by the names of their records, rising. */
  readonly #named = new Map<string, number[]>()
  #records: LogRecord[] = []
  #start = 0
  #end = 0
  #hasHeld = false

  constructor(where: string) {
    this.#where = where
  }

  get offsets(): Offsets {
    return { start: this.#records[0]?.offset ?? this.#end, end: this.#end, written: this.#end }
  }

  /** The next record gets this offset, or a later one where it is called again. Throws RangeError where there has been a record. */
  startAt(offset: number): void {
    if (this.#hasHeld || offset < this.#end)
      throw new RangeError(`${this.#where} has held records up to ${this.#end}; it cannot start at ${offset} any more.`)
    this.#start = offset
    this.#end = offset
  }

  /** Makes all the records visible at one moment, then wakes who waits. Returns them with their offsets. */
  append(records: readonly RecordToAppend[], timestampMs: number, gapAfter: boolean): readonly LogRecord[] {
    const appended = records.map(({ key, value, headers }, index): LogRecord => {
      return Object.freeze({ offset: this.#end + index, timestampMs, key, value: value.slice(), headers: Object.freeze({ ...headers }) })
    })
    this.#hasHeld ||= appended.length > 0
    for (const record of appended) this.#records.push(record)
    for (const [index, { indexKeys = [] }] of records.entries()) for (const key of indexKeys) this.#name(key, this.#end + index)
    this.#end += appended.length + (gapAfter ? 1 : 0)
    this.wake()
    return appended
  }

  #name(key: string, offset: number): void {
    const offsets = this.#named.get(key)
    if (offsets === undefined) this.#named.set(key, [offset])
    else offsets.push(offset)
  }

  /** The newest record before `before` that was appended with the key; null where there is none. */
  lastWith(key: string, before: number): number | null {
    return this.#named.get(key)?.findLast((offset) => offset < before) ?? null
  }

  wake(): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const waiter of waiters) waiter()
  }

  /** Calls the waiter once, at the next append; returns how to take that back. */
  onAppend(waiter: () => void): () => void {
    this.#waiters.add(waiter)
    return () => this.#waiters.delete(waiter)
  }

  read(fromOffset: number, bounds: Pick<Bounds, 'maxRecords' | 'maxBytes'>): readonly LogRecord[] {
    this.checkRange(fromOffset)
    const first = this.#indexOf(fromOffset)
    const answer: LogRecord[] = []
    let bytes = 0
    for (let index = first; index < this.#records.length && answer.length < bounds.maxRecords; index++) {
      const record = this.#records[index]!
      bytes += recordBytes(record)
      if (answer.length > 0 && bytes > bounds.maxBytes) break
      answer.push(record)
    }
    return answer
  }

  checkRange(offset: number): void {
    if (offset >= this.#start && offset <= this.#end) return
    throw new LogError(
      'OFFSET_OUT_OF_RANGE',
      `Offset ${offset} of ${this.#where} is out of range: the log has ${this.#start} up to ${this.#end}. Read from an offset in that range.`,
    )
  }

  /** Retention: forgets every record before the offset. */
  deleteBefore(offset: number): void {
    this.#start = Math.max(this.#start, Math.min(offset, this.#end))
    this.#records = this.#records.slice(this.#indexOf(this.#start))
  }

  #indexOf(offset: number): number {
    let low = 0
    let high = this.#records.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#records[middle]!.offset < offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** What a record counts against `maxBytes` and against the largest record: key, value, header names and values. */
export function recordBytes(record: Pick<LogRecord, 'key' | 'value' | 'headers'>): number {
  let bytes = (record.value?.byteLength ?? 0) + (record.key === null ? 0 : Buffer.byteLength(record.key))
  for (const [name, value] of Object.entries(record.headers)) bytes += name.length + Buffer.byteLength(value)
  return bytes
}
