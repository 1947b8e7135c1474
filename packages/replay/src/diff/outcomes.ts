/** What a record's events come to: for each intent that they settle, what became of it; and what rules did. */
import type { ContractSet, Event } from '@signalbox/contract'
import { asGuardsSee } from '@signalbox/core'

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
export function outcomesOf(events: readonly Event[], contracts: ContractSet): Map<string, Outcome> {
  const outcomes = new Map<string, Outcome>()
  for (const event of events) {
    const { payload, type } = event
    switch (type) {
      case 'IntentCommitted':
        outcomes.set(payload.intentId, { outcome: 'committed', code: null, message: null, changed: changedBy(payload.changes, contracts) })
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
        outcomes.set(payload.intentId, { outcome: 'shadowed', code, message, changed: changedBy(changes, contracts) })
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

/**
 * As the candidate understands it, without what may be other in another world though the same came of it: versions, a contract's version,
 * names of actions.
 */
function changedBy(changes: Changes, contracts: ContractSet): string {
  return changes
    .map((change) => {
      const { data, state } = asGuardsSee(contracts, change.resource, change).seen
      return `${change.resource} -> ${state} ${change.resource.startsWith('escalation/') ? withoutShown(data) : data}`
    })
    .join('\n')
}

/** What a human was shown is of the world that it stood in, and in its words. */
function withoutShown(data: string): string {
  const {
    asked: _asked,
    digest: _digest,
    group: _group,
    message: _message,
    versions: _versions,
    ...rest
  } = JSON.parse(data) as Record<string, unknown>
  return JSON.stringify(rest)
}

/** What followed by rules, as text: escalations, breakers, drifts, timers. */
export function ruledBy(events: readonly Event[], contracts: ContractSet): readonly string[] {
  return events.flatMap(({ payload, scope, type }) =>
    type === 'RuleApplied'
      ? payload.changes.map((change) => {
          const { state } = asGuardsSee(contracts, change.resource, change).seen
          return `${payload.rule}: ${change.action} ${change.resource} -> ${state} in ${scope}`
        })
      : [],
  )
}
