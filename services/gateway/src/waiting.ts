/** Who waits for the decision on the record at a source position, each with a bound. */
import type { Clock } from '@signalbox/log'
import type { LoggedEvent } from '@signalbox/replay'

// Deadlines are rounded up to this, so that one timer serves all that fall together: most waits end long before theirs.
const granularityMs = 50

interface Waiter {
  readonly resolve: (logged: LoggedEvent | null) => void
  readonly deadlineMs: number
}

export class Waiting {
  readonly #clock: Clock
  readonly #waiters = new Map<string, Waiter>()
  readonly #byDeadline = new Map<number, Set<string>>()
  readonly #closing = new AbortController()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#waiters.size
  }

  /** Resolves to what `deliver` brings for this position; to null when `waitMs` ran out, or at `close`. */
  wait(position: string, waitMs: number): Promise<LoggedEvent | null> {
    if (this.#closing.signal.aborted) return Promise.resolve(null)
    return new Promise((resolve) => {
      const nowMs = this.#clock.nowMs()
      const deadlineMs = Math.ceil((nowMs + waitMs) / granularityMs) * granularityMs
      this.#waiters.set(position, { resolve, deadlineMs })
      let sharing = this.#byDeadline.get(deadlineMs)
      if (sharing === undefined) {
        sharing = new Set()
        this.#byDeadline.set(deadlineMs, sharing)
        void this.#clock.sleep(deadlineMs - nowMs, this.#closing.signal).then(() => this.#expire(deadlineMs))
      }
      sharing.add(position)
    })
  }

  /** Whether anybody waited for it. */
  deliver(position: string, logged: LoggedEvent): boolean {
    const waiter = this.#waiters.get(position)
    if (waiter === undefined) return false
    this.#waiters.delete(position)
    this.#byDeadline.get(waiter.deadlineMs)?.delete(position)
    waiter.resolve(logged)
    return true
  }

  /** Everybody who waits is told that there is nothing yet. */
  close(): void {
    this.#closing.abort('closed')
    for (const deadlineMs of [...this.#byDeadline.keys()]) this.#expire(deadlineMs)
  }

  #expire(deadlineMs: number): void {
    const expired = this.#byDeadline.get(deadlineMs)
    this.#byDeadline.delete(deadlineMs)
    for (const position of expired ?? []) {
      const waiter = this.#waiters.get(position)
      this.#waiters.delete(position)
      waiter?.resolve(null)
    }
  }
}
