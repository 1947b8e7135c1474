/** What a snapshot holds of waiting, counting and quarantine. Timers and queues follow from the rest. */

import type { EventReference } from '@signalbox/contract'
import type { Closed, CoordinationState, Exhausted, Link, Quarantine, Told } from './coordination.ts'
import type { PendingIntent } from './pending.ts'
import type { Tally } from './tallies.ts'
import { pendingTimerKey } from './timers.ts'
import type { Count } from './windows.ts'

export type CoordinationPart =
  | { readonly kind: 'pending'; readonly pending: PendingIntent; readonly isReady: boolean }
  | { readonly kind: 'tally'; readonly scope: string; readonly agent: string; readonly tally: Tally }
  | { readonly kind: 'quarantine'; readonly agent: string; readonly quarantine: Quarantine }
  | { readonly kind: 'last-quarantine'; readonly agent: string; readonly event: EventReference }
  | { readonly kind: 'closed'; readonly closed: Closed }
  | { readonly kind: 'contradictions'; readonly key: string; readonly count: Count }
  | { readonly kind: 'correlation'; readonly key: string; readonly count: Count }
  | { readonly kind: 'told'; readonly key: string; readonly told: Told }
  | { readonly kind: 'exhausted'; readonly key: string; readonly exhausted: Exhausted }
  | { readonly kind: 'link'; readonly intentId: string; readonly link: Link }
  | { readonly kind: 'reserved-scope'; readonly scope: string }

export function* coordinationParts(state: CoordinationState): Generator<CoordinationPart> {
  for (const pending of state.pending.all()) yield { kind: 'pending', pending, isReady: state.pending.isReady(pending.intentId) }
  for (const [scope, agent, tally] of state.tallies.all()) yield { kind: 'tally', scope, agent, tally }
  for (const [agent, quarantine] of state.quarantines) yield { kind: 'quarantine', agent, quarantine }
  for (const [agent, events] of state.lastQuarantines) for (const event of events) yield { kind: 'last-quarantine', agent, event }
  if (state.closed !== null) yield { kind: 'closed', closed: state.closed }
  for (const [key, count] of state.contradictions) yield { kind: 'contradictions', key, count }
  for (const [key, count] of state.correlations) yield { kind: 'correlation', key, count }
  for (const [key, told] of state.told) yield { kind: 'told', key, told }
  for (const [key, exhausted] of state.exhausted) yield { kind: 'exhausted', key, exhausted }
  for (const [intentId, link] of state.chain) yield { kind: 'link', intentId, link }
  for (const scope of state.reservedScopes.keys()) yield { kind: 'reserved-scope', scope }
}

export function restoreCoordination(state: CoordinationState, part: CoordinationPart): void {
  switch (part.kind) {
    case 'pending': {
      const { escalation, intentId, scope, untilMs } = part.pending
      state.pending.put(part.pending, part.isReady)
      if (escalation === null)
        state.timers.set(pendingTimerKey(intentId), { dueMs: untilMs, scope, resource: null, intentId, action: 'expire' })
      break
    }
    case 'tally':
      state.tallies.set(part.scope, part.agent, part.tally)
      break
    case 'quarantine':
      state.setQuarantine(part.agent, part.quarantine)
      break
    case 'last-quarantine':
      state.addLastQuarantine(part.agent, part.event)
      break
    case 'closed':
      state.setClosed(part.closed)
      break
    case 'contradictions':
      state.setContradictions(part.key, part.count)
      break
    case 'correlation':
      state.setCorrelation(part.key, part.count)
      break
    case 'told':
      state.setTold(part.key, part.told)
      break
    case 'exhausted':
      state.setExhausted(part.key, part.exhausted)
      break
    case 'link':
      state.setLink(part.intentId, part.link)
      break
    case 'reserved-scope':
      state.noteReservation(part.scope)
      break
  }
}
