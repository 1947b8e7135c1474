/** The Avro types of the records, made once from the embedded schemas. */
import avro from 'avsc'
import { earlierSchemas } from './generated/earlier-schemas.ts'
import { schemas } from './generated/schemas.ts'

const registry: { [name: string]: avro.Type } = {}
for (const schema of schemas)
  avro.Type.forSchema(schema as unknown as avro.Schema, { registry, wrapUnions: 'auto', omitRecordMethods: true })

export type RecordName = 'Intent' | 'Event'

export interface RecordType {
  readonly name: RecordName
  readonly avro: avro.Type
  /** The schema with everything it names inside it, as a registry takes it. */
  readonly schemaText: string
}

function recordType(name: RecordName): RecordType {
  const type = registry[`signalbox.v1.${name}`]!
  return { name, avro: type, schemaText: JSON.stringify(type.schema({ exportAttrs: true })) }
}

export const intentType = recordType('Intent')
export const eventType = recordType('Event')

/** The parsing canonical form, of which the fingerprint is taken. */
export function canonicalForm(type: RecordType): string {
  return JSON.stringify(type.avro.schema())
}

/** What reads a record that was written with an earlier schema. */
export interface EarlierType {
  readonly name: RecordName
  /** Of that schema. */
  readonly canonicalForm: string
  readonly resolver: unknown
}

let known: readonly EarlierType[] | null = null

/** Made when a record first asks for one: most processes never meet any. */
export function earlierTypes(): readonly EarlierType[] {
  known ??= earlierSchemas.map(({ name, schema }) => {
    const written = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: 'auto', omitRecordMethods: true })
    const current = name === 'Event' ? eventType : intentType
    return { name, canonicalForm: JSON.stringify(written.schema()), resolver: current.avro.createResolver(written) }
  })
  return known
}
