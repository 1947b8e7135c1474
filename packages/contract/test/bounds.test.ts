/** The JSON schema, the OpenAPI schema, the Avro schemas and the page of bounds say the same. `UPDATE_GOLDEN=1` writes the page anew. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bounds, boundText, intentJson, isWithin, lengths, type NumberBound, within } from '@signalbox/contract'
import avro from 'avsc'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { boundsPage } from './bounds-page.ts'

const root = join(import.meta.dirname, '../../..')

interface Schema {
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: { readonly [name: string]: Schema }
}
const made = z.toJSONSchema(intentJson, { io: 'input' }) as Schema & { readonly $defs?: { readonly Intent?: Schema } }
const schema = made.$defs?.Intent ?? made

function fieldOf(path: string): Schema {
  let at: Schema = schema
  for (const name of path.split('.')) at = name === '[]' ? at.items! : at.properties![name]!
  return at.anyOf?.[0] ?? at
}

const numberFields: readonly (readonly [string, NumberBound, string, string])[] = [
  ['deadline', bounds.timeMs, 'Intent', 'deadline'],
  ['priority', bounds.priority, 'Intent', 'priority'],
  ['causationDepth', bounds.depth, 'Intent', 'causationDepth'],
  ['confidence', bounds.confidence, 'Intent', 'confidence'],
  ['actions.[].expectedVersion', bounds.version, 'ActionRequest', 'expectedVersion'],
  ['reads.[].version', bounds.version, 'Read', 'version'],
]

describe.each(numberFields)('%s', (path, bound, record, field) => {
  test('has its bounds in the JSON schema and in the doc of its Avro field', () => {
    expect(fieldOf(path)).toMatchObject({ minimum: bound.least, maximum: bound.most })
    const { fields } = JSON.parse(readFileSync(join(root, `schemas/${record}.avsc`), 'utf8')) as {
      fields: { name: string; doc: string }[]
    }
    expect(fields.find(({ name }) => name === field)!.doc).toContain(boundText(bound))
  })
})

test('every number of an intent is among them', () => {
  const found: string[] = []
  const visit = (at: Schema, path: string): void => {
    const plain = at.anyOf?.[0] ?? at
    if (plain.minimum !== undefined || ['integer', 'number'].includes((plain as { type?: string }).type ?? '')) found.push(path)
    for (const [name, child] of Object.entries(plain.properties ?? {})) visit(child, path === '' ? name : `${path}.${name}`)
    if (plain.items !== undefined) visit(plain.items, `${path}.[]`)
  }
  visit(schema, '')
  expect(found.sort()).toEqual(numberFields.map(([path]) => path).sort())
})

test.each([
  ['scope', lengths.scope],
  ['agent', lengths.agent],
  ['actions.[].resource', lengths.resource],
  ['actions.[].action', lengths.action],
  ['reads.[].resource', lengths.resource],
  ['correlationId', lengths.traceId],
  ['causationId', lengths.traceId],
  ['reservation', lengths.traceId],
  ['note', 4096],
  ['signature', lengths.signature],
])('the JSON schema tells how long %s may be', (path, maxLength) => expect(fieldOf(path).maxLength).toBe(maxLength))

describe.each(Object.entries(bounds) as [string, NumberBound][])('the bound %s', (_name, bound) => {
  const inside = [bound.least, bound.most]
  const step = bound.kind === 'whole' ? 1 : 1e-9
  const outside = [bound.least - step, bound.most + step, Number.NaN, Infinity, -Infinity, ...(bound.kind === 'whole' ? [0.5] : [])]

  test('is the same for zod and for the checks, and names itself', () => {
    for (const value of inside) {
      expect(isWithin(bound, value)).toBe(true)
      expect(within(bound).safeParse(value).success).toBe(true)
    }
    for (const value of [...outside, '1', null, undefined, 1n]) {
      expect(isWithin(bound, value)).toBe(false)
      expect(within(bound).safeParse(value).error!.issues[0]!.message).toBe(`must be ${boundText(bound)}`)
    }
  })

  test('fits its Avro type', () => {
    const type = bound === bounds.contractVersion ? 'int' : bound.kind === 'whole' ? 'long' : 'double'
    for (const value of inside) {
      const encoded = avro.Type.forSchema(type)
      expect(encoded.fromBuffer(encoded.toBuffer(value))).toBe(value)
    }
    // Priority is an int.
    if (bound === bounds.priority) expect(bound.most).toBeLessThan(2 ** 31)
  })
})

test('docs/bounds.md says them', () => {
  const page = join(root, 'docs/bounds.md')
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(page, boundsPage())
  expect(readFileSync(page, 'utf8')).toBe(boundsPage())
})
