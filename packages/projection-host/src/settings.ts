import type { Clock } from '@signalbox/log'
import type { Projection } from '@signalbox/projection'
import type { ProjectionStore, StoredParkedEvent } from '@signalbox/projection-store'
import type { Feed } from './feed.ts'

/** What the host has to say; a pino logger will do. */
export interface HostLogger {
  info(detail: object, message: string): void
  warn(detail: object, message: string): void
  error(detail: object, message: string): void
}

export interface HostMetrics {
  folded(projection: string, events: number): void
  parked(projection: string, events: number): void
  swapped(projection: string): void
  reactionFailed(projection: string): void
}

export interface HostSettings {
  readonly projection: Projection
  readonly store: ProjectionStore
  readonly feed: Feed
  readonly clock: Clock
  readonly logger: HostLogger
  readonly metrics?: HostMetrics
  /** Tells others of a parked event; it is asked again until it resolves, so at least once. */
  readonly announce?: (projection: string, parked: StoredParkedEvent) => Promise<void>
  /** Events in one transaction. Default 1,000. */
  readonly batchEvents?: number
  /** How long a read waits for a first event; a stop takes as long. Default 500. */
  readonly readWaitMs?: number
  /** How often requests are looked for, and a standby tries to become the owner. Default 300. */
  readonly pollMs?: number
}

export const defaultBatchEvents = 1_000
export const defaultReadWaitMs = 500
export const defaultPollMs = 300
export const firstRetryMs = 100
export const lastRetryMs = 5_000
