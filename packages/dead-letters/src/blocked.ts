/** Why a letter is not redriven: a closed set. It stays as it is. */
import type { DeadLetter } from './letter.ts'

export type BlockedCode =
  /** Its bytes are no intent. */
  | 'UNDECODABLE'
  /** Decided now, it would be a dead letter again. */
  | 'STILL_DEAD_LETTERED'
  /** It cannot be made an intent that the gateway takes: an upcast fails, it is too large. */
  | 'NO_INTENT'
  /** Its agent sent the same intent again, and it was decided. */
  | 'SENT_AGAIN'
  /** Another letter holds the same intent. */
  | 'SAME_INTENT'
  /** It was redriven or discarded before. */
  | 'SETTLED'
  /** Somebody else redrove or discarded it since this run looked; they may be at those behind it as well. */
  | 'TAKEN'
  /** It was redriven as a human wrote it, and that is needed once more. */
  | 'EDIT_NEEDED'

export interface Blocked {
  readonly code: BlockedCode
  readonly message: string
}

/** Whether those that were sent after it must wait for it. */
export function holdsOthersBack({ code }: Blocked): boolean {
  return code === 'STILL_DEAD_LETTERED' || code === 'NO_INTENT' || code === 'EDIT_NEEDED' || code === 'TAKEN'
}

/** What can be said without a look at the bytes. `edited`: a human wrote the intent anew. */
export function blockedBefore(letter: DeadLetter, same: SameIntents, edited: boolean): Blocked | null {
  const { id, sentAgain, standing, undecodable } = letter
  if (standing.state === 'discarded')
    return {
      code: 'SETTLED',
      message: `it was discarded by ${standing.by}: ${standing.reason}. If it is to be redriven after all: signalbox dead-letter reopen ${id}`,
    }
  if (standing.state === 'redriven') {
    const { by, intentId, outcome } = standing
    if (outcome !== null)
      return {
        code: 'SETTLED',
        message: `it was redriven by ${by} as intent ${intentId}, which is ${outcome.outcome}${outcome.code === null ? '' : ` ${outcome.code}`} (event ${outcome.event})`,
      }
    // It was begun: it is finished, whatever else is known.
    if (standing.edited && !edited)
      return {
        code: 'EDIT_NEEDED',
        message: `its redrive was cut off, and it is redriven as a human wrote it: give the same --edit FILE again`,
      }
    return null
  }
  if (undecodable !== null && !edited)
    return {
      code: 'UNDECODABLE',
      message: `it still cannot be decoded: ${undecodable}. Write the intent that was meant (--edit FILE), or discard it`,
    }
  if (sentAgain !== null)
    return {
      code: 'SENT_AGAIN',
      message: `its agent sent intent ${letter.intentId} again, which is ${sentAgain.outcome}${sentAgain.code === null ? '' : ` ${sentAgain.code}`} (event ${sentAgain.event}); redriven, it would be done twice. Discard it`,
    }
  return same.blocked(letter)
}

/** Agents send what had no success again: of several letters of one intent, one is redriven, and the newest says what was meant last. */
export class SameIntents {
  readonly #chosen = new Map<string, DeadLetter>()

  /** `all`: what the log has. `selected`: what is to be redriven. */
  constructor(all: readonly DeadLetter[], selected: readonly DeadLetter[]) {
    for (const letter of selected) {
      const key = keyOf(letter)
      if (key !== null) this.#chosen.set(key, letter)
    }
    for (const letter of all) {
      const key = letter.standing.state === 'redriven' ? keyOf(letter) : null
      if (key !== null) this.#chosen.set(key, letter)
    }
  }

  blocked(letter: DeadLetter): Blocked | null {
    const key = keyOf(letter)
    const chosen = key === null ? undefined : this.#chosen.get(key)
    if (chosen === undefined || chosen.id === letter.id) return null
    const what = chosen.standing.state === 'redriven' ? 'was redriven' : 'is newer'
    return { code: 'SAME_INTENT', message: `it holds intent ${letter.intentId} as ${chosen.id} does, which ${what}. Discard it` }
  }
}

function keyOf({ intentId, partition, scope, topic }: DeadLetter): string | null {
  return topic === 'intents' && intentId !== null ? `${partition} ${intentId} ${scope}` : null
}
