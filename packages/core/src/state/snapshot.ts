/**
 * The state of a partition as plain values, and back: what a snapshot holds. The events remain the truth; a state that was
 * restored from its parts and one that was folded from its events cannot be told apart.
 */
import type { ContractRecord, Timer } from '@signalbox/contract'
import type { Origin } from './coordination/coordination.ts'
import { type CoordinationPart, coordinationParts, restoreCoordination } from './coordination/parts.ts'
import type { IdBucket } from './identity.ts'
import type { Change, Influence, ResourceState } from './resource.ts'
import { changesOf, runOfChanges } from './snapshot-runs.ts'
import { PartitionState, type StateLimits } from './state.ts'

/** Rises with every change of the parts or of what `evolve` makes of an event: an older snapshot is of no use then. */
export const stateFormatVersion = 6

/** [partition, offset, index, time, intentId, agent, action, version, fields] of a commit. */
export type ChangeRow = readonly [number, number, number, number, string, string, string, number, readonly string[] | null]

export interface ResourceSnapshot {
  readonly scope: string
  readonly resource: string
  readonly version: number
  readonly state: string
  readonly data: string
  readonly contractVersion: number
  /** The changes of the last run, oldest first. */
  readonly changes: readonly ChangeRow[]
  /** The changes of the run before it, oldest first. */
  readonly olderChanges: readonly ChangeRow[]
  readonly influences: readonly Influence[]
  readonly timer: Timer | null
}

export type SnapshotPart =
  /** The first one. */
  | {
      readonly kind: 'partition'
      readonly partition: number
      readonly time: number
      readonly nextOffset: number
      readonly contracts: readonly ContractRecord[]
      /** The reject codes that the entries of ids name by number. */
      readonly codes: readonly string[]
      readonly origin: Origin | null
    }
  | { readonly kind: 'resource'; readonly resource: ResourceSnapshot }
  | { readonly kind: 'ids'; readonly ids: IdBucket }
  | CoordinationPart

/** The published state in parts, in any order but for the first; nothing may be applied to it meanwhile. */
export function* snapshotParts(state: PartitionState): Generator<SnapshotPart> {
  const { contracts, nextOffset, origin, partition, time } = state
  yield { kind: 'partition', partition, time, nextOffset, contracts, codes: state.rememberedCodes, origin }
  for (const [key, resource] of state.resources()) yield { kind: 'resource', resource: snapshotOf(key, resource) }
  for (const ids of state.idBuckets()) yield { kind: 'ids', ids }
  yield* coordinationParts(state.coordination)
}

/** Makes a state of the parts of a snapshot, given in their order. Throws RangeError where they cannot be of one. */
export class StateBuilder {
  readonly #limits: StateLimits
  #state: PartitionState | undefined

  constructor(limits: StateLimits) {
    this.#limits = limits
  }

  add(part: SnapshotPart): void {
    if (part.kind === 'partition') {
      this.#state = new PartitionState(part.partition, this.#limits)
      this.#state.restorePosition(part)
    } else if (part.kind === 'resource') this.state.setResource(part.resource.scope, part.resource.resource, resourceOf(part.resource))
    else if (part.kind === 'ids') this.state.restoreIds(part.ids)
    else restoreCoordination(this.state.coordination, part)
  }

  get state(): PartitionState {
    if (this.#state === undefined) throw new RangeError('a snapshot begins with the partition that it is of')
    return this.#state
  }
}

function snapshotOf(
  key: string,
  { contractVersion, data, influences, lastChange, olderChange, state, timer, version }: ResourceState,
): ResourceSnapshot {
  const end = key.indexOf('\u0000')
  return {
    scope: key.slice(0, end),
    resource: key.slice(end + 1),
    version,
    state,
    data,
    contractVersion,
    changes: rowsOf(lastChange),
    olderChanges: rowsOf(olderChange),
    influences,
    timer,
  }
}

function resourceOf({ changes, contractVersion, data, influences, olderChanges, state, timer, version }: ResourceSnapshot): ResourceState {
  const lastChange = runOf(changes)
  if (lastChange === null) throw new RangeError('a resource of a snapshot has no last change')
  return { version, state, data, contractVersion, lastChange, olderChange: runOf(olderChanges), influences, timer }
}

function rowsOf(newest: Change | null): ChangeRow[] {
  return changesOf(newest).map(({ action, agent, fields, index, intentId, offset, partition, time, version }) => [
    partition,
    offset,
    index,
    time,
    intentId,
    agent,
    action,
    version,
    fields,
  ])
}

function runOf(rows: readonly ChangeRow[]): Change | null {
  return runOfChanges(
    rows.map(([partition, offset, index, time, intentId, agent, action, version, fields]) => ({
      partition,
      offset,
      index,
      time,
      intentId,
      agent,
      action,
      version,
      fields,
    })),
  )
}
