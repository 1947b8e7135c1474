import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type * as Confluent from '../../packages/log-kafka/node_modules/@kafkajs/confluent-schema-registry/dist/index.js'
import { type RegistryForTests, registryForTests, startRegistry } from './registry.ts'

// The library belongs to the package that uses it in production; it is CommonJS.
const load = createRequire(join(import.meta.dirname, '../../packages/log-kafka/package.json'))
const { SchemaRegistry, SchemaType, COMPATIBILITY } = load('@kafkajs/confluent-schema-registry') as typeof Confluent

const PATIENCE_MS = 120_000
const record = (...fields: readonly object[]) => JSON.stringify({ type: 'record', name: 'Signal', namespace: 'test', fields })
const NAME = { name: 'name', type: 'string' }
const LIT = { name: 'lit', type: 'boolean' }

function register(url: string, subject: string, schema: string): Promise<{ readonly id: number }> {
  const client = new SchemaRegistry({ host: url, retry: { retries: 0 } })
  return client.register({ type: SchemaType.AVRO, schema }, { subject, compatibility: COMPATIBILITY.BACKWARD })
}

describe('a schema registry from Maven', { timeout: PATIENCE_MS }, () => {
  let registry: RegistryForTests
  beforeAll(async () => {
    registry = await registryForTests()
  }, PATIENCE_MS)
  afterAll(() => registry.stop())

  it('registers a schema, encodes and decodes by it', async () => {
    const { id } = await register(registry.url, `signal-${crypto.randomUUID()}`, record(NAME, LIT))
    const encoded = await new SchemaRegistry({ host: registry.url }).encode(id, { name: 'north', lit: true })
    assert.equal(encoded[0], 0)
    assert.equal(encoded.readInt32BE(1), id)
    // Another client has nothing cached: it asks the registry for the id.
    assert.deepEqual({ ...(await new SchemaRegistry({ host: registry.url }).decode(encoded)) }, { name: 'north', lit: true })
  })

  it('refuses an incompatible schema', async () => {
    const subject = `signal-${crypto.randomUUID()}`
    await register(registry.url, subject, record(NAME))
    await register(registry.url, subject, record(NAME, { ...LIT, default: false }))
    await assert.rejects(register(registry.url, subject, record({ name: 'name', type: 'int' })), /incompatible|compatib/i)
  })
})

describe('the life of a registry', { timeout: PATIENCE_MS }, () => {
  it('keeps its schemas in the folder it is given', async () => {
    const dataFolder = mkdtempSync(join(tmpdir(), 'signalbox-registry-data-'))
    try {
      const first = await startRegistry({ dataFolder })
      const { id } = await register(first.url, 'signal', record(NAME))
      await Promise.all([first.stop(), first.stop()])
      assert.equal(await first.ended, null)
      await assert.rejects(fetch(first.url))
      const second = await startRegistry({ dataFolder })
      assert.equal((await register(second.url, 'signal', record(NAME))).id, id)
      await second.stop()
    } finally {
      rmSync(dataFolder, { recursive: true, force: true })
    }
  })

  it('tells when it ended by itself, and says why when it does not start', async () => {
    const registry = await startRegistry()
    const { port } = new URL(registry.url)
    await assert.rejects(startRegistry({ port: Number(port) }), new RegExp(`The port of the schema registry on port ${port} is taken`))
    process.kill(registry.pid, 'SIGKILL')
    assert.match((await registry.ended)!, /ended by itself \(signal SIGKILL\)/)
    await assert.rejects(startRegistry({ startTimeoutMs: 1 }), /not ready within 0.001 s\. Its last lines were/)
  })
})
