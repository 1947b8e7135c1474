/** What events that were carried over from other topics make of a state. They come first on their partition, before anything is decided. */
import type { CarriedTally, EventBase, PartitionCarried, PastChange, ResourceHistory, ScopeCarried } from '@signalbox/contract'
import { readCarriedIds } from '../carrying/carried-ids.ts'
import { contradictionKey } from '../state/coordination/coordination.ts'
import type { Tally } from '../state/coordination/tallies.ts'
import type { Change } from '../state/resource.ts'
import { shadowScope } from '../state/shadow-scope.ts'
import { runOfChanges } from '../state/snapshot-runs.ts'
import type { PartitionState } from '../state/state.ts'

type Carried<Payload> = EventBase & { readonly payload: Payload }

export function evolveScopeCarried(state: PartitionState, { payload, scope }: Carried<ScopeCarried>): void {
  const { changes, contradictions, correlations, hasReservations, histories, isShadow, tallies, waiting } = payload
  const { coordination } = state
  for (const [index, { contractVersion, data, resource, state: name, timer, version }] of changes.entries()) {
    const { lastChange, olderChange } = runsOf(histories[index])
    const { influences } = histories[index]!
    const world = isShadow ? shadowScope(scope) : scope
    state.setResource(world, resource, { version, state: name, data, contractVersion, lastChange, olderChange, influences, timer })
  }
  for (const { bypassed, intentId, isReady } of waiting) {
    const pending = coordination.pending.get(intentId)
    if (pending !== undefined) coordination.pending.put({ ...pending, bypassed }, isReady)
  }
  for (const tally of tallies) coordination.tallies.set(scope, tally.agent, tallyOf(tally))
  for (const { agent, before, now, other, resource, window } of contradictions)
    coordination.setContradictions(contradictionKey(scope, resource, agent, other), { window, before, now })
  for (const { before, correlationId, now, window } of correlations) coordination.setCorrelation(correlationId, { window, before, now })
  if (hasReservations) coordination.noteReservation(scope)
}

export function evolvePartitionCarried(state: PartitionState, { payload }: Carried<PartitionCarried>): void {
  const { begins, codes, contracts, from, fromPartitions, ids, isLast, lastQuarantines, links, quarantines } = payload
  state.setOrigin({ generation: from, partitions: fromPartitions, begins, isWhole: isLast })
  if (contracts.length > 0) state.setContracts(contracts)
  const { coordination } = state
  for (const { agent, reason, since, taintedSince } of quarantines)
    coordination.setQuarantine(agent, { reason, sinceMs: since, taintedSinceMs: taintedSince })
  for (const { agent, event } of lastQuarantines) coordination.addLastQuarantine(agent, event)
  for (const { depth, intentId, time } of links) coordination.setLink(intentId, { depth, timeMs: time })
  for (const id of readCarriedIds(ids, codes)) state.rememberCarried(id)
}

function runsOf(history: ResourceHistory | undefined): { readonly lastChange: Change; readonly olderChange: Change | null } {
  const lastChange = runOfChanges((history?.changes ?? []).map(changeOf))
  if (lastChange === null)
    throw new RangeError('a resource that was carried over has no last change; the event was not written by Signalbox')
  return { lastChange, olderChange: runOfChanges(history!.olderChanges.map(changeOf)) }
}

function changeOf({ event: { index, offset, partition }, ...change }: PastChange): Omit<Change, 'previous' | 'depth'> {
  const { action, agent, fields, intentId, time, version } = change
  return { partition, offset, index, time, intentId, agent, action, version, fields }
}

function tallyOf({ agent: _agent, breaker, ...counts }: CarriedTally): Tally {
  return { ...counts, breaker: breaker === 'halfOpen' ? 'half-open' : breaker }
}
