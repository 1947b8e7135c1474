/** Puts an escalation consumer together. */
import type { Codec } from '@signalbox/codec'
import type { EscalationSettings } from '@signalbox/contract'
import { type Clock, type Log, systemClock } from '@signalbox/log'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import { deadLetterTopic } from './consumer/dead-letter-topic.ts'
import { EscalationConsumer } from './consumer/escalation-consumer.ts'
import type { Inbox } from './consumer/inbox.ts'
import type { Notice } from './consumer/notices.ts'
import { routesOf } from './consumer/routes.ts'
import { type Post, type Resolve, WebhookDelivery, webhookMetrics } from './webhook/index.ts'

/** How long requests under way may take once the service stops. */
const stopMs = 5_000

export interface EscalationWiring {
  readonly log: Log
  readonly codec: Codec
  /** Whom to tell; nobody where left out: then the inbox is all. */
  readonly escalation?: EscalationSettings | undefined
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly registry: Registry
  readonly clock?: Clock
  readonly random?: () => number
  readonly resolve?: Resolve
  /** Default: over HTTP. */
  readonly post?: Post
}

export interface EscalationService {
  readonly inbox: Inbox
  /** Rejects when the process should end. */
  readonly failed: Promise<never>
  notReady(): string | null
  stop(): Promise<void>
}

/** @throws WebhookError MISCONFIGURED */
export function startEscalation(wiring: EscalationWiring): EscalationService {
  const { codec, escalation = {}, log, logger, registry, clock = systemClock } = wiring
  const underWay = new Map<string, Notice>()
  const delivery = new WebhookDelivery({
    targets: escalation.targets ?? [],
    deadLetters: deadLetterTopic(log, (id) => underWay.get(id)),
    logger,
    metrics: webhookMetrics(registry),
    clock,
    ...(wiring.random && { random: wiring.random }),
    ...(wiring.resolve && { resolve: wiring.resolve }),
    ...(wiring.post && { post: wiring.post }),
  })
  const routes = routesOf(delivery.targetNames, escalation.routes ?? {})
  const consumer = new EscalationConsumer({ log, codec, routes, delivery, underWay, clock, logger })
  new Gauge({
    name: 'signalbox_escalations_open',
    help: 'Escalations that wait for a human.',
    registers: [registry],
    collect() {
      this.set(consumer.inbox.openCount)
    },
  })
  return {
    inbox: consumer.inbox,
    failed: consumer.failed,
    notReady: () => consumer.notReady(),
    async stop() {
      const stopped = consumer.stop()
      await delivery.stop(stopMs)
      await stopped
    },
  }
}
