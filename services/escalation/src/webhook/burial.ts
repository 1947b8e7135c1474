/** Writes dead letters until they are written, or until the delivery stops. */
import type { Clock } from '@signalbox/log'
import type { Logger } from 'pino'
import { inTime } from './bounded.ts'
import type { DeadLetterCause, DeadLetters } from './dead-letters.ts'
import type { WebhookMetrics } from './metrics.ts'
import type { Notification } from './notification.ts'
import type { HandedBack, Settlement } from './settlement.ts'

const writeTimeoutMs = 30_000
const firstRetryMs = 100
const lastRetryMs = 5_000

export interface BurialSettings {
  readonly deadLetters: DeadLetters
  readonly clock: Clock
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly metrics: Pick<WebhookMetrics, 'deadLettered'>
}

/** Dead letters on their way to where they are kept. */
export class Burials {
  readonly #settings: BurialSettings
  readonly #limit: number
  readonly #stopping: AbortSignal
  readonly #cut: AbortSignal
  // By target and id: who gives the same again meanwhile waits for the same outcome.
  readonly #taken = new Map<string, Promise<Settlement>>()

  /**
   * At most `limit` that were never queued are written at a time. `stopping` ends the waits between two tries; `cut` ends even a
   * write that is under way.
   */
  constructor(settings: BurialSettings, limit: number, { stopping, cut }: { readonly stopping: AbortSignal; readonly cut: AbortSignal }) {
    this.#settings = settings
    this.#limit = limit
    this.#stopping = stopping
    this.#cut = cut
  }

  /** What becomes of a notification that was given to `take` and is not settled; undefined when there is none. */
  pending(id: string, target: string): Promise<Settlement> | undefined {
    return this.#taken.get(keyOf(id, target))
  }

  /** For what cannot be queued. Hands back at once what goes past the limit. Never rejects. */
  take(notification: Notification, cause: DeadLetterCause): Promise<Settlement> {
    const key = keyOf(notification.id, cause.target)
    const pending = this.#taken.get(key)
    if (pending !== undefined) return pending
    if (this.#stopping.aborted) return Promise.resolve(handedBack(notification, cause, 'STOPPED'))
    if (this.#taken.size >= this.#limit) return Promise.resolve(handedBack(notification, cause, 'DEAD_LETTERS_FULL'))
    const settled = this.write(notification, cause).finally(() => this.#taken.delete(key))
    this.#taken.set(key, settled)
    return settled
  }

  /** Resolves when nothing that was given to `take` is being written any more. */
  async ended(): Promise<void> {
    await Promise.all(this.#taken.values())
  }

  /** For what was queued, and so counts there. Never rejects. */
  async write(notification: Notification, cause: DeadLetterCause): Promise<Settlement> {
    const { clock, deadLetters, logger, metrics } = this.#settings
    const about = { notification: notification.id, type: notification.type, target: cause.target, cause: cause.code }
    for (let retryMs = firstRetryMs; !this.#cut.aborted; retryMs = Math.min(2 * retryMs, lastRetryMs)) {
      try {
        await inTime(clock, writeTimeoutMs, this.#cut, () => deadLetters.deadLetter(notification, cause))
        metrics.deadLettered(cause.target, cause.code)
        logger.error(about, `notification ${notification.id} became a dead letter: ${cause.message}`)
        return { kind: 'dead-lettered', target: cause.target, cause }
      } catch (error) {
        if (this.#stopping.aborted) break
        logger.error(
          { ...about, err: error, retryMs },
          `the dead letter of notification ${notification.id} could not be written and is tried again in ${retryMs} ms`,
        )
        await clock.sleep(retryMs, this.#stopping)
      }
    }
    return handedBack(notification, cause, 'STOPPED')
  }
}

function keyOf(id: string, target: string): string {
  return `${target}/${id}`
}

function handedBack(notification: Notification, { attempts, target }: DeadLetterCause, reason: HandedBack['reason']): HandedBack {
  return { kind: 'handed-back', target, notification, attempts, reason }
}
