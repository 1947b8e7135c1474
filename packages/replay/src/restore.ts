/** Folds the events of a partition into its state: how an owner starts, and how every reader sees the past. */
import type { Chain, Codec } from '@signalbox/codec'
import { evolve, type PartitionState } from '@signalbox/core'
import { LogError, type LogReader } from '@signalbox/log'
import { EventReader, type LoggedEvent } from './event-reader.ts'

export interface RestoreOptions {
  readonly log: LogReader
  readonly codec: Codec
  readonly state: PartitionState
  readonly signal: AbortSignal
  /** How long the log may answer nothing at all, while something must be there, before that is a fault. */
  readonly patienceMs: number
  readonly nowMs: () => number
  /** Called after every chunk. */
  readonly progress?: (restored: { readonly events: number; readonly logOffset: number }) => void
  /** Called for every event, before it is applied. */
  readonly visit?: (logged: LoggedEvent) => void
}

export class Restore {
  readonly #options: RestoreOptions
  readonly #reader: EventReader
  #events = 0
  #position = 0

  private constructor(options: RestoreOptions, reader: EventReader) {
    this.#options = options
    this.#reader = reader
  }

  static async open(options: RestoreOptions): Promise<Restore> {
    const { codec, log, state } = options
    return new Restore(options, await EventReader.open({ log, codec, partition: state.partition, fromOffset: 0 }))
  }

  /** The chain as it stands after the last event applied. */
  get chain(): Chain {
    return this.#reader.chain!
  }

  get events(): number {
    return this.#events
  }

  /** Applies everything that lies before `end`, an end that the log had. Errors: TRANSIENT, CORRUPT, CLOSED. */
  async toEnd(end: number): Promise<void> {
    let lastMs = this.#options.nowMs()
    while (this.#reader.position < end) lastMs = await this.#chunk(lastMs, end)
  }

  /**
   * Applies everything up to and with the event at `logOffset`, which an owner has just written. Errors: FENCED (somebody
   * else has written behind it), TRANSIENT, CORRUPT, CLOSED.
   */
  async through(logOffset: number): Promise<void> {
    const { nowMs, patienceMs, state } = this.#options
    let lastMs = nowMs()
    while (this.#position <= logOffset) {
      this.#checkStopped()
      const chunk = await this.#reader.next(1_000)
      if (chunk.length > 0) lastMs = nowMs()
      else if (nowMs() - lastMs > patienceMs) {
        throw new LogError(
          'TRANSIENT',
          `the log gave no event of partition ${state.partition} for ${patienceMs} ms, and the one at offset ${logOffset} is there; look at the broker`,
        )
      }
      for (const logged of chunk) {
        if (logged.logOffset > logOffset && this.#position > logOffset) {
          throw new LogError(
            'FENCED',
            `another owner wrote the event at offset ${logged.logOffset} of partition ${state.partition} after the opening at ${logOffset}. Give it up`,
          )
        }
        if (logged.logOffset > logOffset) {
          throw new LogError(
            'CORRUPT',
            `partition ${state.partition} has an event at offset ${logged.logOffset} but none at ${logOffset}, which was written; the log lost it`,
          )
        }
        this.#apply(logged)
      }
      this.#options.progress?.({ events: this.#events, logOffset: this.#position - 1 })
    }
  }

  /** Applies everything before the event at `logOffset`, which is known to be there. Errors: TRANSIENT, CORRUPT, CLOSED. */
  async before(logOffset: number): Promise<void> {
    while (this.#position < logOffset) {
      this.#checkStopped()
      const chunk = await this.#reader.next(1_000)
      if (chunk.length === 0)
        throw new LogError(
          'TRANSIENT',
          `the log gave no event of partition ${this.#options.state.partition} for a second, and there must be one at ${logOffset}; look at the broker`,
        )
      for (const logged of chunk) {
        if (logged.logOffset >= logOffset) return
        this.#apply(logged)
      }
    }
  }

  async close(): Promise<void> {
    await this.#reader.close()
  }

  #apply(logged: LoggedEvent): void {
    this.#options.visit?.(logged)
    evolve(this.#options.state, logged.event)
    this.#events++
    this.#position = logged.logOffset + 1
  }

  #checkStopped(): void {
    if (this.#options.signal.aborted)
      throw new LogError('CLOSED', `restoring partition ${this.#options.state.partition} was stopped after ${this.#events} events`)
  }
}
