/** What is written for speed says the same as what is written plainly. */
import {
  canonicalize,
  canonicalString,
  flatObject,
  isActionName,
  isAgentName,
  isResourceType,
  isScope,
  JsonError,
  parseUuidV7,
} from '@signalbox/contract'
import fc from 'fast-check'
import { expect, test } from 'vitest'

const text = fc.oneof(
  { weight: 3, arbitrary: fc.string() },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '_', '.', ':', '@', '/', ' ', '\u007f', '\u0080', 'é', '\n') }),
  },
)
const key = fc.oneof(text, fc.constantFrom('b', 'a', '10', '9', '__proto__', 'toString', 'é', ''))
const member = fc.oneof(
  text,
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(null, -0, undefined, 1n, 2 ** 53),
  fc.array(fc.integer(), { maxLength: 2 }),
)
const object = fc.array(fc.tuple(key, member), { maxLength: 6 }).map((entries) => {
  const made: Record<string, unknown> = {}
  for (const [name, value] of entries) Object.defineProperty(made, name, { value, enumerable: true, configurable: true, writable: true })
  return made
})

/** RFC 8785 as plainly as it can be said. */
function plainly(value: unknown): string {
  if (typeof value === 'string') {
    if (!value.isWellFormed() || value.includes('\u0000')) throw new JsonError('', 'sign')
    return JSON.stringify(value)
  }
  if (typeof value === 'number') {
    if (!(Math.abs(value) <= Number.MAX_SAFE_INTEGER)) throw new JsonError('', 'number')
    return JSON.stringify(value === 0 ? 0 : value)
  }
  if (value === null || typeof value === 'boolean') return JSON.stringify(value)
  if (typeof value !== 'object') throw new JsonError('', 'type')
  if (Array.isArray(value)) return `[${value.map(plainly).join(',')}]`
  const keys = Object.keys(value).filter((name) => (value as Record<string, unknown>)[name] !== undefined)
  if (keys.includes('__proto__')) throw new JsonError('', 'key')
  return `{${keys
    .sort()
    .map((name) => `${plainly(name)}:${plainly((value as Record<string, unknown>)[name])}`)
    .join(',')}}`
}

function orError(make: () => string): string {
  try {
    return make()
  } catch (error) {
    if (error instanceof JsonError) return 'JsonError'
    throw error
  }
}

test('canonical JSON', () => {
  fc.assert(
    fc.property(object, (value) => {
      expect(orError(() => canonicalize(value))).toBe(orError(() => plainly(value)))
      expect(orError(() => canonicalize({ nested: value, a: [value] }))).toBe(orError(() => plainly({ nested: value, a: [value] })))
    }),
    { numRuns: 2_000 },
  )
})

test('a string literal', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(orError(() => canonicalString(value))).toBe(orError(() => plainly(value)))
    }),
  )
})

test('a flat object and its text give each other, keys in the same order', () => {
  fc.assert(
    fc.property(object, (value) => {
      const flat = flatObject(value)
      fc.pre(flat !== null)
      expect(flat.text).toBe(plainly(value))
      const parsed: object = JSON.parse(flat.text)
      expect(flat.value).toStrictEqual(parsed)
      expect(Object.keys(flat.value)).toEqual(Object.keys(parsed))
    }),
    { numRuns: 1_000 },
  )
})

test('names', () => {
  const refused = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\ufffd]|(?! )\p{Zs}/u
  fc.assert(
    fc.property(text, (name) => {
      const isRefused = [...name].some((sign) => refused.test(sign) || isNoncharacter(sign))
      const isPlain = !isRefused && !/^ | $/.test(name) && name.normalize('NFC') === name
      expect(isScope(name)).toBe(name.length > 0 && name.length <= 200 && isPlain)
      expect(isAgentName(name)).toBe(name.length <= 100 && /^[A-Za-z0-9][A-Za-z0-9._@-]*(:[A-Za-z0-9][A-Za-z0-9._@-]*)*$/.test(name))
      expect(isActionName(name)).toBe(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name))
      expect(isResourceType(name)).toBe(/^[a-z][a-z0-9-]{0,63}$/.test(name))
    }),
    { numRuns: 2_000 },
  )
})

// The last two of every plane, and U+FDD0 to U+FDEF.
function isNoncharacter(sign: string): boolean {
  const code = sign.codePointAt(0)!
  return (code & 0xfffe) === 0xfffe || (code >= 0xfdd0 && code <= 0xfdef)
}

test('a UUIDv7, and what is none by one character', () => {
  const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  const character = fc.constantFrom('0', '7', '8', 'b', 'f', 'g', 'A', '-', ' ', 'é', '\u0130', '😀')
  const id = fc
    .tuple(fc.uuid({ version: 7 }), fc.nat(35), fc.option(character))
    .map(([uuid, at, other]) => (other === null ? uuid : uuid.slice(0, at) + other + uuid.slice(at + 1)))
  fc.assert(
    fc.property(id, (value) => {
      const words = new Uint32Array(4)
      expect(parseUuidV7(value, words)).toBe(pattern.test(value))
      const hex = [...words].map((word) => word.toString(16).padStart(8, '0')).join('')
      if (pattern.test(value)) expect(hex).toBe(value.replaceAll('-', ''))
    }),
    { numRuns: 1_000 },
  )
})
