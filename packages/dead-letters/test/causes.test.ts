/** What makes causes equal, and how bytes are shown. */
import { fingerprintOf, hexDump, isTextual, normalisedCause, redriveNote } from '@signalbox/dead-letters'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('a fingerprint', () => {
  it.each([
    ['contract refund@3, guard of pay threw: no rate for 12.5 in "EUR"', 'contract refund@3, guard of pay threw: no rate for 99 in "USD"'],
    ['order/17 is gone', 'order/18-b is gone'],
    ['no customer 0192f3a0-0000-7000-8000-000000000001', 'no customer 0192f3a0-ffff-7000-8000-00000000000f'],
    ["the field 'a b' is unknown", "the field 'c' is unknown"],
  ])('is the same for %s', (one, other) => {
    expect(normalisedCause(one)).toBe(normalisedCause(other))
    expect(fingerprintOf('DEAD_LETTERED', one, 'refund pay')).toBe(fingerprintOf('DEAD_LETTERED', other, 'refund pay'))
  })

  it.each([
    ['contract refund@3, guard of pay threw: x', 'contract refund@4, guard of pay threw: x'],
    ['contract refund@3, guard of pay threw: x', 'contract refund@3, apply of pay threw: x'],
    ['order/17 is gone', 'customer/17 is gone'],
  ])('tells %s from %s', (one, other) => {
    expect(fingerprintOf('DEAD_LETTERED', one, null)).not.toBe(fingerprintOf('DEAD_LETTERED', other, null))
  })

  it('does not depend on numbers or quoted texts, whatever they are; codes and subjects tell apart', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.stringMatching(/^[^"\\]*$/), fc.stringMatching(/^[^"\\]*$/), (a, b, x, y) => {
        const cause = (number: number, text: string) => `parcel ${number} of "${text}" has no scale`
        expect(fingerprintOf('C', cause(a, x), null)).toBe(fingerprintOf('C', cause(b, y), null))
        expect(fingerprintOf('D', cause(a, x), null)).not.toBe(fingerprintOf('C', cause(b, y), null))
        expect(fingerprintOf('C', cause(a, x), 'belt pass')).not.toBe(fingerprintOf('C', cause(b, y), null))
      }),
    )
  })
})

describe('what people see', () => {
  it('of bytes that are no text is a dump, bounded', () => {
    expect(isTextual(Buffer.from('{"a":"ä"}\n'))).toBe(true)
    expect(isTextual(Uint8Array.of(0xc3, 0x28))).toBe(false)
    expect(isTextual(Uint8Array.of(0x41, 0x00))).toBe(false)
    expect(
      hexDump(
        Uint8Array.from({ length: 20 }, (_, at) => 0x41 + at),
        18,
      ),
    ).toEqual([
      '00000000  41 42 43 44 45 46 47 48 49 4a 4b 4c 4d 4e 4f 50  |ABCDEFGHIJKLMNOP|',
      '00000010  51 52                                            |QR|',
    ])
  })

  it('of a note says who redrove what and why, and fits', () => {
    expect(redriveNote('intents:0:17', 'human:ann', 'mended', null, 4_096)).toBe('redriven from intents:0:17 by human:ann: mended')
    expect(redriveNote('intents:0:17', 'human:ann', 'mended', 'urgent', 4_096)).toBe(
      'redriven from intents:0:17 by human:ann: mended (its agent said: urgent)',
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (before) => {
        const note = redriveNote('intents:0:17', 'human:ann', 'mended', before, 100)
        expect(note.length).toBeLessThanOrEqual(100)
        expect(before.isWellFormed() && !note.isWellFormed()).toBe(false)
      }),
    )
  })
})
