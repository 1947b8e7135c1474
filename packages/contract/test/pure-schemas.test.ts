/** Schemas whose code gives another value each time are refused when the contract is defined, and the place is named. */
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { contractRecords, contractSet, defineContract, none } from '../src/index.ts'

const realm = globalThis as Record<string, unknown>
// As the text of the code does not show them, only running it does.
const clock = () => (realm['Da'.concat('te')] as DateConstructor).now()
const chance = () => (realm['Ma'.concat('th')] as Math).random()
const { random } = Math
let calls = 0
const count = () => ++calls

function define(field: z.ZodType, place: 'data' | 'input' = 'data') {
  const schema = z.strictObject({ lines: z.array(z.strictObject({ value: field })).optional() })
  return defineContract({
    type: 'note',
    version: 1,
    owner: { team: 'a', contact: 'b' },
    data: place === 'data' ? schema : z.looseObject({}),
    states: ['open'],
    actions: { open: { from: none, to: 'open', input: place === 'input' ? schema : z.strictObject({}) } },
  })
}

describe.each<[string, () => z.ZodType, string]>([
  ['a default by chance', () => z.number().default(() => Math.random()), 'its default: contract code called Math.random()'],
  ['a default by the clock', () => z.string().default(() => new Date().toISOString()), 'its default: contract code called new Date()'],
  ['a default by a hidden clock', () => z.number().default(clock), 'its default: contract code called Date.now()'],
  ['a default by chance that was kept', () => z.number().default(() => random()), 'its default is another value each time'],
  ['a default that counts', () => z.number().default(count), 'its default is another value each time'],
  ['a default that makes an id', () => z.string().default(() => crypto.randomUUID()), 'its default: contract code called crypto'],
  ['a default of the process', () => z.number().default(() => process.pid), 'its default: contract code called process'],
  ['a default by the time zone', () => z.number().default(() => new Date(0).getHours()), 'its default: contract code called getHours()'],
  ['a default that throws', () => z.number().default(() => JSON.parse('{')), 'its default: '],
  ['a default that JSON cannot hold', () => z.any().default(() => new Map()), 'its default: '],
  ['a default that is none', () => z.any().default(undefined), 'its default: '],
  ['a prefault by chance', () => z.number().prefault(() => Math.random()), 'its default: contract code called Math.random()'],
  ['a prefault by a hidden clock', () => z.number().prefault(clock), 'its default: contract code called Date.now()'],
  ['a catch by chance', () => z.number().catch(() => Math.random()), 'catch: it uses chance'],
  ['a catch by the clock', () => z.number().catch(() => Date.now()), 'catch: it reads the clock'],
  ['a catch by chance that was kept', () => z.number().catch(() => random()), 'it says another thing each time'],
  ['a transform by the clock', () => z.number().transform(() => Date.now()), 'refinement: it reads the clock'],
  ['a transform by chance', () => z.number().transform(() => Math.random()), 'refinement: it uses chance'],
  ['a preprocess by chance', () => z.preprocess(() => Math.random(), z.number()), 'refinement: it uses chance'],
  ['an overwrite by chance', () => z.number().overwrite(() => Math.random()), 'refinement: it uses chance'],
  ['a check by the clock', () => z.number().check(() => void Date.now()), 'refinement: it reads the clock'],
  ['a message by the clock', () => z.number({ error: () => `${Date.now()}` }), 'refinement: it reads the clock'],
  ['a message of a check by the clock', () => z.number().min(1, { error: () => `${Date.now()}` }), 'refinement: it reads the clock'],
  [
    'what a codec writes by the clock',
    () => z.codec(z.string(), z.number(), { decode: Number, encode: () => `${Date.now()}` }),
    'refinement: it reads the clock',
  ],
  [
    'a schema by a hidden chance',
    () => z.lazy(() => (chance() > 0.5 ? z.string() : z.number())),
    'its parts: contract code called Math.random()',
  ],
])('%s', (_what, field, sentence) => {
  test.each(['data', 'input'] as const)('in %s', (place) => {
    expect(() => define(field(), place)).toThrow(sentence)
    if (!sentence.includes('another thing')) expect(() => define(field(), place)).toThrow(`at ${place}.lines[].value: `)
  })
})

test.each<[string, () => z.ZodType]>([
  ['a default', () => z.number().default(1)],
  ['a default that code gives', () => z.array(z.string()).default(() => ['a'])],
  ['a catch', () => z.number().catch(0)],
  ['a catch that code gives', () => z.number().catch(() => 0)],
  ['a catch by what was wrong', () => z.number().catch((wrong) => wrong.issues.length)],
  ['a prefault', () => z.string().trim().prefault(' a ')],
  ['a date of a value', () => z.string().default(() => new Date(0).toISOString())],
  ['a codec', () => z.codec(z.string(), z.number(), { decode: Number, encode: String })],
])('%s that depends on nothing keeps the digest', (_what, field) => {
  const digest = () => contractRecords(contractSet([define(field())]), (text) => text)[0]!.digest
  expect(digest()).toBe(digest())
})
