/** What the chaos runner and its sequencers say to each other. */
import type { PlantedName } from './planted.ts'
import type { Armed } from './points.ts'

export interface SequencerSettings {
  readonly brokers: string
  readonly topicPrefix: string
  readonly registryUrl: string | null
  readonly sessionTimeoutMs: number
  readonly planted: PlantedName | null
  /** A folder that all sequencers of the run share. */
  readonly folder: string
  /** `POINT PID SIGNAL` is appended to it for each point that was hit, one a line. */
  readonly hitsFile: string
  readonly armed: Armed | null
}

export type ToSequencer = ({ readonly kind: 'arm' } & Armed) | { readonly kind: 'disarm' }

/** The partitions that it decides now. */
export interface FromSequencer {
  readonly kind: 'active'
  readonly partitions: readonly number[]
}
