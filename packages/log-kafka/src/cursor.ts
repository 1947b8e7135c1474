import type { Bounds, Cursor, LogRecord } from '@signalbox/log'
import { Client, isPassingRead } from './client.ts'
import { codeOf, toLogError } from './errors.ts'
import { Lifetime } from './lifetime.ts'
import { committedRecords } from './record-batch-reader.ts'
import { recordBytes } from './records.ts'
import { type FetchedPlace, fetch } from './requests.ts'
import type { Settings } from './settings.ts'
import { retrying, unlessAborted } from './wait.ts'

/** What one fetch brings at most, unless a single batch is larger; a cursor holds at most two answers. */
const FETCH_BYTES = 1024 * 1024
/** How long the broker holds a fetch back while there is nothing new. It answers as soon as there is. */
const LONG_POLL_MS = 500

export interface CursorOptions {
  readonly settings: Settings
  readonly topic: string
  readonly partition: number
  readonly fromOffset: number
  readonly parent: AbortSignal
  readonly onClosed: () => void
}

/**
 * Reads a partition by fetch requests of its own, on connections of its own: kafkajs's consumer belongs to a group, cannot
 * be told where to start, and jumps to another offset without a word when the wanted one is gone.
 */
export class KafkaCursor implements Cursor {
  readonly #options: CursorOptions
  readonly #where: string
  readonly #client: Client
  readonly #lifetime: Lifetime
  #buffer: LogRecord[] = []
  #taken = 0
  #fetchOffset: number
  /** Where the readable part of the log ended at the last answer. */
  #knownEnd = 0
  #prefetch: Promise<unknown> | undefined
  #busy = false
  #closed: Promise<void> | undefined

  constructor(options: CursorOptions) {
    this.#options = options
    this.#where = `${options.topic}/${options.partition}`
    this.#client = new Client(options.settings, [options.topic])
    this.#lifetime = new Lifetime(`The cursor of ${this.#where}`, options.parent)
    this.#fetchOffset = options.fromOffset
  }

  async next(bounds: Bounds): Promise<readonly LogRecord[]> {
    this.#lifetime.check()
    if (this.#busy) throw new Error(`The cursor of ${this.#where} is asked for records twice at once; wait for the first answer.`)
    this.#busy = true
    try {
      return await this.#next(bounds)
    } catch (error) {
      // What closing does to a request under way is no error of its own.
      this.#lifetime.check()
      throw toLogError(
        error,
        `Reading ${this.#where} from offset ${this.#fetchOffset} failed`,
        isPassingRead(error) ? 'TRANSIENT' : codeOf(error),
      )
    } finally {
      this.#busy = false
    }
  }

  get position(): number {
    return this.#taken < this.#buffer.length ? this.#buffer[this.#taken]!.offset : this.#fetchOffset
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#lifetime.end()
    await this.#client.disconnect(this.#lifetime.signal.reason)
    this.#buffer = []
    this.#options.onClosed()
  }

  async #next(bounds: Bounds): Promise<readonly LogRecord[]> {
    const deadlineMs = performance.now() + bounds.waitMs
    for (;;) {
      const records = this.#take(bounds)
      if (records.length > 0) {
        this.#fetchAhead()
        return records
      }
      if (this.#prefetch === undefined) await this.#fetchPatiently(deadlineMs)
      else await unlessAborted(this.#lifetime.signal, this.#prefetch)
      this.#lifetime.check()
      if (this.#taken === this.#buffer.length && performance.now() >= deadlineMs) return []
    }
  }

  #take({ maxRecords, maxBytes }: Bounds): readonly LogRecord[] {
    let bytes = 0
    let end = this.#taken
    while (end < this.#buffer.length && end - this.#taken < maxRecords) {
      bytes += recordBytes(this.#buffer[end]!)
      if (end > this.#taken && bytes > maxBytes) break
      end++
    }
    const records = this.#buffer.slice(this.#taken, end)
    this.#taken = end
    if (this.#taken === this.#buffer.length) {
      this.#buffer = []
      this.#taken = 0
    }
    return records
  }

  /** Gets the next answer while the caller works on this one, where there is more and no more than this is held. */
  #fetchAhead(): void {
    if (this.#prefetch !== undefined || this.#fetchOffset >= this.#knownEnd || this.#taken < this.#buffer.length) return
    this.#prefetch = this.#fetch(0)
      // What went wrong will go wrong again, when somebody waits for it.
      .catch(() => undefined)
      .finally(() => {
        this.#prefetch = undefined
      })
  }

  async #fetchPatiently(deadlineMs: number): Promise<void> {
    const { signal } = this.#lifetime
    // With no time to wait, a connection that has gone stale still gets its second chance.
    const retryUntilMs = Math.max(deadlineMs, performance.now() + this.#options.settings.connectionTimeoutMs)
    await retrying({ deadlineMs: retryUntilMs, signal, retriable: isPassingRead }, async (attempt) => {
      if (attempt > 1) await this.#client.refresh()
      const waitMs = Math.max(0, Math.min(LONG_POLL_MS, deadlineMs - performance.now()))
      await this.#fetch(Math.floor(waitMs))
    })
  }

  async #fetch(maxWaitTime: number): Promise<void> {
    const { topic, partition } = this.#options
    const fromOffset = this.#fetchOffset
    const leader = await this.#client.leader(topic, partition)
    const [fetched] = await fetch(leader, { places: [{ topic, partition, fromOffset }], maxWaitMs: maxWaitTime, maxBytes: FETCH_BYTES })
    if (fetched !== undefined && !this.#lifetime.ended) this.#accept(fetched, fromOffset)
  }

  #accept(fetched: FetchedPlace, fromOffset: number): void {
    const { nextOffset, records } = committedRecords(fetched, fromOffset, this.#where)
    // Appended to only when it is empty: what was taken is gone by then.
    this.#buffer = this.#taken === this.#buffer.length ? records : [...this.#buffer.slice(this.#taken), ...records]
    this.#taken = 0
    this.#fetchOffset = nextOffset
    this.#knownEnd = fetched.lastStableOffset
  }
}
