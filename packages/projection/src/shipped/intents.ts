/** What the canonical intent in a decision says; what a projection shows of it. */
import type { Event, JsonObject, JsonValue } from '@signalbox/contract'

export interface EmbeddedAction {
  readonly resource: string
  readonly action: string
  readonly input: JsonObject
}

export interface Embedded {
  readonly actions: readonly EmbeddedAction[]
  readonly correlationId: string | null
  readonly note: string | null
}

const nothing: Embedded = { actions: [], correlationId: null, note: null }

/** Nothing where the record could not be decoded. */
export function embedded(intent: string | null): Embedded {
  if (intent === null) return nothing
  const { actions, correlationId, note } = JSON.parse(intent) as { readonly [field: string]: JsonValue }
  return {
    actions: (actions ?? []) as unknown as readonly EmbeddedAction[],
    correlationId: typeof correlationId === 'string' ? correlationId : null,
    note: typeof note === 'string' ? note : null,
  }
}

export type IntentEvent = Extract<Event, { type: 'IntentCommitted' | 'IntentRejected' | 'IntentPending' | 'IntentShadowed' }>

export type ShownOutcome = 'committed' | 'rejected' | 'waiting' | 'escalated' | 'shadowed'

export function outcomeOf(event: IntentEvent): ShownOutcome {
  switch (event.type) {
    case 'IntentCommitted':
      return 'committed'
    case 'IntentRejected':
      return 'rejected'
    case 'IntentPending':
      return event.payload.reason
    case 'IntentShadowed':
      return 'shadowed'
  }
}

/** Why it was not committed, where it was not. */
export function codeOf(event: IntentEvent): string | null {
  return event.type === 'IntentCommitted' ? null : event.payload.code
}

export function messageOf(event: IntentEvent): string | null {
  return event.type === 'IntentCommitted' ? null : event.payload.message
}
