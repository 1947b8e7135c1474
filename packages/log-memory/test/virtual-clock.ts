import type { LogClock } from '@signalbox/log-memory'

/** Time that moves only when it is told to. */
export class VirtualClock implements LogClock {
  #nowMs = 1_000_000
  readonly #sleepers: { readonly wakeAtMs: number; readonly wake: () => void }[] = []

  nowMs(): number {
    return this.#nowMs
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#sleepers.push({ wakeAtMs: this.#nowMs + ms, wake: resolve })
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  /** Moves time, backwards too, wakes who has slept enough, and lets everything that follows from it happen. */
  async advance(ms: number): Promise<void> {
    await settle()
    this.#nowMs += ms
    for (const { wake } of this.#sleepers.filter(({ wakeAtMs }) => wakeAtMs <= this.#nowMs)) wake()
    await settle()
  }
}

/** Lets every promise that can settle do so. No timer is involved: a macrotask comes after all microtasks. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
