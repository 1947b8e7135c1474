/**
 * What a name may be made of. Two names that look alike must not be two names: text is refused that is not in Unicode
 * normalization form C, or that holds signs which cannot be seen, look like a space, or turn the direction of writing.
 * Names are refused or kept, never rewritten.
 */
import { characters, consistsOf } from './characters.ts'

// Default_Ignorable_Code_Point holds zero-width signs, fillers and variation selectors; U+2800 is the blank braille pattern.
// U+FFFD stands where a decoder met bytes that were no text: two broken names would become one.
const refusedSign = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}\p{Default_Ignorable_Code_Point}\u2800\ufffd]|(?! )\p{Zs}/u

const signNames: { readonly [code: number]: string } = {
  0: 'NUL',
  9: 'tabulator',
  10: 'line feed',
  13: 'carriage return',
  27: 'escape',
  127: 'delete',
  160: 'no-break space',
  173: 'soft hyphen',
  847: 'combining grapheme joiner',
  8203: 'zero width space',
  8204: 'zero width non-joiner',
  8205: 'zero width joiner',
  8206: 'left-to-right mark',
  8207: 'right-to-left mark',
  8232: 'line separator',
  8233: 'paragraph separator',
  8234: 'left-to-right embedding',
  8235: 'right-to-left embedding',
  8236: 'pop directional formatting',
  8237: 'left-to-right override',
  8238: 'right-to-left override',
  8239: 'narrow no-break space',
  8288: 'word joiner',
  8294: 'left-to-right isolate',
  8295: 'right-to-left isolate',
  8296: 'first strong isolate',
  8297: 'pop directional isolate',
  10240: 'blank braille pattern',
  12288: 'ideographic space',
  65279: 'byte order mark',
  65533: 'replacement character: bytes before it were no UTF-8',
}

/** Like `U+200B (zero width space)`. */
export function signName(sign: string): string {
  const code = sign.codePointAt(0) ?? 0
  const name = signNames[code] ?? kindOf(sign)
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')}${name === null ? '' : ` (${name})`}`
}

function kindOf(sign: string): string | null {
  if (/\p{Cs}/u.test(sign)) return 'half of a surrogate pair'
  if (/\p{Cc}/u.test(sign)) return 'control character'
  if (/\p{Zs}/u.test(sign)) return 'a space that is not the usual one'
  if (/\p{Cf}|\p{Default_Ignorable_Code_Point}/u.test(sign)) return 'invisible'
  return null
}

/** Whether a text may be a name, or part of one. */
export function isNameText(text: string, maxLength: number): boolean {
  return nameProblem(text, maxLength) === null
}

/** Why a text may not be a name: a sentence that follows the name of the field, like `has U+200B …`. Null where it may. */
export function nameProblem(text: string, maxLength: number): string | null {
  const { length } = text
  if (length === 0) return `is empty; give 1 to ${maxLength} characters`
  if (length > maxLength) return `has ${length} characters, more than the ${maxLength} of the limit`
  if (text.charCodeAt(0) === space) return 'begins with a space, which nobody sees; leave it out'
  if (text.charCodeAt(length - 1) === space) return 'ends with a space, which nobody sees; leave it out'
  return consistsOf(text, 0, length, characters.printable) ? null : signProblem(text)
}

const space = 0x20

function signProblem(text: string): string | null {
  const found = refusedSign.exec(text)
  if (found !== null)
    return `has ${signName(found[0])} at character ${found.index + 1}, which a name may not hold: two names that look alike must be one; leave it out`
  const normal = text.normalize('NFC')
  if (normal === text) return null
  let at = 0
  while (text[at] === normal[at]) at++
  return `is not in Unicode normalization form NFC (at character ${at + 1}); normalize it before it is sent: two spellings of one name must be one`
}

/** Why a text that is no name (a note, a reason) cannot be kept. Null where it can. */
export function textProblem(text: string): string | null {
  if (text.includes('\u0000')) return 'holds the character U+0000 (NUL), which not every store takes; leave it out'
  if (!text.isWellFormed()) return 'holds half of a surrogate pair; send valid Unicode'
  return null
}
