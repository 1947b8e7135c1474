/** UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, version, variant, 74 further bits. */

// Every other character gives a negative number.
const hexValue = new Int8Array(128).fill(-1)
for (let index = 0; index < 16; index++) hexValue['0123456789abcdef'.charCodeAt(index)] = index

/** Four hexadecimal digits; negative when they are none. */
function hex16(text: string, start: number): number {
  const first = text.charCodeAt(start)
  const second = text.charCodeAt(start + 1)
  const third = text.charCodeAt(start + 2)
  const fourth = text.charCodeAt(start + 3)
  if ((first | second | third | fourth) > 127) return -1
  return (hexValue[first]! << 12) | (hexValue[second]! << 8) | (hexValue[third]! << 4) | hexValue[fourth]!
}

const dash = 45

/**
 * Reads a UUIDv7 in its canonical lower-case form into `words` (four unsigned 32-bit numbers). Returns false, with
 * `words` undefined in content, when the text is anything else.
 */
export function parseUuidV7(text: string, words: Uint32Array): boolean {
  if (text.length !== 36) return false
  if (text.charCodeAt(8) !== dash || text.charCodeAt(13) !== dash || text.charCodeAt(18) !== dash || text.charCodeAt(23) !== dash)
    return false
  // Written out: the id of every intent is read here, and one test of the sign answers for all of its digits.
  const timeHigh = hex16(text, 0)
  const timeMiddle = hex16(text, 4)
  const timeLow = hex16(text, 9)
  const version = hex16(text, 14)
  const variant = hex16(text, 19)
  const nodeHigh = hex16(text, 24)
  const nodeMiddle = hex16(text, 28)
  const nodeLow = hex16(text, 32)
  if ((timeHigh | timeMiddle | timeLow | version | variant | nodeHigh | nodeMiddle | nodeLow) < 0) return false
  words[0] = (timeHigh << 16) | timeMiddle
  words[1] = (timeLow << 16) | version
  words[2] = (variant << 16) | nodeHigh
  words[3] = (nodeMiddle << 16) | nodeLow
  return version >>> 12 === 7 && variant >>> 14 === 2
}

const unread = new Uint32Array(4)

/** Whether a text is a UUIDv7 in its canonical lower-case form. */
export function isUuidV7(text: string): boolean {
  return parseUuidV7(text, unread)
}

/** Milliseconds since 1970 of an id read by `parseUuidV7`. */
export function uuidTimeMs(words: ArrayLike<number>): number {
  return words[0]! * 0x10000 + (words[1]! >>> 16)
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

/**
 * Makes a UUIDv7 from a time and 80 bits. Pure: the caller brings the bits, random ones for a fresh id, a digest of the
 * cause for an id that must come out the same again.
 */
export function makeUuidV7(timeMs: number, bits: Uint8Array): string {
  if (!Number.isSafeInteger(timeMs) || timeMs < 0 || timeMs >= 2 ** 48)
    throw new RangeError(`no time for an id: ${timeMs}; give milliseconds since 1970`)
  if (bits.length < 10) throw new RangeError(`an id needs 10 bytes of bits, got ${bits.length}`)
  const time = hex(timeMs, 12)
  let tail = ''
  for (let index = 2; index < 10; index++) tail += hex(index === 2 ? (bits[index]! & 0x3f) | 0x80 : bits[index]!, 2)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(((bits[0]! << 8) | bits[1]!) & 0xfff, 3)}-${tail.slice(0, 4)}-${tail.slice(4)}`
}

/** Why a text is no id of an intent, and what to do: a sentence that follows the id. */
export function idProblem(text: string, remedy = 'make a UUIDv7 with a library of your language'): string {
  const plain = text.toLowerCase().replaceAll(/^urn:uuid:|[{}]/g, '')
  const digits = plain.replaceAll('-', '')
  if (!/^[0-9a-f]{32}$/.test(digits)) {
    if (/^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(plain)) return `is a ULID and no UUID; ${remedy}`
    return `is no UUID; ${remedy}`
  }
  const version = digits[12]
  if (version !== '7') return `is a UUID of version ${Number.parseInt(version!, 16)}, and its time is not known; ${remedy}`
  if (!/[89ab]/.test(digits[16]!)) return `is no UUIDv7 as RFC 9562 says it: its variant is not 10; ${remedy}`
  const proper = `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`
  return `is a UUIDv7 in another form; write it as ${proper}, in lower case and with dashes`
}

const yearMs = 366 * 86_400_000

/**
 * What is wrong with the time in an id that is far from now, where it is of now in another unit: a sentence that follows the
 * id. Drafts of RFC 9562 before the fourth put 36 bits of seconds in front of 12 bits of fractions of one.
 */
export function unitOfIdTime(idTimeMs: number, nowMs: number): string | null {
  const isNow = (timeMs: number) => Math.abs(timeMs - nowMs) < yearMs
  if (isNow(idTimeMs)) return null
  const remedy = 'its first 48 bits must be milliseconds since 1970. Update the library that makes it, and send the intent with a new id'
  if (isNow(Math.floor(idTimeMs / 4096) * 1_000)) return `is a UUIDv7 of an old draft, which counts seconds: ${remedy}`
  if (isNow(idTimeMs * 1_000)) return `is a UUIDv7 that counts seconds: ${remedy}`
  return null
}
