/** A delivery with everything around it that a test looks at. */
import type { WebhookTargetSettings } from '@signalbox/contract'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import {
  type DeadLetterCause,
  type DeadLetters,
  type Notification,
  type Resolve,
  WebhookDelivery,
  webhookMetrics,
} from '../../src/index.ts'
import type { Receiver } from './receiver.ts'
import { TestClock } from './test-clock.ts'

export const secret = `whsec_${Buffer.from('a key of twenty-four byte').toString('base64')}`
export const timeoutMs = 7_777
export const stopMs = 4_321
/** How long a dead letter may take to be written. */
export const writeTimeoutMs = 30_000

export const notificationOf = (id: string, more: Partial<Notification> = {}): Notification => ({
  id,
  type: 'escalation.triggered',
  timestampMs: Date.UTC(2030, 0, 1),
  group: 'group-1',
  payload: { escalation: id },
  ...more,
})

export function targetOf(receiver: Receiver, more: Partial<WebhookTargetSettings> = {}): WebhookTargetSettings {
  const ports = [receiver.port]
  return { name: 'pager', url: receiver.url(), secrets: [secret], allowPrivate: true, allowPlain: true, ports, timeoutMs, ...more }
}

export class Desk implements AsyncDisposable {
  readonly clock: TestClock
  readonly registry = new Registry()
  readonly logged: string[] = []
  readonly dead: { readonly notification: Notification; readonly cause: DeadLetterCause }[] = []
  readonly delivery: WebhookDelivery

  constructor(
    targets: readonly WebhookTargetSettings[],
    more: { readonly resolve?: Resolve; readonly deadLetters?: DeadLetters; readonly held?: readonly number[] } = {},
  ) {
    this.clock = new TestClock([timeoutMs, stopMs, writeTimeoutMs, ...(more.held ?? [])])
    this.delivery = new WebhookDelivery({
      targets,
      deadLetters: more.deadLetters ?? {
        deadLetter: async (notification, cause) => void this.dead.push({ notification, cause }),
      },
      logger: pino({ level: 'debug' }, { write: (line: string) => void this.logged.push(line) }),
      metrics: webhookMetrics(this.registry),
      clock: this.clock,
      random: () => 0.5,
      ...(more.resolve && { resolve: more.resolve }),
    })
  }

  /** The value of a metric, its labels as `{target="pager"}`; null when there is none. */
  async metric(series: string): Promise<number | null> {
    const line = (await this.registry.metrics()).split('\n').find((candidate) => candidate.startsWith(`${series} `))
    return line === undefined ? null : Number(line.slice(series.length + 1))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopped = this.delivery.stop(0)
    await stopped
  }
}
