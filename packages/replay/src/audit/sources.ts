/** Intents of a partition by rising offset, asked for one after the other as the events name them. */
import type { Cursor, LogReader, LogRecord } from '@signalbox/log'

const bounds = { maxRecords: 1_000, maxBytes: 4 * 1024 * 1024, waitMs: 1_000 }

export class IntentSource {
  readonly #cursor: Cursor
  /** Below it, intents were deleted: nothing can be said of them. */
  readonly start: number
  readonly #end: number
  #records: readonly LogRecord[] = []
  #taken = 0

  private constructor(cursor: Cursor, start: number, end: number) {
    this.#cursor = cursor
    this.start = start
    this.#end = end
  }

  static async open(log: LogReader, partition: number): Promise<IntentSource> {
    const { end, start } = await log.offsets('intents', partition)
    return new IntentSource(await log.cursor({ topic: 'intents', partition, fromOffset: start }), start, end)
  }

  /** The next record that was there when the audit began, left in place; null at the end. */
  async peek(): Promise<LogRecord | null> {
    while (this.#taken === this.#records.length && this.#cursor.position < this.#end) {
      this.#records = await this.#cursor.next(bounds)
      this.#taken = 0
    }
    const record = this.#records[this.#taken]
    return record === undefined || record.offset >= this.#end ? null : record
  }

  take(): void {
    this.#taken++
  }

  async close(): Promise<void> {
    await this.#cursor.close()
  }
}
