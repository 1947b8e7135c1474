/** What strangers, broken programs and slow networks send: answered with a refusal that says why, and the server goes on. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Decision, Problem, Status } from '@signalbox/contract'
import { createHttpServer, type HttpServer } from '@signalbox/http'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { intent, openShop, type Shop } from '../support/shop.ts'
import { type HttpServers, openHttpServers, serverNames } from './http-servers.ts'
import { raw, sendRaw } from './raw-http.ts'

let servers: HttpServers

beforeAll(async () => {
  servers = await openHttpServers()
})

afterAll(async () => await servers.close())

const host = 'Host: localhost'

describe.each(serverNames)('the %s', (name) => {
  const ask = async (line: string, headers: readonly string[] = [host], body = '') =>
    await sendRaw(servers.urls[name], raw(`${line} HTTP/1.1`, headers, body))
  const goesOn = async () => expect((await ask(`GET ${servers.reads[name]}`))?.status).toBe(200)

  it.each(['QUERY', 'PROPFIND', 'PURGE', 'LOCK', 'M-SEARCH', 'TRACE', 'PUT', 'PATCH', 'DELETE', 'REPORT', 'LINK', 'SUBSCRIBE'])(
    'says of %s that an address does not take it, and what it takes; and that there is no other address',
    async (method) => {
      for (const [headers, body] of [
        [[host], ''],
        [[host, 'Content-Type: application/json', 'Content-Length: 2'], '{}'],
        [[host, 'Content-Type: text/plain', 'Content-Length: 2'], 'no'],
      ] as const) {
        const known = await ask(`${method} ${servers.reads[name]}?x=1`, headers, body)
        expect(known?.status).toBe(405)
        expect(known?.head).toMatch(/^allow: .*GET.*HEAD|^allow: .*HEAD.*GET/im)
        expect(JSON.parse(known!.body)).toMatchObject({ code: 'METHOD_NOT_ALLOWED' })
        expect((await ask(`${method} /nothing/here`, headers, body))?.status).toBe(404)
      }
      await goesOn()
    },
  )

  it('answers OPTIONS with what an address takes, and says nothing to pages of others', async () => {
    const answer = await ask(`OPTIONS ${servers.reads[name]}`)
    expect(answer).toMatchObject({ status: 204 })
    expect(answer?.head).toMatch(/^allow: .*GET/im)
    expect(answer?.head).not.toMatch(/access-control/i)
    expect((await ask('OPTIONS *'))?.status).toBe(204)
    expect((await ask('OPTIONS /nothing'))?.status).toBe(404)
  })

  it('answers HEAD wherever it answers GET, without a body', async () => {
    for (const path of [servers.reads[name], '/livez', '/readyz', '/metrics'])
      expect(await ask(`HEAD ${path}`), path).toMatchObject({ status: (await ask(`GET ${path}`))!.status, body: '' })
  })

  it.each<[string, string | Uint8Array, number | null]>([
    ['a method that there is not', raw('FROBNICATE / HTTP/1.1', [host]), 400],
    ['a method in lower case', raw('get / HTTP/1.1', [host]), 400],
    ['another protocol', 'EHLO localhost\r\n\r\n', 400],
    ['bytes', Uint8Array.of(0, 1, 2, 0xff, 0xfe, 10, 13, 10), 400],
    ['a TLS hello', Uint8Array.from([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, ...Array.from({ length: 64 }, () => 7)]), 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['an unknown version', raw('GET / HTTP/9.9', [host]), 400],
    ['a NUL in the address', raw('GET /\u0000 HTTP/1.1', [host]), 400],
    ['a header without a name', raw('GET / HTTP/1.1', [host, ': x']), 400],
    ['a header with a control character', raw('GET / HTTP/1.1', [host, 'x: a\u0001b']), 400],
    ['headers that are too long', raw('GET / HTTP/1.1', [host, `x: ${'a'.repeat(20_000)}`]), 431],
    ['too many headers', raw('GET / HTTP/1.1', [host, ...Array.from({ length: 3_000 }, (_, index) => `x-${index}: 1`)]), 431],
    ['an address that is too long', raw(`GET /${'a'.repeat(20_000)} HTTP/1.1`, [host]), 431],
    ['a query that is too long', raw(`GET /livez?${'a=1&'.repeat(5_000)} HTTP/1.1`, [host]), 431],
    ['a length that is no number', raw('POST / HTTP/1.1', [host, 'Content-Length: many']), 400],
    ['a negative length', raw('POST / HTTP/1.1', [host, 'Content-Length: -1']), 400],
    ['two lengths', raw('POST / HTTP/1.1', [host, 'Content-Length: 1', 'Content-Length: 2'], 'ab'), 400],
    ['a length and chunks', raw('POST / HTTP/1.1', [host, 'Content-Length: 1', 'Transfer-Encoding: chunked'], 'a'), 400],
    ['an unknown transfer encoding', raw('POST / HTTP/1.1', [host, 'Transfer-Encoding: zip'], 'a'), 400],
    ['a malformed escape', raw('GET /v1/%zz HTTP/1.1', [host]), 400],
    ['half an escape', raw('GET /v1/% HTTP/1.1', [host]), 400],
    ['an escape that is no UTF-8', raw('GET /v1/%ff%fe HTTP/1.1', [host]), 400],
    ['a target without a slash', raw('GET nothing HTTP/1.1', [host]), 400],
    ['a proxy tunnel', raw('CONNECT localhost:80 HTTP/1.1', [host]), null],
  ])('refuses %s', async (_what, bytes, status) => {
    const answer = await sendRaw(servers.urls[name], bytes)
    if (status === null) expect(answer).toBeNull()
    else {
      expect([status, 404]).toContain(answer?.status)
      if (answer!.status === status) expect((JSON.parse(answer!.body) as Problem).message.length).toBeGreaterThan(10)
    }
    await goesOn()
  })
})

describe('an intent whose body is broken', () => {
  const post = async (headers: readonly string[], body: string) =>
    await sendRaw(servers.urls.gateway, raw('POST /v1/intents HTTP/1.1', [host, 'Content-Type: application/json', ...headers], body))

  it.each([
    ['a chunk size that is none', ['Transfer-Encoding: chunked'], 'zz\r\n{}\r\n0\r\n\r\n'],
    ['a chunk that is longer than it says', ['Transfer-Encoding: chunked'], '1\r\n{}\r\n0\r\n\r\n'],
    ['no body', ['Content-Length: 0'], ''],
    ['an empty chunked body', ['Transfer-Encoding: chunked'], '0\r\n\r\n'],
  ])('%s', async (_what, headers, body) => {
    expect((await post(headers, body))?.status).toBe(400)
  })

  it('is too large in chunks as it is with a length', async () => {
    const size = 300 * 1024
    const chunk = `${size.toString(16)}\r\n${' '.repeat(size)}\r\n0\r\n\r\n`
    expect((await post(['Transfer-Encoding: chunked'], chunk))?.status).toBe(413)
    expect((await post([`Content-Length: ${size}`], ' '.repeat(size)))?.status).toBe(413)
    expect((await post(['Content-Length: 99999999999999999'], ''))?.status).toBe(413)
  })
})

describe('a stream', () => {
  it('asked for its head alone answers and ends', async () => {
    for (const path of ['/v1/events', '/v1/events?from=start', '/v1/watch?scope=a&read=order/a@0']) {
      const answer = await sendRaw(servers.urls.gateway, raw(`HEAD ${path} HTTP/1.1`, [host]), 3_000)
      expect(answer).toMatchObject({ status: 200, body: '' })
      expect(answer?.head).toContain('text/event-stream')
    }
    expect((await sendRaw(servers.urls.gateway, raw('HEAD /v1/events?from=x HTTP/1.1', [host]), 3_000))?.status).toBe(400)
  })

  it('beyond what the process serves is told to come again, and gets its place when another goes', async () => {
    const shop = await openShop({}, { maxStreams: 2 })
    try {
      const open = async () => {
        const stop = new AbortController()
        const answer = await fetch(`${shop.url}/v1/events`, { signal: stop.signal })
        return { answer, stop }
      }
      const [first] = [await open(), await open()]
      for (const path of ['/v1/events', '/v1/watch?scope=a&read=order/a@0']) {
        const refused = await fetch(`${shop.url}${path}`)
        expect(refused.status).toBe(503)
        expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
        expect(await refused.json()).toMatchObject({ code: 'TOO_MANY_READERS' })
      }
      expect((await fetch(`${shop.url}/v1/events`, { method: 'HEAD' })).status).toBe(200)
      expect(await (await fetch(`${shop.url}/metrics`)).text()).toContain('signalbox_gateway_streams 2')
      first!.stop.abort()
      await vi.waitUntil(async () => (await open()).answer.status === 200, { timeout: 10_000, interval: 50 })
    } finally {
      await shop.close()
    }
  })

  it('of 200 readers at once from the start brings everything to each, in order, and decisions go on falling', async () => {
    const shop = await openShop()
    const stops: AbortController[] = []
    try {
      await Promise.all(Array.from({ length: 300 }, async (_, index) => await submit(shop, `s${index}`)))
      const { partitions } = (await (await fetch(`${shop.url}/v1/status`)).json()) as Status
      const total = partitions[0]!.eventsEnd
      const readers = Promise.all(
        Array.from({ length: 200 }, async () => {
          const stop = new AbortController()
          stops.push(stop)
          return await offsetsOf(`${shop.url}/v1/events?from=start`, total + 20, stop.signal)
        }),
      )
      for (let index = 0; index < 20; index++) expect((await submit(shop, `later-${index}`)).committed).toBe(true)
      for (const offsets of await readers) expect(offsets).toEqual(Array.from({ length: total + 20 }, (_, offset) => offset))
    } finally {
      for (const stop of stops) stop.abort()
      await shop.close()
    }
  }, 60_000)
})

async function submit(shop: Shop, id: string): Promise<Decision> {
  const body = JSON.stringify(intent([{ resource: `order/${id}`, action: 'open', input: { cents: 1 } }]))
  const answer = await fetch(`${shop.url}/v1/intents`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  return (await answer.json()) as Decision
}

/** The log offsets of the first `count` events that a stream brings. */
async function offsetsOf(url: string, count: number, signal: AbortSignal): Promise<readonly number[]> {
  const answer = await fetch(url, { signal })
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of answer.body!) {
    text += decoder.decode(bytes, { stream: true })
    if (text.split('"logOffset":').length > count) break
  }
  return [...text.matchAll(/^data: \{"event":"[^"]*","logOffset":(\d+)/gm)].map(([, offset]) => Number(offset)).slice(0, count)
}

describe('who has gone', () => {
  it('waits no longer, and holds nothing', async () => {
    const shop = await openShop()
    const waiting = async () => Number(/signalbox_gateway_waiting (\d+)/.exec(await (await fetch(`${shop.url}/metrics`)).text())![1])
    try {
      await submit(shop, 'w')
      const paid = intent([{ resource: 'order/w', action: 'pay', expectedVersion: 1 }], { agent: 'cashier' })
      const send = async (value: object, path = '/v1/intents?waitMs=60000', signal?: AbortSignal) =>
        await fetch(`${shop.url}${path}`, {
          method: 'POST',
          body: JSON.stringify(value),
          headers: { 'content-type': 'application/json' },
          ...(signal === undefined ? {} : { signal }),
        })
      expect((await send(paid)).status).toBe(200)
      const pending = intent([{ resource: 'order/w', action: 'pay', expectedVersion: 2 }], { agent: 'cashier', onConflict: 'wait' })
      const stop = new AbortController()
      const gone = [
        send(pending, undefined, stop.signal),
        ...Array.from(
          { length: 5 },
          async () => await fetch(`${shop.url}/v1/intents/${pending.intentId}?waitMs=60000`, { signal: stop.signal }),
        ),
      ].map(async (each) => await each.catch(() => {}))
      await vi.waitUntil(async () => (await waiting()) > 0, { timeout: 10_000, interval: 20 })
      // One stays, with the same wait as those who go.
      const stays = fetch(`${shop.url}/v1/intents/${pending.intentId}?waitMs=2000`)
      await new Promise((resolve) => setTimeout(resolve, 200))
      stop.abort()
      await Promise.all(gone)
      expect(await (await stays).json()).toMatchObject({ pending: { reason: 'waiting' } })
      await vi.waitUntil(async () => (await waiting()) === 0, { timeout: 5_000, interval: 20 })
    } finally {
      await shop.close()
    }
  }, 30_000)
})

describe('connections', () => {
  let server: HttpServer
  let port: number

  beforeAll(async () => {
    const words = { who: 'the test', body: 'the body', whatThereIs: 'there is /echo', own: () => null }
    const bounds = { headersTimeoutMs: 300, requestTimeoutMs: 600, checkEveryMs: 50, keepAliveTimeoutMs: 300, connections: 8 }
    server = createHttpServer({
      logger: pino({ level: 'silent' }),
      words,
      bodyBytes: 1_000,
      openness: { who: 'the test', why: 'it is one', risk: 'may look' },
      bounds,
    })
    server.app.post('/echo', async ({ body }) => body)
    server.app.get('/slow', async () => {
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      return { slow: true }
    })
    port = Number(new URL(await server.listen({ host: '127.0.0.1', port: 0 })).port)
  })

  afterAll(async () => await server.close())

  async function dripping(first: string, drip: string): Promise<string> {
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.on('data', (bytes: Buffer) => {
      received += bytes.toString('latin1')
    })
    socket.on('error', () => {})
    socket.write(first)
    const timer = setInterval(() => drip !== '' && socket.writable && socket.write(drip), 100)
    await once(socket, 'close', { signal: AbortSignal.timeout(5_000) })
    clearInterval(timer)
    return received
  }

  it.each([
    ['that say nothing', '', ''],
    ['whose first line comes slowly', 'G', 'E'],
    ['whose headers come slowly', 'POST /echo HTTP/1.1\r\nHost: localhost\r\n', 'x-a: b\r\n'],
    [
      'whose body comes slowly',
      'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n',
      ' ',
    ],
    [
      'whose chunks come slowly',
      'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
      '1\r\n \r\n',
    ],
    [
      'whose body never comes',
      'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n',
      '',
    ],
  ])('%s are ended, and told why', async (_what, first, drip) => {
    const answer = await dripping(first, drip)
    expect(answer).toMatch(/^HTTP\/1\.1 (408|400)/)
    expect(answer).toContain('REQUEST_MALFORMED')
  })

  it('that idle after an answer are ended', async () => {
    const text = await dripping('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n', '')
    expect(text).toMatch(/^HTTP\/1\.1 404/)
  })

  it('may wait for an answer longer than a request may take', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/slow`)
    expect(await answer.json()).toEqual({ slow: true })
  })

  it('beyond the bound are closed, and others are taken when they have gone', async () => {
    const sockets: Socket[] = []
    for (let index = 0; index < 20; index++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      sockets.push(socket)
      await once(socket, 'connect')
    }
    for (const socket of sockets) socket.destroy()
    await vi.waitUntil(async () => (await fetch(`http://127.0.0.1:${port}/slow`).catch(() => null))?.status === 200, {
      timeout: 10_000,
      interval: 100,
    })
  })
})

it('a port that is taken is a sentence', async () => {
  const port = Number(new URL(servers.urls.operations).port)
  await expect(openHttpServers({ port })).rejects.toThrow(/another process listens on 127\.0\.0\.1:\d+/)
})
