/** What one of Signalbox's own resources becomes by a rule, or beside what was asked. */
import { builtInVersion, canonicalize, type ResourceChange, type Timer } from '@signalbox/contract'
import type { PartitionState } from '../state/state.ts'

export interface RuledChange {
  readonly resource: string
  readonly action: string
  readonly state: string
  readonly data: object
  readonly timer?: Timer | null
}

/** The after-image of one of Signalbox's own resources. */
export function changeOf(
  state: PartitionState,
  scope: string,
  { action, data, resource, state: name, timer }: RuledChange,
): ResourceChange {
  const before = state.resourceIn(scope, resource)
  return {
    resource,
    action,
    contractVersion: builtInVersion,
    fromVersion: before?.version ?? 0,
    version: (before?.version ?? 0) + 1,
    fromState: before?.state ?? null,
    state: name,
    data: canonicalize(data),
    timer: timer ?? null,
    fields: null,
  }
}
