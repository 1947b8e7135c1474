/** Puts a process manager together. */
import type { Codec } from '@signalbox/codec'
import type { Containment, Reaction } from '@signalbox/contract'
import { type Clock, type Log, systemClock } from '@signalbox/log'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { processManagerMetrics } from './metrics.ts'
import { ProcessManager } from './process-manager.ts'

export interface ProcessManagerWiring {
  readonly log: Log
  readonly codec: Codec
  readonly reactions: readonly Reaction[]
  /** How long a chain may be that reactions make. Left out: as the default says. */
  readonly containment?: Pick<Containment, 'maxDepth'>
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly registry: Registry
  readonly clock?: Clock
}

export function startProcessManager({ clock, registry, ...wiring }: ProcessManagerWiring): ProcessManager {
  return new ProcessManager({ ...wiring, clock: clock ?? systemClock, metrics: processManagerMetrics(registry) })
}
