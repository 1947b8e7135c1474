/** Folds the events of a partition into its state: how an owner starts, and how every reader sees the past. */
import type { Chain, ChainPosition, Codec } from '@signalbox/codec'
import { evolve, type PartitionState } from '@signalbox/core'
import { EventReader, type LoggedEvent } from '@signalbox/event-log'
import { LogError, type LogReader } from '@signalbox/log'

/** The state of a partition as of a position of its event log, from which it can be taken further. */
export interface Base {
  readonly state: PartitionState
  /** The log offset after the last event applied. */
  readonly position: number
  readonly chain: ChainPosition
  /** Whether the events since have been seen to hang together with it; a snapshot's have not yet. */
  readonly isProven: boolean
}

/** Before the first event. */
export function emptyBase(state: PartitionState): Base {
  return { state, position: 0, chain: { link: null, open: [] }, isProven: true }
}

export interface RestoreOptions {
  readonly log: LogReader
  readonly codec: Codec
  /** What is there already; its state is changed from here on. */
  readonly base: Base
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
  readonly #state: PartitionState
  #events = 0
  #position: number
  #base: Base | null
  #isProven: boolean

  private constructor(options: RestoreOptions, reader: EventReader) {
    this.#options = options
    this.#state = options.base.state
    this.#reader = reader
    this.#position = options.base.position
    this.#base = options.base
    this.#isProven = options.base.isProven
  }

  static async open(options: RestoreOptions): Promise<Restore> {
    const { base, codec, log } = options
    const { chain, position, state } = base
    return new Restore(options, await EventReader.open({ log, codec, partition: state.partition, fromOffset: position, chain }))
  }

  /** The chain as it stands after the last event applied. */
  get chain(): Chain {
    return this.#reader.chain!
  }

  /** How many events were applied by this restore. */
  get events(): number {
    return this.#events
  }

  /** What the state is of between two calls; null where a call ended halfway, which leaves a state of no use. */
  get base(): Base | null {
    return this.#base
  }

  /** Every event before this log offset is applied. */
  get position(): number {
    return this.#reader.position
  }

  /** Applies everything that lies before `end`, an end that the log had. Errors: TRANSIENT, CORRUPT, CLOSED. */
  async toEnd(end: number): Promise<void> {
    while (this.#reader.position < end) this.#applyAll(await this.#next(end))
  }

  /**
   * Applies everything up to and with the event at `logOffset`, which an owner has just written. Errors: FENCED (somebody
   * else has written behind it), TRANSIENT, CORRUPT, CLOSED.
   */
  async through(logOffset: number): Promise<void> {
    const { partition } = this.#state
    while (this.#position <= logOffset) {
      const chunk = await this.#next(logOffset + 1)
      for (const logged of chunk) {
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
      this.#settle()
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

  /** Applies what is there, or waits for a first event; gives how many it were. Errors: TRANSIENT, CORRUPT, CLOSED. */
  async follow(waitMs: number): Promise<number> {
    const chunk = await this.#reader.next(waitMs)
    this.#applyAll(chunk)
    return chunk.length
  }

  /** The next chunk; empty only where it moved past a gap. `end` is there: to get nowhere for too long is a fault. */
  async #next(end: number): Promise<readonly LoggedEvent[]> {
    const { nowMs, patienceMs, progress, signal } = this.#options
    const state = this.#state
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

  #applyAll(chunk: readonly LoggedEvent[]): void {
    for (const logged of chunk) this.#apply(logged)
    this.#settle()
  }

  /** State, position and chain are of one point of the log again. */
  #settle(): void {
    const chain = this.chain.position
    const isProven = this.#isProven || chain.link !== this.#options.base.chain.link
    this.#isProven = isProven
    this.#base = { state: this.#state, position: this.#position, chain, isProven }
  }

  #apply(logged: LoggedEvent): void {
    this.#base = null
    this.#options.visit?.(logged)
    evolve(this.#state, logged.event)
    this.#events++
    this.#position = logged.logOffset + 1
  }
}
