/** A process of the simulated world: started, killed, started again, each time with a new handle on the log and an old clock. */
import { isLogError, type Log } from '@signalbox/log'
import { createMemoryLog, type FaultCall, type MemoryLog } from '@signalbox/log-memory'
import type { Random } from '../support/random.ts'
import type { Environment } from './environment.ts'
import { ObservedLog } from './observed-log.ts'
import { MachineClock } from './virtual-clock.ts'

/** What a process runs. */
export interface Service {
  /** Ends in good order. The log is closed after it. */
  stop(): Promise<void>
}

/** One life of a process. */
export interface Life<Running extends Service> {
  readonly name: string
  readonly clock: MachineClock
  readonly handle: MemoryLog
  readonly log: Log
  /** Resolves when this life is over. */
  readonly ended: Promise<void>
  /** Null until it has started. */
  service: Running | null
  writesUnderWay: number
  /** Up to where this life has read the events of each partition. */
  readonly eventsRead: Map<number, number>
  isOver: boolean
  isZombie: boolean
  /** A call of it hangs, or is to be its last once its delay is over. */
  isDoomed: boolean
  isStopping: boolean
}

const stopBoundMs = 30_000

export abstract class SimulatedProcess<Running extends Service> {
  readonly name: string
  protected readonly environment: Environment
  readonly #random: Random
  readonly lives: Life<Running>[] = []
  #offsetMs: number
  #mayRestart = true

  constructor(environment: Environment, name: string, offsetMs: number) {
    this.environment = environment
    this.name = name
    this.#random = environment.random.stream(name)
    this.#offsetMs = offsetMs
  }

  /** Resolves when the service runs. */
  protected abstract run(life: Life<Running>): Promise<Running>

  /** The newest life, if it is not over. */
  get life(): Life<Running> | null {
    const life = this.lives.at(-1)
    return life === undefined || life.isOver ? null : life
  }

  get offsetMs(): number {
    return this.#offsetMs
  }

  set offsetMs(offsetMs: number) {
    this.#offsetMs = offsetMs
    if (this.life !== null) this.life.clock.offsetMs = offsetMs
  }

  /** The latest time that any life's clock has shown. */
  get latestMs(): number {
    return Math.max(0, ...this.lives.map(({ clock }) => clock.latestMs))
  }

  start(): void {
    if (this.life !== null) return
    const life = this.#newLife()
    this.lives.push(life)
    this.environment.trace.note(`${life.name} starts`)
    this.run(life).then(
      (service) => {
        life.service = service
      },
      (error: unknown) => this.fail(life, error, ['TRANSIENT', 'FULL']),
    )
  }

  /** The process dies on the spot. */
  kill(): void {
    this.life?.handle.crash()
  }

  /** The process ends because of an error: one of the codes that may end it, or else a violation. */
  protected fail(life: Life<Running>, error: unknown, codes: readonly ('TRANSIENT' | 'FULL')[]): void {
    if (life.isOver || (life.isStopping && isLogError(error, 'CLOSED'))) return
    this.environment.trace.note(`${life.name} fails: ${String(error)}`)
    if (!isLogError(error, ...codes)) this.environment.report('errors', `${life.name} ended with ${describe(error)}`)
    life.handle.crash()
  }

  /** Ends in good order; false when that took longer than its bound, and the process was killed. */
  async stop(mayRestart: boolean): Promise<boolean> {
    const { life } = this
    this.#mayRestart = mayRestart
    if (life === null) return true
    if (life.service === null) {
      life.handle.crash()
      return true
    }
    const { service } = life
    life.isStopping = true
    const stopped = (async () => {
      await service.stop()
      await life.log.close()
    })().then(
      () => 'stopped' as const,
      (error: unknown) => {
        // Even a failing log may fail a clean stop: what counts is that it ends.
        if (!isLogError(error)) this.environment.report('errors', `${life.name} stopped with ${describe(error)}`)
        return 'stopped' as const
      },
    )
    const bound = new AbortController()
    const timedOut = life.clock.sleep(stopBoundMs, bound.signal).then(() => 'timed out' as const)
    const outcome = await Promise.race([stopped, timedOut, life.ended.then(() => 'killed' as const)])
    bound.abort()
    life.handle.crash()
    this.#end(life)
    return outcome === 'stopped'
  }

  #newLife(): Life<Running> {
    const { environment } = this
    const { acknowledgedIntents } = environment.era
    const name = `${this.name}.${this.lives.length + 1}`
    const clock = new MachineClock(environment.time, this.#offsetMs)
    let end: () => void = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    const handle = createMemoryLog({
      store: environment.store,
      process: name,
      clock,
      fault: (call) => this.#fault(life, call),
      onCrash: () => {
        end()
        this.#end(life)
      },
    })
    const log: Log = this.decorate(
      new ObservedLog(handle, name, {
        note: (line) => environment.trace.note(line),
        intentAcknowledged: (intent) => acknowledgedIntents.push(intent),
        writeUnderWay: (change) => {
          life.writesUnderWay += change
        },
        recordsRead: (topic, partition, position) => {
          if (topic === 'events') life.eventsRead.set(partition, position)
        },
      }),
    )
    const flags = { isOver: false, isZombie: false, isDoomed: false, isStopping: false }
    const life: Life<Running> = { name, clock, handle, log, ended, service: null, writesUnderWay: 0, eventsRead: new Map(), ...flags }
    return life
  }

  /** For planted bugs. */
  protected decorate(log: Log): Log {
    return log
  }

  #fault(life: Life<Running>, call: FaultCall) {
    const { faults, time, trace } = this.environment
    const decision = faults.decide(call)
    trace.note(`${call.process} calls ${call.operation} ${call.topic}/${call.partition}: ${JSON.stringify(decision)}`)
    const { outcome } = decision
    if (outcome === 'crash-before' || outcome === 'crash-after') life.isDoomed = true
    if (outcome === 'hang-before' || outcome === 'hang-after') {
      life.isDoomed = true
      // Somebody notices and kills it.
      time.schedule(this.#random.between(2_000, 12_000), () => {
        if (!life.isOver) life.handle.crash()
      })
    }
    return decision
  }

  #end(life: Life<Running>): void {
    if (life.isOver) return
    life.isOver = true
    life.clock.die()
    this.environment.trace.note(`${life.name} is over`)
    if (!this.#mayRestart) return
    this.environment.time.schedule(this.#random.between(50, 2_500), () => {
      if (this.#mayRestart) this.start()
    })
  }
}

export function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}${isLogError(error) ? ` ${error.code}` : ''}: ${error.message}` : String(error)
}
