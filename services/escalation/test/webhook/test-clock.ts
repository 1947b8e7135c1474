import type { Clock } from '@signalbox/log'
import { vi } from 'vitest'

interface Sleeper {
  readonly ms: number
  readonly wake: () => void
}

/** Time that passes by itself where somebody sleeps, except for sleeps of a length that is held: those end when a test says so. */
export class TestClock implements Clock {
  /** The sleeps that passed by themselves, in order. */
  readonly slept: number[] = []
  readonly #held: ReadonlySet<number>
  readonly #sleepers = new Set<Sleeper>()
  #nowMs: number

  constructor(held: readonly number[], nowMs = Date.now()) {
    this.#held = new Set(held)
    this.#nowMs = nowMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    if (!this.#held.has(ms)) {
      this.slept.push(ms)
      this.#nowMs += ms
      return new Promise((resolve) => setImmediate(resolve))
    }
    return new Promise((resolve) => {
      const wake = () => {
        this.#sleepers.delete(sleeper)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { ms, wake }
      this.#sleepers.add(sleeper)
      signal.addEventListener('abort', wake, { once: true })
    })
  }

  sleeping(ms: number): number {
    return [...this.#sleepers].filter((sleeper) => sleeper.ms === ms).length
  }

  /** Waits until somebody sleeps for that long, then ends all such sleeps. */
  async end(ms: number): Promise<void> {
    await vi.waitFor(() => {
      if (this.sleeping(ms) === 0) throw new Error(`nobody sleeps for ${ms} ms`)
    }, waiting)
    this.#nowMs += ms
    for (const sleeper of [...this.#sleepers]) if (sleeper.ms === ms) sleeper.wake()
  }
}

/** For `vi.waitFor`: often, and long enough for a busy machine. */
export const waiting = { timeout: 20_000, interval: 5 }
