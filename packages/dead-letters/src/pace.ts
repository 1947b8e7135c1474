/** So many a second at most, evenly; what waits is let go when it is stopped. */
import type { Clock } from '@signalbox/log'

export class Pace {
  readonly #clock: Clock
  readonly #everyMs: number
  #nextMs: number | null = null

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock
    this.#everyMs = 1_000 / perSecond
  }

  /** Resolves when the next may begin, or when it was stopped. */
  async turn(signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.nowMs()
    const atMs = Math.max(nowMs, this.#nextMs ?? nowMs)
    this.#nextMs = atMs + this.#everyMs
    const waitMs = Math.floor(atMs - nowMs)
    if (waitMs > 0 && !signal.aborted) await this.#clock.sleep(waitMs, signal)
  }
}
