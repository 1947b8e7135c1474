import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import { confluentFraming, createCodec, intentType, UndecodableError, UnknownSchemaError } from '@signalbox/codec'
import { isLogError, type LogErrorCode } from '@signalbox/log'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { freePorts } from '../../../infra/kafka/ports.ts'
import { type RegistryForTests, registryForTests, startRegistry } from '../../../infra/kafka/registry.ts'
import { openSchemaRegistry } from '../src/index.ts'
import { uniquePrefix } from './support/topics.ts'

const timeout = 120_000
const limits = { intentBytes: 262_144 }
const SECRET = 'correct-horse-battery'
const intent = {
  intentId: '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
  scope: 'city',
  agent: 'agency-9',
  actions: [{ resource: 'night/1', action: 'book', input: '{}', expectedVersion: null }],
  reads: [],
  correlationId: '017f22e2-79b0-7cc3-98c4-dc0c0c07398f',
  causationId: null,
  deadline: null,
  priority: null,
  confidence: null,
  onConflict: 'reject',
  reservation: null,
  note: null,
  signature: null,
  causationDepth: null,
} as const
let registry: RegistryForTests

beforeAll(async () => {
  registry = await registryForTests()
}, timeout)

afterAll(() => registry.stop())

async function refusal(promise: Promise<unknown>, code: LogErrorCode): Promise<string> {
  const [outcome] = await Promise.allSettled([promise])
  assert.ok(outcome.status === 'rejected' && isLogError(outcome.reason, code), `expected ${code}: ${JSON.stringify(outcome)}`)
  assert.ok(!outcome.reason.message.includes(SECRET), 'a secret is in the message')
  return outcome.reason.message
}

/** Registers a schema as another program would, and resolves to its id. */
async function register(subject: string, schema: string, url = registry.url): Promise<number> {
  const response = await fetch(`${url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  })
  assert.equal(response.status, 200, await response.clone().text())
  return ((await response.json()) as { id: number }).id
}

async function setCompatibility(subject: string, compatibility: string): Promise<void> {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' }
  const body = JSON.stringify({ compatibility })
  assert.ok((await fetch(`${registry.url}/config/${subject}`, { method: 'PUT', headers, body })).ok)
}

describe('the schema registry', { timeout }, () => {
  it('takes several processes that start on it at once', async () => {
    const options = { url: registry.url, topicPrefix: uniquePrefix() }
    const opened = await Promise.all(Array.from({ length: 6 }, () => openSchemaRegistry(options)))
    for (const { ids } of opened) assert.deepEqual(ids, opened[0]!.ids)
  })

  it('knows the schemas once they are registered; records go there and back, for a second process too', async () => {
    const options = { url: registry.url, topicPrefix: uniquePrefix() }
    const first = await openSchemaRegistry(options)
    const second = await openSchemaRegistry(options)
    assert.deepEqual(second.ids, first.ids)
    assert.notEqual(first.ids.Intent, first.ids.Event)
    const [writer, reader] = [first, second].map((each) => createCodec({ limits, framing: confluentFraming(each) }))
    const bytes = writer!.encodeIntent(intent)
    assert.equal(Buffer.from(bytes).readUInt32BE(1), first.ids.Intent)
    assert.deepEqual({ ...reader!.decodeIntent(bytes) }.intentId, intent.intentId)
    const subjects = (await (await fetch(`${registry.url}/subjects`)).json()) as string[]
    for (const topic of ['intents', 'events']) assert.ok(subjects.includes(`${options.topicPrefix}.${topic}-value`))
  })

  it('tells of an id that was not known: another writer, with an older schema, is then understood', async () => {
    const topicPrefix = uniquePrefix()
    const codec = createCodec({ limits, framing: confluentFraming(await openSchemaRegistry({ url: registry.url, topicPrefix })) })
    const older = JSON.parse(intentType.schemaText)
    older.fields = older.fields.filter(({ name }: { name: string }) => name !== 'note')
    const id = await register(`${topicPrefix}.intents-value`, JSON.stringify(older))
    const bytes = Buffer.from(
      createCodec({
        limits,
        framing: confluentFraming({ ids: { Intent: id, Event: 1 }, schema: async () => null }),
      }).encodeIntent(intent),
    )
    assert.throws(() => codec.decodeIntent(bytes), UnknownSchemaError)
    await codec.framing.learn(id)
    assert.throws(() => codec.decodeIntent(bytes), /follow the Avro body/, 'the note of the newer schema is a byte too many for the older')
    // `note` is null there, one byte; `signature` after it as well.
    assert.equal(codec.decodeIntent(bytes.subarray(0, -1)).intentId, intent.intentId)
  })

  it('does not have an id, or has something else than Avro under it: the record is undecodable', async () => {
    const connected = await openSchemaRegistry({ url: registry.url, topicPrefix: uniquePrefix(), missingTimeoutMs: 100 })
    assert.equal(await connected.schema(999_999), null)
    const text = await register(uniquePrefix(), '"string"')
    const { framing } = createCodec({ limits, framing: confluentFraming(connected) })
    for (const id of [text, 999_999]) {
      await framing.learn(id)
      const bytes = Buffer.alloc(20)
      bytes.writeUInt32BE(id, 1)
      assert.throws(() => framing.read('Intent', bytes), UndecodableError)
    }
  })

  it('waits for ids that are not there yet, and not for one after the other that somebody makes up', async () => {
    const asked = new Map<number, number>()
    const counting = createServer((request, response) => {
      const id = Number(/\/schemas\/ids\/(\d+)/.exec(request.url ?? '')?.[1] ?? 0)
      asked.set(id, (asked.get(id) ?? 0) + 1)
      // Number 1 comes late, as from a member of a registry that lags.
      const found = id === 0 || (id === 1 && asked.get(id) === 2)
      response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify(found ? { id: 5, schema: '"int"' } : { error_code: 40403, message: `No content with id ${id} was found.` }),
      )
    })
    await new Promise<void>((resolve) => counting.listen(0, '127.0.0.1', resolve))
    const { port } = counting.address() as { port: number }
    const connected = await openSchemaRegistry({ url: `http://127.0.0.1:${port}`, missingTimeoutMs: 300 })
    assert.equal(await connected.schema(1), '"int"')
    for (let id = 2; id <= 8; id++) assert.equal(await connected.schema(id), null)
    counting.closeAllConnections()
    counting.close()
    assert.deepEqual(
      [1, 2, 3, 4, 5, 6, 7, 8].map((id) => asked.get(id)),
      [2, 2, 2, 2, 2, 1, 1, 1],
    )
  })

  it('refuses a schema that does not fit what the subject has: MISCONFIGURED, with what to do', async () => {
    const topicPrefix = uniquePrefix()
    const subject = `${topicPrefix}.intents-value`
    await register(
      subject,
      JSON.stringify({ type: 'record', name: 'Intent', namespace: 'signalbox.v1', fields: [{ name: 'x', type: 'int' }] }),
    )
    await setCompatibility(subject, 'FULL')
    const message = await refusal(openSchemaRegistry({ url: registry.url, topicPrefix }), 'MISCONFIGURED')
    assert.ok(message.includes(`The subject ${subject} holds a schema that this one is not compatible with`), message)
    assert.ok(message.includes(`${registry.url}/subjects/${subject}/versions`), message)
  })

  it('keeps the compatibility that somebody has chosen for a subject', async () => {
    const topicPrefix = uniquePrefix()
    const subject = `${topicPrefix}.intents-value`
    await register(subject, intentType.schemaText)
    await setCompatibility(subject, 'FULL_TRANSITIVE')
    const { ids } = await openSchemaRegistry({ url: registry.url, topicPrefix })
    assert.ok(ids.Intent > 0)
    const level = (await (await fetch(`${registry.url}/config/${subject}`)).json()) as { compatibilityLevel: string }
    assert.equal(level.compatibilityLevel, 'FULL_TRANSITIVE')
  })

  it('is not at this address: MISCONFIGURED names the path of Apicurio', async () => {
    const url = new URL(registry.url).origin
    assert.match(await refusal(openSchemaRegistry({ url, startTimeoutMs: 500 }), 'MISCONFIGURED'), /ends in \/apis\/ccompat\/v7/)
  })

  it('is away: TRANSIENT; back again, it goes on', async () => {
    const [port] = await freePorts(1)
    const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
    const options = { url, topicPrefix: uniquePrefix(), missingTimeoutMs: 100 }
    const message = await refusal(openSchemaRegistry({ ...options, startTimeoutMs: 300 }), 'TRANSIENT')
    assert.ok(message.includes(url) && message.includes('The registry is away or busy'), message)
    // Opened before it is there: the start waits for it.
    const opening = openSchemaRegistry({ ...options, startTimeoutMs: 60_000 })
    let own = await startRegistry({ port: port! })
    try {
      const connected = await opening
      await own.stop()
      assert.match(await refusal(connected.schema(77), 'TRANSIENT'), /Schema 77 could not be asked for.*away or busy/)
      own = await startRegistry({ port: port! })
      assert.equal(await connected.schema(77), null)
      const id = await register('anything', intentType.schemaText, url)
      assert.equal(JSON.parse((await connected.schema(id))!).name, 'signalbox.v1.Intent')
    } finally {
      await own.stop()
    }
  })
})

describe('a registry that answers otherwise', { timeout }, () => {
  let server: Server
  let answer: { readonly status: number; readonly body: string; readonly type: string } | 'nothing'
  let authorization: string | undefined
  let url = ''

  beforeAll(async () => {
    server = createServer((request, response) => {
      authorization = request.headers.authorization
      if (answer !== 'nothing') response.writeHead(answer.status, { 'content-type': answer.type }).end(answer.body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  const open = () => openSchemaRegistry({ url, username: 'desk', password: SECRET, startTimeoutMs: 200, requestTimeoutMs: 200 })
  const json = (status: number, body: object) => ({ status, body: JSON.stringify(body), type: 'application/json' })

  it('refuses the login: MISCONFIGURED, without the password', async () => {
    answer = json(401, { error_code: 40101, message: 'Unauthorized' })
    assert.match(await refusal(open(), 'MISCONFIGURED'), /Check SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD/)
    assert.equal(authorization, `Basic ${Buffer.from(`desk:${SECRET}`).toString('base64')}`)
  })

  it('is behind a proxy that says 503, or never answers: TRANSIENT', async () => {
    answer = { status: 503, body: '<html>no backend</html>', type: 'text/html' }
    assert.match(await refusal(open(), 'TRANSIENT'), /away or busy/)
    answer = 'nothing'
    assert.match(await refusal(open(), 'TRANSIENT'), /away or busy/)
  })

  it('is behind a proxy that says 404 while it is away: an id is not taken for missing', async () => {
    answer = json(200, { id: 5 })
    const connected = await open()
    answer = { status: 404, body: 'default backend - 404', type: 'text/plain' }
    const [asked] = await Promise.allSettled([connected.schema(9)])
    assert.ok(asked.status === 'rejected' && isLogError(asked.reason), JSON.stringify(asked))
    answer = json(404, { error_code: 40403, message: 'Schema 9 not found' })
    assert.equal(await connected.schema(9), null)
  })
})
