import type { Event, ResourceChange } from './generated/records.ts'

const none: readonly ResourceChange[] = []

/**
 * What resources are in force after an event that were not so before: by a commit, by a rule, or because they were carried over from other
 * topics (then as if their last change had made them). What was only decided in shadow is in force nowhere.
 */
export function changesIn({ payload, type }: Event): readonly ResourceChange[] {
  switch (type) {
    case 'IntentCommitted':
    case 'RuleApplied':
      return payload.changes
    case 'ScopeCarried':
      return payload.isShadow ? none : payload.changes
    default:
      return none
  }
}
