/** The description of the HTTP interface, made of the schemas that requests and answers are checked by. */
import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
type Schemas = Readonly<Record<string, Json>>

const prefix = '#/components/schemas/'

const overHttpSuffix = 'OverHttp'

/** The name of a schema that differs over HTTP from that of a record: the description calls it by the plain name. */
export function overHttp(name: string): string {
  return `${name}${overHttpSuffix}`
}

export async function addOpenApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Signalbox gateway',
        version,
        description: 'Submit intents, read decisions, follow the event log.',
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'The gateway that answers this' }],
      tags: [
        { name: 'intents', description: 'What agents ask, and what was decided' },
        { name: 'state', description: 'Resources, events, and what a gateway says of itself' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
  app.get('/openapi.json', { schema: { hide: true } }, async () => tidied(app.swagger() as unknown as { readonly [key: string]: Json }))
}

/** Schemas that nothing refers to are left out, and what is the same coming in and going out has one name. */
function tidied(document: { readonly [key: string]: Json }): Json {
  const { components, ...rest } = openJson(document) as { components: { schemas: Schemas } } & { readonly [key: string]: Json }
  const { schemas } = components
  const used = reachable(rest, schemas)
  const renamed = new Map<string, string>()
  for (const name of used) {
    const plain = name.replace(/Input$/, '').replace(overHttpSuffix, '')
    if (plain === name) continue
    const isSame = JSON.stringify(schemas[name]).replaceAll('Input"', '"') === JSON.stringify(schemas[plain])
    if (!used.has(plain) || isSame) renamed.set(name, plain)
  }
  const nameOf = (name: string) => renamed.get(name) ?? name
  const rename = (value: Json): Json => replaced(value, (name) => ({ $ref: `${prefix}${nameOf(name)}` }))
  const named = [...used].sort().map((name) => [nameOf(name), withoutDefaults(rename(schemas[name]!))])
  return { ...(rename(rest) as object), components: { schemas: Object.fromEntries(named) } }
}

/** Any JSON is a schema that takes all: makers of clients do not know types that are made of themselves. */
function openJson(document: Json): Json {
  return replaced(document, (name) => (/^JsonValue(Input)?$/.test(name) ? {} : { $ref: `${prefix}${name}` }))
}

function reachable(from: Json, schemas: Schemas): ReadonlySet<string> {
  const found = new Set<string>()
  const look = (value: Json): void => {
    replaced(value, (name) => {
      const isNew = !found.has(name)
      found.add(name)
      if (isNew) look(schemas[name] ?? null)
      return {}
    })
  }
  look(from)
  return found
}

/** Every reference to a named schema, replaced by what `by` makes of the name. */
function replaced(value: Json, by: (name: string) => Json): Json {
  if (Array.isArray(value)) return value.map((each) => replaced(each, by))
  if (typeof value !== 'object' || value === null) return value
  const { $ref } = value as { readonly $ref?: Json }
  if (typeof $ref === 'string') return by($ref.slice(prefix.length))
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, replaced(each as Json, by)]))
}

/** Some makers of clients take a field that has a default for one that is always there, and demand it. */
function withoutDefaults(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(withoutDefaults)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, each]): [string, Json][] => {
      if (key === 'default') return []
      if (key !== 'properties') return [[key, withoutDefaults(each as Json)]]
      return [[key, Object.fromEntries(Object.entries(each as object).map(([name, of]) => [name, withoutDefaults(of as Json)]))]]
    }),
  )
}
