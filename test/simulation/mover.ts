/** Somebody who moves the log into another with other partitions, while it is in use, and begins anew where that fails. */
import { GenerationError, type Moved, moveLog } from '@signalbox/generation'
import { isLogError } from '@signalbox/log'
import { createMemoryLog, type MemoryLogStore } from '@signalbox/log-memory'
import type { Random } from '../support/random.ts'
import { simulatedLimits } from './contracts.ts'
import type { Environment } from './environment.ts'
import { describe } from './process.ts'
import { MachineClock } from './virtual-clock.ts'

const waitMs = 10_000

export interface MoverOptions {
  readonly environment: Environment
  readonly makeStore: (partitionCount: number) => MemoryLogStore
  /** What a clock of this world shows just now, beyond virtual time. */
  readonly offsetMs: () => number
  /** Whoever tells people of escalations is left on the log before until it has told them all. */
  readonly untilTold: () => Promise<void>
  /** Somebody puts an agent into quarantine, or lets it out, just then. */
  readonly oversee: () => void
  readonly goOn: (store: MemoryLogStore, moved: Moved) => void
}

export class Mover {
  readonly #options: MoverOptions
  readonly #random: Random
  #isDone = false

  constructor(options: MoverOptions) {
    this.#options = options
    this.#random = options.environment.random.stream('mover')
  }

  /** The log is another one, and is not moved any more. */
  get isDone(): boolean {
    return this.#isDone
  }

  async play(): Promise<void> {
    const { environment } = this.#options
    const random = this.#random
    const { eras, faults, time } = environment
    const most = random.chance(0.3) ? 2 : 1
    await time.sleep(random.between(200, 2_500))
    while (eras.length <= most && (eras.length === 1 || !faults.isHealed)) {
      await this.#move()
      await time.sleep(random.between(1_000, 6_000))
    }
    this.#isDone = true
  }

  async #move(): Promise<void> {
    const { environment, goOn, makeStore, untilTold } = this.#options
    const random = this.#random
    const counts = [1, 2, 3, 4].filter((count) => count !== environment.store.partitionCount)
    const partitionCount = random.pick(counts)
    for (let attempt = 1; ; attempt++) {
      // What an attempt leaves behind is of no use to the next.
      const store = makeStore(partitionCount)
      const moved = await this.#attempt(attempt, store)
      environment.trace.note(`the log is moved to ${partitionCount} partitions: ${moved === null ? 'not yet' : JSON.stringify(moved)}`)
      if (moved !== null) {
        await untilTold()
        goOn(store, moved)
        return
      }
      await environment.time.sleep(random.between(100, 2_000))
    }
  }

  /** Null where it failed, or whoever did it died. */
  async #attempt(attempt: number, store: MemoryLogStore): Promise<Moved | null> {
    const { environment, offsetMs, oversee } = this.#options
    const { codec, eras, faults, report, time, trace } = environment
    const clock = new MachineClock(time, offsetMs())
    const handle = (of: MemoryLogStore, name: string) => {
      const fault = () => (this.#random.chance(0.2) ? { delayBeforeMs: this.#random.between(0, 20) } : {})
      return createMemoryLog({ store: of, process: `${name}.${attempt}`, clock, fault })
    }
    const [from, to] = [handle(environment.store, 'mover from'), handle(store, 'mover to')]
    const died = new Promise<null>((resolve) => {
      if (faults.isHealed || !this.#random.chance(0.3)) return
      time.schedule(this.#random.between(1, 400), () => {
        from.crash()
        to.crash()
        clock.die()
        resolve(null)
      })
    })
    const topics = {
      startIntentsAt: async (partition: number, offset: number) => store.startIntentsAt(partition, offset),
      appendAt: async (topic: 'dead-letters' | 'dead-letters.escalation', ...rest: AppendAt) =>
        store.appendLettersAt(topic, ...rest, clock.nowMs()),
    }
    if (!faults.isHealed && this.#random.chance(0.4)) time.schedule(this.#random.between(0, 100), oversee)
    try {
      const moving = moveLog({
        from: { name: `log-${eras.length}`, log: from, codec },
        to: { name: `log-${eras.length + 1}`, log: to, codec, topics },
        limits: simulatedLimits,
        reactions: [],
        clock,
        by: 'human:op',
        reason: 'as the script says',
        signal: new AbortController().signal,
        waitMs,
        progress: (step) => trace.note(`mover.${attempt} is ${step}`),
      })
      return await Promise.race([moving, died])
    } catch (error) {
      trace.note(`mover.${attempt} meets ${describe(error)}`)
      // Who must decide may be away, or another clock may be so far ahead that the log does not take what this one says.
      if (!(error instanceof GenerationError) && !isLogError(error)) report('errors', `the log could not be moved: ${describe(error)}`)
      return null
    }
  }
}

type AppendAt = readonly [partition: number, letters: Parameters<MemoryLogStore['appendLettersAt']>[2]]
