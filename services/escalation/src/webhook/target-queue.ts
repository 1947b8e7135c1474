/**
 * What one target is to be told, in order within each group: the head of a group is settled before the next one is
 * tried, while groups do not wait for each other.
 */
import type { Clock } from '@signalbox/log'
import { type AttemptEnvironment, type AttemptResult, attempt } from './attempt.ts'
import { backoffMs } from './backoff.ts'
import { type BurialSettings, Burials } from './burial.ts'
import type { DeadLetterCode } from './dead-letters.ts'
import type { WebhookMetrics } from './metrics.ts'
import type { Notification } from './notification.ts'
import type { HandedBack, Settlement } from './settlement.ts'
import { Slots } from './slots.ts'
import type { WebhookTarget } from './target.ts'

export interface TargetQueueSettings extends AttemptEnvironment, BurialSettings {
  readonly target: WebhookTarget
  readonly clock: Clock
  readonly metrics: WebhookMetrics
  /** From 0 to below 1, for the jitter. */
  readonly random: () => number
}

interface Item {
  readonly notification: Notification
  readonly body: Buffer
  readonly settled: Promise<Settlement>
  readonly settle: (settlement: Settlement) => void
  attempts: number
  status: number | null
}

type Retriable = Extract<AttemptResult, { kind: 'retry' }>

export class TargetQueue {
  readonly #settings: TargetQueueSettings
  readonly #slots: Slots
  readonly #groups = new Map<string, Item[]>()
  // By id, all that wait or are on their way: who tells twice waits for the same outcome.
  readonly #items = new Map<string, Item>()
  readonly #burials: Burials
  readonly #running = new Set<Promise<void>>()
  /** Wakes who waits for the next attempt: there will be none. */
  readonly #noMore = new AbortController()
  readonly #stopping = new AbortController()
  readonly #cut = new AbortController()
  #isDisabled = false
  /** Until when the target has asked to be left alone. */
  #pause: Promise<unknown> = Promise.resolve()

  constructor(settings: TargetQueueSettings) {
    this.#settings = settings
    this.#slots = new Slots(settings.target.concurrency)
    this.#burials = new Burials(settings, settings.target.queueLimit, { stopping: this.#stopping.signal, cut: this.#cut.signal })
    settings.metrics.queueLength(settings.target.name, 0)
    settings.metrics.disabled(settings.target.name, false)
  }

  get length(): number {
    return this.#items.size
  }

  /** Resolves when the notification is settled at this target. Never rejects. */
  offer(notification: Notification, body: Buffer): Promise<Settlement> {
    const { name, queueLimit } = this.#settings.target
    const pending = this.#items.get(notification.id)?.settled ?? this.#burials.pending(notification.id, name)
    if (pending !== undefined) return pending
    if (this.#isDisabled) return this.refuse(notification, 'TARGET_DISABLED', this.#whyDisabled())
    if (this.#items.size >= queueLimit) {
      const why = `${queueLimit} notifications wait for webhook target "${name}" already; see why it takes so few, then send this one again`
      return this.refuse(notification, 'QUEUE_FULL', why)
    }
    const { promise, resolve } = Promise.withResolvers<Settlement>()
    const item: Item = { notification, body, settled: promise, settle: resolve, attempts: 0, status: null }
    if (this.#stopping.signal.aborted) item.settle(this.#handedBack(item))
    else this.#enqueue(item)
    return promise
  }

  /** Makes a dead letter of what cannot be queued. Never rejects. */
  refuse(notification: Notification, code: DeadLetterCode, message: string): Promise<Settlement> {
    return this.#burials.take(notification, { code, target: this.#settings.target.name, attempts: 0, status: null, message })
  }

  /**
   * Takes nothing more, begins no attempt more, and gives what is on its way `boundMs` to end. Resolves when everything is
   * settled, soon after the bound at the latest.
   */
  async stop(boundMs: number): Promise<void> {
    this.#stopping.abort()
    this.#noMore.abort()
    const awake = new AbortController()
    const ended = Promise.all([...this.#running, this.#burials.ended()])
    await Promise.race([ended, this.#settings.clock.sleep(boundMs, awake.signal)])
    awake.abort()
    this.#cut.abort()
    await ended
  }

  #enqueue(item: Item): void {
    const { group, id } = item.notification
    this.#items.set(id, item)
    this.#measure()
    const waiting = this.#groups.get(group)
    if (waiting !== undefined) {
      waiting.push(item)
      return
    }
    this.#groups.set(group, [item])
    const running = this.#deliverGroup(group).finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async #deliverGroup(group: string): Promise<void> {
    const waiting = this.#groups.get(group) ?? []
    for (let item = waiting[0]; item !== undefined; item = waiting[0]) {
      const settlement = await this.#deliver(item)
      waiting.shift()
      this.#items.delete(item.notification.id)
      this.#measure()
      item.settle(settlement)
    }
    this.#groups.delete(group)
  }

  async #deliver(item: Item): Promise<Settlement> {
    const { clock, metrics, random, target } = this.#settings
    for (;;) {
      const result = await this.#slots.use(() => this.#attempt(item))
      if (result === null && !this.#stopping.signal.aborted) return await this.#bury(item, 'TARGET_DISABLED', this.#whyDisabled())
      if (result === null || result.kind === 'aborted') return this.#handedBack(item)
      if (result.kind === 'delivered') {
        metrics.delivered(target.name)
        return { kind: 'delivered', target: target.name, attempts: item.attempts }
      }
      item.status = result.status
      metrics.attemptFailed(target.name, result.code)
      if (result.kind === 'final') {
        if (result.code === 'GONE') this.#disable()
        return await this.#bury(item, result.code, result.message)
      }
      if (item.attempts >= target.attempts)
        return await this.#bury(item, 'EXHAUSTED', `${item.attempts} attempts failed, the last one: ${result.message}`)
      await this.#wait(clock, item, result, backoffMs(item.attempts, random()))
    }
  }

  /** Null when there is to be no attempt any more. */
  async #attempt(item: Item): Promise<AttemptResult | null> {
    await this.#pause
    if (this.#noMore.signal.aborted) return null
    item.attempts++
    const { target } = this.#settings
    return await attempt(target, item.notification.id, item.body, this.#cut.signal, this.#settings)
  }

  async #wait(clock: Clock, item: Item, failure: Retriable, ownMs: number): Promise<void> {
    const { logger, target } = this.#settings
    const waitMs = Math.max(ownMs, failure.retryAfterMs ?? 0)
    logger.warn(
      { target: target.name, notification: item.notification.id, reason: failure.code, attempts: item.attempts, waitMs },
      `notification ${item.notification.id} is sent again in ${waitMs} ms: ${failure.message}`,
    )
    // What a receiver asks for holds for everything that it gets.
    if (failure.retryAfterMs !== null) this.#pause = Promise.all([this.#pause, clock.sleep(failure.retryAfterMs, this.#noMore.signal)])
    await clock.sleep(waitMs, this.#noMore.signal)
  }

  #disable(): void {
    if (this.#isDisabled) return
    this.#isDisabled = true
    this.#noMore.abort()
    const { logger, metrics, target } = this.#settings
    metrics.disabled(target.name, true)
    logger.error({ target: target.name, waiting: this.#items.size }, this.#whyDisabled())
  }

  #whyDisabled(): string {
    const { name } = this.#settings.target
    return `webhook target "${name}" answered 410 and gets nothing more until this service is started again; remove the target or set its new url`
  }

  #bury({ attempts, notification, status }: Item, code: DeadLetterCode, message: string): Promise<Settlement> {
    return this.#burials.write(notification, { code, target: this.#settings.target.name, attempts, status, message })
  }

  #handedBack({ attempts, notification }: Item): HandedBack {
    return { kind: 'handed-back', target: this.#settings.target.name, notification, attempts, reason: 'STOPPED' }
  }

  #measure(): void {
    this.#settings.metrics.queueLength(this.#settings.target.name, this.#items.size)
  }
}
