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
    while (this.#reader.position < end) for (const logged of await this.#next(end)) this.#apply(logged)
  }

  /**
   * Applies everything up to and with the event at `logOffset`, which an owner has just written. Errors: FENCED (somebody
   * else has written behind it), TRANSIENT, CORRUPT, CLOSED.
   */
  async through(logOffset: number): Promise<void> {
    const { partition } = this.#options.state
    while (this.#position <= logOffset) {
      for (const logged of await this.#next(logOffset + 1)) {
        if (logged.logOffset > logOffset) {
          const written = this.#position > logOffset
          throw written
            ? new LogError(
                'FENCED',
                `another owner wrote the event at offset ${logged.logOffset} of partition ${partition} after the opening at ${logOffset}. Give it up`,
              )
            : new LogError(
                'CORRUPT',
                `partition ${partition} has an event at offset ${logged.logOffset} but none at ${logOffset}, which was written; the log lost it`,
              )
        }
        this.#apply(logged)
      }
    }
  }

  /** Applies everything before the event at `logOffset`. Errors: TRANSIENT, CORRUPT, CLOSED. */
  async before(logOffset: number): Promise<void> {
    while (this.#reader.position < logOffset) {
      for (const logged of await this.#next(logOffset)) {
        if (logged.logOffset >= logOffset) return
        this.#apply(logged)
      }
    }
  }

  /** The next chunk; empty only where it moved past a gap. `end` is there: to get nowhere for too long is a fault. */
  async #next(end: number): Promise<readonly LoggedEvent[]> {
    const { nowMs, patienceMs, progress, signal, state } = this.#options
    const sinceMs = nowMs()
    const from = this.#reader.position
    for (;;) {
      if (signal.aborted) throw new LogError('CLOSED', `restoring partition ${state.partition} was stopped after ${this.#events} events`)
      const chunk = await this.#reader.next(1_000)
      if (this.#events > 0) progress?.({ events: this.#events, logOffset: this.#position - 1 })
      if (chunk.length > 0 || this.#reader.position > from) return chunk
      if (nowMs() - sinceMs > patienceMs) {
        throw new LogError(
          'TRANSIENT',
          `the log gave no event of partition ${state.partition} from offset ${from} for ${patienceMs} ms, and it reaches to ${end}; look at the broker`,
        )
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
}
