/** A log of the simulated world, and what was noted of it. A world whose log is moved has two, one after the other. */
import type { Observation } from '@signalbox/contract'
import type { Rules } from '@signalbox/core'
import type { Moved } from '@signalbox/generation'
import type { MemoryLogStore } from '@signalbox/log-memory'
import type { AcknowledgedIntent } from './observed-log.ts'

export interface Era {
  readonly store: MemoryLogStore
  readonly rules: Rules
  readonly acknowledgedIntents: AcknowledgedIntent[]
  readonly observations: Observation[]
  /** Where the events of each partition ended when the world was healed; null where it went on in another log before that. */
  eventsAtHealing: readonly number[] | null
  /** How it came out of the log before; null for the first. */
  readonly moved: Moved | null
}
