import { sha256 } from '@signalbox/codec'
import { derivedId as derive } from '@signalbox/contract'

/** The id of an intent that follows from something: the same cause gives the same id, so that doing it again does nothing. */
export function derivedId(causeTimeMs: number, cause: readonly string[]): string {
  return derive(causeTimeMs, cause, sha256)
}
