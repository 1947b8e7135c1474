/** Two names that look alike are never two names; names are refused or kept, never rewritten. */
import {
  agentKey,
  idProblem,
  isAgentName,
  isResourceName,
  isScope,
  isTraceId,
  nameProblem,
  resourceNameProblem,
  unitOfIdTime,
} from '@signalbox/contract'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const looksLikeCafe: readonly (readonly [string, string, string])[] = [
  ['NFD', 'Cafe\u0301', 'NFC (at character 4)'],
  ['a no-break space', 'Café\u00a01', 'U+00A0 (no-break space) at character 5'],
  ['a zero-width space', 'Ca\u200bfé', 'U+200B (zero width space) at character 3'],
  ['a zero-width joiner', 'Ca\u200dfé', 'U+200D (zero width joiner)'],
  ['a soft hyphen', 'Ca\u00adfé', 'U+00AD (soft hyphen)'],
  ['a word joiner', 'Ca\u2060fé', 'U+2060 (word joiner)'],
  ['a byte order mark', '\ufeffCafé', 'U+FEFF (byte order mark) at character 1'],
  ['a right-to-left override', 'Ca\u202efé', 'U+202E (right-to-left override)'],
  ['an isolate', 'Ca\u2066fé', 'U+2066 (left-to-right isolate)'],
  ['an Arabic letter mark', 'Ca\u061cfé', 'U+061C (invisible)'],
  ['a variation selector', 'Café\ufe0f', 'U+FE0F (invisible)'],
  ['a Hangul filler', 'Café\u3164', 'U+3164 (invisible)'],
  ['a tag', 'Café\u{e0041}', 'U+E0041 (invisible)'],
  ['an ideographic space', 'Café\u30001', 'U+3000 (ideographic space)'],
  ['an em space', 'Café\u20031', 'U+2003 (a space that is not the usual one)'],
  ['a blank braille pattern', 'Café\u2800', 'U+2800 (blank braille pattern)'],
  ['a tabulator', 'Café\t1', 'U+0009 (tabulator)'],
  ['NUL', 'Café\u0000', 'U+0000 (NUL)'],
  ['C1', 'Café\u009b1m', 'U+009B (control character)'],
  ['a line separator', 'Café\u2028', 'U+2028 (line separator)'],
  ['half of a surrogate pair', 'Café\ud83d', 'U+D83D (half of a surrogate pair)'],
  ['what was no UTF-8', 'Caf\ufffd', 'U+FFFD (replacement character'],
  ['a noncharacter', 'Café\ufdd0', 'U+FDD0'],
  ['a space at its end', 'Café ', 'ends with a space'],
  ['a space at its beginning', ' Café', 'begins with a space'],
]

describe('a name', () => {
  test.each(looksLikeCafe)('with %s is refused, and the sign is named', (_what, name, said) => {
    expect(nameProblem(name, 200)).toContain(said)
    expect(resourceNameProblem(`night/${name}`)).toContain(said)
    expect(isScope(name)).toBe(false)
    expect(isTraceId(name)).toBe(false)
    expect(isResourceName(`night/${name}`)).toBe(false)
  })

  test.each(['Café', 'A:2030-01-01', 'room 12', 'Łódź/夜/حجز', '😀', 'ﬀ'])('%s is kept', (name) => {
    expect(nameProblem(name, 200)).toBeNull()
    expect(isResourceName(`night/${name}`)).toBe(true)
  })

  test('of those that normalize to the same, at most one is taken', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
        const spellings = new Set([text, text.normalize('NFC'), text.normalize('NFD')])
        expect([...spellings].filter(isScope).length).toBeLessThanOrEqual(1)
      }),
    )
  })
})

test('a resource is as long as its sentence says', () => {
  expect(isResourceName(`note/${'x'.repeat(260)}`)).toBe(true)
  expect(resourceNameProblem(`note/${'x'.repeat(261)}`)).toBe('has 266 characters, more than the 265 of the limit')
  expect(resourceNameProblem('note/')).toBe('names no id behind its type')
})

describe("an agent's name", () => {
  test.each(['refunder', 'human:ann', 'human:Ann.Smith@example.org', 'unverified:team-a:x', 'agency-9', 'a-'])('%s is one', (name) => {
    expect(isAgentName(name)).toBe(true)
  })

  test.each(['human:', 'human::ann', ':ann', 'human:-ann', 'human: ann', 'Jörg', 'human:Jörg', '', '-a', 'a'.repeat(101), 'a\u0000'])(
    '%s is none',
    (name) => {
      expect(isAgentName(name)).toBe(false)
    },
  )

  test('is counted as one with those that differ in case', () => {
    expect(agentKey('human:Ann')).toBe(agentKey('HUMAN:ann'))
  })
})

describe('an id of an intent that is none says what it is', () => {
  test.each([
    ['017F22E2-79B0-7CC3-98C4-DC0C0C07398F', 'write it as 017f22e2-79b0-7cc3-98c4-dc0c0c07398f'],
    ['{017f22e2-79b0-7cc3-98c4-dc0c0c07398f}', 'write it as 017f22e2'],
    ['urn:uuid:017f22e2-79b0-7cc3-98c4-dc0c0c07398f', 'write it as 017f22e2'],
    ['017f22e279b07cc398c4dc0c0c07398f', 'write it as 017f22e2-79b0'],
    ['919108f7-52d1-4320-9bac-f847db4148a8', 'a UUID of version 4'],
    ['2489e9ad-2ee2-8e00-8ec9-32d5f69181c0', 'a UUID of version 8'],
    ['017f22e2-79b0-7cc3-18c4-dc0c0c07398f', 'its variant is not 10'],
    ['01ARZ3NDEKTSV4RRFFQ69G5FAV', 'a ULID'],
    ['order-7', 'is no UUID'],
  ])('%s: %s', (id, said) => expect(idProblem(id)).toContain(said))

  const nowMs = Date.UTC(2026, 10, 30)
  test.each<[string, number, string | null]>([
    ['of now', nowMs, null],
    ['an hour ahead, by a wrong clock', nowMs + 3_600_000, null],
    ['two days old', nowMs - 2 * 86_400_000, null],
    ['of an old draft', Math.floor(nowMs / 1_000) * 4_096 + 77, 'an old draft'],
    ['in seconds', Math.floor(nowMs / 1_000), 'counts seconds'],
    ['of 1970', 5, null],
  ])('a time %s', (_what, timeMs, said) => {
    const found = unitOfIdTime(timeMs, nowMs)
    if (said === null) expect(found).toBeNull()
    else expect(found).toContain(said)
  })
})
