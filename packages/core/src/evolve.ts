/**
 * The only place where state changes. Needs events and nothing else: no contract, no clock, no order beside the log's.
 */
import type { Event, EventBase, IntentCommitted, ResourceChange } from '@signalbox/contract'
import { isRemembered } from './remembered.ts'
import type { Change, PartitionState } from './state.ts'

/** Applies one event, in log order, to the newest layer of `state` (or to the published state where none is open). */
export function evolve(state: PartitionState, event: Event): PartitionState {
  switch (event.type) {
    case 'IntentCommitted': {
      const { payload } = event
      const { changes } = payload
      state.remember(payload.intentId, payload.digest, event.offset, null)
      for (let index = 0; index < changes.length; index++) applyChange(state, event, payload, changes[index]!)
      break
    }
    case 'IntentRejected': {
      const { intentId, digest, code } = event.payload
      if (intentId !== null && digest !== null && isRemembered(code)) state.remember(intentId, digest, event.offset, code)
      break
    }
    case 'IntentDuplicated':
      break
    case 'PartitionOpened':
      state.setContracts(event.payload.contracts)
      return state
  }
  state.advance(event.offset, event.time)
  return state
}

function applyChange(
  state: PartitionState,
  { index, offset, scope, time }: EventBase,
  { agent, intentId }: IntentCommitted,
  { action, contractVersion, data, resource, state: name, version }: ResourceChange,
): void {
  const before = state.resourceIn(scope, resource)
  let previous = before?.lastChange ?? null
  let older = before?.olderChange ?? null
  // Changes hang together in runs, and a resource keeps its last two: bounded, whatever its history, and nothing is copied.
  if (previous !== null && previous.depth + 1 >= state.limits.missed) {
    older = previous
    previous = null
  }
  const depth = previous === null ? 0 : previous.depth + 1
  const lastChange: Change = { offset, index, time, intentId, agent, action, version, previous, depth }
  state.setResource(scope, resource, { version, state: name, data, contractVersion, lastChange, olderChange: older })
}
