/**
 * Gives the time of records, and refuses one that the clock has jumped forward to: what was stamped with it would be past every deadline for
 * as long as the jump was. A machine that slept is no jump: the time since it was started went on with the clock.
 */
import { uptime } from 'node:os'
import { LogError } from '@signalbox/log'

/** As far as clocks may differ. */
const SKEW_MS = 5 * 60_000

export interface Clocks {
  /** Milliseconds since 1970, as the machine says. */
  wallMs(): number
  /** Milliseconds that nobody sets; may stand still while the machine sleeps. */
  monotonicMs(): number
  /** Milliseconds since the machine was started, sleep included. */
  uptimeMs(): number
}

export const machineClocks: Clocks = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  uptimeMs: () => uptime() * 1_000,
}

interface Reading {
  readonly wallMs: number
  readonly monotonicMs: number
  readonly uptimeMs: number
}

export class TimeGuard {
  readonly #clocks: Clocks
  #last: Reading

  constructor(clocks: Clocks = machineClocks) {
    this.#clocks = clocks
    this.#last = this.#read(clocks.wallMs(), clocks.monotonicMs())
  }

  /** Errors: TRANSIENT while the clock is where it jumped to. */
  nowMs(): number {
    const wallMs = this.#clocks.wallMs()
    const aheadMs = this.#aheadMs(wallMs)
    if (aheadMs > SKEW_MS) throw new LogError('TRANSIENT', `Nothing is appended: ${sentence(aheadMs)}`)
    return wallMs
  }

  /** Why nothing is appended; null while all is well. */
  trouble(): string | null {
    const aheadMs = this.#aheadMs(this.#clocks.wallMs())
    return aheadMs > SKEW_MS ? `nothing is appended to the log: ${sentence(aheadMs)}` : null
  }

  /** How far the clock has jumped forward. What is within bounds, or explained, is where it is looked from next: clocks are set all the time. */
  #aheadMs(wallMs: number): number {
    const monotonicMs = this.#clocks.monotonicMs()
    const byMonotonicMs = wallMs - this.#last.wallMs - (monotonicMs - this.#last.monotonicMs)
    if (Math.abs(byMonotonicMs) < 1_000) return 0
    const now = this.#read(wallMs, monotonicMs)
    const aheadMs = Math.min(byMonotonicMs, wallMs - this.#last.wallMs - (now.uptimeMs - this.#last.uptimeMs))
    if (aheadMs <= SKEW_MS) this.#last = now
    return aheadMs
  }

  #read(wallMs: number, monotonicMs: number): Reading {
    return { wallMs, monotonicMs, uptimeMs: this.#clocks.uptimeMs() }
  }
}

function sentence(aheadMs: number): string {
  return `the clock of this machine jumped forward by ${Math.round(aheadMs / 1_000)} s. Set it right, and it goes on by itself; where it is right now, start signalbox again.`
}
