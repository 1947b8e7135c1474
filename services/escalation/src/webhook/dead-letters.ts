/** Where a notification goes that reaches nobody. */
import type { FinalFailureCode } from './attempt.ts'
import type { Notification } from './notification.ts'

export type DeadLetterCode =
  | FinalFailureCode
  /** Every attempt failed in a way that could have passed. */
  | 'EXHAUSTED'
  /** The target has answered 410 since the start of the process. */
  | 'TARGET_DISABLED'
  /** As many notifications as the target may have were waiting. */
  | 'QUEUE_FULL'
  /** The body is larger than is sent. */
  | 'TOO_LARGE'
  /** No target has that name. */
  | 'UNKNOWN_TARGET'

export interface DeadLetterCause {
  readonly code: DeadLetterCode
  /** The name of the target that was not told; others may have been. */
  readonly target: string
  readonly attempts: number
  /** The status of the last answer, where there was one. */
  readonly status: number | null
  /** What happened, and what to do. No secret is in it, and of the URL only the host. */
  readonly message: string
}

export interface DeadLetters {
  /**
   * Resolves once the dead letter is durable. It is called again, with the same notification and cause, after a
   * rejection or when it takes too long: twice the same notification and target is one dead letter.
   */
  deadLetter(notification: Notification, cause: DeadLetterCause): Promise<void>
}
