/** A walk through a zod schema, by the definition that zod 4 documents for library authors (`schema._zod.def`). */
import type { z } from 'zod'

interface Check {
  readonly _zod: {
    readonly check: unknown
    readonly def: {
      readonly check: string
      readonly format?: unknown
      readonly fn?: unknown
      readonly tx?: unknown
      readonly error?: unknown
      readonly when?: unknown
    }
  }
}

export interface Definition {
  readonly type: string
  readonly checks?: readonly Check[]
  readonly [part: string]: unknown
}

export interface Node {
  readonly _zod: { readonly def: Definition }
}

export function nodeOf(schema: z.ZodType): Node {
  return schema as unknown as Node
}

/** What a schema consists of, each with what its path goes on with. Runs code of the schema. */
export function* partsOf(definition: Definition): Generator<readonly [string, Node]> {
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

// They give what they were given, or refuse it. Any other may give another value.
const looking: ReadonlySet<string> = new Set([
  ...['string', 'number', 'int', 'boolean', 'null', 'any', 'unknown', 'never', 'literal', 'enum', 'template_literal', 'custom'],
  ...['object', 'array', 'tuple', 'record', 'union', 'intersection', 'optional', 'nullable', 'nonoptional', 'readonly', 'lazy'],
])

/** Whether a schema may give another value than it is given: a default, a transform, a text that is trimmed. */
export function schemaChanges(schema: z.ZodType): boolean {
  const seen = new Set<Node>()
  const changes = (node: Node): boolean => {
    if (seen.has(node)) return false
    seen.add(node)
    const definition = node._zod.def
    return (
      !looking.has(definition.type) ||
      // Zod trims addresses.
      definition.format === 'url' ||
      (definition.checks ?? []).some(({ _zod: { def } }) => def.check === 'overwrite' || def.format === 'url' || isFree(def)) ||
      [...partsOf(definition)].some(([, part]) => changes(part))
    )
  }
  return changes(nodeOf(schema))
}

// `check(code)` and `superRefine(code)` have the value in their hands.
function isFree({ check, fn }: Check['_zod']['def']): boolean {
  return check === 'custom' && fn === undefined
}
