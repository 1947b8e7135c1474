/** Which fields of a zod schema hold personal data. */
import { z } from 'zod'

export interface SchemaNode {
  readonly personal?: boolean
  readonly [part: string]: unknown
}

/** Whether a schema has a field with personal data. */
export function hasPersonalFields(schema: z.ZodType | null): boolean {
  return schema !== null && JSON.stringify(schemaNode(schema)).includes('"personal":true')
}

/** The JSON Schema of a zod schema, in which fields with personal data have `personal: true`. */
export function schemaNode(schema: z.ZodType): SchemaNode {
  return z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' }) as SchemaNode
}
