import { sha256 } from '@signalbox/codec'
import { makeUuidV7 } from '@signalbox/contract'

/** The id of an intent that follows from something: the same cause gives the same id, so that doing it again does nothing. */
export function derivedId(causeTimeMs: number, cause: readonly string[]): string {
  const digest = Buffer.from(sha256(JSON.stringify(cause)), 'base64url')
  return makeUuidV7(causeTimeMs, digest.subarray(0, 10))
}
