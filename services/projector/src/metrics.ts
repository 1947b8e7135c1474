import type { Feed, HostMetrics, HostStatus } from '@signalbox/projection-host'
import { Counter, Gauge, type Registry } from 'prom-client'

const phases = ['starting', 'standby', 'active', 'halted', 'superseded', 'stopped'] as const

export function hostMetrics(registry: Registry): HostMetrics {
  const folded = new Counter({
    name: 'signalbox_projection_events_total',
    help: 'Events folded into a projection, rebuilds included.',
    labelNames: ['projection'],
    registers: [registry],
  })
  const parked = new Counter({
    name: 'signalbox_projection_events_parked_total',
    help: 'Events that could not be folded, or were held back behind one.',
    labelNames: ['projection'],
    registers: [registry],
  })
  const swapped = new Counter({
    name: 'signalbox_projection_swaps_total',
    help: 'Generations that took the place of the live one.',
    labelNames: ['projection'],
    registers: [registry],
  })
  const failed = new Counter({
    name: 'signalbox_projection_reaction_failures_total',
    help: 'Reactions to events that failed and are tried again.',
    labelNames: ['projection'],
    registers: [registry],
  })
  return {
    folded: (projection, events) => folded.inc({ projection }, events),
    parked: (projection, events) => parked.inc({ projection }, events),
    swapped: (projection) => swapped.inc({ projection }),
    reactionFailed: (projection) => failed.inc({ projection }),
  }
}

export interface ProjectionLag {
  readonly name: string
  /** By partition, those of logs before behind the others: log offsets between the live rows and the end of the log. */
  readonly lag: readonly number[]
  readonly parked: number
}

/** What is looked at when the metrics are asked for. */
export interface WatchedProjections {
  readonly feed: Pick<Feed, 'nameOf'>
  /** Of those that have rows. */
  lags(): Promise<readonly ProjectionLag[]>
  statuses(): Promise<readonly HostStatus[]>
}

/** What is asked of the store and the log when somebody looks. */
export function watchProjections(registry: Registry, projector: WatchedProjections): void {
  new Gauge({
    name: 'signalbox_projection_lag_events',
    help: 'Log offsets between the live rows and the end of the log; on Kafka the markers of transactions are counted in.',
    labelNames: ['projection', 'partition'],
    registers: [registry],
    async collect() {
      this.reset()
      for (const { lag, name } of await projector.lags().catch(() => []))
        for (const [partition, events] of lag.entries()) this.set({ projection: name, partition: projector.feed.nameOf(partition) }, events)
    },
  })
  new Gauge({
    name: 'signalbox_projection_parked',
    help: 'Events that are parked now.',
    labelNames: ['projection'],
    registers: [registry],
    async collect() {
      this.reset()
      for (const { name, parked } of await projector.lags().catch(() => [])) this.set({ projection: name }, parked)
    },
  })
  new Gauge({
    name: 'signalbox_projection_phase',
    help: '1 for the phase in which this process is with a projection.',
    labelNames: ['projection', 'phase'],
    registers: [registry],
    async collect() {
      for (const { phase: now, projection } of await projector.statuses())
        for (const phase of phases) this.set({ projection, phase }, phase === now ? 1 : 0)
    },
  })
}
