/** The projector over HTTP, on a memory log: rows, lag, parked events, requests, and how it refuses. */
import { Chain, chainHeader, createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import type { HttpServer } from '@signalbox/http'
import { createMemoryLog, type MemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { defineProjection } from '@signalbox/projection'
import { shippedProjections } from '@signalbox/projection/shipped'
import { committed, type TestEvent } from '@signalbox/projection/testing'
import { EventFeed } from '@signalbox/projection-host'
import { MemoryStore } from '@signalbox/projection-store'
import { createProjectorServer, type ParkedLetter, type Projector, startProjector } from '@signalbox/projector'
import pino from 'pino'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'

const codec = createCodec({ limits: defaultLimits })
const logger = pino({ level: 'silent' })
const cure = { isOn: false }
const fragile = defineProjection({
  name: 'fragile',
  version: 1,
  tables: { seen: z.strictObject({ count: z.int() }) },
  changes: {
    '*': ({ data, scope }, { seen }) => {
      if (data.note === 'poison' && !cure.isOn) throw new Error('the note is poison')
      seen.update(scope, { count: 0 }, ({ count }) => ({ count: count + 1 }))
    },
  },
})

let log: MemoryLog
let feed: EventFeed
let projector: Projector
let server: HttpServer
let url: string
let write: (events: readonly TestEvent[]) => Promise<void>

beforeAll(async () => {
  log = createMemoryLog({ store: new MemoryLogStore() })
  const chain = new Chain()
  let written = 0
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<MemoryLog['open']>>>()
  await log.join({ assigned: (assignment) => resolve(log.open(assignment)), revoked: async () => {}, lost: () => {} })
  const writer = await promise
  write = async (events) => {
    const values = events.map((event) => codec.encodeEvent(event(written++)))
    for (const value of values) chain.add(value)
    const link = chain.close()
    const last = values.length - 1
    const records = values.map((value, index) => ({ key: 'scope', value, headers: index === last ? { [chainHeader]: link } : {} }))
    await writer.append({ events: records, deadLetters: [] })
  }
  const registry = new Registry()
  feed = new EventFeed(log, codec)
  projector = startProjector({ log, feed, store: new MemoryStore(), projections: [...shippedProjections, fragile], logger, registry })
  server = createProjectorServer(projector, registry, logger)
  url = await server.listen({ host: '127.0.0.1', port: 0 })
  await write([
    committed({ scope: 'a/b', agent: 'clerk', changes: [{ resource: 'order/1', state: 'open', data: { cents: 5 } }] }),
    committed({ scope: 'a', agent: 'clerk', changes: [{ resource: 'order/1', state: 'open', data: { note: 'poison' } }] }),
    committed({ scope: 'a', agent: 'clerk', changes: [{ resource: 'order/2', state: 'open' }] }),
  ])
  await vi.waitUntil(() => projector.notReady() === null, { timeout: 10_000 })
})

afterAll(async () => {
  await server.close()
  await projector.stop()
  await feed.close()
  await log.close()
})

async function get(path: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${url}${path}`)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function post(path: string, body: object = {}): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

async function settled(id: unknown): Promise<Record<string, unknown>> {
  return await vi.waitUntil(
    async () => {
      const { body } = await get(`/v1/projection-requests/${id}`)
      return body.state === 'done' || body.state === 'failed' ? body : null
    },
    { timeout: 10_000 },
  )
}

describe('the projector', () => {
  it('says how it is', async () => {
    for (const path of ['/livez', '/healthz', '/readyz']) expect((await fetch(`${url}${path}`)).status).toBe(200)
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toContain('signalbox_projection_lag_events{projection="resources",partition="0"} 0')
    expect(metrics).toContain('signalbox_projection_parked{projection="fragile"} 2')
    expect(metrics).toContain('signalbox_projection_phase{projection="agents",phase="active"} 1')
  })

  it('lists its projections and shows one', async () => {
    const { body } = await get('/v1/projections')
    expect((body.projections as { name: string }[]).map(({ name }) => name)).toEqual([
      ...shippedProjections.map(({ name }) => name),
      'fragile',
    ])
    expect(await get('/v1/projections/resources')).toMatchObject({
      status: 200,
      body: { name: 'resources', version: 2, phase: 'active', tables: ['resources'], live: 1, lag: [0], parked: 0, building: null },
    })
    expect(await get('/v1/projections/resources/lag')).toMatchObject({ body: { lag: [0], behind: 0 } })
  })

  it('pages through rows, by prefix too, and gives one by its key', async () => {
    const first = await get('/v1/projections/resources/tables/resources/rows?limit=2')
    expect(first.body).toMatchObject({
      generation: 1,
      offsets: [3],
      rows: [{ key: 'a%2Fb/order/1' }, { key: 'a/order/1' }],
      next: 'a/order/1',
    })
    const second = await get(`/v1/projections/resources/tables/resources/rows?limit=2&after=${encodeURIComponent('a/order/1')}`)
    expect(second.body).toMatchObject({ rows: [{ key: 'a/order/2' }], next: null })
    const prefixed = await get('/v1/projections/resources/tables/resources/rows?prefix=a%2F')
    expect((prefixed.body.rows as { key: string }[]).map(({ key }) => key)).toEqual(['a/order/1', 'a/order/2'])
    const one = await get(`/v1/projections/resources/tables/resources/rows/${encodeURIComponent('a%2Fb/order/1')}`)
    expect(one.body).toMatchObject({ key: 'a%2Fb/order/1', row: { scope: 'a/b', data: { cents: 5 } } })
  })

  it('waits for a position that a decision named, no longer than it is told', async () => {
    const waiting = get('/v1/projections/resources/tables/resources/rows?atLeast=0:4&waitMs=5000')
    await write([committed({ scope: 'later', changes: [{ resource: 'order/9', state: 'open' }] })])
    expect((await waiting).body).toMatchObject({ offsets: [4] })
    for (const place of ['rows', `rows/${encodeURIComponent('a/order/1')}`]) {
      const path = `/v1/projections/resources/tables/resources/${place}?waitMs=60000&atLeast=`
      for (const none of ['7:1', '1:0', '0', 'x', '0:-1', '0:1,0:2', '', '0:9007199254740993'])
        expect(await get(`${path}${none}`), none).toMatchObject({ status: 400, body: { code: 'QUERY_INVALID' } })
      for (const beyond of ['0:5', '0:999', '0:999999999999999'])
        expect(await get(`${path}${beyond}`)).toMatchObject({ status: 410, body: { code: 'NOT_IN_THIS_LOG', path: 'atLeast' } })
    }
  })

  it('shows what is parked, tells the dead letters of it, and folds it after a cure', async () => {
    const { body } = await get('/v1/projections/fragile/parked?key=a')
    expect(body.parked).toMatchObject([
      { key: 'a', event: '0/1/0', type: 'IntentCommitted', cause: 'Error: the note is poison', behind: null },
      { key: 'a', event: '0/2/0', cause: 'held back behind 0/1/0', behind: '0/1/0' },
    ])
    const cursor = await log.cursor({ topic: 'dead-letters.projector', partition: 0, fromOffset: 0 })
    const letters = [...(await cursor.next({ maxRecords: 1, maxBytes: 1_000_000, waitMs: 5_000 }))]
    letters.push(...(await cursor.next({ maxRecords: 1, maxBytes: 1_000_000, waitMs: 5_000 })))
    await cursor.close()
    expect(letters.map(({ headers }) => headers)).toMatchObject([
      { sb_code: 'PROJECTION_FAILED', sb_projection: 'fragile', sb_event: '0/1/0', sb_cause: 'Error: the note is poison' },
      { sb_code: 'HELD_BACK', sb_event: '0/2/0' },
    ])
    const letter = JSON.parse(Buffer.from(letters[0]!.value!).toString()) as ParkedLetter
    expect(letter).toMatchObject({
      projection: 'fragile',
      version: 1,
      key: 'a',
      logOffset: 1,
      event: { type: 'IntentCommitted', scope: 'a' },
    })
    cure.isOn = true
    const asked = await post('/v1/projections/fragile/retry', { key: 'a' })
    expect(asked).toMatchObject({ status: 202, body: { kind: 'retry', state: 'asked', argument: 'a' } })
    expect(await settled(asked.body.id)).toMatchObject({ state: 'done', message: '2 events folded' })
    expect((await get('/v1/projections/fragile/tables/seen/rows/a')).body).toMatchObject({ row: { count: 2 } })
  })

  it('rebuilds when it is asked', async () => {
    const asked = await post('/v1/projections/agents/rebuild')
    expect(await settled(asked.body.id)).toMatchObject({ state: 'done', message: 'generation 2 is live' })
    expect((await get('/v1/projections/agents')).body).toMatchObject({ live: 2 })
  })

  it.each<[string, string, number, string]>([
    ['a projection that is not there', '/v1/projections/nobody', 404, 'NOT_FOUND'],
    ['a table that is not there', '/v1/projections/agents/tables/nothing/rows', 404, 'NOT_FOUND'],
    ['a row that is not there', '/v1/projections/agents/tables/agents/rows/nobody', 404, 'NOT_FOUND'],
    ['a page without bounds', '/v1/projections/agents/tables/agents/rows?limit=1001', 400, 'QUERY_INVALID'],
    ['a word that it does not know', '/v1/projections/agents/tables/agents/rows?offset=3', 400, 'QUERY_INVALID'],
    ['a path that is not there', '/v2/projections', 404, 'NOT_FOUND'],
    ['a request that nobody made', '/v1/projection-requests/99', 404, 'NOT_FOUND'],
  ])('refuses %s', async (_what, path, status, code) => {
    expect(await get(path)).toMatchObject({ status, body: { code } })
  })

  it('refuses a body that it cannot read', async () => {
    expect(await post('/v1/projections/fragile/retry', { keys: 'a' })).toMatchObject({ status: 400, body: { code: 'BODY_MALFORMED' } })
  })

  it('listens where others reach it only when it is told that something else guards it', async () => {
    const other = createProjectorServer(projector, new Registry(), logger)
    await expect(other.listen({ host: '0.0.0.0', port: 0 })).rejects.toThrow('set SIGNALBOX_TRUST_NETWORK=true')
    expect(await other.listen({ host: '0.0.0.0', port: 0, trustNetwork: true })).toContain('http://')
    await other.close()
  })

  it('refuses two projections of one name', () => {
    const wiring = { log, feed, store: new MemoryStore(), logger, registry: new Registry() }
    expect(() => startProjector({ ...wiring, projections: [fragile, fragile] })).toThrow('there are two projections named fragile')
  })
})
