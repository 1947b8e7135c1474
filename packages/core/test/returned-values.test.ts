/** Whatever contract code gives back or throws, the intent gets exactly one decision, which can be written. */

import { createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits, defineContract, lengths, none, Refusal, refuse } from '@signalbox/contract'
import { preparedContracts } from '@signalbox/core'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { owner } from './contracts.ts'
import { changed, given, intent } from './specification.ts'

const trap = () => {
  throw new Error('looked at')
}
const proxy = new Proxy({}, { get: trap, getPrototypeOf: trap, ownKeys: trap, getOwnPropertyDescriptor: trap, has: trap })
const getter = Object.defineProperty({}, 'a', { enumerable: true, get: trap })
const sly: Record<string, unknown> = {}
sly.self = sly
const wide: Record<string, unknown> = { b: { c: {} } }
;(wide.b as Record<string, Record<string, unknown>>).c!.a = wide
const listed: unknown[] = []
listed.push({ in: listed })
let deep: unknown = 1
for (let level = 0; level < 80; level++) deep = { in: deep }
class Money {
  cents = 5
}

/** What code gave, and what the message must say of it. */
const values: readonly (readonly [string, unknown, string])[] = [
  ['a throwing getter', getter, 'looked at'],
  ['a Proxy', proxy, 'looked at'],
  ['a Date', new Date(0), 'is a Date'],
  ['a Map', new Map([['a', 1]]), 'is a Map'],
  ['a Set', new Set([1]), 'is a Set'],
  ['an instance of a class', new Money(), 'is a Money'],
  ['bytes', new Uint8Array(2), 'is a Uint8Array'],
  ['a Symbol', Symbol('s'), 'is symbol'],
  ['a function', () => 1, 'is function'],
  ['a bigint', 1n, 'is bigint'],
  ['NaN', Number.NaN, 'is NaN'],
  ['Infinity', Number.POSITIVE_INFINITY, 'is Infinity'],
  ['2^53', 2 ** 53, '2^53 - 1'],
  ['NUL', 'a\u0000b', 'NUL'],
  ['half of a surrogate pair', '\ud800', 'surrogate'],
  ['a circle', sly, 'again: a circle, which JSON has no form for'],
  ['a circle of three', wide, 'a circle'],
  ['a circle through a list', { list: [1, { back: listed }] }, 'a circle'],
  ['what nests deep without one', deep, 'nests deeper than 64'],
  ['toJSON', { toJSON: () => 1 }, 'is function'],
  ['a key that changes objects', JSON.parse('{"__proto__":1}'), '__proto__'],
  ['a hole in a list', new Array(2), 'is undefined'],
]

let madeValue: unknown = null
const fetchValue = () => madeValue

const odd = defineContract({
  type: 'odd',
  version: 1,
  owner,
  data: z.looseObject({ value: z.any().optional() }),
  states: ['open'],
  actions: {
    open: { from: none, to: 'open', input: z.strictObject({}) },
    apply: { from: 'open', conflict: 'commutative', apply: () => ({ value: fetchValue() }) },
    applyWhole: { from: 'open', conflict: 'commutative', apply: () => fetchValue() as { value: unknown } },
    nest: { from: 'open', conflict: 'commutative', apply: () => ({ value: [{ deep: fetchValue() }] }) },
    guard: { from: 'open', conflict: 'commutative', guard: () => fetchValue() as boolean },
    refuseWith: { from: 'open', conflict: 'commutative', guard: () => refuse(fetchValue() as string, 'x') },
    refuseSaying: { from: 'open', conflict: 'commutative', guard: () => refuse('NO', fetchValue() as string) },
    refusal: { from: 'open', conflict: 'commutative', guard: () => new Refusal(fetchValue() as string, fetchValue() as string) },
    throw: {
      from: 'open',
      conflict: 'commutative',
      guard: () => {
        throw fetchValue()
      },
    },
    amount: { from: 'open', conflict: 'commutative', amount: () => fetchValue() as number },
    escalate: { from: 'open', conflict: 'commutative', escalate: [{ reason: 'ODD', when: () => fetchValue() as boolean, to: 'x' }] },
    wording: {
      from: 'open',
      conflict: 'commutative',
      input: z.strictObject({ a: z.string().refine(() => false, { error: () => fetchValue() as string }) }),
    },
  },
  invariants: { holds: () => (madeValue === undefined ? true : (fetchValue() as boolean)) },
})

const oddRules = { rules: { contracts: preparedContracts(contractSet([odd])) } }
const codec = createCodec({ limits: defaultLimits })

function ask(action: string, input: unknown = {}) {
  const { events } = given(changed('odd/o', {})).when(intent({ resource: 'odd/o', action, input }), oddRules)
  // Whatever it is, it can be written and read.
  for (const event of events) expect(codec.decodeEvent(codec.encodeEvent(event))).toEqual(event)
  expect(JSON.stringify(events)).not.toContain('\\u0000')
  return events[0]!
}

describe.each(values)('%s', (_what, value, said) => {
  test('in data that contract code makes is a fault that names contract, action and path', () => {
    madeValue = value
    for (const [action, path] of [
      ['apply', 'data.value'],
      ['nest', 'data.value[0].deep'],
    ] as const) {
      const event = ask(action)
      expect(event).toMatchObject({ type: 'IntentRejected', payload: { code: 'DEAD_LETTERED' } })
      const { message } = event.payload as { message: string }
      expect(message).toContain(`contract odd@1`)
      expect(message).toContain(`of ${action}`)
      expect(message).toContain(said)
      if (!message.includes('looked at')) expect(message).toContain(path)
    }
  })

  test.each(['applyWhole', 'guard', 'refuseWith', 'refusal', 'throw', 'amount', 'escalate'])(
    'given by %s decides nothing else',
    (action) => {
      madeValue = value
      const event = ask(action)
      const { code } = event.payload as { code?: string }
      expect(event.type).toBe('IntentRejected')
      // Text is a reason; what does not fit a schema breaks its invariant.
      expect(['DEAD_LETTERED', 'GUARD_REFUSED', 'INVARIANT_VIOLATED']).toContain(code)
      if (typeof value !== 'string' && action !== 'applyWhole') expect(code).toBe('DEAD_LETTERED')
    },
  )

  test.each(['refuseSaying', 'wording'])('worded by %s is a reject', (action) => {
    madeValue = value
    const event = ask(action, action === 'wording' ? { a: 'x' } : {})
    expect(event).toMatchObject({ type: 'IntentRejected' })
  })

  test('given by an invariant decides nothing else', () => {
    madeValue = value
    // `open` of another resource has no code but the invariant.
    const { events } = given().when(intent({ resource: 'odd/p', action: 'open', input: {} }), oddRules)
    expect(events).toMatchObject([{ type: 'IntentRejected', payload: { code: 'DEAD_LETTERED' } }])
  })
})

test('invariants judge what is written, not what contract code still holds', () => {
  let looked = 0
  const judged: unknown[] = []
  const shifting = () => Object.defineProperty({}, 'cents', { enumerable: true, get: () => ++looked })
  const contract = defineContract({
    type: 'shifty',
    version: 1,
    owner,
    data: z.looseObject({ purse: z.any() }),
    states: ['open'],
    actions: { open: { from: none, to: 'open', input: z.strictObject({}), apply: () => ({ purse: shifting() }) } },
    invariants: { little: ({ data }) => judged.push(data.purse.cents, data.purse.cents) > 0 },
  })
  const { events } = given().when(intent({ resource: 'shifty/s', action: 'open', input: {} }), {
    rules: { contracts: preparedContracts(contractSet([contract])) },
  })
  const [cents] = judged
  expect(events).toMatchObject([{ type: 'IntentCommitted', payload: { changes: [{ data: `{"purse":{"cents":${cents}}}` }] } }])
  expect(new Set(judged).size).toBe(1)
})

const withSymbol = { [Symbol('s')]: 1 }
const withHidden = Object.defineProperty({ a: 1 }, 'hidden', { value: 1 })
const withHiddenGetter = Object.defineProperty({ a: 1 }, 'hidden', { get: () => 1 })
const withExtra = Object.assign([1, 2], { total: 3 })
const withHiddenExtra = Object.defineProperty([1], 'total', { value: 3 })
const withSymbolInList = Object.assign([1], { [Symbol('s')]: 1 })
const lost: readonly (readonly [string, unknown, string])[] = [
  ['a key that is a symbol', withSymbol, 'data.value has a key that is a symbol'],
  ['a key that is not enumerable', withHidden, 'data.value.hidden is not enumerable'],
  ['a getter that is not enumerable', withHiddenGetter, 'data.value.hidden is not enumerable'],
  ['a list with more than entries', withExtra, 'data.value is a list with the key total'],
  ['a list with a hidden key', withHiddenExtra, 'data.value is a list with the key total'],
  ['a list with a symbol', withSymbolInList, 'data.value has a key that is a symbol'],
  ['what regular expressions give', /(?<a>.)/.exec('x'), 'data.value is a list with the key groups'],
]

/** A contract whose action `set` gives a value to data of this schema. */
function settingOf(schema: z.ZodType, value: unknown, input: z.ZodType | null = null) {
  const contract = defineContract({
    type: 'kept',
    version: 1,
    owner,
    data: schema as z.ZodType<object>,
    states: ['open'],
    actions: {
      set: { from: none, to: 'open', input: input ?? z.strictObject({}), ...(input === null ? { apply: () => value as object } : {}) },
    },
  })
  return given().when(intent({ resource: 'kept/k', action: 'set', input: input === null ? {} : value }), {
    rules: { contracts: preparedContracts(contractSet([contract])) },
  })
}

describe.each(lost)('%s', (_what, value, said) => {
  test.each<[string, z.ZodType]>([
    ['any value', z.strictObject({ value: z.any() })],
    // Zod makes a new object of what fits, without what it does not know.
    ['an object or a list', z.strictObject({ value: z.union([z.looseObject({}), z.array(z.any())]) })],
  ])('is not left out in silence by a schema of %s', (_schema, schema) => {
    settingOf(schema, { value }).rejects('DEAD_LETTERED', { message: expect.stringContaining(said) })
  })

  test('nor where it is deep, nor where it is all', () => {
    const deep = said.replace('data.value', 'data.value[0].deep')
    settingOf(z.strictObject({ value: z.any() }), { value: [{ deep: value }] }).rejects('DEAD_LETTERED', {
      message: expect.stringContaining(deep),
    })
    if (!Array.isArray(value))
      settingOf(z.looseObject({}), value).rejects('DEAD_LETTERED', { message: expect.stringContaining(said.replace('data.value', 'data')) })
  })
})

describe('data must be read back as what was written', () => {
  const readsBack = 'does not read back'
  const another = 'reads back as another'
  test.each<[string, z.ZodType, unknown, string]>([
    [
      'undefined that must be there',
      z.strictObject({ a: z.custom((value) => value === undefined).refine(() => true), b: z.array(z.int()) }).refine((data) => 'a' in data),
      { a: undefined, b: [] },
      readsBack,
    ],
    ['undefined of a record', z.record(z.string(), z.any()).refine((data) => Object.keys(data).length > 0), { a: undefined }, readsBack],
    [
      'undefined deep inside',
      z.strictObject({ a: z.array(z.looseObject({}).refine((each) => Object.keys(each).length > 0)) }),
      { a: [{ b: undefined }] },
      readsBack,
    ],
    ['a transform to another type', z.strictObject({ a: z.string().transform(Number) }), { a: '1' }, readsBack],
    ['a transform to another type in a list', z.strictObject({ a: z.array(z.string().transform(Number)) }), { a: ['1'] }, readsBack],
    ['a codec', z.strictObject({ a: z.codec(z.string(), z.number(), { decode: Number, encode: String }) }), { a: '1' }, readsBack],
    ['a transform that goes on', z.strictObject({ a: z.int().transform((a) => a + 1) }), { a: 1 }, another],
    ['an overwrite that goes on', z.strictObject({ a: z.string().overwrite((a) => `${a}!`) }), { a: 'x' }, another],
    [
      'a check that changes',
      z.strictObject({
        a: z.string().check((payload) => {
          payload.value += '!'
        }),
      }),
      { a: 'x' },
      another,
    ],
  ])('%s', (_what, schema, value, said) => {
    settingOf(schema, value).rejects('DEAD_LETTERED', {
      message: expect.stringMatching(`contract kept@1, apply of set made data .*${said}`),
    })
  })

  test('input that becomes data is no other', () => {
    settingOf(z.strictObject({ a: z.string().transform(Number) }), { a: '1' }, z.strictObject({ a: z.string() })).rejects('DEAD_LETTERED', {
      message: expect.stringContaining(readsBack),
    })
  })

  test.each<[string, z.ZodType, unknown, string]>([
    ['undefined that may be left out', z.strictObject({ a: z.string().optional(), b: z.int() }), { a: undefined, b: 1 }, '{"b":1}'],
    ['undefined of any value', z.looseObject({ b: z.array(z.any()) }), { a: undefined, b: [{ c: undefined }] }, '{"b":[{}]}'],
    ['a default', z.strictObject({ a: z.int().default(1) }), {}, '{"a":1}'],
    ['a text that is trimmed', z.strictObject({ a: z.string().trim() }), { a: ' x ' }, '{"a":"x"}'],
    ['an address', z.strictObject({ a: z.url() }), { a: ' https://a.example ' }, '{"a":"https://a.example"}'],
    ['what is read only', z.strictObject({ a: z.array(z.int()).readonly() }), { a: Object.freeze([1]) }, '{"a":[1]}'],
    ['an object without a prototype', z.looseObject({}), Object.assign(Object.create(null), { a: [1] }), '{"a":[1]}'],
    ['an empty list', z.looseObject({}), { a: [] }, '{"a":[]}'],
  ])('%s stays', (_what, schema, value, text) => {
    settingOf(schema, value).commits({ data: text })
  })
})

test('a circle is named by where it closes', () => {
  madeValue = wide
  expect(ask('apply').payload).toMatchObject({ message: expect.stringContaining('data.value.b.c.a is data.value again: a circle') })
})

test('what refuse() made and a guard threw is told to be returned', () => {
  madeValue = refuse('NO', 'not today')
  expect(ask('throw').payload).toMatchObject({ code: 'DEAD_LETTERED', message: expect.stringContaining("return it: return refuse('WHY')") })
})

test('what refuse() is given is cut at the bound, and any store takes it', () => {
  for (const text of ['x'.repeat(100_000), `${'x'.repeat(498)}\u{1f600}`, 'a\u0000b', '\ud800', '\u{1f600}'.repeat(1_000)]) {
    madeValue = text
    for (const action of ['refuseWith', 'refuseSaying', 'refusal']) {
      const { payload } = ask(action) as { payload: { code: string; details: string; message: string } }
      expect(payload.code).toBe('GUARD_REFUSED')
      const details = JSON.parse(payload.details) as { reason: string; message: string | null }
      for (const said of [details.reason, details.message ?? '']) {
        expect(said.length).toBeLessThanOrEqual(lengths.refusal)
        expect(said.isWellFormed()).toBe(true)
        expect(said).not.toContain('\u0000')
      }
      expect(payload.message.length).toBeLessThanOrEqual(2_000)
    }
  }
})
