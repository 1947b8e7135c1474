/**
 * Follows the events of every partition, keeps the inbox, and tells webhook targets of what people must know.
 *
 * Invariants:
 *  1. A notification is settled at each of its targets (delivered, or a dead letter) before its receipt is written; without a
 *     receipt it is given again after a restart, under the same id.
 *  2. Of what lies before the first start, only what is still open is told, and of that the last.
 *  3. At most `underWayLimit` notices of a partition are under way: then its reading waits.
 */
import type { Codec } from '@signalbox/codec'
import type { Event } from '@signalbox/contract'
import { followEvents, type LoggedEvent } from '@signalbox/event-log'
import { type Clock, isLogError, type Log } from '@signalbox/log'
import type { Logger } from 'pino'
import type { Settlement } from '../webhook/index.ts'
import { Inbox } from './inbox.ts'
import { type LetterAgain, lettersAgain, noticeOfLetter } from './letters-again.ts'
import { type Notice, noticesOf } from './notices.ts'
import { isPassing, letterKey, readReceipts, receiptKey, type Told, writeBegun, writeReceipt } from './receipts.ts'
import type { Routes } from './routes.ts'

const underWayLimit = 200
const firstRetryMs = 100
const lastRetryMs = 5_000

/** What tells a target: `WebhookDelivery`, or what a simulator puts in its place. */
export interface Delivery {
  notify(notification: Notice['notification'], to: readonly string[]): Promise<readonly Settlement[]>
}

type Begun = Told & { readonly begun: number }

export interface EscalationConsumerSettings {
  readonly log: Log
  readonly codec: Codec
  readonly routes: Routes
  readonly delivery: Delivery
  /** Of the notices under way, by the id of their notification: who writes dead letters must find them. */
  readonly underWay: Map<string, Notice>
  readonly clock: Clock
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
}

export class EscalationConsumer {
  readonly inbox = new Inbox()
  readonly #settings: EscalationConsumerSettings
  readonly #abort = new AbortController()
  readonly #following: Promise<unknown>
  readonly #fail: (error: Error) => void
  #partitionsBehind: number
  /** Rejects when the process should end: the log is damaged, or a receipt cannot be written. */
  readonly failed: Promise<never>

  constructor(settings: EscalationConsumerSettings) {
    this.#settings = settings
    this.#partitionsBehind = settings.log.partitionCount
    const { promise, reject } = Promise.withResolvers<never>()
    this.failed = promise
    this.#fail = reject
    promise.catch(() => {})
    const partitions = Array.from({ length: settings.log.partitionCount }, (_, partition) => this.#follow(partition))
    this.#following = Promise.allSettled(partitions)
    Promise.all(partitions).catch(reject)
  }

  /** Null once everything that was there at the start has been read; else what is missing, in a sentence. */
  notReady(): string | null {
    return this.#partitionsBehind === 0 ? null : `${this.#partitionsBehind} partitions are still being read from the event log`
  }

  /** Reads nothing more. Whoever delivers is stopped after it, and hands back what it has. */
  async stop(): Promise<void> {
    this.#abort.abort('over')
    await this.#following
  }

  async #follow(partition: number): Promise<void> {
    const { clock, codec, log, logger } = this.#settings
    const fail = (error: Error) => {
      if (!isLogError(error, 'CORRUPT')) return this.#fail(error)
      logger.error({ partition, err: error }, `partition ${partition} is damaged, and of its escalations nobody is told: ${error.message}`)
    }
    let told: Begun | null
    try {
      told = await this.#begin(partition)
    } catch (error) {
      if (!isLogError(error, 'CORRUPT')) throw error
      fail(error)
      this.#partitionsBehind--
      return
    }
    if (told === null) return
    const teller = new Teller(this.#settings, told, this.#abort.signal, fail)
    await followEvents({
      log,
      codec,
      partition,
      clock,
      signal: this.#abort.signal,
      retried: (err, retryMs) =>
        logger.warn({ partition, err, retryMs }, `partition ${partition} is read again in ${retryMs} ms: ${err.message}`),
      damaged: (err) => logger.error({ partition, err }, `partition ${partition} is damaged, and is not followed any more: ${err.message}`),
      caughtUp: async () => {
        this.#partitionsBehind--
        await teller.endOld()
      },
      take: async (events) => {
        for (const { event } of events) this.inbox.take(event)
        await teller.take(events)
      },
    })
    await teller.settled()
  }

  /** What a partition's people were told before; null when it stops before that is known. */
  async #begin(partition: number): Promise<Begun | null> {
    const { clock, log, logger } = this.#settings
    for (let retryMs = firstRetryMs; !this.#abort.signal.aborted; retryMs = Math.min(2 * retryMs, lastRetryMs)) {
      try {
        const { begun, settled } = await readReceipts(log, partition)
        if (begun !== null) return { begun, settled }
        const { end } = await log.offsets('events', partition)
        await writeBegun(log, partition, end)
      } catch (error) {
        if (this.#abort.signal.aborted) return null
        if (!isPassing(error)) throw error
        logger.warn(
          { partition, err: error, retryMs },
          `what was told of partition ${partition} is read again in ${retryMs} ms: ${error.message}`,
        )
        await clock.sleep(retryMs, this.#abort.signal)
      }
    }
    return null
  }
}

/** Tells of one partition. */
class Teller {
  readonly #settings: EscalationConsumerSettings
  readonly #told: Told & { readonly begun: number }
  readonly #signal: AbortSignal
  readonly #fail: (error: Error) => void
  // Before the first start: the last notice of each escalation that is open.
  readonly #old = new Map<string, Notice>()
  #isOld = true
  readonly #underWay = new Set<Promise<void>>()
  // How often a notification is on its way, by its id.
  readonly #holders = new Map<string, number>()

  constructor(
    settings: EscalationConsumerSettings,
    told: Told & { readonly begun: number },
    signal: AbortSignal,
    fail: (error: Error) => void,
  ) {
    this.#settings = settings
    this.#told = told
    this.#signal = signal
    this.#fail = fail
  }

  async take(events: readonly LoggedEvent[]): Promise<void> {
    for (const { event, logOffset } of events) {
      if (this.#isOld && logOffset >= this.#told.begun) await this.endOld()
      if (this.#isOld) this.#noteOld(event)
      else {
        for (const notice of noticesOf(event, this.#settings.log.id)) await this.#tell(notice)
        for (const letter of lettersAgain(event)) await this.#tellAgain(letter)
      }
    }
  }

  /** Nothing old is left to be read. */
  async endOld(): Promise<void> {
    if (!this.#isOld) return
    this.#isOld = false
    const notices = [...this.#old.values()]
    this.#old.clear()
    for (const notice of notices) await this.#tell(notice)
  }

  /** Resolves when nothing is under way any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay)
  }

  #noteOld(event: Event): void {
    for (const notice of noticesOf(event, this.#settings.log.id)) {
      const key = `${notice.scope}\u0000${notice.resource}`
      this.#old.delete(key)
      if (notice.isOpen) this.#old.set(key, notice)
    }
  }

  async #tell(notice: Notice): Promise<void> {
    const { id } = notice.notification
    const targets = this.#settings.routes.targetsOf(notice.to).filter((target) => !this.#told.settled.delete(receiptKey(id, target)))
    if (targets.length > 0) await this.#start(notice, targets, null)
  }

  /** What did not arrive is sent again, under its first id. */
  async #tellAgain(letter: LetterAgain): Promise<void> {
    const { clock, log, logger } = this.#settings
    if (this.#told.settled.delete(letterKey(letter))) return
    for (let retryMs = firstRetryMs; !this.#signal.aborted; retryMs = Math.min(2 * retryMs, lastRetryMs)) {
      try {
        const found = await noticeOfLetter(log, letter)
        if (found === null) logger.error({ letter: letter.id }, `dead letter ${letter.id} is redriven, and there is none; nothing is sent`)
        else await this.#start(found.notice, [found.target], letter)
        return
      } catch (error) {
        if (!isPassing(error)) throw error
        logger.warn({ err: error, retryMs }, `dead letter ${letter.id} is read again in ${retryMs} ms: ${error.message}`)
        await clock.sleep(retryMs, this.#signal)
      }
    }
  }

  /** Resolves when there is room for more. `letter`: the dead letter that is sent again. */
  async #start(notice: Notice, targets: readonly string[], letter: LetterAgain | null): Promise<void> {
    const { underWay } = this.#settings
    const { id } = notice.notification
    underWay.set(id, notice)
    this.#holders.set(id, (this.#holders.get(id) ?? 0) + 1)
    const telling = this.#deliver(notice, targets, letter)
      .catch((error: Error) => this.#fail(error))
      .finally(() => {
        // It may still be on its way to another target.
        const others = this.#holders.get(id)! - 1
        if (others > 0) this.#holders.set(id, others)
        else {
          this.#holders.delete(id)
          underWay.delete(id)
        }
        this.#underWay.delete(telling)
      })
    this.#underWay.add(telling)
    while (this.#underWay.size >= underWayLimit && !this.#signal.aborted) await Promise.race([...this.#underWay, aborted(this.#signal)])
  }

  async #deliver(notice: Notice, targets: readonly string[], letter: LetterAgain | null): Promise<void> {
    // Each by itself: what one target has taken, or never will, must be known however long another takes.
    await Promise.all(targets.map((target) => this.#deliverTo(target, notice, letter)))
  }

  async #deliverTo(target: string, notice: Notice, letter: LetterAgain | null): Promise<void> {
    const { clock, delivery } = this.#settings
    for (let retryMs = firstRetryMs; !this.#signal.aborted; retryMs = Math.min(2 * retryMs, lastRetryMs)) {
      const [settlement] = await delivery.notify(notice.notification, [target])
      if (settlement!.kind !== 'handed-back') return await this.#write(notice, settlement!, letter)
      // Stopped, it is given again after the next start.
      if (settlement!.reason === 'STOPPED') return
      await clock.sleep(retryMs, this.#signal)
    }
  }

  async #write(notice: Notice, settlement: Exclude<Settlement, { kind: 'handed-back' }>, letter: LetterAgain | null): Promise<void> {
    const { clock, log, logger } = this.#settings
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(2 * retryMs, lastRetryMs)) {
      try {
        await writeReceipt(log, notice, settlement, letter)
        return
      } catch (error) {
        if (this.#signal.aborted) return
        if (!isPassing(error)) throw error
        logger.warn(
          { err: error, retryMs },
          `that ${notice.notification.id} was settled is written again in ${retryMs} ms: ${error.message}`,
        )
        await clock.sleep(retryMs, this.#signal)
      }
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
