/** Hosts projections on one store: each with a host of its own, all reading the log together. */
import { type Clock, type Log, systemClock } from '@signalbox/log'
import type { Projection } from '@signalbox/projection'
import { type Feed, type HostStatus, ProjectionHost } from '@signalbox/projection-host'
import { lagOf, type ProjectionStore } from '@signalbox/projection-store'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { announceTo } from './dead-letters.ts'
import { hostMetrics, type ProjectionLag, type WatchedProjections, watchProjections } from './metrics.ts'

export interface ProjectorWiring {
  /** Takes letters about what is parked. */
  readonly log: Log
  /** Closed by whoever opened it. */
  readonly feed: Feed
  /** Closed by whoever opened it. */
  readonly store: ProjectionStore
  readonly projections: readonly Projection[]
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly registry: Registry
  readonly clock?: Clock
}

export class Projector implements WatchedProjections {
  readonly store: ProjectionStore
  readonly projections: readonly Projection[]
  readonly feed: Feed
  readonly #hosts: readonly ProjectionHost[]
  /** Rejects when the process should end. */
  readonly failed: Promise<never>

  constructor(wiring: ProjectorWiring) {
    const { clock = systemClock, feed, log, logger, projections, registry, store } = wiring
    this.store = store
    this.projections = projections
    this.feed = feed
    const metrics = hostMetrics(registry)
    const versions = new Map(projections.map(({ name, version }) => [name, version]))
    const announce = announceTo(log, (name) => versions.get(name)!)
    this.#hosts = projections.map((projection) => new ProjectionHost({ projection, store, feed, clock, logger, metrics, announce }))
    this.failed = Promise.race(this.#hosts.map(({ failed }) => failed))
    this.failed.catch(() => {})
    watchProjections(registry, this)
  }

  /** Null once every projection has been brought to where the log ended at the start; else what is missing. */
  notReady(): string | null {
    return this.#hosts.map((host) => host.notReady()).find((reason) => reason !== null) ?? null
  }

  async statuses(): Promise<readonly HostStatus[]> {
    return await Promise.all(this.#hosts.map((host) => host.status()))
  }

  async ends(): Promise<readonly number[]> {
    return await this.feed.ends()
  }

  /** Of those that have rows. */
  async lags(): Promise<readonly ProjectionLag[]> {
    const [ends, stored] = await Promise.all([this.feed.ends(), this.store.projections()])
    return stored.flatMap(({ generations, live, name }) => {
      const found = generations.find(({ generation }) => generation === live)
      if (found === undefined) return []
      return [{ name, lag: lagOf(found, ends), parked: found.parkedCount }]
    })
  }

  async stop(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.stop()))
  }
}

/** Errors: RangeError where two projections have one name. */
export function startProjector(wiring: ProjectorWiring): Projector {
  const names = wiring.projections.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined)
    throw new RangeError(
      `there are two projections named ${twice}; give one of them another name, or leave the shipped one out (projector.shipped)`,
    )
  return new Projector(wiring)
}
