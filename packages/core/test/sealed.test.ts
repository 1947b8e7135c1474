/** What contract code may not reach while it runs, whatever its text looks like; and that everybody else still may. */

import { contractSet, defineContract, none } from '@signalbox/contract'
import { preparedContracts } from '@signalbox/core'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { owner } from './contracts.ts'
import { changed, given, intent } from './specification.ts'

type Realm = Record<string, (...parameters: unknown[]) => unknown> & Record<string, Record<string, (...parameters: unknown[]) => unknown>>
const realm = globalThis as unknown as Realm
// The text of the code must not show what it calls.
const hidden = (first: string, second: string) => `${first}${second}`
const boom = () => {
  throw new Error('later')
}

let code: () => unknown = () => true
const run = () => code()

const open = { from: none, to: 'open', input: z.strictObject({}) } as const
const sealedContract = defineContract({
  type: 'sealed',
  version: 1,
  owner,
  data: z.looseObject({}),
  states: ['open'],
  actions: {
    open,
    guarded: { from: 'open', conflict: 'commutative', guard: () => run() !== undefined },
    applied: { from: 'open', conflict: 'commutative', apply: () => ({ value: run() }) },
    defaulted: { from: 'open', conflict: 'commutative', input: z.strictObject({ value: z.any().default(() => run() ?? null) }) },
  },
})
const rules = { rules: { contracts: preparedContracts(contractSet([sealedContract])) } }
const ask = (action: string) => given(changed('sealed/s', {})).when(intent({ resource: 'sealed/s', action, input: {} }), rules)

const refused: readonly (readonly [string, () => unknown])[] = [
  ['setTimeout', () => realm[hidden('set', 'Timeout')]!(boom, 1)],
  ['setInterval', () => realm[hidden('set', 'Interval')]!(boom, 1)],
  ['setImmediate', () => realm[hidden('set', 'Immediate')]!(boom)],
  ['queueMicrotask', () => realm[hidden('queue', 'Microtask')]!(boom)],
  ['process', () => realm[hidden('pro', 'cess')]!.nextTick!(boom)],
  ['process', () => realm[hidden('pro', 'cess')]!.exit!(1)],
  ['process', () => (realm[hidden('pro', 'cess')]!.env as unknown as Record<string, string>).HOME],
  ['fetch', () => realm[hidden('fet', 'ch')]!('http://127.0.0.1:1')],
  ['crypto', () => realm[hidden('cry', 'pto')]![hidden('random', 'UUID')]!()],
  ['performance', () => realm[hidden('perfor', 'mance')]!.now!()],
  ['WebSocket', () => realm[hidden('Web', 'Socket')]],
  ['MessageChannel', () => realm[hidden('Message', 'Channel')]],
  ['FinalizationRegistry', () => realm[hidden('Finalization', 'Registry')]],
  ['Intl', () => (realm[hidden('In', 'tl')] as unknown as typeof Intl).DateTimeFormat().resolvedOptions().timeZone],
  ['Promise.resolve()', () => void (realm[hidden('Pro', 'mise')] as unknown as PromiseConstructor).resolve().then(boom)],
  ['Promise.reject()', () => void (realm[hidden('Pro', 'mise')] as unknown as PromiseConstructor).reject(new Error('later'))],
  ['new Promise()', () => void new (realm[hidden('Pro', 'mise')] as unknown as PromiseConstructor)(boom)],
  // What makes code from text finds the same world.
  ['setTimeout', () => realm[hidden('ev', 'al')]!(`${hidden('set', 'Timeout')}(() => { throw 1 }, 1)`)],
  ['setTimeout', () => (run.constructor as FunctionConstructor)(`return ${hidden('set', 'Timeout')}(() => { throw 1 }, 1)`)()],
  ['localeCompare()', () => ('a' as never as Realm[string])[hidden('locale', 'Compare')]!('b')],
  ['toLocaleUpperCase()', () => ('i' as never as Realm[string])[hidden('toLocale', 'UpperCase')]!()],
  ['toLocaleString() of a Number', () => (1.5 as never as Realm[string])[hidden('toLocale', 'String')]!()],
  ['toLocaleString() of a BigInt', () => (1n as never as Realm[string])[hidden('toLocale', 'String')]!()],
  ['toLocaleString() of a Array', () => ([1.5] as never as Realm[string])[hidden('toLocale', 'String')]!()],
  ['toLocaleString() of a Date', () => (new Date(0) as never as Realm[string])[hidden('toLocale', 'String')]!()],
  ['getHours() of a Date', () => new Date(0).getHours()],
  ['getTimezoneOffset() of a Date', () => new Date(0).getTimezoneOffset()],
  ['toString() of a Date', () => `${new Date(0)}`],
  ['setHours() of a Date', () => new Date(0).setHours(1)],
  ['new Date(year, month, …)', () => new Date(2026, 1, 1).getTime()],
  ["Date with a text without a time zone ('2026-01-01T10:00')", () => new Date('2026-01-01T10:00').getTime()],
  ["Date with a text without a time zone ('1 Jan 2026')", () => Date.parse('1 Jan 2026')],
]

describe.each(refused)('%s', (what, reach) => {
  test.each(['guarded', 'applied', 'defaulted'])('is not for contract code: %s', (action) => {
    code = reach
    ask(action).rejects('DEAD_LETTERED', { message: expect.stringContaining(`contract code called ${what}`) })
  })
})

test.each<[string, () => unknown, unknown]>([
  ['UTC of a time', () => new Date(0).getUTCHours(), 0],
  ['a time as text', () => new Date(5).toISOString(), '1970-01-01T00:00:00.005Z'],
  ['a day', () => new Date('2026-01-02').getTime(), 1_767_312_000_000],
  ['a text with its zone', () => new Date('2026-01-02T01:00:00+01:00').getTime(), 1_767_312_000_000],
  ['a text in UTC', () => Date.parse('2026-01-02T00:00:00Z'), 1_767_312_000_000],
  ['parts in UTC', () => Date.UTC(2026, 0, 2), 1_767_312_000_000],
  ['what a Date is', () => new Date(0) instanceof Date && JSON.stringify({ at: new Date(0) }), '{"at":"1970-01-01T00:00:00.000Z"}'],
  ['what is no promise', () => ({}) instanceof Promise, false],
  ['text and numbers', () => ['B', 'a'].sort().join().toLowerCase() + (1.5).toFixed(2), 'b,a1.50'],
])('%s stays for contract code', (_what, reach, value) => {
  code = reach
  ask('applied').commits({ data: JSON.stringify({ value }) })
})

test('everybody else has all of it, before and after', async () => {
  code = () => realm[hidden('set', 'Timeout')]!(boom, 0)
  ask('guarded').rejects('DEAD_LETTERED')
  await new Promise((done) => setTimeout(done, 1))
  await Promise.resolve()
  expect([typeof fetch, typeof crypto.randomUUID(), typeof performance.now(), typeof process.pid, typeof Intl.NumberFormat]).toEqual([
    'function',
    'string',
    'number',
    'number',
    'function',
  ])
  expect(['b', 'a'].sort((a, b) => a.localeCompare(b))).toEqual(['a', 'b'])
  expect(new Date(2026, 0, 1).getHours()).toBe(0)
  expect((1).toLocaleString('en')).toBe('1')
  // What somebody puts there meanwhile is there, and is sealed as well.
  const before = globalThis.fetch
  const mine = () => Promise.resolve(new Response())
  globalThis.fetch = mine
  expect(globalThis.fetch).toBe(mine)
  code = () => realm[hidden('fet', 'ch')]!('http://127.0.0.1:1')
  ask('guarded').rejects('DEAD_LETTERED')
  globalThis.fetch = before
})
