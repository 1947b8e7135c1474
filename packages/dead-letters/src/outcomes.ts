/** What became of intents, of the events in their order. */
import { type Event, formatEventReference, isMarked, isRemembered } from '@signalbox/contract'
import type { IntentOutcome } from './letter.ts'

export class Outcomes {
  readonly #byIntent = new Map<string, IntentOutcome & { readonly isFinal: boolean }>()

  /** By the partition where it was decided: elsewhere the same id may stand for another intent. */
  take(event: Event, key: string): void {
    if (
      event.type !== 'IntentCommitted' &&
      event.type !== 'IntentRejected' &&
      event.type !== 'IntentPending' &&
      event.type !== 'IntentShadowed'
    )
      return
    const code = event.type === 'IntentCommitted' ? null : event.payload.code
    const isFinal = event.type !== 'IntentRejected' || isRemembered(event.payload.code)
    const settles = 'settles' in event.payload && event.payload.settles !== null
    if (!isFinal && !settles && (this.#byIntent.has(key) || isMarked(code!, 'passing'))) return
    this.#byIntent.set(key, {
      outcome: outcomes[event.type],
      code,
      message: event.type === 'IntentCommitted' ? null : event.payload.message,
      event: formatEventReference(event),
      timeMs: event.time,
      isFinal,
    })
  }

  /** What was decided last; null where nothing was. */
  of(key: string): IntentOutcome | null {
    const found = this.#byIntent.get(key)
    return found === undefined ? null : bare(found)
  }

  /** The same, where the id is used up by it. */
  finalOf(key: string): IntentOutcome | null {
    const found = this.#byIntent.get(key)
    return found?.isFinal === true ? bare(found) : null
  }
}

function bare({ code, event, message, outcome, timeMs }: IntentOutcome): IntentOutcome {
  return { outcome, code, message, event, timeMs }
}

const outcomes = { IntentCommitted: 'committed', IntentRejected: 'rejected', IntentPending: 'pending', IntentShadowed: 'shadowed' } as const
