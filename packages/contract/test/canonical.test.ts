import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalize, JsonError, maxDepth, readIntentJson, readJson, utf8Length } from '../src/index.ts'

describe('canonicalize (RFC 8785)', () => {
  it.each<[unknown, string]>([
    [{ b: 1, a: 2 }, '{"a":2,"b":1}'],
    // The sorting example of RFC 8785, section 3.2.3: by UTF-16 code units.
    [{ '€': 1, '\r': 2, \ufb33: 3, '1': 4, '😀': 5, '\u0080': 6, ö: 7 }, '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}'],
    [{ '10': 1, '9': 2 }, '{"10":1,"9":2}'],
    [[56, { d: true, '10': null, '1': [] }], '[56,{"1":[],"10":null,"d":true}]'],
    [-0, '0'],
    [4.5, '4.5'],
    [1e-7, '1e-7'],
    [9_007_199_254_740_991, '9007199254740991'],
    ['"\\\u0001\u001f\u007f', '"\\"\\\\\\u0001\\u001f\u007f"'],
    [{ a: undefined, b: 1 }, '{"b":1}'],
  ])('%j', (value, text) => expect(canonicalize(value)).toBe(text))

  it('gives the same text however the keys are ordered, and reads back to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const tame = JSON.parse(JSON.stringify(value), (key, each) => {
          // What is refused by design has tests of its own, below.
          if (key === '__proto__' || key.includes('\u0000')) return undefined
          if (typeof each === 'number') return Number.isSafeInteger(Math.trunc(each)) ? each : 1
          return typeof each === 'string' ? each.toWellFormed().replaceAll('\u0000', '') : each
        })
        const text = canonicalize(tame)
        expect(JSON.parse(text)).toEqual(tame)
        expect(canonicalize(JSON.parse(text))).toBe(text)
        expect(readJson(text).canonical).toBe(text)
        expect(readJson(JSON.stringify(shuffled(tame))).canonical).toBe(text)
      }),
    )
  })
})

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, shuffled(member)]),
  )
}

describe('readJson refuses', () => {
  it.each<[string, string, string]>([
    ['a truncated text', '{"a":1', 'is no JSON'],
    ['a duplicate key', '{"a":1,"a":2}', 'a appears twice'],
    ['a duplicate key inside', '[{"x":{"a":1,"b":2,"a":1}}]', 'a appears twice'],
    ['a duplicate key written differently', '{"a":1,"\\u0061":2}', 'a appears twice'],
    ['__proto__', '{"__proto__":{"admin":true}}', '__proto__ is a key that Signalbox refuses'],
    ['__proto__ inside', '{"a":[{"__proto__":1}]}', 'a[0].__proto__ is a key'],
    ['a number past 2^53', '{"n":9007199254740993}', 'n is a number beyond 2^53 - 1'],
    ['a huge number', '{"n":1e400}', 'n is Infinity'],
    ['NaN', '{"n":NaN}', 'is no JSON'],
    ['NUL in a text', '{"s":"a\\u0000b"}', 's holds the character U+0000 (NUL)'],
    ['NUL in a key', '{"a\\u0000":1}', 'holds the character U+0000 (NUL)'],
    ['half of a surrogate pair', '{"s":"\\ud800"}', 's holds half of a surrogate pair'],
    ['10,000 arrays in each other', `${'['.repeat(10_000)}${']'.repeat(10_000)}`, `nests deeper than ${maxDepth}`],
    ['10,000 objects in each other', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, `nests deeper than ${maxDepth}`],
  ])('%s', (_name, text, problem) => {
    expect(() => readJson(text)).toThrow(JsonError)
    expect(() => readJson(text)).toThrow(problem)
  })

  it('does not take a repeated value, or a key of another object, for a duplicate', () => {
    expect(readJson('{"a": {"a": "a"}, "b": ["a", "a", {"a": 1}, {"a": 2}], "c": "\\"a\\":"}').value).toBeDefined()
  })

  it('never changes what objects are', () => {
    expect(() => readIntentJson('{"constructor":{"prototype":{"x":1}}}')).toThrow(JsonError)
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })
})

describe('canonicalize refuses what would lose what it holds', () => {
  class Money {
    cents = 5
  }
  it.each<[string, unknown]>([
    ['a Date', new Date(0)],
    ['a Map', new Map([['a', 1]])],
    ['a Set', new Set([1])],
    ['an instance of a class', new Money()],
    ['a regular expression', /a/],
    ['an Error', new Error('x')],
    ['bytes', new Uint8Array([1])],
    ['a String object', Object('a')],
    ['an URL', new URL('http://localhost')],
    ['an object with a prototype of its own', Object.create({ inherited: 1 })],
    ['a Symbol', Symbol('s')],
    ['a function', () => 1],
    ['a bigint', 1n],
    ['a hole in a list', new Array(2)],
    ['undefined in a list', [undefined]],
    ['toJSON', { toJSON: () => 1 }],
  ])('%s', (_name, value) => {
    for (const made of [value, { a: value }, { a: [{ b: value }] }]) expect(() => canonicalize(made, 'data')).toThrow(JsonError)
  })

  it('takes objects without a prototype, and of another realm', () => {
    const bare: Record<string, unknown> = Object.create(null)
    bare.a = 1
    expect(canonicalize(bare)).toBe('{"a":1}')
    expect(canonicalize(runInNewContext('({ a: [{ b: 1 }] })'))).toBe('{"a":[{"b":1}]}')
  })
})

describe('utf8Length', () => {
  it('counts as an encoder does', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const wellFormed = text.toWellFormed()
        expect(utf8Length(wellFormed)).toBe(new TextEncoder().encode(wellFormed).length)
      }),
    )
  })
})
