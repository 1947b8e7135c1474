/** What a record's events come to: for each intent that they settle, what became of it; and what rules did. */
import type { Event } from '@signalbox/contract'

export interface Outcome {
  /** `committed`, `rejected`, `pending`, `shadowed` or `duplicate`. */
  readonly outcome: string
  /** Of a reject, and of what it waits for. */
  readonly code: string | null
  readonly message: string | null
  /** What it changed, as text; the same text, the same change. */
  readonly changed: string
}

/** The last of each intent: one that waits may be settled in the record in which it came. */
export function outcomesOf(events: readonly Event[]): Map<string, Outcome> {
  const outcomes = new Map<string, Outcome>()
  for (const event of events) {
    const { payload, type } = event
    switch (type) {
      case 'IntentCommitted':
        outcomes.set(payload.intentId, { outcome: 'committed', code: null, message: null, changed: changedBy(payload.changes) })
        break
      case 'IntentRejected':
        outcomes.set(payload.intentId ?? `(record ${event.offset})`, {
          outcome: 'rejected',
          code: payload.code,
          message: payload.message,
          changed: '',
        })
        break
      case 'IntentPending':
        outcomes.set(payload.intentId, { outcome: 'pending', code: payload.code, message: payload.message, changed: payload.reason })
        break
      case 'IntentShadowed': {
        const { changes, code, message } = payload
        outcomes.set(payload.intentId, { outcome: 'shadowed', code, message, changed: changedBy(changes) })
        break
      }
      case 'IntentDuplicated':
        // It changes nothing of what became of the intent.
        break
      default:
        break
    }
  }
  return outcomes
}

type Changes = Extract<Event, { readonly type: 'IntentCommitted' }>['payload']['changes']

/** Without versions, which in another world may be others, and with a contract's version, which the candidate changes. */
function changedBy(changes: Changes): string {
  return changes.map(({ action, data, resource, state }) => `${action} ${resource} -> ${state} ${data}`).join('\n')
}

/** What followed by rules, as text: escalations, breakers, drifts, timers. */
export function ruledBy(events: readonly Event[]): readonly string[] {
  return events.flatMap(({ payload, scope, type }) =>
    type === 'RuleApplied'
      ? payload.changes.map(({ action, resource, state }) => `${payload.rule}: ${action} ${resource} -> ${state} in ${scope}`)
      : [],
  )
}
