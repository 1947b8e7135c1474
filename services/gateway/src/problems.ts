/** What errors are to who asks the gateway. */
import { JsonError, type Problem } from '@signalbox/contract'
import type { ProblemWords } from '@signalbox/http'
import { isLogError } from '@signalbox/log'
import { KeyStoreError } from '@signalbox/personal'

export function problemWords(intentBytes: number): ProblemWords {
  return {
    who: 'the gateway',
    body: 'the intent',
    whatThereIs: 'see /openapi.json for what there is',
    own: (error) => problemOf(error, intentBytes),
  }
}

function problemOf(error: Error & { readonly code?: string }, intentBytes: number): Problem | null {
  if (error instanceof JsonError) return { code: 'BODY_MALFORMED', message: error.message, path: error.path }
  if (error instanceof KeyStoreError) return { code: 'NOT_READY', message: error.message }
  if (isLogError(error, 'FULL')) return { code: 'LOG_FULL', message: error.message }
  if (isLogError(error, 'TOO_LARGE')) return { code: 'BODY_TOO_LARGE', message: error.message }
  if (isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN', 'CLOSED'))
    return { code: 'LOG_UNAVAILABLE', message: `${error.message}. The same request may be sent again` }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return {
      code: 'BODY_TOO_LARGE',
      message: `the body has more than the ${intentBytes} bytes of the limit; send large content by reference and digest`,
    }
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return { code: 'BODY_MALFORMED', message: 'the body must be application/json; set the content-type header' }
  if (error.code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return { code: 'BODY_MALFORMED', message: 'the body is empty; send an intent as JSON' }
  return null
}
