import { type Bounds, type Cursor, LogError, type LogRecord } from '@signalbox/log'
import { recordBytes } from './record-format.ts'

/** Where a cursor gets its records from: an owner has the newest in memory, a reader has the file only. */
export interface CursorSource {
  readonly name: string
  /** Undefined when the file has to be asked. Throws when the offset is out of range. */
  recent(fromOffset: number, bounds: Bounds): readonly LogRecord[] | undefined
  /** Whole chunks, the wanted record first, about `maxBytes` of them; none when there is nothing yet. */
  load(fromOffset: number, maxBytes: number): Promise<readonly LogRecord[]>
  /** Calls the waiter once, when there may be more; returns how to take that back. */
  onAppend(waiter: () => void): () => void
}

/** What is read from the file at a time, however much the caller would take. */
const MAX_LOAD_BYTES = 1024 * 1024

export class SqliteCursor implements Cursor {
  readonly #source: CursorSource
  readonly #onClosed: (cursor: SqliteCursor) => void
  #nextOffset: number
  /** Read from the file and not yet delivered, from `#prefetchedHead` on. */
  #prefetched: readonly LogRecord[] = []
  #prefetchedHead = 0
  #wake: (() => void) | undefined
  #closed = false

  constructor(source: CursorSource, fromOffset: number, onClosed: (cursor: SqliteCursor) => void) {
    this.#source = source
    this.#nextOffset = fromOffset
    this.#onClosed = onClosed
  }

  async next(bounds: Bounds): Promise<readonly LogRecord[]> {
    const deadline = bounds.waitMs > 0 ? performance.now() + bounds.waitMs : 0
    for (;;) {
      this.#checkOpen()
      const records = this.#takePrefetched(bounds) ?? this.#source.recent(this.#nextOffset, bounds) ?? (await this.#load(bounds))
      this.#checkOpen()
      if (records.length > 0) {
        this.#nextOffset = records.at(-1)!.offset + 1
        return records
      }
      const waitMs = deadline - performance.now()
      if (waitMs <= 0) return []
      await this.#waitForAppend(waitMs)
    }
  }

  get position(): number {
    return this.#nextOffset
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#prefetched = []
    this.#wake?.()
    this.#onClosed(this)
  }

  #checkOpen(): void {
    if (this.#closed) throw new LogError('CLOSED', `The cursor of ${this.#source.name} is closed. Open a new one to go on.`)
  }

  async #load(bounds: Bounds): Promise<readonly LogRecord[]> {
    this.#prefetched = await this.#source.load(this.#nextOffset, Math.min(bounds.maxBytes, MAX_LOAD_BYTES))
    this.#prefetchedHead = 0
    return this.#takePrefetched(bounds) ?? []
  }

  #takePrefetched({ maxRecords, maxBytes }: Bounds): readonly LogRecord[] | undefined {
    const start = this.#prefetchedHead
    const limit = Math.min(this.#prefetched.length, start + maxRecords)
    if (start >= limit) return undefined
    let end = start
    let bytes = 0
    while (end < limit) {
      bytes += recordBytes(this.#prefetched[end]!)
      if (end > start && bytes > maxBytes) break
      end++
    }
    const records = this.#prefetched.slice(start, end)
    this.#prefetchedHead = end
    if (end === this.#prefetched.length) this.#prefetched = []
    return records
  }

  #waitForAppend(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer)
        forget()
        this.#wake = undefined
        resolve()
      }
      const timer = setTimeout(finish, Math.ceil(waitMs))
      const forget = this.#source.onAppend(finish)
      this.#wake = finish
    })
  }
}
