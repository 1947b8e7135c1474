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
