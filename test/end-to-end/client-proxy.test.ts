/** The SDK and the command behind proxies: paths, credentials, headers, what passes and is repeated, and the proxy of the environment. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect as connectSocket } from 'node:net'
import { ClientError, connect, HttpCoordinator, newIntentId } from '@signalbox/client'
import { type Intent, type Invalidation, intentFromJson, type Status } from '@signalbox/contract'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { intent, openShop, type Shop } from '../support/shop.ts'
import { runCommandLine } from './run-command.ts'

let shop: Shop
/** What the proxy does with the next requests, one after another; then it hands them on. */
const script: ((request: IncomingMessage, response: ServerResponse) => void)[] = []
const seen: IncomingMessage[] = []
let reverse: Server
let forward: Server
const tunnels: string[] = []

const portOf = (server: Server) => (server.address() as AddressInfo).port
const listen = async (server: Server, host = '127.0.0.1') => await new Promise<void>((resolve) => server.listen(0, host, resolve))

function handOn(from: IncomingMessage, to: ServerResponse, path: string): void {
  const { authorization: _authorization, host: _host, ...headers } = from.headers
  const { hostname, port } = new URL(shop.url)
  const onward = request({ hostname, port, path, method: from.method, headers }, (answer) => {
    to.writeHead(answer.statusCode!, answer.headers)
    answer.pipe(to)
  })
  onward.on('error', () => to.destroy())
  to.on('close', () => onward.destroy())
  from.pipe(onward)
}

beforeAll(async () => {
  shop = await openShop()
  reverse = createServer((from, to) => {
    seen.push(from)
    const next = script.shift()
    if (next !== undefined) {
      from.resume()
      next(from, to)
    } else if (!from.url!.startsWith('/team/signalbox/v1/')) to.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not Found</h1>')
    else handOn(from, to, from.url!.slice('/team/signalbox'.length))
  })
  await listen(reverse)
  forward = createServer((from, to) => {
    tunnels.push(from.url!)
    handOn(from, to, new URL(from.url!).pathname + new URL(from.url!).search)
  })
  forward.on('connect', (from, socket) => {
    tunnels.push(from.url!)
    const { hostname, port } = new URL(shop.url)
    const onward = connectSocket(Number(port), hostname, () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
  })
  await listen(forward)
})

afterEach(() => {
  script.length = 0
  seen.length = 0
  tunnels.length = 0
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy']) delete process.env[name]
})

afterAll(async () => {
  for (const server of [reverse, forward]) {
    server.closeAllConnections()
    server.close()
  }
  await shop.close()
})

const behind = () => `http://127.0.0.1:${portOf(reverse)}/team/signalbox`
let orders = 0
const opening = (): Intent => intentFromJson(intent([{ resource: `order/p${orders++}`, action: 'open', input: { cents: 1 } }]))

async function using<Result>(url: string, use: (gateway: HttpCoordinator) => Promise<Result>, options = {}): Promise<Result> {
  const gateway = new HttpCoordinator(url, options)
  try {
    return await use(gateway)
  } finally {
    await gateway.close()
  }
}

const submit = async (url: string, options = {}, waitMs = 5_000) =>
  await using(url, async (gateway) => await gateway.submit(opening(), { waitMs }), options)
const answer =
  (status: number, headers = {}, text = '<h1>Bad Gateway</h1>') =>
  (_: IncomingMessage, to: ServerResponse) =>
    void to.writeHead(status, { 'content-type': 'text/html', ...headers }).end(text)

describe('an address', () => {
  it.each(['', '/', '//'])('keeps its path (with %j at its end)', async (end) => {
    expect(await submit(`${behind()}${end}`)).toMatchObject({ committed: true })
    expect(seen.map(({ url }) => url!.split('?')[0])).toEqual(['/team/signalbox/v1/intents'])
  })

  it.each([
    ['ann:secret', 'ann:secret'],
    ['ann%40example.com:s%2Fe%3Ac', 'ann@example.com:s/e:c'],
    ['j%C3%B6rg:p%C3%A4ss', 'jörg:päss'],
    ['token:', 'token:'],
    [':only', ':only'],
  ])('keeps its user and password: %s', async (written, meant) => {
    await submit(behind().replace('//', `//${written}@`))
    expect(seen[0]!.headers.authorization).toBe(`Basic ${Buffer.from(meant).toString('base64')}`)
  })

  it('may be one of IPv6', async () => {
    const six = createServer((from, to) => handOn(from, to, from.url!))
    await listen(six, '::1')
    try {
      expect(await submit(`http://[::1]:${portOf(six)}`)).toMatchObject({ committed: true })
    } finally {
      six.closeAllConnections()
      six.close()
    }
  })

  it.each(['nothing', 'ftp://example.com', 'http://', 'http://host?x=1', 'http://host#x', 'file:///tmp', 'http://ann:hunter2@host:port'])(
    'that is none is a sentence, without a password: %s',
    (url) => {
      expect(() => new HttpCoordinator(url)).toThrow(/is no address of a gateway; give one like/)
      expect(() => new HttpCoordinator(url)).not.toThrow(/hunter2/)
    },
  )

  it('is watched through as well', async () => {
    const resource = `order/w${orders++}`
    const agent = connect({ url: behind().replace('//', '//ann:x@'), agent: 'clerk', headers: { 'X-Tenant': 'seven' } })
    const stop = new AbortController()
    try {
      const moves: Invalidation[] = []
      const watching = (async () => {
        for await (const moved of new HttpCoordinator(behind(), { headers: { 'X-Tenant': 'seven' } }).watch(
          'shop-1',
          [{ resource, version: 0 }],
          { signal: stop.signal },
        )) {
          moves.push(moved)
          break
        }
      })()
      await agent.propose({ scope: 'shop-1', resources: [] }, [{ resource, action: 'open', input: { cents: 1 } }])
      await watching
      expect(moves).toMatchObject([{ resource, version: 1 }])
      expect(seen.every(({ headers }) => headers['x-tenant'] === 'seven')).toBe(true)
      expect(seen.map(({ url }) => url!.split('?')[0])).toContain('/team/signalbox/v1/watch')
    } finally {
      stop.abort()
      await agent.close()
    }
  })
})

describe('headers', () => {
  it('are sent with every request, and a function is asked each time', async () => {
    let asked = 0
    for (const headers of [
      { Authorization: 'Bearer 1' },
      () => ({ authorization: 'Bearer 1' }),
      async () => ({ authorization: `Bearer ${++asked}` }),
    ])
      await submit(behind(), { headers })
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer 1', 'Bearer 1', 'Bearer 1'])
    await using(
      behind(),
      async (gateway) => {
        await gateway.request('GET', '/v1/status', 0)
        await gateway.request('GET', '/v1/status', 0)
      },
      { headers: () => ({ authorization: `Bearer ${++asked}` }) },
    )
    expect(seen.slice(-2).map(({ headers }) => headers.authorization)).toEqual(['Bearer 2', 'Bearer 3'])
  })

  it('given go before the user of the address', async () => {
    await submit(behind().replace('//', '//ann:x@'), { headers: { AUTHORIZATION: 'Bearer y' } })
    expect(seen[0]!.headers.authorization).toBe('Bearer y')
  })
})

describe('what passes is repeated', () => {
  it.each([429, 502, 503, 504])('%i, with a page of a proxy or an answer of a gateway', async (status) => {
    const own = JSON.stringify({ code: 'NOT_READY', message: 'in a moment' })
    script.push(answer(status), answer(status, { 'content-type': 'application/json' }, own))
    expect(await submit(behind())).toMatchObject({ committed: true, duplicate: false })
    expect(seen).toHaveLength(3)
  })

  it('a connection that is reset, before the answer and within it', async () => {
    script.push(
      (from) => from.socket.destroy(),
      (from) => from.socket.resetAndDestroy(),
      (_, to) => {
        to.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' })
        to.write('{"intent')
        setTimeout(() => to.destroy(), 20)
      },
    )
    expect(await submit(behind())).toMatchObject({ committed: true })
    expect(seen).toHaveLength(4)
  })

  it('asking the gateway to wait no longer than what is left', async () => {
    script.push(answer(503, { 'retry-after': '1' }))
    const startedMs = performance.now()
    await submit(behind())
    expect(performance.now() - startedMs).toBeGreaterThan(990)
    const waits = seen.map(({ url }) => Number(new URL(url!, 'http://x').searchParams.get('waitMs')))
    expect(waits[0]).toBe(5_000)
    expect(waits[1]).toBeLessThanOrEqual(4_010)
  })

  it('no longer than somebody waits for it, and the last word is told', async () => {
    for (let index = 0; index < 100; index++) script.push(answer(502))
    const failure = await submit(behind(), {}, 0).catch((error: unknown) => error as ClientError)
    expect(failure).toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('502') })
    expect(seen.length).toBeGreaterThan(2)
    script.length = 0
    const own = JSON.stringify({ code: 'LOG_UNAVAILABLE', message: 'the brokers are away' })
    for (let index = 0; index < 100; index++) script.push(answer(503, { 'content-type': 'application/json' }, own))
    expect(await submit(behind(), {}, 0).catch((error: unknown) => error)).toMatchObject({ code: 'REFUSED', problem: 'LOG_UNAVAILABLE' })
  })

  it('not at all where the answer says to come much later', async () => {
    script.push(answer(503, { 'retry-after': '3600' }), answer(429, { 'retry-after': new Date(Date.now() + 3_600_000).toUTCString() }))
    for (const status of ['503', '429'])
      expect(await submit(behind()).catch((error: unknown) => error)).toMatchObject({ message: expect.stringContaining(status) })
    expect(seen).toHaveLength(2)
  })

  it.each([400, 401, 403, 404, 407, 301, 500, 501])('%i of somebody before the gateway is not', async (status) => {
    script.push(answer(status))
    const failure = await submit(behind()).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ClientError)
    expect(failure).toMatchObject({ code: 'PROTOCOL', message: expect.stringContaining(`${status}`) })
    expect(seen).toHaveLength(1)
  })
})

describe('the proxy of the environment', () => {
  const proxy = () => `http://127.0.0.1:${portOf(forward)}`
  const elsewhere = 'http://gateway.example'

  it.each(['HTTP_PROXY', 'http_proxy'])('is gone through: %s', async (name) => {
    process.env[name] = proxy()
    expect(await submit(`${elsewhere}`)).toMatchObject({ committed: true })
    expect(tunnels).toHaveLength(1)
    expect(tunnels[0]).toContain('gateway.example')
  })

  it('is gone through for https', async () => {
    process.env.HTTPS_PROXY = proxy()
    // The tunnel leads to a server without TLS: that it was asked for is what counts here.
    await submit('https://gateway.example', {}, 0).catch(() => {})
    expect(tunnels[0]).toBe('gateway.example:443')
  })

  it.each(['gateway.example', '.example', '*', 'other, gateway.example:80'])(
    'is not where NO_PROXY says so: %s',
    async (none) => {
      process.env.HTTP_PROXY = proxy()
      process.env.NO_PROXY = none
      expect(await submit(elsewhere, { attempts: 1 }, 0).catch((error: unknown) => error)).toMatchObject({ code: 'UNREACHABLE' })
      expect(tunnels).toEqual([])
    },
    20_000,
  )

  it('is not for what listens on this machine, nor where it is empty', async () => {
    process.env.HTTP_PROXY = 'http://127.0.0.1:9'
    for (const host of ['127.0.0.1', 'localhost'])
      expect(await submit(shop.url.replace('127.0.0.1', host))).toMatchObject({ committed: true })
    process.env.HTTP_PROXY = ''
    process.env.HTTPS_PROXY = ''
    expect(() => new HttpCoordinator(elsewhere)).not.toThrow()
  })

  it('that is none is a sentence', () => {
    process.env.HTTP_PROXY = 'not a proxy'
    expect(() => new HttpCoordinator(elsewhere)).toThrow(/HTTP_PROXY or HTTPS_PROXY is no address of a proxy/)
  })
})

describe('the command', () => {
  const file = JSON.stringify({
    scope: 'shop-1',
    agent: 'clerk',
    actions: [{ resource: `order/${newIntentId()}`, action: 'open', input: { cents: 1 } }],
  })

  it('goes through, with headers of flags or of the environment, and a 502 on the way', async () => {
    script.push(answer(502))
    const submitted = await runCommandLine(['intent', 'submit', '-', '--url', behind(), '--header', 'X-Tenant: seven', '--json'], {
      input: file,
    })
    expect(submitted.code, submitted.stderr).toBe(0)
    expect(seen.map(({ headers }) => headers['x-tenant'])).toEqual(['seven', 'seven'])
    script.push(answer(503))
    const status = await runCommandLine(['status', '--url', behind(), '--json'], {
      variables: { SIGNALBOX_HEADERS: 'X-Tenant: eight\nAuthorization: Bearer z' },
    })
    expect(status.code, status.stderr).toBe(0)
    expect((JSON.parse(status.stdout) as Status).ready).toBe(true)
    expect(seen.at(-1)!.headers).toMatchObject({ 'x-tenant': 'eight', authorization: 'Bearer z' })
  }, 30_000)

  it('tells no secret: neither of an address nor of a header', async () => {
    const secret = 'hunter2'
    const away = `http://ann:${secret}@127.0.0.1:9/x`
    for (const parameters of [
      ['status', '--url', away],
      ['intent', 'tail', '--url', away],
      ['intent', 'show', newIntentId(), '--url', away],
      ['status', '--url', behind(), '--header', secret],
      ['status', '--url', `http://ann:${secret}@host:port`],
    ]) {
      const { code, stderr, stdout } = await runCommandLine(parameters)
      expect([2, 4], stderr).toContain(code)
      expect(stderr + stdout).not.toContain(secret)
      expect(stderr).not.toContain('a bug')
    }
  }, 60_000)
})
