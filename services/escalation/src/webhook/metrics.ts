import { Counter, Gauge, type Registry } from 'prom-client'
import type { AttemptFailureCode } from './attempt.ts'
import type { DeadLetterCode } from './dead-letters.ts'

export interface WebhookMetrics {
  delivered(target: string): void
  attemptFailed(target: string, reason: AttemptFailureCode): void
  deadLettered(target: string, cause: DeadLetterCode): void
  queueLength(target: string, length: number): void
  disabled(target: string, isDisabled: boolean): void
}

export function webhookMetrics(registry: Registry): WebhookMetrics {
  const registers = [registry]
  const delivered = new Counter({
    name: 'signalbox_webhooks_delivered_total',
    help: 'Notifications that a webhook target took, by target.',
    labelNames: ['target'],
    registers,
  })
  const failed = new Counter({
    name: 'signalbox_webhook_attempts_failed_total',
    help: 'Attempts to deliver that failed, by target and reason.',
    labelNames: ['target', 'reason'],
    registers,
  })
  const deadLettered = new Counter({
    name: 'signalbox_webhooks_dead_lettered_total',
    help: 'Notifications that became dead letters, by target and cause.',
    labelNames: ['target', 'cause'],
    registers,
  })
  const queueLength = new Gauge({
    name: 'signalbox_webhook_queue_length',
    help: 'Notifications that wait or are on their way, by target.',
    labelNames: ['target'],
    registers,
  })
  const disabled = new Gauge({
    name: 'signalbox_webhook_target_disabled',
    help: '1 once a target has answered that it wants no more (410), until the service is started again.',
    labelNames: ['target'],
    registers,
  })
  return {
    delivered: (target) => delivered.inc({ target }),
    attemptFailed: (target, reason) => failed.inc({ target, reason }),
    deadLettered: (target, cause) => deadLettered.inc({ target, cause }),
    queueLength: (target, length) => queueLength.set({ target }, length),
    disabled: (target, isDisabled) => disabled.set({ target }, isDisabled ? 1 : 0),
  }
}
