/**
 * Generates TypeScript from the Avro schemas in `schemas/`: the record types of `@signalbox/contract` and the schema
 * texts that `@signalbox/codec` embeds, those that were once written with among them. With `--check`, writes nothing and exits 1 when a generated file is out of date.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

type Schema =
  | string
  | readonly Schema[]
  | RecordSchema
  | EnumSchema
  | { type: 'array'; items: Schema }
  | { type: string; logicalType: string }
interface Field {
  name: string
  type: Schema
  doc: string
}
interface RecordSchema {
  type: 'record'
  name: string
  namespace: string
  doc: string
  fields: readonly Field[]
}
interface EnumSchema {
  type: 'enum'
  name: string
  namespace: string
  doc: string
  symbols: readonly string[]
}

const root = resolve(import.meta.dirname, '../..')
const schemaDirectory = join(root, 'schemas')
const heading = '// Generated from schemas/*.avsc by `npm run generate`. Do not edit.\n'

/** Schemas that events were once written with: without a schema registry, they are read by these. Oldest first. */
function loadEarlierSchemas(): readonly { readonly name: string; readonly schema: object }[] {
  const numberOf = (file: string) => Number(file.split('.')[1])
  return readdirSync(join(schemaDirectory, 'earlier'))
    .sort((left, right) => numberOf(left) - numberOf(right))
    .map((file) => ({
      name: file.split('.')[0]!,
      schema: JSON.parse(readFileSync(join(schemaDirectory, 'earlier', file), 'utf8')) as object,
    }))
}

/** Every record, each after the records that it names. */
export function loadSchemas(): readonly RecordSchema[] {
  const byName = new Map<string, RecordSchema>()
  for (const file of readdirSync(schemaDirectory).filter((name) => name.endsWith('.avsc'))) {
    const schema = JSON.parse(readFileSync(join(schemaDirectory, file), 'utf8')) as RecordSchema
    if (`${schema.name}.avsc` !== file) throw new Error(`schemas/${file} holds the record ${schema.name}; name the file after its record`)
    byName.set(`${schema.namespace}.${schema.name}`, schema)
  }
  const ordered: RecordSchema[] = []
  const visit = (schema: RecordSchema): void => {
    if (ordered.includes(schema)) return
    for (const name of JSON.stringify(schema.fields).match(/"signalbox\.v1\.\w+"/g) ?? []) {
      const named = byName.get(name.slice(1, -1))
      if (named !== undefined) visit(named)
    }
    ordered.push(schema)
  }
  for (const name of [...byName.keys()].sort()) visit(byName.get(name)!)
  return ordered
}

function typeOf(schema: Schema): string {
  if (typeof schema === 'string') {
    if (schema === 'string' || schema === 'null' || schema === 'boolean') return schema
    if (schema === 'long' || schema === 'int' || schema === 'double' || schema === 'float') return 'number'
    if (schema === 'bytes') return 'Uint8Array'
    return schema.slice(schema.lastIndexOf('.') + 1)
  }
  if (Array.isArray(schema))
    return [...schema]
      .sort((a, b) => Number(a === 'null') - Number(b === 'null'))
      .map(typeOf)
      .join(' | ')
  const object = schema as Exclude<Schema, string | readonly Schema[]>
  if ('symbols' in object) return object.name
  if ('items' in object) return `readonly ${typeOf(object.items)}[]`
  return typeOf(object.type as Schema)
}

function interfaceOf(record: RecordSchema): string {
  const field = ({ name, type, doc }: Field) => `  /** ${doc} */\n  readonly ${name}: ${typeOf(type)}\n`
  const discriminated = record.fields.find((candidate) => candidate.name === 'payload' && Array.isArray(candidate.type))
  if (discriminated === undefined) return `/** ${record.doc} */\nexport interface ${record.name} {\n${record.fields.map(field).join('')}}\n`
  // A record with `type` and `payload` is a union of one shape for each payload, told apart by `type`.
  const shared = record.fields.filter(({ name }) => name !== 'payload' && name !== 'type')
  const branches = (discriminated.type as readonly string[]).map(typeOf)
  return [
    `/** What every ${record.name} has. */\nexport interface ${record.name}Base {\n${shared.map(field).join('')}}\n\n`,
    ...branches.map(
      (branch) =>
        `export type ${branch}${record.name} = ${record.name}Base & { readonly type: '${branch}'; readonly payload: ${branch} }\n`,
    ),
    `\n/** ${record.doc} */\nexport type ${record.name} = ${branches.map((branch) => branch + record.name).join(' | ')}\n`,
  ].join('')
}

function enumsOf(record: RecordSchema): string[] {
  return record.fields
    .map(({ type }) => type)
    .filter((type): type is EnumSchema => typeof type === 'object' && 'symbols' in type)
    .map((type) => `/** ${type.doc} */\nexport type ${type.name} = ${type.symbols.map((symbol) => `'${symbol}'`).join(' | ')}\n`)
}

export function generated(): ReadonlyMap<string, string> {
  const schemas = loadSchemas()
  return new Map([
    [
      'packages/contract/src/generated/records.ts',
      `${heading}\n${schemas.flatMap((schema) => [...enumsOf(schema), interfaceOf(schema)]).join('\n')}`,
    ],
    [
      'packages/codec/src/generated/schemas.ts',
      `${heading}\n/** The Avro schemas, each after the ones that it names. */\nexport const schemas = ${JSON.stringify(schemas, null, 2)} as const\n`,
    ],
    [
      'packages/codec/src/generated/earlier-schemas.ts',
      `${heading}\n/** Schemas that records were once written with, oldest first. */\nexport const earlierSchemas: readonly { readonly name: 'Event' | 'Intent'; readonly schema: object }[] = ${JSON.stringify(loadEarlierSchemas(), null, 2)}\n`,
    ],
  ])
}

if (import.meta.main) {
  const check = process.argv.includes('--check')
  for (const [path, text] of generated()) {
    if (!check) writeFileSync(join(root, path), text)
    else if (readFileSync(join(root, path), 'utf8') !== text) {
      process.stderr.write(`${path} does not match schemas/: run npm run generate\n`)
      process.exitCode = 1
    }
  }
}
