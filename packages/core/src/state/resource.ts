/** What a state holds of a resource. */
import type { FlatObject, Timer } from '@signalbox/contract'

/** A commit to a resource, as far as others are told of it. */
export interface Change {
  /** The identity of the commit event. Its partition is another one only where the log was in other topics then. */
  readonly partition: number
  readonly offset: number
  readonly index: number
  readonly time: number
  readonly intentId: string
  readonly agent: string
  readonly action: string
  readonly version: number
  /** The top-level fields of the data that it changed; null where its contract does not merge. */
  readonly fields: readonly string[] | null
  /** The one before it in its run of changes; null at the start of a run. */
  readonly previous: Change | null
  /** How many changes of its run lie before it. */
  readonly depth: number
}

export interface ResourceState {
  readonly version: number
  readonly state: string
  /** A JSON object in RFC 8785 form. Kept as text: compact, and no contract code can change it by accident. */
  readonly data: string
  readonly contractVersion: number
  readonly lastChange: Change
  /** The last change of the run before; null in the first run. */
  readonly olderChange: Change | null
  /** Whose writing it stands on, besides that of who changed it last; sorted by name. */
  readonly influences: readonly Influence[]
  readonly timer: Timer | null
}

/** Of whom what a resource builds on was, and when it wrote that last. */
export interface Influence {
  /** As `agentKey` has it. */
  readonly agent: string
  /** Logical time of the last of it. */
  readonly time: number
}

/** Where the state of a resource lies. */
export interface Place {
  readonly scope: string
  readonly resource: string
  /** With what the open layers made of it; undefined where it does not exist. */
  newest: ResourceState | undefined
  /** What is durable; undefined where that does not exist yet. */
  published: ResourceState | undefined
  /** See `DataCache`. */
  data: FlatObject | null
}

/** The changes after `version` that the state still knows, newest first. */
export function* changesSince({ lastChange, olderChange }: ResourceState, version: number): Generator<Change> {
  let older = olderChange
  for (let change: Change | null = lastChange; change !== null && change.version > version; ) {
    yield change
    change = change.previous ?? older
    if (change === older) older = null
  }
}
