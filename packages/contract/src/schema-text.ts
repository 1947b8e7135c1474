/** A schema, and the source of contract code, as the digest of a contract covers them. */
import { z } from 'zod'

// Layout of the source is no part of what a contract decides.
export function sourceOf(code: unknown): string | null {
  return typeof code === 'function' ? Function.prototype.toString.call(code).replace(/\s+/g, ' ') : null
}

export function schemaOf(schema: z.ZodType | null): unknown {
  // Refinements have no JSON Schema; their source stands beside it.
  return schema === null
    ? null
    : { schema: z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }), refinements: refinementsOf(schema) }
}

function refinementsOf(schema: z.ZodType): readonly (string | null)[] {
  const sources: (string | null)[] = []
  const seen = new Set<unknown>()
  const visit = (value: unknown): void => {
    if (typeof value === 'function') sources.push(sourceOf(value))
    if (typeof value !== 'object' || value === null || seen.has(value)) return
    seen.add(value)
    const inner = (value as { _zod?: { def?: unknown } })._zod?.def
    if (inner !== undefined) visit(inner)
    else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype) for (const part of Object.values(value)) visit(part)
  }
  visit(schema)
  return sources
}
