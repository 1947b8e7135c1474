import { describe, expect, it } from 'vitest'
import { table } from '../src/output.ts'
import { forTerminal, inOneLine, own, visible, visibleJson } from '../src/visible.ts'

/** One of each kind of what must not reach a terminal. */
const signs: readonly (readonly [string, string])[] = [
  ['escape', '\u001b'],
  ['bell', '\u0007'],
  ['backspace', '\b'],
  ['form feed', '\f'],
  ['delete', '\u007f'],
  ['control sequence introducer of C1', '\u009b'],
  ['next line of C1', '\u0085'],
  ['right-to-left override', '\u202e'],
  ['left-to-right isolate', '\u2066'],
  ['Arabic letter mark', '\u061c'],
  ['line separator', '\u2028'],
  ['paragraph separator', '\u2029'],
  ['zero width space', '\u200b'],
  ['zero width joiner', '\u200d'],
  ['word joiner', '\u2060'],
  ['soft hyphen', '\u00ad'],
  ['byte order mark', '\ufeff'],
  ['tag', '\u{e0041}'],
  ['variation selector of nothing', 'x\ufe0f'],
  ['supplementary variation selector', '\u{e0101}'],
  ['half of a surrogate pair', '\ud800'],
  ['Hangul filler', '\u3164'],
  ['noncharacter', '\uffff'],
]

describe('a sign that nobody sees or a terminal obeys', () => {
  it.each(signs)('%s is shown as an escape', (_name, sign) => {
    const shown = visible(`a${sign}b`)
    expect(shown).toMatch(/^ax?\\u\{[0-9a-f]+\}b$/)
    expect(shown).toContain(`\\u{${sign.codePointAt(sign.startsWith('x') ? 1 : 0)!.toString(16)}}`)
  })

  it.each(signs)('%s is escaped in JSON, which stays the same', (_name, sign) => {
    const value = { [`k${sign}`]: [`v${sign}`] }
    const json = visibleJson(JSON.stringify(value, null, 2))
    expect(visible(json)).toBe(json)
    expect(JSON.parse(json)).toEqual(value)
  })

  it('tabulators and returns have their usual form, and line breaks are shown where they are not ours', () => {
    expect(visible(`ours\n${inOneLine('theirs\n\t\r')}`)).toBe('ours\ntheirs\\n\\t\\r')
    expect(visible(JSON.stringify(inOneLine({ 'k\n': 'v\n' })))).toBe('{"k\\n":"v\\n"}')
  })

  it.each(['Jürg', 'Ωmega 東京', 'naïve — “quoted”', '⚠️ warning', 'e\u0301'])('%s is kept', (text) => {
    expect(visible(text)).toBe(text)
  })
})

describe('colours', () => {
  it('of ours are kept, and those of others shown', () => {
    expect(forTerminal(`${own('\u001b[31m')}red \u001b[32mforged${own('\u001b[39m')}`)).toBe('\u001b[31mred \\u{1b}[32mforged\u001b[39m')
  })

  it('do not make columns wider, and escapes do', () => {
    const coloured = `${own('\u001b[31m')}ab${own('\u001b[39m')}`
    expect(
      forTerminal(
        table([
          [coloured, 'x'],
          ['\u202e', 'y'],
        ]),
      ),
    ).toBe('\u001b[31mab\u001b[39m        x\n\\u{202e}  y')
  })
})
