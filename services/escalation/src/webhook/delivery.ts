/** Tells webhook targets of escalations: every notification is delivered, recorded as a dead letter, or handed back. */
import type { WebhookTargetSettings } from '@signalbox/contract'
import { type Clock, systemClock } from '@signalbox/log'
import type { Logger } from 'pino'
import { type Resolve, systemResolve } from './attempt.ts'
import { Burials } from './burial.ts'
import type { DeadLetters } from './dead-letters.ts'
import { WebhookError } from './errors.ts'
import type { WebhookMetrics } from './metrics.ts'
import { bodyLimitBytes, bodyOf, type Notification } from './notification.ts'
import type { Post } from './post.ts'
import type { Settlement } from './settlement.ts'
import { webhookTarget } from './target.ts'
import { TargetQueue } from './target-queue.ts'

export interface WebhookDeliverySettings {
  readonly targets: readonly WebhookTargetSettings[]
  readonly deadLetters: DeadLetters
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly metrics: WebhookMetrics
  readonly clock?: Clock
  /** From 0 to below 1, for the jitter of the waits. Default: `Math.random`. */
  readonly random?: () => number
  /** The addresses of a host. Default: as the operating system resolves them. */
  readonly resolve?: Resolve
  /** Default: over HTTP. */
  readonly post?: Post
}

const unknownTargetsLimit = 1_000

export class WebhookDelivery {
  readonly #queues: ReadonlyMap<string, TargetQueue>
  readonly #unknown: Burials
  readonly #stopping = new AbortController()
  readonly #cut = new AbortController()
  readonly #clock: Clock
  #stopped: Promise<void> | undefined

  /** @throws WebhookError MISCONFIGURED when a target cannot be used, or two have the same name */
  constructor(settings: WebhookDeliverySettings) {
    const { clock = systemClock, random = Math.random, resolve = systemResolve } = settings
    const queues = new Map<string, TargetQueue>()
    for (const target of settings.targets.map(webhookTarget)) {
      if (queues.has(target.name)) throw new WebhookError('MISCONFIGURED', `two webhook targets are called "${target.name}"; rename one`)
      queues.set(target.name, new TargetQueue({ ...settings, clock, random, resolve, target }))
    }
    this.#clock = clock
    this.#queues = queues
    const signals = { stopping: this.#stopping.signal, cut: this.#cut.signal }
    this.#unknown = new Burials({ ...settings, clock }, unknownTargetsLimit, signals)
  }

  get targetNames(): readonly string[] {
    return [...this.#queues.keys()]
  }

  /** How many notifications wait or are on their way, over all targets. */
  get queueLength(): number {
    return [...this.#queues.values()].reduce((sum, { length }) => sum + length, 0)
  }

  /**
   * Tells the targets named, or all. Resolves with one settlement for each, in that order, once all are settled, which may
   * take as long as a target's attempts do. To give a notification again while it is not settled is to wait for the same outcome.
   * Order within a group is that of these calls.
   *
   * @throws WebhookError NOTIFICATION_INVALID, and then nothing was sent
   */
  async notify(notification: Notification, to: readonly string[] = this.targetNames): Promise<readonly Settlement[]> {
    const body = bodyOf(notification)
    return await Promise.all([...new Set(to)].map((name) => this.#offer(notification, body, name)))
  }

  /**
   * Begins no attempt more and gives those on their way `boundMs` to end; what is not settled then is handed back to those who wait
   * for it. Resolves soon after the bound at the latest. May be called again.
   */
  stop(boundMs: number): Promise<void> {
    this.#stopped ??= this.#stop(boundMs)
    return this.#stopped
  }

  async #stop(boundMs: number): Promise<void> {
    this.#stopping.abort()
    const awake = new AbortController()
    const unknown = Promise.race([this.#unknown.ended(), this.#clock.sleep(boundMs, awake.signal)]).then(() => this.#cut.abort())
    await Promise.all([...[...this.#queues.values()].map((queue) => queue.stop(boundMs)), unknown])
    awake.abort()
    await this.#unknown.ended()
  }

  #offer(notification: Notification, body: Buffer, name: string): Promise<Settlement> {
    const queue = this.#queues.get(name)
    if (queue === undefined) {
      const message = `there is no webhook target "${name}"; add it to the settings, or correct who is to be told`
      return this.#unknown.take(notification, { code: 'UNKNOWN_TARGET', target: name, attempts: 0, status: null, message })
    }
    if (body.length <= bodyLimitBytes) return queue.offer(notification, body)
    const message = `its body has ${body.length} bytes, more than the ${bodyLimitBytes} that are sent; refer to what is large instead of sending it`
    return queue.refuse(notification, 'TOO_LARGE', message)
  }
}
