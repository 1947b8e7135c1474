import type { Event } from './generated/records.ts'

/** Whether an intent record made it. None made an opening, or what was carried over from other topics: that comes before all that was decided. */
export function isOfRecord({ offset }: Pick<Event, 'offset'>): boolean {
  return offset >= 0
}

/**
 * Whether an event says what became of the intent of its own record. Each record has exactly one such event, among others
 * that time, rules and waiting intents may have made of it.
 */
export function isOwnEvent(event: Event): boolean {
  switch (event.type) {
    case 'IntentCommitted':
    case 'IntentRejected':
      return event.payload.settles === null
    case 'IntentPending':
      return event.payload.since === null
    case 'IntentDuplicated':
    case 'IntentShadowed':
      return true
    default:
      return false
  }
}
