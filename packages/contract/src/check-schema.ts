/**
 * Refuses a zod schema that a decision cannot stand on: asynchronous or clock-based refinements, values that JSON does
 * not have, objects that drop unknown fields in silence. Walks the definition that zod 4 documents for library authors
 * (`schema._zod.def`).
 */
import type { z } from 'zod'
import { checkFunction } from './check-function.ts'
import { ContractError } from './contract-error.ts'

interface Definition {
  readonly type: string
  readonly checks?: readonly { readonly _zod: { readonly def: { readonly check: string; readonly fn?: unknown; readonly tx?: unknown } } }[]
  readonly [part: string]: unknown
}

interface Node {
  readonly _zod: { readonly def: Definition }
}

// What JSON cannot carry, or what is no value at all.
const notJson: ReadonlySet<string> = new Set(['bigint', 'symbol', 'date', 'map', 'set', 'nan', 'function', 'file', 'void', 'undefined'])

export function checkSchema(schema: z.ZodType, where: string, path: string): void {
  const root = schema as unknown as Node
  if (root?._zod?.def === undefined) throw new ContractError(where, 'it is no zod schema; give one made with zod 4')
  if (root._zod.def.type !== 'object' && root._zod.def.type !== 'union' && root._zod.def.type !== 'record') {
    throw new ContractError(where, `it is ${root._zod.def.type}; it must be an object, which can grow fields later`)
  }
  visit(root, where, path, new Set())
}

function visit(node: Node, where: string, path: string, seen: Set<Node>): void {
  if (seen.has(node)) return
  seen.add(node)
  const definition = node._zod.def
  const at = `at ${path}: `
  if (definition.type === 'promise') throw new ContractError(where, `${at}it is a promise; decisions are synchronous, so that they replay`)
  if (notJson.has(definition.type)) throw new ContractError(where, `${at}JSON has no ${definition.type}; use a string or a number`)
  if (definition.type === 'object' && definition.catchall === undefined) {
    throw new ContractError(
      where,
      `${at}the object would drop unknown fields in silence; use z.strictObject, or z.looseObject to keep them`,
    )
  }
  if (definition.coerce === true)
    throw new ContractError(where, `${at}it coerces, so that one decision has several inputs; ask for the type itself`)
  for (const check of definition.checks ?? []) {
    for (const code of [check._zod.def.fn, check._zod.def.tx]) if (code !== undefined) checkFunction(code, `${where}, ${at}refinement`)
  }
  for (const code of [definition.fn, definition.transform]) if (typeof code === 'function') checkFunction(code, `${where}, ${at}refinement`)
  for (const [part, child] of parts(definition)) visit(child, where, part === '' ? path : `${path}${part}`, seen)
}

function* parts(definition: Definition): Generator<readonly [string, Node]> {
  for (const [name, child] of Object.entries((definition.shape as Record<string, Node> | undefined) ?? {})) yield [`.${name}`, child]
  for (const [name, suffix] of [
    ['element', '[]'],
    ['innerType', ''],
    ['left', ''],
    ['right', ''],
    ['keyType', '{key}'],
    ['valueType', '{}'],
    ['in', ''],
    ['out', ''],
    ['rest', '[]'],
  ] as const) {
    const child = definition[name] as Node | null | undefined
    if (child?._zod !== undefined) yield [suffix, child]
  }
  for (const list of ['options', 'items'] as const) {
    for (const [index, child] of ((definition[list] as readonly Node[] | undefined) ?? []).entries())
      yield [list === 'items' ? `[${index}]` : '', child]
  }
  if (definition.type === 'lazy') yield ['', (definition.getter as () => Node)()]
}
