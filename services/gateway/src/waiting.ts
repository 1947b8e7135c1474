/** Who waits for an event, by a key that names it, each with a bound. */
import type { LoggedEvent } from '@signalbox/event-log'
import type { Clock } from '@signalbox/log'

// Deadlines are rounded up to this, so that one timer serves all that fall together: most waits end long before theirs.
const granularityMs = 50

interface Waiter {
  readonly resolve: (logged: LoggedEvent | null) => void
  readonly deadlineMs: number
  /** Another who waits for the same: nearly always there is none. */
  readonly next: Waiter | undefined
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

  /** Resolves to what `deliver` brings for this key; to null when `waitMs` ran out, at `signal`, or at `close`. */
  wait(key: string, waitMs: number, signal?: AbortSignal): Promise<LoggedEvent | null> {
    if (this.#closing.signal.aborted || signal?.aborted === true) return Promise.resolve(null)
    return new Promise((settle) => {
      const leave = () => this.#leave(key, resolve)
      const resolve = (logged: LoggedEvent | null) => {
        signal?.removeEventListener('abort', leave)
        settle(logged)
      }
      signal?.addEventListener('abort', leave, { once: true })
      const nowMs = this.#clock.nowMs()
      const deadlineMs = Math.ceil((nowMs + waitMs) / granularityMs) * granularityMs
      this.#waiters.set(key, { resolve, deadlineMs, next: this.#waiters.get(key) })
      let sharing = this.#byDeadline.get(deadlineMs)
      if (sharing === undefined) {
        sharing = new Set()
        this.#byDeadline.set(deadlineMs, sharing)
        void this.#clock.sleep(deadlineMs - nowMs, this.#closing.signal).then(() => this.#expire(deadlineMs))
      }
      sharing.add(key)
    })
  }

  /** Whether anybody waited for it. */
  deliver(key: string, logged: LoggedEvent): boolean {
    const first = this.#waiters.get(key)
    if (first === undefined) return false
    this.#waiters.delete(key)
    for (let waiter: Waiter | undefined = first; waiter !== undefined; waiter = waiter.next) {
      this.#byDeadline.get(waiter.deadlineMs)?.delete(key)
      waiter.resolve(logged)
    }
    return true
  }

  /** Who has gone waits no longer, and holds nothing. */
  #leave(key: string, resolve: Waiter['resolve']): void {
    let stay: Waiter | undefined
    for (let waiter = this.#waiters.get(key); waiter !== undefined; waiter = waiter.next)
      if (waiter.resolve !== resolve) stay = { ...waiter, next: stay }
    resolve(null)
    if (stay !== undefined) this.#waiters.set(key, stay)
    else {
      this.#waiters.delete(key)
      for (const keys of this.#byDeadline.values()) keys.delete(key)
    }
  }

  /** Everybody who waits is told that there is nothing yet. */
  close(): void {
    this.#closing.abort('closed')
    for (const deadlineMs of [...this.#byDeadline.keys()]) this.#expire(deadlineMs)
  }

  #expire(deadlineMs: number): void {
    const expired = this.#byDeadline.get(deadlineMs)
    this.#byDeadline.delete(deadlineMs)
    for (const key of expired ?? []) {
      let stay: Waiter | undefined
      for (let waiter = this.#waiters.get(key); waiter !== undefined; waiter = waiter.next) {
        if (waiter.deadlineMs === deadlineMs) waiter.resolve(null)
        else stay = { ...waiter, next: stay }
      }
      if (stay === undefined) this.#waiters.delete(key)
      else this.#waiters.set(key, stay)
    }
  }
}
