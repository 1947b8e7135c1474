/**
 * The only place where state changes. Needs events and nothing else: no contract, no clock, no order beside the log's.
 */
import type { Event, EventBase, IntentCommitted, ResourceChange } from '@signalbox/contract'
import { digestWords } from './identity.ts'
import { isRemembered } from './remembered.ts'
import { type Change, type PartitionState, type ResourceState, resourceKey } from './state.ts'

/** Applies one event, in log order, to the newest layer of `state` (or to the published state where none is open). */
export function evolve(state: PartitionState, event: Event): PartitionState {
  switch (event.type) {
    case 'IntentCommitted': {
      const { payload } = event
      state.remember(payload.intentId, { digest: digestWords(payload.digest), offset: event.offset, code: null })
      for (const change of payload.changes) applyChange(state, event, payload, change)
      break
    }
    case 'IntentRejected': {
      const { intentId, digest, code } = event.payload
      if (intentId !== null && digest !== null && isRemembered(code))
        state.remember(intentId, { digest: digestWords(digest), offset: event.offset, code })
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

function applyChange(state: PartitionState, event: EventBase, { intentId, agent }: IntentCommitted, change: ResourceChange): void {
  const key = resourceKey(event.scope, change.resource)
  const before = state.resource(key)
  state.setResource(key, {
    version: change.version,
    state: change.state,
    data: change.data,
    contractVersion: change.contractVersion,
    lastChange: linkChange(before, state.limits.missed, {
      offset: event.offset,
      index: event.index,
      time: event.time,
      intentId,
      agent,
      action: change.action,
      version: change.version,
    }),
  })
}

// The chain is cut back to `keep` when it has grown to twice that, so that a change costs the same however long the history.
function linkChange(before: ResourceState | undefined, keep: number, change: Omit<Change, 'previous' | 'depth'>): Change {
  let previous = before?.lastChange ?? null
  if (previous !== null && previous.depth >= 2 * keep) previous = cut(previous, keep)
  return { ...change, previous, depth: previous === null ? 0 : previous.depth + 1 }
}

function cut(change: Change, keep: number): Change {
  const newest: Change[] = []
  for (let at: Change | null = change; at !== null && newest.length < keep; at = at.previous) newest.push(at)
  let rebuilt: Change | null = null
  for (let index = newest.length - 1; index >= 0; index--)
    rebuilt = { ...newest[index]!, previous: rebuilt, depth: rebuilt === null ? 0 : rebuilt.depth + 1 }
  return rebuilt!
}
