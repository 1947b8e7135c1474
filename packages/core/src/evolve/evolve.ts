/**
 * The only place where state changes. Needs events and nothing else: no contract, no clock, no order beside the log's.
 */
import { clockAgent, type Event, type EventBase, isRemembered, type ResourceChange } from '@signalbox/contract'
import type { Change, Influence } from '../state/resource.ts'
import { shadowScope } from '../state/shadow-scope.ts'
import type { PartitionState } from '../state/state.ts'
import { evolvePartitionCarried, evolveScopeCarried } from './carried.ts'
import { evolveCoordination, resourceMoved } from './coordination.ts'
import { influencesOf, influencesOfCommit, noInfluences } from './influences.ts'

/** Who changed a resource, and with which intent; of a rule, its name and the intent that it followed. */
interface Author {
  readonly agent: string
  readonly intentId: string
}

/** Who changed it, where a rule did. */
const ruler = 'signalbox'

/** The code with which an id is remembered whose intent was decided in shadow. */
export const shadowed = 'SHADOWED'

/** Applies one event, in log order, to the newest layer of `state` (or to the published state where none is open). */
export function evolve(state: PartitionState, event: Event): PartitionState {
  switch (event.type) {
    case 'IntentCommitted': {
      const { payload } = event
      state.remember(payload.intentId, payload.digest, event, null)
      applyChanges(state, event, payload, payload.changes, influencesOfCommit(state, event))
      break
    }
    case 'IntentRejected': {
      const { intentId, digest, code } = event.payload
      if (intentId !== null && digest !== null && isRemembered(code)) state.remember(intentId, digest, event, code)
      break
    }
    case 'IntentShadowed': {
      const { by, changes, digest, intentId } = event.payload
      state.remember(intentId, digest, event, shadowed)
      // A contract in shadow has a world of its own, so that its next action finds what its last one did.
      // Nothing happens there by itself: a timer would act on what is in force.
      if (by.startsWith('contract ')) {
        const timeless = changes.map((change) => ({ ...change, timer: null }))
        applyChanges(state, { ...event, scope: shadowScope(event.scope) }, event.payload, timeless, noInfluences)
      }
      break
    }
    case 'RuleApplied':
      applyChanges(
        state,
        event,
        { agent: event.payload.rule === 'timer' ? clockAgent : ruler, intentId: event.payload.cause ?? '' },
        event.payload.changes,
        null,
      )
      break
    case 'IntentPending':
    case 'WaitersExamined':
    case 'IntentDuplicated':
      break
    case 'PartitionOpened':
      state.setContracts(event.payload.contracts)
      return state
    case 'ScopeCarried':
      evolveScopeCarried(state, event)
      break
    case 'PartitionCarried':
      evolvePartitionCarried(state, event)
      break
  }
  evolveCoordination(state, event)
  state.advance(event.offset, event.time)
  return state
}

/** `influences` is null where each resource stands on what it stood on before: a rule has read nothing. */
function applyChanges(
  state: PartitionState,
  event: EventBase,
  author: Author,
  changes: readonly ResourceChange[],
  influences: readonly Influence[] | null,
): void {
  for (let index = 0; index < changes.length; index++) {
    const change = changes[index]!
    applyChange(state, event, author, change, influences)
    resourceMoved(state, event, change)
  }
}

function applyChange(
  state: PartitionState,
  { index, offset, partition, scope, time }: EventBase,
  { agent, intentId }: Author,
  { action, contractVersion, data, fields, resource, state: name, timer, version }: ResourceChange,
  influences: readonly Influence[] | null,
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
  const lastChange: Change = { partition, offset, index, time, intentId, agent, action, version, fields, previous, depth }
  state.setResource(scope, resource, {
    version,
    state: name,
    data,
    contractVersion,
    lastChange,
    olderChange: older,
    influences: influences ?? influencesOf([before], agent, time - state.limits.identityHorizonMs),
    timer,
  })
}
