/**
 * Keeps one projection up to date: owns it, folds its generations along the log, swaps one in when it has caught up, and does
 * what is asked of it. One process owns a projection at a time, over all partitions; others stand by.
 */
import { isLogError } from '@signalbox/log'
import { isProjectionError } from '@signalbox/projection'
import type { ProjectionWriter } from '@signalbox/projection-store'
import { Leadership } from './leadership.ts'
import type { Progress } from './progress.ts'
import { defaultPollMs, firstRetryMs, type HostSettings, lastRetryMs } from './settings.ts'

export type HostPhase =
  /** The store has not answered yet. */
  | 'starting'
  /** Another process owns it. */
  | 'standby'
  /** Owns it, and folds what comes. */
  | 'active'
  /** Owns it and folds nothing more: too much is parked. Requests are still served. */
  | 'halted'
  /** A newer version is live: this process has nothing more to do for it. */
  | 'superseded'
  | 'stopped'

export interface HostStatus {
  readonly projection: string
  readonly version: number
  readonly phase: HostPhase
  /** Why it is not active, in a sentence; null where there is nothing to say. */
  readonly reason: string | null
  /** Of the live generation, where this process folds it. */
  readonly live: Progress | null
  /** Of the one that is built beside it. */
  readonly building: Progress | null
}

export class ProjectionHost {
  readonly #settings: HostSettings
  readonly #abort = new AbortController()
  readonly #running: Promise<void>
  #leadership: Leadership | null = null
  #phase: HostPhase = 'starting'
  #reason: string | null = null
  /** Rejects when the process should end: the log or the store is damaged, or does not fit. */
  readonly failed: Promise<never>

  constructor(settings: HostSettings) {
    this.#settings = settings
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    promise.catch(() => {})
    this.#running = this.#run().catch(reject)
  }

  async status(): Promise<HostStatus> {
    const { name, version } = this.#settings.projection
    const leadership = this.#leadership
    const progress = leadership === null ? { live: null, building: null } : await leadership.progress()
    const halted = leadership?.halted ?? null
    const phase = this.#phase === 'active' && halted !== null ? 'halted' : this.#phase
    return { projection: name, version, phase, reason: halted ?? leadership?.damage ?? this.#reason, ...progress }
  }

  /** Null once its rows have been brought to where the log ended when it began, here or elsewhere; else what is missing. */
  notReady(): string | null {
    const { name } = this.#settings.projection
    if (this.#phase === 'starting') return `the store has not said yet who owns projection ${name}`
    if (this.#phase === 'superseded') return null
    if (this.#phase === 'standby') return this.#reason
    if (this.#leadership?.halted != null) return this.#leadership.halted
    if (this.#leadership?.damage != null) return this.#leadership.damage
    return this.#leadership?.hasCaughtUp === true ? null : `projection ${name} is still being folded from the event log`
  }

  /** Finishes the transaction under way and lets go. */
  async stop(): Promise<void> {
    this.#abort.abort('over')
    await this.#running
    this.#phase = 'stopped'
  }

  async #run(): Promise<void> {
    const { clock, logger, pollMs = defaultPollMs, projection, store } = this.#settings
    const { signal } = this.#abort
    let retryMs = firstRetryMs
    while (!signal.aborted) {
      let writer: ProjectionWriter | null = null
      try {
        writer = await store.own(projection.name, projection.version)
        if (writer === null) {
          this.#reason = null
          this.#phase = 'standby'
          await clock.sleep(pollMs, signal)
          continue
        }
        this.#leadership = new Leadership(this.#settings, writer, signal)
        this.#phase = 'active'
        this.#reason = null
        logger.info({ projection: projection.name, version: projection.version, epoch: writer.epoch }, `owns projection ${projection.name}`)
        await this.#leadership.run(() => {
          retryMs = firstRetryMs
        })
      } catch (error) {
        if (signal.aborted) return
        if (isProjectionError(error, 'SUPERSEDED')) {
          logger.warn({ projection: projection.name, err: error }, error.message)
          this.#phase = 'superseded'
          this.#reason = error.message
          return
        }
        if (!isProjectionError(error, 'FENCED', 'UNAVAILABLE') && !isLogError(error, 'TRANSIENT')) throw error
        this.#phase = 'standby'
        this.#reason = `${error.message}. It is tried again`
        logger.warn(
          { projection: projection.name, err: error, retryMs },
          `projection ${projection.name} is taken up again in ${retryMs} ms: ${error.message}`,
        )
        await clock.sleep(retryMs, signal)
        retryMs = Math.min(2 * retryMs, lastRetryMs)
      } finally {
        this.#leadership = null
        await writer?.close().catch(() => {})
      }
    }
  }
}
