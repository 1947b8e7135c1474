/** Intents over HTTP without an id of their own: one is made, or derived from an Idempotency-Key. */
import { createCodec } from '@signalbox/codec'
import { contractSet, type Decision, defaultLimits, type IntentJson, type Problem } from '@signalbox/contract'
import { type Gateway, startGateway } from '@signalbox/gateway'
import { systemClock } from '@signalbox/log'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { rulesOf, startSequencer } from '@signalbox/sequencer'
import pino from 'pino'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openShop, order, type Shop } from '../support/shop.ts'

const windowMs = defaultLimits.identityHorizonMs + defaultLimits.clockSkewMs + 1

type Body = Omit<IntentJson, 'intentId'> & { intentId?: string }
const open = (id: string, cents = 500, more: Partial<Body> = {}): Body => ({
  scope: 'shop-1',
  agent: 'clerk',
  actions: [{ resource: `order/${id}`, action: 'open', input: { cents } }],
  ...more,
})

async function post<Answer = Decision>(url: string, body: Body, key?: string, path = '/v1/intents'): Promise<Answer & { status: number }> {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) },
  })
  return { status: answer.status, ...((await answer.json()) as Answer) }
}

describe('over HTTP', () => {
  let shop: Shop

  beforeAll(async () => {
    shop = await openShop()
  })

  afterAll(async () => await shop.close())

  it('an intent without an id gets one, another each time', async () => {
    const [first, second] = [await post(shop.url, open('a')), await post(shop.url, open('b'))]
    expect(first).toMatchObject({ status: 200, committed: true, duplicate: false, intentId: expect.stringMatching(/^[0-9a-f-]{36}$/) })
    expect(second.intentId).not.toBe(first.intentId)
    expect(await (await fetch(`${shop.url}/v1/intents/${first.intentId}`)).json()).toMatchObject({ committed: true })
    expect(await post(shop.url, open('c'), undefined, '/v1/intents?waitMs=0')).toMatchObject({ status: 202, intentId: expect.any(String) })
    expect(await post<{ outcome: string }>(shop.url, open('d'), undefined, '/v1/intents/dry-run')).toMatchObject({ outcome: 'committed' })
  })

  it('the same key finds the first decision, and another scope, agent or key is another intent', async () => {
    const first = await post(shop.url, open('k1'), 'key-1')
    expect(first).toMatchObject({ status: 200, committed: true, duplicate: false })
    for (const key of ['key-1', '"key-1"', ' key-1 ']) expect(await post(shop.url, open('k1'), key)).toEqual({ ...first, duplicate: true })
    expect((await post(shop.url, open('k1'), 'key-2')).code).toBe('STATE_CONFLICT')
    expect(await post(shop.url, open('k1', 500, { scope: 'shop-2' }), 'key-1')).toMatchObject({ committed: true, duplicate: false })
    expect((await post(shop.url, open('k1', 500, { agent: 'other' }), 'key-1')).code).toBe('STATE_CONFLICT')
  })

  it('many at once with one key are one', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, async () => await post(shop.url, open('many'), 'many')))
    expect(new Set(all.map(({ event }) => event)).size).toBe(1)
    expect(all.filter(({ duplicate }) => !duplicate)).toHaveLength(1)
  })

  it('the same key with another body is told so', async () => {
    await post(shop.url, open('k3'), 'key-3')
    expect(await post(shop.url, open('k3', 700), 'key-3')).toMatchObject({ status: 200, committed: false, code: 'INTENT_ID_REUSED' })
  })

  it('a key beside an id is refused, unless it is the id', async () => {
    const id = (await post(shop.url, open('k4'))).intentId!
    expect(await post<Problem>(shop.url, { ...open('k4'), intentId: id }, 'key-4')).toMatchObject({
      status: 400,
      code: 'REQUEST_MALFORMED',
      path: 'idempotency-key',
    })
    expect(await post(shop.url, { ...open('k4'), intentId: id }, id)).toMatchObject({ status: 200, duplicate: true })
    expect(await post(shop.url, { ...open('k4'), intentId: id }, `"${id}"`)).toMatchObject({ status: 200, duplicate: true })
  })

  it.each(['""', '"unfinished', 'unfinished"', '"a"b"', 'x'.repeat(256), `"${'x'.repeat(256)}"`, 'caf\u00e9', 'a\tb'])(
    'a key that is none is refused: %s',
    async (key) => {
      expect(await post<Problem>(shop.url, open('k5'), key)).toMatchObject({ status: 400, code: 'REQUEST_MALFORMED' })
    },
  )

  it.each(['x'.repeat(255), '"quoted \\"inside\\" and \\\\"', '8e03978e-40d5-43dd-bc93-6894a57f9324', 'a, b; c=d', '?1'])(
    'a key is taken: %s',
    async (key) => {
      const id = `taken-${key.length}`
      const first = await post(shop.url, open(id), key)
      expect(first).toMatchObject({ status: 200, committed: true })
      expect(await post(shop.url, open(id), key)).toMatchObject({ event: first.event, duplicate: true })
    },
  )

  it('an id that is none is refused as before, and no id is none', async () => {
    expect(await post<Problem>(shop.url, { ...open('k6'), intentId: null as never })).toMatchObject({ status: 400, code: 'BODY_MALFORMED' })
    expect(await post(shop.url, { ...open('k6'), intentId: 'x' })).toMatchObject({ code: 'INTENT_ID_INVALID' })
  })
})

describe('as time goes on', () => {
  /** A log whose time is set by hand, with a sequencer, and gateways whose clocks may differ from it. */
  async function openWorld(startMs: number) {
    const time = { ms: startMs }
    const clockOf = (skewMs: number) => ({ nowMs: () => time.ms + skewMs, sleep: systemClock.sleep.bind(systemClock) })
    const store = new MemoryLogStore({ partitionCount: 1 })
    const codec = createCodec({ limits: defaultLimits })
    const logger = pino({ level: 'silent' })
    const contracts = contractSet([order])
    const log = createMemoryLog({ store, clock: clockOf(0) })
    const sequencer = await startSequencer({ log, codec, contracts, logger, software: 'test', clock: clockOf(0) })
    const gateways: Gateway[] = []
    const rules = rulesOf({ contracts, log })
    return {
      time,
      /** `skewMs`: how far its clock is ahead of the log's. */
      async gateway(skewMs = 0) {
        const own = createMemoryLog({ store, process: `gateway-${gateways.length}`, clock: clockOf(0) })
        const gateway = await startGateway({
          log: own,
          codec,
          rules,
          logger,
          registry: new Registry(),
          software: 'test',
          clock: clockOf(skewMs),
        })
        gateways.push(gateway)
        return await gateway.server.listen({ host: '127.0.0.1', port: 0 })
      },
      async close() {
        for (const gateway of gateways) await gateway.close()
        await sequencer.stop()
        await log.close()
      },
    }
  }

  const boundary = (Math.floor(Date.UTC(2030, 0, 1) / windowMs) + 1) * windowMs
  const minute = 60_000
  const hour = 60 * minute

  it.each([
    ['seconds before the end of a window and seconds after it', -2_000, 4_000],
    ['one millisecond around it', -1, 1],
    ['a day', -1, 24 * hour],
    ['in the middle of a window', 5 * hour, 10 * hour],
    ['from its first moment to the last of the next', 0, 2 * windowMs - 1],
  ])('a repetition finds the first decision: %s', async (_what, from, later) => {
    const world = await openWorld(boundary + from)
    try {
      const urls = [await world.gateway(), await world.gateway()]
      const first = await post(urls[0]!, open('one'), 'key')
      expect(first).toMatchObject({ committed: true, duplicate: false })
      world.time.ms += later
      for (const url of [...urls, await world.gateway()])
        expect(await post(url, open('one'), 'key')).toMatchObject({ event: first.event, intentId: first.intentId, duplicate: true })
      const changed = await post<Problem & Decision>(urls[0]!, open('one', 900), 'key')
      expect(['IDEMPOTENCY_KEY_REUSED', 'INTENT_ID_REUSED']).toContain(changed.code)
    } finally {
      await world.close()
    }
  })

  it.each([0, -4 * minute, 4 * minute])(
    'gateways whose clocks differ by %i ms agree, at every moment around the end of a window',
    async (skewMs) => {
      const world = await openWorld(boundary - 12 * minute)
      try {
        const urls = [await world.gateway(), await world.gateway(skewMs), await world.gateway(-skewMs)]
        for (let step = 0; step < 24; step++) {
          const all = await Promise.all(
            urls.flatMap((url) => [post(url, open(`step-${step}`), `key-${step}`), post(url, open('once'), 'once')]),
          )
          for (const which of [0, 1]) {
            const same = all.filter((_, index) => index % 2 === which)
            expect(new Set(same.map(({ event }) => event)).size, JSON.stringify(same.map(({ code, event }) => [code, event]))).toBe(1)
            expect(same.every(({ committed }) => committed)).toBe(true)
          }
          world.time.ms += minute
        }
      } finally {
        await world.close()
      }
    },
  )

  it('after two windows a key is free again', async () => {
    const world = await openWorld(boundary)
    try {
      const url = await world.gateway()
      const first = await post(url, open('two'), 'key')
      world.time.ms += 2 * windowMs + 6 * minute
      const again = await post(url, open('two'), 'key')
      expect(again.intentId).not.toBe(first.intentId)
      expect(again).toMatchObject({ committed: false, code: 'STATE_CONFLICT' })
    } finally {
      await world.close()
    }
  })

  it('what was pending at the end of a window is found', async () => {
    const world = await openWorld(boundary - minute)
    try {
      const url = await world.gateway()
      await post(url, open('w'))
      const pay: Body = { scope: 'shop-1', agent: 'cashier', actions: [{ resource: 'order/w', action: 'pay', expectedVersion: 1 }] }
      expect(await post(url, pay)).toMatchObject({ committed: true })
      const waits: Body = {
        ...pay,
        actions: [{ resource: 'order/w', action: 'pay', expectedVersion: 2 }],
        onConflict: 'wait',
        deadline: boundary + hour,
      }
      const first = await post(url, waits, 'key', '/v1/intents?waitMs=100')
      expect(first).toMatchObject({ pending: { reason: 'waiting' } })
      // Its wait may have ended meanwhile; a second intent there is not.
      world.time.ms = boundary + minute
      expect(await post(url, waits, 'key', '/v1/intents?waitMs=100')).toMatchObject({ intentId: first.intentId, duplicate: true })
    } finally {
      await world.close()
    }
  })
})
