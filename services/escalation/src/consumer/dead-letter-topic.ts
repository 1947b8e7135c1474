/** Dead letters of notifications, in the log's topic of their own: whole, as JSON, with the cause in headers too. */
import type { Log } from '@signalbox/log'
import type { DeadLetterCause, DeadLetters, Notification } from '../webhook/index.ts'
import type { Notice } from './notices.ts'

/** What a record of `dead-letters.escalation` holds. */
export interface NotificationLetter {
  readonly notification: Notification
  readonly cause: DeadLetterCause
  readonly escalation: string
  readonly scope: string
}

/** `noticeOf` finds what a notification under way came from. */
export function deadLetterTopic(log: Log, noticeOf: (id: string) => Notice | undefined): DeadLetters {
  return {
    async deadLetter(notification, cause) {
      const notice = noticeOf(notification.id)
      if (notice === undefined) throw new Error(`notification ${notification.id} is not under way; this is a bug in Signalbox`)
      const { partition, resource, scope } = notice
      const letter: NotificationLetter = { notification, cause, escalation: resource, scope }
      await log.appendAside('dead-letters.escalation', partition, {
        key: scope,
        value: Buffer.from(JSON.stringify(letter)),
        headers: {
          sb_code: cause.code,
          sb_cause: cause.message,
          sb_target: cause.target,
          sb_event: `${(notification.payload as { event: string }).event}`,
        },
      })
    },
  }
}
