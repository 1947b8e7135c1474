/**
 * Reads the events of every partition and appends what follows from them. It keeps nothing of its own: after a crash it
 * reads the events again and appends only what has no decision yet, and what it appends twice has the same id twice.
 */
import type { Codec } from '@signalbox/codec'
import { type Event, type Intent, partitionOf, type Reaction } from '@signalbox/contract'
import { type Clock, isLogError, type Log } from '@signalbox/log'
import { followEvents } from '@signalbox/replay'
import type { Logger } from 'pino'
import type { ProcessManagerMetrics } from './metrics.ts'
import { followUpsOf, processManagerAgent, ReactionFault } from './reactions.ts'
import { isLeg } from './transfers.ts'

const firstRetryMs = 100
const lastRetryMs = 5_000
/** Follow-ups on their way to the log at a time. */
const appendsAtOnce = 64

export interface ProcessManagerSettings {
  readonly log: Log
  readonly codec: Codec
  readonly reactions: readonly Reaction[]
  readonly clock: Clock
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly metrics: ProcessManagerMetrics
}

export class ProcessManager {
  readonly #settings: ProcessManagerSettings
  readonly #abort = new AbortController()
  // Follow-ups whose decision has not been read. While catching up they wait: the decision may lie further on.
  readonly #pending = new Map<string, Intent>()
  // Decisions on follow-ups that were read before what they follow from: partitions are read side by side.
  readonly #decidedEarly = new Set<string>()
  readonly #caughtUp: Promise<void>
  #partitionsBehind: number
  #caughtUpNow: () => void = () => {}
  readonly #following: Promise<unknown>
  /** Rejects when the process should end: the log is damaged, or a reaction cannot be asked. */
  readonly failed: Promise<never>

  constructor(settings: ProcessManagerSettings) {
    this.#settings = settings
    this.#partitionsBehind = settings.log.partitionCount
    this.#caughtUp = new Promise((resolve) => {
      this.#caughtUpNow = resolve
    })
    const partitions = Array.from({ length: settings.log.partitionCount }, (_, partition) => this.#follow(partition))
    this.#following = Promise.allSettled(partitions)
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    Promise.all(partitions).catch(reject)
    promise.catch(() => {})
  }

  /** Null once everything that was there at the start has been read; else what is missing, in a sentence. */
  notReady(): string | null {
    return this.#partitionsBehind === 0 ? null : `${this.#partitionsBehind} partitions are still being read from the event log`
  }

  async stop(): Promise<void> {
    this.#abort.abort('over')
    this.#caughtUpNow()
    await this.#following
  }

  #follow(partition: number): Promise<void> {
    const { clock, codec, log, logger } = this.#settings
    let isBehind = true
    return followEvents({
      log,
      codec,
      partition,
      clock,
      signal: this.#abort.signal,
      retried: (err, retryMs) =>
        logger.warn({ partition, err, retryMs }, `partition ${partition} is read again in ${retryMs} ms: ${err.message}`),
      caughtUp: async () => {
        isBehind = false
        await this.#arrived(partition)
      },
      take: async (events) => {
        for (const { event } of events) this.#note(event)
        if (!isBehind && this.#partitionsBehind === 0) await this.#appendPending()
      },
    })
  }

  /** A partition has been read up to where it ended at the start; the last one lets all go on. */
  async #arrived(partition: number): Promise<void> {
    const { logger } = this.#settings
    if (--this.#partitionsBehind > 0) return await this.#caughtUp
    logger.info(
      { partition, pending: this.#pending.size },
      `the process manager has caught up: ${this.#pending.size} follow-ups have no decision yet`,
    )
    this.#decidedEarly.clear()
    await this.#appendPending()
    this.#caughtUpNow()
  }

  #note(event: Event): void {
    const { log, metrics, reactions } = this.#settings
    if (event.type === 'IntentCommitted' || event.type === 'IntentRejected' || event.type === 'IntentPending') {
      const { agent, intent, intentId } = event.payload
      const isOurs = intentId !== null && (agent === processManagerAgent || isLeg(intent))
      if (isOurs && !this.#pending.delete(intentId) && this.#partitionsBehind > 0) this.#decidedEarly.add(intentId)
      if (isOurs && event.type === 'IntentRejected') metrics.rejected(event.payload.code)
    }
    for (const intent of followUpsOf(event, { reactions, partitionCount: log.partitionCount })) {
      if (!this.#decidedEarly.delete(intent.intentId)) this.#pending.set(intent.intentId, intent)
    }
  }

  async #appendPending(): Promise<void> {
    const intents = [...this.#pending.values()]
    for (const { intentId } of intents) this.#pending.delete(intentId)
    for (let from = 0; from < intents.length && !this.#abort.signal.aborted; from += appendsAtOnce) {
      await Promise.all(intents.slice(from, from + appendsAtOnce).map((intent) => this.#append(intent)))
    }
  }

  async #append(intent: Intent): Promise<void> {
    const { clock, codec, log, logger, metrics } = this.#settings
    const record = { key: intent.scope, value: codec.encodeIntent(intent), headers: {} }
    for (let retryMs = firstRetryMs; !this.#abort.signal.aborted; retryMs = Math.min(2 * retryMs, lastRetryMs)) {
      try {
        await log.append(partitionOf(intent.scope, log.partitionCount), record)
        metrics.appended()
        return
      } catch (error) {
        if (isLogError(error, 'TOO_LARGE')) throw new ReactionFault(`follow-up ${intent.intentId}: ${error.message}`, { cause: error })
        // Appended twice it is a duplicate.
        if (!isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN', 'FULL')) throw error
        logger.warn({ intentId: intent.intentId, err: error, retryMs }, `a follow-up is appended again in ${retryMs} ms: ${error.message}`)
        await clock.sleep(retryMs, this.#abort.signal)
      }
    }
  }
}
