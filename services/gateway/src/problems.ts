/** What errors are to who asks the gateway. */
import { JsonError, type Problem } from '@signalbox/contract'
import type { ProblemWords } from '@signalbox/http'
import { isLogError } from '@signalbox/log'
import { KeyStoreError } from '@signalbox/personal'

export const problemWords: ProblemWords = {
  who: 'the gateway',
  body: 'the intent',
  whatThereIs: 'see /openapi.json for what there is',
  own: problemOf,
}

const damagedNext = 'Nothing more is decided in that partition; the others go on. See docs/operating.md, Damage'

function problemOf(error: Error & { readonly code?: string }): Problem | null {
  if (error instanceof JsonError) return { code: 'BODY_MALFORMED', message: error.message, path: error.path }
  if (error instanceof KeyStoreError) return { code: 'NOT_READY', message: error.message }
  if (isLogError(error, 'FULL')) return { code: 'LOG_FULL', message: error.message }
  if (isLogError(error, 'CORRUPT')) return { code: 'LOG_DAMAGED', message: `${error.message} ${damagedNext}` }
  if (isLogError(error, 'TOO_LARGE')) return { code: 'BODY_TOO_LARGE', message: error.message }
  if (isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN', 'CLOSED'))
    return { code: 'LOG_UNAVAILABLE', message: `${error.message}. The same request may be sent again` }
  return null
}
