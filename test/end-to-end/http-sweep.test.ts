/** Every parameter of every address, with values at its bounds, beyond them, and that are none; and bodies in every wrapping. */
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { defaultLimits, type Problem } from '@signalbox/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { intent } from '../support/shop.ts'
import { type HttpServers, openHttpServers, type ServerName } from './http-servers.ts'

let servers: HttpServers

beforeAll(async () => {
  servers = await openHttpServers()
  await post(JSON.stringify(intent([{ resource: 'order/a', action: 'open', input: { cents: 1 } }])))
})

afterAll(async () => await servers.close())

const nasty = [
  '',
  ' ',
  '0',
  '-0',
  '-1',
  '+1',
  '1.0',
  '1.5',
  '1e3',
  '0x10',
  ' 5',
  '5 ',
  '٥',
  'NaN',
  'Infinity',
  'null',
  'undefined',
  'true',
  '[]',
  '{}',
  '__proto__',
  'constructor',
  '\u0000',
  '\u0007',
  '\u202e',
  '\ud83d\ude00',
  'a/b',
  '../../etc/passwd',
  "' OR 1=1 --",
  '%',
  '%00',
  'x'.repeat(3_000),
  '999999999999999',
  '1000000000000000',
  '9007199254740993',
  '2147483648',
  '1'.repeat(400),
  '\u00e9',
  'order/a@1',
  'order/a@999999999999999999',
  '0:0',
]

interface Place {
  readonly on: ServerName
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly parameters: readonly string[]
}

const rows = '/v1/projections/resources/tables/resources/rows'
const places: readonly Place[] = [
  { on: 'gateway', path: '/v1/intents', parameters: ['scope', 'agent', 'resource', 'code', 'outcome', 'limit', 'more'] },
  { on: 'gateway', path: '/v1/intents/PARAMETER', parameters: ['waitMs'] },
  { on: 'gateway', path: '/v1/intents/PARAMETER/explanation', parameters: ['more'] },
  {
    on: 'gateway',
    path: '/v1/observe',
    query: { scope: 'shop-1', resource: 'order/a', waitMs: '0' },
    parameters: ['scope', 'resource', 'atLeast', 'waitMs', 'more'],
  },
  { on: 'gateway', path: '/v1/resources', parameters: ['scope', 'type', 'state', 'limit', 'more'] },
  { on: 'gateway', path: '/v1/status', parameters: ['more'] },
  {
    on: 'gateway',
    path: '/v1/events',
    query: { from: 'nothing' },
    parameters: ['from', 'scope', 'agent', 'resource', 'code', 'outcome', 'more'],
  },
  { on: 'gateway', path: '/v1/watch', query: { scope: 'shop-1', read: 'nothing' }, parameters: ['scope', 'read', 'more'] },
  { on: 'projector', path: '/v1/projections', parameters: ['more'] },
  { on: 'operations', path: '/livez', parameters: ['more'] },
  { on: 'operations', path: '/metrics', parameters: ['more'] },
  { on: 'projector', path: '/v1/projections/PARAMETER', parameters: ['more'] },
  { on: 'projector', path: '/v1/projections/resources/parked', parameters: ['key', 'after', 'limit', 'more'] },
  { on: 'projector', path: rows, query: { waitMs: '0' }, parameters: ['prefix', 'after', 'limit', 'atLeast', 'waitMs', 'more'] },
  { on: 'projector', path: `/v1/projections/resources/tables/PARAMETER/rows`, parameters: ['limit'] },
  { on: 'projector', path: `${rows}/PARAMETER`, query: { waitMs: '0' }, parameters: ['atLeast', 'waitMs', 'more'] },
  { on: 'projector', path: '/v1/projection-requests/PARAMETER', parameters: ['more'] },
]

/** The status, with the body read where there is one; streams are left. */
async function ask(url: string): Promise<{ status: number; body: string }> {
  const stop = new AbortController()
  const answer = await fetch(url, { signal: AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)]) })
  const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream') === true
  const body = isStream ? '' : await answer.text()
  stop.abort()
  return { status: answer.status, body }
}

function check(url: string, { body, status }: { status: number; body: string }): void {
  expect(status, `${url.slice(0, 200)}: ${body.slice(0, 200)}`).toBeLessThan(500)
  if (status < 400) return
  const { code, message } = JSON.parse(body) as Problem
  expect(code, url).not.toBe('INTERNAL')
  expect(message.length).toBeGreaterThan(5)
}

describe.each(places)('$on $path', ({ on, parameters, path, query = {} }) => {
  it('answers or refuses every value of every parameter, once and twice', async () => {
    const base = `${servers.urls[on]}${path.replace('PARAMETER', 'something')}`
    for (const parameter of parameters)
      for (const value of nasty) {
        const rest = Object.entries(query).filter(([name]) => name !== parameter)
        const once = `${base}?${new URLSearchParams([...rest, [parameter, value]])}`
        check(once, await ask(once))
        const twice = `${once}&${new URLSearchParams([[parameter, value]])}`
        const answer = await ask(twice)
        check(twice, answer)
        if (!['resource', 'read'].includes(parameter) && !path.includes('PARAMETER')) expect(answer.status, twice.slice(0, 200)).toBe(400)
      }
    if (!path.includes('PARAMETER')) return
    for (const value of nasty) {
      const url = `${servers.urls[on]}${path.replace('PARAMETER', encodeURIComponent(value.toWellFormed()))}?${new URLSearchParams(query)}`
      check(url, await ask(url))
    }
  }, 60_000)
})

describe('a whole number in an address', () => {
  const numbers = [
    ['gateway', '/v1/intents?limit=', 1, 1_000],
    ['gateway', '/v1/resources?limit=', 1, 1_000],
    ['gateway', '/v1/intents/0192f3c0-1111-7111-8111-111111111111?waitMs=', 0, 60_000],
    ['gateway', '/v1/observe?scope=shop-1&resource=order/a&waitMs=', 0, 60_000],
    ['projector', `${rows}?limit=`, 1, 1_000],
    ['projector', `${rows}?waitMs=`, 0, 60_000],
    ['projector', '/v1/projections/resources/parked?after=', 0, 999_999_999_999_999],
  ] as const

  it.each(numbers)('%s %s is from %i to %i', async (on, path, least, most) => {
    for (const value of [least, most]) expect((await ask(`${servers.urls[on]}${path}${value}`)).status, `${value}`).toBeOneOf([200, 404])
    for (const value of [
      least - 1,
      most + 1,
      '',
      '%20',
      `${least + 1}.0`,
      '1e2',
      '0x1',
      `+${most}`,
      `${least}&${path.split(/[?&]/).at(-1)}${most}`,
    ])
      expect((await ask(`${servers.urls[on]}${path}${value}`)).status, `${value}`).toBe(400)
  })
})

async function post(
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Problem; headers: Headers }> {
  const answer = await fetch(`${servers.urls.gateway}/v1/intents`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  })
  return { status: answer.status, body: (await answer.json()) as Problem, headers: answer.headers }
}

let orders = 0
const opening = () => JSON.stringify(intent([{ resource: `order/z${orders++}`, action: 'open', input: { cents: 1 } }]))

describe('a body', () => {
  it.each<[string, (text: string) => Buffer]>([
    ['gzip', gzipSync],
    ['GZIP', gzipSync],
    ['x-gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['identity', (text) => Buffer.from(text)],
    ['', (text) => Buffer.from(text)],
  ])('may be packed as %s', async (encoding, pack) => {
    expect((await post(new Uint8Array(pack(opening())), { 'content-encoding': encoding })).status).toBe(200)
  })

  it.each<[string, (text: string) => Buffer]>([
    ['zstd', zstdCompressSync],
    ['compress', (text) => Buffer.from(text)],
    ['gzip, gzip', (text) => gzipSync(gzipSync(text))],
    ['gzip;q=1', gzipSync],
    ['__proto__', gzipSync],
  ])('packed as %s is refused, and what is accepted is named', async (encoding, pack) => {
    const answer = await post(new Uint8Array(pack(opening())), { 'content-encoding': encoding })
    expect(answer).toMatchObject({
      status: 415,
      body: { code: 'MEDIA_TYPE_UNSUPPORTED', message: expect.stringContaining('gzip, deflate, br') },
    })
    expect(answer.headers.get('accept-encoding')).toBe('gzip, deflate, br')
  })

  it.each<[string, string, Buffer]>([
    ['gzip', 'is no gzip', Buffer.from('{}')],
    ['gzip', 'is cut off', gzipSync('{"a":1}'.repeat(100)).subarray(0, 30)],
    [
      'gzip',
      'has a wrong checksum',
      (() => {
        const bytes = gzipSync('{}')
        bytes[bytes.length - 8]! ^= 1
        return bytes
      })(),
    ],
    ['deflate', 'is raw', deflateRawSync('{"a":"b"}'.repeat(20))],
    ['br', 'is gzip', gzipSync('{}')],
    ['gzip', 'is empty inside', gzipSync('')],
  ])('packed as %s that %s is malformed', async (encoding, _what, bytes) => {
    expect(await post(new Uint8Array(bytes), { 'content-encoding': encoding })).toMatchObject({
      status: 400,
      body: { code: 'BODY_MALFORMED' },
    })
  })

  it('is bounded by what comes out of it', async () => {
    for (const [encoding, pack] of [
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
    ] as const) {
      const bomb = pack(Buffer.alloc(100 * 1024 * 1024, ' '))
      expect(bomb.length).toBeLessThan(defaultLimits.intentBytes)
      const before = process.memoryUsage().rss
      expect(await post(new Uint8Array(bomb), { 'content-encoding': encoding })).toMatchObject({
        status: 413,
        body: { code: 'BODY_TOO_LARGE' },
      })
      expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024)
      const padded = opening().padEnd(defaultLimits.intentBytes, ' ')
      expect((await post(new Uint8Array(pack(padded)), { 'content-encoding': encoding })).status).toBe(200)
      expect((await post(new Uint8Array(pack(`${padded} `)), { 'content-encoding': encoding })).status).toBe(413)
    }
  })

  it('may begin with a byte order mark, packed or not, and has no other', async () => {
    expect((await post(`\ufeff${opening()}`)).status).toBe(200)
    expect((await post(new Uint8Array(gzipSync(`\ufeff${opening()}`)), { 'content-encoding': 'gzip' })).status).toBe(200)
    expect((await post(`\ufeff\ufeff${opening()}`)).status).toBe(400)
    expect((await post('\ufeff')).status).toBe(400)
    for (const encoding of ['utf-16le', 'utf-16be'] as const) {
      const text = `\ufeff${opening()}`
      const bytes = Buffer.from(text, 'utf16le')
      expect((await post(new Uint8Array(encoding === 'utf-16le' ? bytes : bytes.swap16()))).status).toBe(400)
    }
  })
})
