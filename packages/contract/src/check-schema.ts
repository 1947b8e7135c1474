/**
 * Refuses a zod schema that a decision cannot stand on: asynchronous or clock-based refinements, values that JSON does
 * not have, objects that drop unknown fields in silence, defaults that are another value each time.
 */
import type { z } from 'zod'
import { canonicalize } from './canonical.ts'
import { checkFunction } from './check-function.ts'
import { ContractError } from './contract-error.ts'
import { type Definition, type Node, nodeOf, partsOf } from './schema-parts.ts'
import { schemaOf } from './schema-text.ts'
import { sealed } from './sealed.ts'
import { thrownText } from './thrown.ts'

// What JSON cannot carry, or what is no value at all.
const notJson: ReadonlySet<string> = new Set(['bigint', 'symbol', 'date', 'map', 'set', 'nan', 'function', 'file', 'void', 'undefined'])

export function checkSchema(schema: z.ZodType, where: string, path: string): void {
  const root = nodeOf(schema)
  if (root?._zod?.def === undefined) throw new ContractError(where, 'it is no zod schema; give one made with zod 4')
  if (root._zod.def.type !== 'object' && root._zod.def.type !== 'union' && root._zod.def.type !== 'record') {
    throw new ContractError(where, `it is ${root._zod.def.type}; it must be an object, which can grow fields later`)
  }
  visit(root, where, path, new Set())
  checkText(schema, where)
}

/** The digest of a contract covers its schemas as text. */
function checkText(schema: z.ZodType, where: string): void {
  const texts = [1, 2].map(() => pure(() => canonicalize(schemaOf(schema)), where, 'it cannot be written as JSON Schema'))
  if (texts[0] !== texts[1]) throw new ContractError(where, `it says another thing each time it is looked at; ${pureInstead}`)
}

const pureInstead = 'give values that depend on nothing, or take the value as input'

/** What code of the schema gives, sealed as it is when a decision is made. */
function pure<Answer>(code: () => Answer, where: string, what: string): Answer {
  try {
    return sealed(code)
  } catch (cause) {
    throw new ContractError(where, `${what}: ${thrownText(cause)}`, { cause })
  }
}

/** A default stands in every decision that uses it, and in the digest of the contract. */
function checkDefault(definition: Definition, where: string, at: string): void {
  const texts = [1, 2].map(() => pure(() => canonicalize(definition.defaultValue), where, `${at}its default`))
  if (texts[0] !== texts[1]) throw new ContractError(where, `${at}its default is another value each time; ${pureInstead}`)
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
    const { error, fn, tx, when } = check._zod.def
    for (const code of [fn, tx, error, when]) if (code !== undefined) checkFunction(code, `${where}, ${at}refinement`)
    // Of `check(code)`, which zod keeps beside the definition.
    if (check._zod.def.check === 'custom' && fn === undefined) checkFunction(check._zod.check, `${where}, ${at}refinement`)
  }
  for (const code of [definition.fn, definition.transform, definition.reverseTransform, definition.error])
    if (typeof code === 'function') checkFunction(code, `${where}, ${at}refinement`)
  if (definition.type === 'default' || definition.type === 'prefault') checkDefault(definition, where, at)
  if (definition.type === 'catch') checkFunction(definition.catchValue, `${where}, ${at}catch`)
  for (const [part, child] of pure(() => [...partsOf(definition)], where, `${at}its parts`))
    visit(child, where, part === '' ? path : `${path}${part}`, seen)
}
