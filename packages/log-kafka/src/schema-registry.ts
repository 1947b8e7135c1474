import registryClient, { type SchemaRegistry as RegistryClient } from '@kafkajs/confluent-schema-registry'
import { eventType, intentType, type RecordName, type SchemaRegistry } from '@signalbox/codec'
import { LogError } from '@signalbox/log'
import { topicName } from './settings.ts'
import { pause } from './wait.ts'

export interface SchemaRegistryOptions {
  /** Where the Confluent-compatible API is: `http://HOST:PORT`, for Apicurio with `/apis/ccompat/v7` at its end. Without a login. */
  readonly url: string
  readonly username?: string
  readonly password?: string
  /** What the topics' names begin with; subjects are `<topic>-value`. Default `signalbox`. */
  readonly topicPrefix?: string
  /** How long to wait for a registry that is away when the schemas are registered. Default 30,000. */
  readonly startTimeoutMs?: number
  /** How long one request may take. Default 5,000. */
  readonly requestTimeoutMs?: number
  /**
   * How long to ask again for an id that the registry does not have before it is said not to exist. Default 2,000. Five ids
   * a minute are waited for so, further ones not.
   */
  readonly missingTimeoutMs?: number
}

interface ResponseError extends Error {
  readonly status: number
}

const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 2_000
const MISSING_RETRY_MS = 200
/** Anybody who may write intents can make up ids: asking again for them must not be all that a partition does. */
const PATIENCE_WINDOW_MS = 60_000
const PATIENCE_TIMES = 5
/** What the client keeps of schemas that were asked for. */
const CACHED_SCHEMAS = 1_000
const NEVER = new AbortController().signal
// Node does not see these names among the exports of the package, only as properties of its default export.
const { SchemaRegistry: Client, COMPATIBILITY, SchemaType } = registryClient

/**
 * Connects to the registry and registers the schemas of intents and events, where they are not there yet. What it gives is
 * what the Confluent framing of `@signalbox/codec` needs. Errors: TRANSIENT (the registry is away), MISCONFIGURED (it
 * refuses the schema or the login, or is none).
 */
export async function openSchemaRegistry(options: SchemaRegistryOptions): Promise<SchemaRegistry> {
  const client = clientOf(options)
  const deadlineMs = performance.now() + (options.startTimeoutMs ?? 30_000)
  const ids: Record<RecordName, number> = { Intent: 0, Event: 0 }
  for (const type of [intentType, eventType]) {
    const subject = `${topicName(options.topicPrefix ?? 'signalbox', type.name === 'Intent' ? 'intents' : 'events')}-value`
    ids[type.name] = await patiently(deadlineMs, () => idOf(client, options, subject, type.schemaText))
  }
  return new ConnectedRegistry(options, client, ids)
}

class ConnectedRegistry implements SchemaRegistry {
  readonly ids: Readonly<Record<RecordName, number>>
  readonly #options: SchemaRegistryOptions
  readonly #client: RegistryClient
  #asked = 0
  #windowStartMs = Number.NEGATIVE_INFINITY
  #waits = 0

  constructor(options: SchemaRegistryOptions, client: RegistryClient, ids: Readonly<Record<RecordName, number>>) {
    this.#options = options
    this.#client = client
    this.ids = ids
  }

  /**
   * The text of the schema with the id; null when the registry keeps saying that it has none. Errors: TRANSIENT,
   * MISCONFIGURED; never null for a registry that is away.
   */
  async schema(id: number): Promise<string | null> {
    this.#asked = (this.#asked + 1) % CACHED_SCHEMAS
    if (this.#asked === 0) this.#client.cache.clear()
    const startMs = performance.now()
    for (let waits = false; ; ) {
      try {
        return textOf(await this.#client.getSchema(id))
      } catch (error) {
        if (!isMissing(error)) {
          if (!isResponse(error)) return unusable(error)
          throw explained(error, this.#options, `Schema ${id} could not be asked for`)
        }
        // Registries with several members answer from a member that has not heard of a new schema yet.
        waits ||= this.#mayWait(startMs)
        if (!waits || performance.now() + MISSING_RETRY_MS > startMs + (this.#options.missingTimeoutMs ?? 2_000)) return null
        await pause(MISSING_RETRY_MS, NEVER)
      }
    }
  }

  #mayWait(nowMs: number): boolean {
    if (nowMs - this.#windowStartMs > PATIENCE_WINDOW_MS) {
      this.#windowStartMs = nowMs
      this.#waits = 0
    }
    this.#waits++
    return this.#waits <= PATIENCE_TIMES
  }
}

function clientOf({ url, username, password, requestTimeoutMs }: SchemaRegistryOptions): RegistryClient {
  return new Client({
    host: url,
    clientId: 'signalbox',
    ...(username === undefined || password === undefined ? {} : { auth: { username, password } }),
    // Repeated here, within bounds that the caller knows.
    retry: { retries: 0 },
    middlewares: [
      () => ({
        async prepareRequest(next) {
          return (await next()).enhance({ timeout: requestTimeoutMs ?? 5_000 })
        },
      }),
    ],
  })
}

async function patiently<Result>(deadlineMs: number, call: () => Promise<Result>): Promise<Result> {
  for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(2 * delayMs, LONGEST_RETRY_MS)) {
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'TRANSIENT' || performance.now() + delayMs > deadlineMs) throw error
      await pause(delayMs, NEVER)
    }
  }
}

/** Looked up first: a reader needs no right to register, and a schema that is there needs no check. */
async function idOf(client: RegistryClient, options: SchemaRegistryOptions, subject: string, schema: string): Promise<number> {
  const what = `The schema of ${subject} could not be registered`
  const avroSchema = { type: SchemaType.AVRO, schema } as const
  try {
    return await client.getRegistryIdBySchema(subject, avroSchema)
  } catch (error) {
    // The client drops the status of this one answer, which it gives to a schema that is not there.
    if (isResponse(error)) throw explained(error, options, what)
  }
  let compatibility = COMPATIBILITY.BACKWARD
  for (;;) {
    try {
      return (await client.register(avroSchema, { subject, compatibility })).id
    } catch (error) {
      // Somebody has chosen another level for the subject: it stands, and the client only wants to hear it.
      const chosen = /\(\w+ != (\w+)\)/.exec((error as Error).message)?.[1]
      if (chosen === undefined || chosen === compatibility || !(chosen in COMPATIBILITY)) throw explained(error, options, what, subject)
      compatibility = COMPATIBILITY[chosen as keyof typeof COMPATIBILITY]
    }
  }
}

function isResponse(error: unknown): error is ResponseError {
  return error instanceof Error && typeof (error as Partial<ResponseError>).status === 'number'
}

/** The registry itself says so. A proxy before it answers 404 too while it is away, but not in the registry's words. */
function isMissing(error: unknown): boolean {
  return isResponse(error) && error.status === 404 && !isForeign(error)
}

/** The client's words for an answer that has no message in JSON. */
function isForeign(error: ResponseError): boolean {
  return /Error, status \d+/.test(error.message)
}

function explained(error: unknown, { url }: SchemaRegistryOptions, what: string, subject?: string): LogError {
  if (!isResponse(error)) return new LogError('MISCONFIGURED', `${what}: ${(error as Error).message}.`, { cause: error })
  const said = error.message.replace(/^signalbox - /, '').replace(/\.$/, '')
  const [code, next] = nextOf(error, subject, url)
  return new LogError(code, `${what} at the schema registry ${url}: ${said}. ${next}`, { cause: error })
}

function nextOf(error: ResponseError, subject: string | undefined, url: string): readonly ['TRANSIENT' | 'MISCONFIGURED', string] {
  if (error.status === 401 || error.status === 403)
    return ['MISCONFIGURED', 'Check SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD, and the rights of that user.']
  // Two processes that start on a fresh registry: one of them comes a moment later, and finds all there the next time.
  if (error.status === 409 && /already exists/.test(error.message))
    return ['TRANSIENT', 'Another process registers the same at this moment; the same call goes through later.']
  if (error.status === 409)
    return [
      'MISCONFIGURED',
      `The subject ${subject} holds a schema that this one is not compatible with: ${url}/subjects/${subject}/versions lists what is there. ` +
        'Run the version of Signalbox that registered it or a later one, or use other topics (KAFKA_TOPIC_PREFIX).',
    ]
  if (error.status === 422)
    return ['MISCONFIGURED', 'The registry cannot read the schema. Try a newer version of the registry; Apicurio 3.0.9 is known to work.']
  if (error.status === 404)
    return ['MISCONFIGURED', 'There is no Confluent-compatible API at this address: that of Apicurio ends in /apis/ccompat/v7.']
  return ['TRANSIENT', 'The registry is away or busy: see that it runs and can be reached; the same call may go through later.']
}

/** The schema as text, or words that no Avro reader takes for one. */
function textOf(schema: unknown): string {
  const avro = schema as { schema?: (options: { exportAttrs: boolean }) => unknown }
  return typeof avro.schema === 'function' ? JSON.stringify(avro.schema({ exportAttrs: true })) : unusable(new Error('it is not Avro'))
}

function unusable(error: unknown): string {
  return JSON.stringify({ type: `unusable: ${(error as Error).message}` })
}
