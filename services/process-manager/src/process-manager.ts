/**
 * Reads the events of every partition and appends what follows from them. It keeps nothing of its own: after a crash it
 * reads the events again and appends only what has no decision yet, and what it appends twice has the same id twice.
 */
import type { Codec } from '@signalbox/codec'
import { type Containment, defaultContainment, type Event, type Intent, partitionOf, type Reaction } from '@signalbox/contract'
import { readTopic } from '@signalbox/dead-letters'
import { followEvents } from '@signalbox/event-log'
import { faultKey, type ReactionFault, Undecided } from '@signalbox/follow-ups'
import { type Clock, isLogError, type Log } from '@signalbox/log'
import type { Logger } from 'pino'
import type { ProcessManagerMetrics } from './metrics.ts'
import { parkedKey, parkedLetter } from './parked.ts'

const firstRetryMs = 100
const lastRetryMs = 5_000
/** Scopes for which follow-ups are on their way to the log at a time. */
const scopesAtOnce = 64
/** How long to wait where the log's time is behind that of what a follow-up follows from. */
const tooEarlyMs = 5_000

export interface ProcessManagerSettings {
  readonly log: Log
  readonly codec: Codec
  readonly reactions: readonly Reaction[]
  readonly containment?: Pick<Containment, 'maxDepth'>
  readonly clock: Clock
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly metrics: ProcessManagerMetrics
}

export class ProcessManager {
  readonly #settings: ProcessManagerSettings
  readonly #abort = new AbortController()
  // While catching up they wait: the decision may lie further on.
  readonly #undecided: Undecided
  // Those that came too early, on their way once more.
  readonly #again = new Map<string, Promise<void>>()
  // The last append to each scope that is under way.
  readonly #turns = new Map<string, Promise<void>>()
  /** What reactions could not answer, by `faultKey`: kept as dead letters, and asked again by hand alone. */
  readonly #parked = new Set<string>()
  /** Those that are not kept yet. */
  #faults: ReactionFault[] = []
  readonly #caughtUp: Promise<void>
  #partitionsBehind: number
  #caughtUpNow: () => void = () => {}
  readonly #following: Promise<unknown>
  #fail: (error: unknown) => void = () => {}
  /** Rejects when the process should end: the log fails for good. */
  readonly failed: Promise<never>

  constructor(settings: ProcessManagerSettings) {
    this.#settings = settings
    const { containment, log, reactions } = settings
    this.#undecided = new Undecided({
      reactions,
      partitionCount: log.partitionCount,
      maxDepth: (containment ?? defaultContainment).maxDepth,
      isParked: (key) => this.#parked.has(key),
      faulted: (fault) => {
        this.#parked.add(faultKey(fault))
        this.#faults.push(fault)
      },
    })
    this.#partitionsBehind = settings.log.partitionCount
    this.#caughtUp = new Promise((resolve) => {
      this.#caughtUpNow = resolve
    })
    const known = this.#readParked()
    const partitions = Array.from({ length: settings.log.partitionCount }, async (_, partition) => {
      await known
      await this.#follow(partition)
    })
    this.#following = Promise.allSettled(partitions)
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    this.#fail = reject
    Promise.all(partitions).catch(reject)
    promise.catch(() => {})
  }

  /** Null once everything that was there at the start has been read; else what is missing, in a sentence. */
  notReady(): string | null {
    return this.#partitionsBehind === 0 ? null : `${this.#partitionsBehind} partitions are still being read from the event log`
  }

  /** Follow-ups that it knows of and that have no decision yet. */
  get undecided(): number {
    return this.#undecided.size
  }

  async stop(): Promise<void> {
    this.#abort.abort('over')
    this.#caughtUpNow()
    await this.#following
    await Promise.all(this.#again.values())
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
      damaged: (err) => logger.error({ partition, err }, `partition ${partition} is damaged, and is not followed any more: ${err.message}`),
      caughtUp: async () => {
        isBehind = false
        await this.#arrived(partition)
      },
      take: async (events) => {
        for (const { event } of events) this.#note(event)
        for (const fault of this.#faults.splice(0)) await this.#park(fault)
        if (!isBehind && this.#partitionsBehind === 0) await this.#appendPending()
      },
    })
  }

  /** Of an earlier life, or of another log. Tries until it can, or is stopped. */
  async #readParked(): Promise<void> {
    const { clock, log, logger, reactions } = this.#settings
    if (reactions.length === 0) return
    for (let partition = 0, retryMs = firstRetryMs; partition < log.partitionCount && !this.#abort.signal.aborted; ) {
      try {
        for await (const { value } of readTopic(log, 'dead-letters.reactions', partition)) {
          const key = parkedKey(value)
          if (key !== null) this.#parked.add(key)
        }
        partition++
      } catch (error) {
        if (!isLogError(error, 'TRANSIENT')) throw error
        logger.warn({ partition, err: error, retryMs }, `what reactions could not answer is read again in ${retryMs} ms: ${error.message}`)
        await clock.sleep(retryMs, this.#abort.signal)
        retryMs = Math.min(2 * retryMs, lastRetryMs)
      }
    }
  }

  /** Keeps what a reaction could not answer, whole; other changes and reactions go on. */
  async #park(fault: ReactionFault): Promise<void> {
    const { clock, log, logger, metrics } = this.#settings
    const { cause, change, reaction } = fault
    for (let retryMs = firstRetryMs; !this.#abort.signal.aborted; retryMs = Math.min(2 * retryMs, lastRetryMs)) {
      try {
        await log.appendAside('dead-letters.reactions', partitionOf(change.scope, log.partitionCount), parkedLetter(fault))
        break
      } catch (error) {
        if (!isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN', 'FULL')) throw error
        logger.warn(
          { reaction, err: error, retryMs },
          `a dead letter of reaction ${reaction} is appended again in ${retryMs} ms: ${error.message}`,
        )
        await clock.sleep(retryMs, this.#abort.signal)
      }
    }
    metrics.parked(reaction)
    logger.error(
      { reaction, event: change.event, resource: change.resource, scope: change.scope },
      `reaction ${reaction} cannot answer ${change.action} of ${change.resource} in event ${change.event}: ${cause}. It is kept as a dead letter, and everything else goes on: mend the reaction, then signalbox dead-letter redrive --topic reactions`,
    )
  }

  /** A partition has been read up to where it ended at the start; the last one lets all go on. */
  async #arrived(partition: number): Promise<void> {
    const { logger } = this.#settings
    if (--this.#partitionsBehind > 0) return await this.#caughtUp
    logger.info(
      { partition, pending: this.#undecided.size },
      `the process manager has caught up: ${this.#undecided.size} follow-ups have no decision yet`,
    )
    this.#undecided.isCatchingUp = false
    await this.#appendPending()
    this.#caughtUpNow()
  }

  #note(event: Event): void {
    const decided = this.#undecided.take(event)
    if (decided === null) return
    const { code, intentId } = decided
    if (code !== null) this.#settings.metrics.rejected(code)
    if (code === 'INTENT_FROM_THE_FUTURE' && !this.#undecided.isCatchingUp) this.#appendLater(intentId)
  }

  #appendLater(intentId: string): void {
    const { clock, logger } = this.#settings
    const intent = this.#undecided.find(intentId)
    if (intent === undefined || this.#again.has(intentId)) return
    logger.warn(
      { intentId, retryMs: tooEarlyMs },
      `follow-up ${intentId} is ahead of its log's time; it is appended again in ${tooEarlyMs} ms`,
    )
    const again = clock
      .sleep(tooEarlyMs, this.#abort.signal)
      .then(() => this.#inTurn(intent, () => this.#undecided.isWanted(intent)))
      .catch(this.#fail)
      .finally(() => this.#again.delete(intentId))
    this.#again.set(intentId, again)
  }

  async #appendPending(): Promise<void> {
    const byScope = Map.groupBy(this.#undecided.takeNew(), ({ scope }) => scope)
    const scopes = [...byScope.values()]
    for (let from = 0; from < scopes.length && !this.#abort.signal.aborted; from += scopesAtOnce) {
      await Promise.all(
        scopes.slice(from, from + scopesAtOnce).map(async (intents) => {
          for (const intent of intents) await this.#inTurn(intent, () => true)
        }),
      )
    }
  }

  /** One after another within a scope: what is asked later must come later. */
  async #inTurn(intent: Intent, isWanted: () => boolean): Promise<void> {
    const { scope } = intent
    const before = this.#turns.get(scope) ?? Promise.resolve()
    const turn = before.catch(() => {}).then(() => (isWanted() ? this.#append(intent) : undefined))
    this.#turns.set(scope, turn)
    try {
      await turn
    } finally {
      if (this.#turns.get(scope) === turn) this.#turns.delete(scope)
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
        if (isLogError(error, 'TOO_LARGE')) {
          logger.error({ intentId: intent.intentId, err: error }, `follow-up ${intent.intentId} is not appended: ${error.message}`)
          return
        }
        if (isLogError(error, 'CORRUPT')) {
          logger.error(
            { intentId: intent.intentId, err: error },
            `a follow-up is not appended: ${error.message}. It is once the log is put right`,
          )
          return
        }
        // Appended twice it is a duplicate.
        if (!isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN', 'FULL')) throw error
        logger.warn({ intentId: intent.intentId, err: error, retryMs }, `a follow-up is appended again in ${retryMs} ms: ${error.message}`)
        await clock.sleep(retryMs, this.#abort.signal)
      }
    }
  }
}
