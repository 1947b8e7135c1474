/** UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, version, variant, 74 further bits. */

const hexValue = new Int8Array(128).fill(-1)
for (let index = 0; index < 16; index++) hexValue['0123456789abcdef'.charCodeAt(index)] = index

/** The four 32-bit words of an id. */
export type IdWords = readonly [number, number, number, number]

/**
 * Reads a UUIDv7 in its canonical lower-case form into `words` (four unsigned 32-bit numbers). Returns false, with
 * `words` undefined in content, when the text is anything else.
 */
export function parseUuidV7(text: string, words: Uint32Array): boolean {
  if (text.length !== 36) return false
  let nibbles = 0
  let word = 0
  for (let index = 0; index < 36; index++) {
    const character = text.charCodeAt(index)
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (character !== 45) return false
      continue
    }
    const value = character < 128 ? hexValue[character]! : -1
    if (value < 0) return false
    word = (word << 4) | value
    if ((++nibbles & 7) === 0) {
      words[(nibbles >> 3) - 1] = word
      word = 0
    }
  }
  return (words[1]! & 0xf000) === 0x7000 && words[2]! >>> 30 === 2
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
