/** What errors are to who asks the projector, in the one shape that every server has. */
import type { Problem } from '@signalbox/contract'
import type { ProblemWords } from '@signalbox/http'
import { isProjectionError } from '@signalbox/projection'

export const problemWords: ProblemWords = {
  who: 'the projector',
  body: 'the body',
  whatThereIs: 'GET /v1/projections lists what there is',
  own: problemOf,
}

function problemOf(error: Error & { readonly code?: string }): Problem | null {
  if (isProjectionError(error, 'NOT_FOUND')) return { code: 'NOT_FOUND', message: error.message }
  if (isProjectionError(error, 'UNAVAILABLE', 'CLOSED'))
    return { code: 'NOT_READY', message: `${error.message}. The same request may be sent again` }
  return null
}
