/** The names by which an event is found again, in a log that keeps an index. */
import type { Event } from '@signalbox/contract'

export function resourceIndexKey(scope: string, resource: string): string {
  return `${scope}\u0000${resource}`
}

export function intentIndexKey(intentId: string): string {
  return `\u0000${intentId}`
}

/** Of a decision, its intent; of what was changed or carried over, each resource. What is in shadow changed nothing. */
export function indexKeysOf({ payload, scope, type }: Event): readonly string[] {
  switch (type) {
    case 'IntentCommitted':
      return [intentIndexKey(payload.intentId), ...payload.changes.map(({ resource }) => resourceIndexKey(scope, resource))]
    case 'RuleApplied': {
      // A timer that came to nothing is spent.
      const resources =
        payload.changes.length === 0 && payload.resource !== null ? [payload.resource] : payload.changes.map(({ resource }) => resource)
      return resources.map((resource) => resourceIndexKey(scope, resource))
    }
    case 'IntentRejected':
      return payload.intentId === null ? [] : [intentIndexKey(payload.intentId)]
    case 'IntentPending':
    case 'IntentShadowed':
      return [intentIndexKey(payload.intentId)]
    case 'ScopeCarried':
      return payload.isShadow ? [] : payload.changes.map(({ resource }) => resourceIndexKey(scope, resource))
    default:
      return []
  }
}
