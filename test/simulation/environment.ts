/** What every part of a run shares. */
import type { Coordinator } from '@signalbox/client'
import type { Codec } from '@signalbox/codec'
import type { Decision, Intent } from '@signalbox/contract'
import type { Rules } from '@signalbox/core'
import type { Post } from '@signalbox/escalation'
import type { Clock, Log } from '@signalbox/log'
import type { MemoryLogStore, MemoryLogStoreOptions } from '@signalbox/log-memory'
import type { SequencerBounds } from '@signalbox/sequencer'
import type { Random } from '../support/random.ts'
import type { Era } from './era.ts'
import type { Faults } from './faults.ts'
import type { Plan } from './plan.ts'
import type { Trace } from './trace.ts'
import type { VirtualTime } from './virtual-clock.ts'

/** The closed set of what a run is checked for. */
export type CheckName =
  /** Every intent record has exactly one decision, in the order of the records. */
  | 'exactly one'
  /** Every decision is the model's. */
  | 'model'
  /** What must hold of timers, waiters, leases, effects, escalations and quarantines, whoever decided it. */
  | 'laws'
  /** The hash chain and the batches are whole. */
  | 'chain'
  /** One owner writes at a time, and says who it is. */
  | 'epochs'
  /** Whatever an agent was told, or the log said was durable, is in the log exactly so. */
  | 'acknowledged'
  /** What an agent observed is the state at the position that it was told. */
  | 'observed'
  /** What no event embeds is kept whole. */
  | 'dead letters'
  /** Nothing is decided at a time that its owner's clock had not reached. */
  | 'stall'
  /** Read models and owners hold the state that the events give. */
  | 'read models'
  /** A recorded decision computed anew is the same. */
  | 'explained'
  /** A log that goes on from another begins with all that was known there. */
  | 'carried'
  /** The logs of a world that was moved are what Signalbox promises of a log. */
  | 'audit'
  /** People are told of every escalation, in order, each time under the same id. */
  | 'notifications'
  /** After the faults have ended, everything is decided and every partition has one owner. */
  | 'settles'
  /** No error but those of the closed sets, none unhandled. */
  | 'errors'

export interface Violation {
  readonly check: CheckName
  readonly message: string
}

/** A decision that an agent was given. `intent` is null where it asked by id only. */
export interface GivenDecision {
  readonly agent: string
  readonly intentId: string
  readonly intent: Intent | null
  readonly decision: Decision
}

/** A bug put in on purpose. Every part is a decorator, but for `install`, which changes a module and gives how to undo it. */
export interface PlantedBug {
  readonly name: string
  readonly store?: (options: MemoryLogStoreOptions) => MemoryLogStore
  readonly sequencerLog?: (log: Log, environment: Environment) => Log
  readonly sequencerClock?: (clock: Clock) => Clock
  readonly managerLog?: (log: Log) => Log
  readonly escalationLog?: (log: Log) => Log
  readonly post?: (post: Post) => Post
  readonly gatewayLog?: (log: Log, environment: Environment) => Log
  readonly desk?: (desk: Coordinator, environment: Environment) => Coordinator
  readonly install?: () => () => void
}

export interface Environment {
  readonly random: Random
  readonly time: VirtualTime
  readonly trace: Trace
  readonly faults: Faults
  /** The logs of this run, one after another: the world is in the last. */
  readonly eras: Era[]
  readonly era: Era
  readonly store: MemoryLogStore
  readonly codec: Codec
  readonly rules: Rules
  /** What this run is about. */
  readonly plan: Plan
  /** Where agents act in this run. */
  readonly scopes: readonly string[]
  readonly bounds: Partial<SequencerBounds>
  readonly planted: PlantedBug | null
  readonly givenDecisions: GivenDecision[]
  report(check: CheckName, message: string): void
}
