/**
 * Virtual time: a queue of what is to happen, ordered by time and, at the same time, by a seeded draw. Time moves only when
 * nothing more can happen at the present moment.
 */
import type { Clock } from '@signalbox/log'
import type { Random } from '../support/random.ts'

interface Scheduled {
  readonly atMs: number
  /** Decides between what happens at the same time. */
  readonly tie: number
  readonly order: number
  readonly run: () => void
  cancelled: boolean
}

// A rejection that nobody handles is told of between macrotasks only; a macrotask for every step would cost a sixth of the run.
const stepsPerMacrotask = 8

export class VirtualTime {
  readonly #random: Random
  // A binary heap, the next first.
  readonly #queue: Scheduled[] = []
  #nowMs = 0
  #order = 0
  #steps = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** Milliseconds since the run began. Never goes backwards; the clocks of processes may. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Runs `run` after `delayMs`; returns how to take that back. */
  schedule(delayMs: number, run: () => void): () => void {
    const scheduled: Scheduled = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      tie: this.#random.bits(),
      order: this.#order++,
      run,
      cancelled: false,
    }
    this.#push(scheduled)
    return () => {
      scheduled.cancelled = true
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.schedule(ms, resolve))
  }

  /** Lets time pass until the condition holds; false when `boundMs` went by, or nothing is left to happen, before it did. */
  async runUntil(condition: () => boolean, boundMs: number): Promise<boolean> {
    const endMs = this.#nowMs + boundMs
    await this.#drained()
    while (!condition()) {
      const next = this.#pop(endMs)
      if (next === undefined) {
        this.#nowMs = endMs
        return condition()
      }
      this.#nowMs = next.atMs
      next.run()
      await this.#drained()
    }
    return true
  }

  /** Resolves when every microtask has run, so that all that follows from the last step has happened. */
  #drained(): Promise<void> {
    const isMacrotask = this.#steps++ % stepsPerMacrotask === 0
    return new Promise((resolve) => {
      if (isMacrotask) setImmediate(resolve)
      else process.nextTick(resolve)
    })
  }

  #pop(endMs: number): Scheduled | undefined {
    for (;;) {
      const first = this.#queue[0]
      if (first === undefined || (first.atMs > endMs && !first.cancelled)) return undefined
      const last = this.#queue.pop()!
      if (last !== first) this.#sink(last)
      if (!first.cancelled) return first
    }
  }

  #push(scheduled: Scheduled): void {
    const queue = this.#queue
    let at = queue.length
    queue.push(scheduled)
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!isBefore(scheduled, queue[above]!)) break
      queue[at] = queue[above]!
      at = above
    }
    queue[at] = scheduled
  }

  #sink(scheduled: Scheduled): void {
    const queue = this.#queue
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      if (below >= queue.length) break
      if (below + 1 < queue.length && isBefore(queue[below + 1]!, queue[below]!)) below++
      if (!isBefore(queue[below]!, scheduled)) break
      queue[at] = queue[below]!
      at = below
    }
    queue[at] = scheduled
  }
}

function isBefore(one: Scheduled, other: Scheduled): boolean {
  if (one.atMs !== other.atMs) return one.atMs < other.atMs
  return one.tie === other.tie ? one.order < other.order : one.tie < other.tie
}

/** The clock of one machine: virtual time plus an offset that jumps. Dies with its process: who sleeps then never wakes. */
export class MachineClock implements Clock {
  readonly #time: VirtualTime
  #offsetMs: number
  #latestMs = 0
  #isDead = false

  constructor(time: VirtualTime, offsetMs: number) {
    this.#time = time
    this.#offsetMs = offsetMs
  }

  get offsetMs(): number {
    return this.#offsetMs
  }

  set offsetMs(offsetMs: number) {
    this.nowMs()
    this.#offsetMs = offsetMs
    this.nowMs()
  }

  /** The latest time that this clock has ever shown. */
  get latestMs(): number {
    return Math.max(this.#latestMs, this.nowMs())
  }

  nowMs(): number {
    const nowMs = Math.floor(this.#time.nowMs + this.#offsetMs)
    this.#latestMs = Math.max(this.#latestMs, nowMs)
    return nowMs
  }

  // A sleep is measured by elapsed time, which no jump of the clock changes, as the timers of Node are.
  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isDead) return
      if (signal.aborted) return resolve()
      const cancel = this.#time.schedule(ms, () => {
        signal.removeEventListener('abort', wake)
        if (!this.#isDead) resolve()
      })
      const wake = () => {
        cancel()
        if (!this.#isDead) resolve()
      }
      signal.addEventListener('abort', wake, { once: true })
    })
  }

  die(): void {
    this.#isDead = true
  }
}
