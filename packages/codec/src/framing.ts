/**
 * The two framings of an Avro record. Without a schema registry: single-object encoding (`C3 01`, then the schema's
 * fingerprint). With one: Confluent's (`00`, then the schema's id there, big-endian).
 */
import avro from 'avsc'
import { fingerprint } from './fingerprint.ts'
import { canonicalForm, type EarlierType, earlierTypes, eventType, intentType, type RecordName, type RecordType } from './types.ts'

/** Bytes that are no record: what is wrong with them, in a sentence that says what to send instead. */
export class UndecodableError extends Error {
  override readonly name = 'UndecodableError'
}

/**
 * A schema id that this process has not met yet. No fault of the record: ask `Framing.learn` and decode again. A
 * registry that is away must never make a valid record a dead letter.
 */
export class UnknownSchemaError extends Error {
  override readonly name = 'UnknownSchemaError'
  readonly schemaId: number

  constructor(schemaId: number) {
    super(`schema id ${schemaId} is not known yet; look it up in the schema registry and decode again`)
    this.schemaId = schemaId
  }
}

export interface Framing {
  /** The bytes that go before a record's body. */
  prefix(name: RecordName): Uint8Array
  /** The record in `bytes`. Throws UndecodableError or UnknownSchemaError. */
  read(name: RecordName, bytes: Uint8Array): unknown
  /**
   * Finds a schema by its id; reading again then gives the record, or UndecodableError when the registry says that there is
   * no such schema. Rejects, with the registry's error, while the registry cannot be asked.
   */
  learn(schemaId: number): Promise<void>
}

const types: Readonly<Record<RecordName, RecordType>> = { Intent: intentType, Event: eventType }

function decodeBody(type: avro.Type, bytes: Uint8Array, start: number, name: RecordName, resolver?: unknown): unknown {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let decoded: { value: unknown; offset: number }
  try {
    decoded = type.decode(buffer, start, resolver as never)
  } catch (cause) {
    throw new UndecodableError(`the Avro body of this ${name} does not fit its schema: ${(cause as Error).message}`, { cause })
  }
  if (decoded.offset < 0)
    throw new UndecodableError(`the Avro body of this ${name} ends too early, after ${bytes.length} bytes; send it whole`)
  if (decoded.offset !== bytes.length)
    throw new UndecodableError(`${bytes.length - decoded.offset} bytes follow the Avro body of this ${name}; send one record a message`)
  return decoded.value
}

function prefixOf(form: string): Uint8Array {
  return Uint8Array.of(0xc3, 0x01, ...fingerprint(form))
}

function beginsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false
  for (let index = 0; index < prefix.length; index++) if (bytes[index] !== prefix[index]) return false
  return true
}

/** Single-object encoding. It needs nothing beside the schemas that are built in: those of now, and those that records were once written with. */
export function singleObjectFraming(): Framing {
  const prefixes = new Map<RecordName, Uint8Array>()
  for (const type of Object.values(types)) prefixes.set(type.name, prefixOf(canonicalForm(type)))
  let earlier: readonly (EarlierType & { readonly prefix: Uint8Array })[] | null = null
  return {
    prefix: (name) => prefixes.get(name)!,
    read(name, bytes) {
      const expected = prefixes.get(name)!
      if (beginsWith(bytes, expected)) return decodeBody(types[name].avro, bytes, expected.length, name)
      if (bytes.length < expected.length || bytes[0] !== 0xc3 || bytes[1] !== 0x01) {
        if (bytes[0] === 0)
          throw new UndecodableError(
            'this looks like Confluent framing (first byte 00), and no schema registry is configured; set SCHEMA_REGISTRY_URL, or send plain JSON or Avro single-object encoding',
          )
        throw new UndecodableError(
          `these ${bytes.length} bytes are neither plain JSON (first byte {) nor Avro single-object encoding (first bytes C3 01); send one of the two`,
        )
      }
      earlier ??= earlierTypes().map((each) => ({ ...each, prefix: prefixOf(each.canonicalForm) }))
      const written = earlier.find((each) => each.name === name && beginsWith(bytes, each.prefix))
      if (written === undefined)
        throw new UndecodableError(
          `the fingerprint names a schema other than signalbox.v1.${name}; write with the schema in schemas/${name}.avsc. Or a newer version of Signalbox wrote it: read it with that`,
        )
      return decodeBody(types[name].avro, bytes, written.prefix.length, name, written.resolver)
    },
    learn: () => Promise.resolve(),
  }
}

/**
 * Ids that are remembered of other writers' schemas; one that is forgotten is asked for again. Ids are anybody's bytes, and
 * a batch is only ever decoded when all its ids are known at once: there is room for those of every partition's batch.
 */
const LEARNT_SCHEMAS = 20_000
/** An id that does not exist now may be given to a schema later. */
const MISSING_FOR_MS = 60_000

/** Sets an entry and forgets the oldest beyond the bound. */
function remember<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > LEARNT_SCHEMAS) map.delete(map.keys().next().value as Key)
}

/** What the Confluent framing needs of a schema registry. */
export interface SchemaRegistry {
  /** The ids under which our own schemas are registered. */
  readonly ids: Readonly<Record<RecordName, number>>
  /** The text of a schema, or null when there is none with this id. Rejects while the registry is away. */
  schema(id: number): Promise<string | null>
}

/** Confluent's framing, for deployments with a schema registry. */
export function confluentFraming(registry: SchemaRegistry): Framing {
  const own = new Map<string, { readonly type: avro.Type; readonly resolver: unknown }>()
  const writers = new Map<string, { readonly type: avro.Type; readonly resolver: unknown }>()
  const prefixes = new Map<RecordName, Uint8Array>()
  for (const type of Object.values(types)) {
    const prefix = new Uint8Array(5)
    new DataView(prefix.buffer).setUint32(1, registry.ids[type.name])
    prefixes.set(type.name, prefix)
    own.set(`${registry.ids[type.name]}/${type.name}`, { type: type.avro, resolver: undefined })
  }
  const withoutRegistry = singleObjectFraming()
  const missing = new Map<number, { readonly problem: string; readonly untilMs: number }>()
  const schemaTexts = new Map<number, string>()
  const writerOf = (id: number, name: RecordName) => {
    const key = `${id}/${name}`
    const known = own.get(key) ?? writers.get(key)
    if (known !== undefined) return known
    const absent = missing.get(id)
    if (absent !== undefined && performance.now() < absent.untilMs) throw new UndecodableError(absent.problem)
    const text = schemaTexts.get(id)
    if (text === undefined) throw new UnknownSchemaError(id)
    try {
      const type = avro.Type.forSchema(JSON.parse(text), { wrapUnions: 'auto', omitRecordMethods: true })
      const writer = { type: types[name].avro, resolver: types[name].avro.createResolver(type) as unknown }
      remember(writers, key, writer)
      return writer
    } catch (cause) {
      throw new UndecodableError(`schema ${id} of the registry cannot be read as signalbox.v1.${name}: ${(cause as Error).message}`, {
        cause,
      })
    }
  }
  return {
    prefix: (name) => prefixes.get(name)!,
    read(name, bytes) {
      // What was written before there was a registry stays readable.
      if (bytes[0] === 0xc3) return withoutRegistry.read(name, bytes)
      if (bytes.length < 5 || bytes[0] !== 0) {
        throw new UndecodableError(
          `these ${bytes.length} bytes are neither plain JSON (first byte {) nor Avro in Confluent framing (first byte 00); send one of the two`,
        )
      }
      const id = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
      const { type, resolver } = writerOf(id, name)
      return decodeBody(type, bytes, 5, name, resolver)
    },
    async learn(id) {
      const text = await registry.schema(id)
      if (text !== null) {
        missing.delete(id)
        return remember(schemaTexts, id, text)
      }
      const problem = `the schema registry has no schema ${id}; register the schema before writing with it`
      remember(missing, id, { problem, untilMs: performance.now() + MISSING_FOR_MS })
    },
  }
}
