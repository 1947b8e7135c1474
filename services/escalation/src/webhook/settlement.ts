/** What became of a notification at one target. */
import type { DeadLetterCause } from './dead-letters.ts'
import type { Notification } from './notification.ts'

export type Settlement =
  | { readonly kind: 'delivered'; readonly target: string; readonly attempts: number }
  | { readonly kind: 'dead-lettered'; readonly target: string; readonly cause: DeadLetterCause }
  | HandedBack

/**
 * Neither known to be delivered nor recorded as a dead letter: it is the caller's again, to give once more later. It may
 * have arrived; the same id then tells the receiver.
 */
export interface HandedBack {
  readonly kind: 'handed-back'
  readonly target: string
  readonly notification: Notification
  readonly attempts: number
  /**
   * `STOPPED`: the delivery was stopped. `DEAD_LETTERS_FULL`: it could not be taken, and as many as may wait to be
   * recorded as dead letters do so already.
   */
  readonly reason: 'STOPPED' | 'DEAD_LETTERS_FULL'
}
