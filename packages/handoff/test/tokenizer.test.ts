import fc from 'fast-check'
import * as cl100k from 'gpt-tokenizer/encoding/cl100k_base'
import * as o200k from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import { loadTokenizer } from '../src/index.ts'
import { slices } from '../src/tokenizer.ts'

const asText = { disallowedSpecial: new Set<string>() }
// A run is of letters, of signs, or of spaces; these units draw long ones of each.
const runs = fc
  .array(fc.tuple(fc.constantFrom('x', 'é', '漢', '_', '👩‍👧', ' ', '\n/', '9', 'ab '), fc.integer({ min: 1, max: 1500 })), {
    maxLength: 4,
  })
  .map((drawn) => drawn.map(([unit, count]) => unit.repeat(count)).join(''))

describe.each([
  ['o200k_base', o200k],
  ['cl100k_base', cl100k],
] as const)('%s', (name, encoding) => {
  it('counts what people and programs write as the encoding does', async () => {
    const { count } = await loadTokenizer(name)
    const written = fc.oneof(fc.lorem({ maxCount: 80 }), fc.json(), fc.string({ unit: 'grapheme', maxLength: 400 }))
    fc.assert(
      fc.property(written, (text) => {
        expect(count(text)).toBe(encoding.countTokens(text, asText))
      }),
    )
  })

  it('takes what looks like a special token for text', async () => {
    const { count } = await loadTokenizer(name)
    expect(count('<|endoftext|>')).toBeGreaterThan(1)
  })

  it('stays close to the encoding where a run is cut', async () => {
    const { count } = await loadTokenizer(name)
    fc.assert(
      fc.property(runs, (text) => {
        const exact = encoding.countTokens(text, asText)
        expect(Math.abs(count(text) - exact)).toBeLessThanOrEqual(2 * slices(text).length)
      }),
      { numRuns: 30 },
    )
  })
})

it('cuts runs without a break into slices of a bounded length, and never a character', () => {
  fc.assert(
    fc.property(runs, (text) => {
      const cut = slices(text)
      expect(cut.join('')).toBe(text)
      for (const slice of cut) {
        expect(slice.isWellFormed()).toBe(text.isWellFormed())
        for (const [run] of slice.matchAll(/[\p{L}\p{M}]+|[^\s\p{L}\p{N}]+|\s+|[\r\n/]+/gu)) expect(run.length).toBeLessThanOrEqual(1026)
      }
    }),
    { numRuns: 60 },
  )
})
