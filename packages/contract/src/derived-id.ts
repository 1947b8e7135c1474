import { makeUuidV7 } from './uuid.ts'

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/**
 * The id of an intent that follows from something: the same cause gives the same id, so that doing it again does nothing.
 * `sha256` gives base64url, as the codec's does.
 */
export function derivedId(causeTimeMs: number, cause: readonly string[], sha256: (text: string) => string): string {
  const digest = sha256(JSON.stringify(cause))
  const bytes = new Uint8Array(10)
  let bits = 0
  let held = 0
  for (let index = 0, at = 0; at < bytes.length; index++) {
    bits = (bits << 6) | alphabet.indexOf(digest[index]!)
    held += 6
    if (held < 8) continue
    held -= 8
    bytes[at++] = (bits >>> held) & 0xff
    bits &= (1 << held) - 1
  }
  return makeUuidV7(causeTimeMs, bytes)
}
