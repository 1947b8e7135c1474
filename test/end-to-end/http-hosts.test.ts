/** Whom the servers answer: no web page of a stranger may read or act, whatever name leads it here. */

import { newIntentId } from '@signalbox/client'
import type { Problem } from '@signalbox/contract'
import { isHostName } from '@signalbox/http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type HttpServers, openHttpServers, type ServerName, serverNames } from './http-servers.ts'
import { raw, sendRaw } from './raw-http.ts'

let servers: HttpServers
let listed: HttpServers

beforeAll(async () => {
  servers = await openHttpServers()
  listed = await openHttpServers({ allowedHosts: ['signalbox.example', 'Gateway', '10.1.2.3', '[fd00::7]'] })
})

afterAll(async () => {
  await servers.close()
  await listed.close()
})

const ask = async (on: HttpServers, name: ServerName, method: string, headers: readonly string[], path = on.reads[name]) => {
  const answer = await sendRaw(on.urls[name], raw(`${method} ${path} HTTP/1.1`, headers))
  return { status: answer?.status, problem: method === 'HEAD' || answer === null ? null : answer.body }
}

const openNames = serverNames.filter((name) => name !== 'operations')
const networks = ['0.0.0.0', '::', '192.0.2.1', 'signalbox.example'] as const

describe.each(openNames)('the %s, which does not authenticate', (name) => {
  it.each(networks)('does not listen on %s unless something else is said to guard it', async (host) => {
    await expect(servers.open[name].listen({ host, port: 0 })).rejects.toThrow(/does not authenticate.*set SIGNALBOX_TRUST_NETWORK=true/)
  })
})

describe.each(serverNames)('the %s', (name) => {
  it.each([
    'localhost',
    'localhost:7070',
    'LOCALHOST:1',
    'localhost.',
    'LocalHost.:80',
    '127.0.0.1',
    '127.0.0.1:7070',
    '127.8.9.1:7070',
    '[::1]',
    '[::1]:7070',
    '[0:0:0:0:0:0:0:1]:7070',
    '[::ffff:127.0.0.1]',
  ])('answers for %s', async (host) => {
    expect((await ask(servers, name, 'GET', [`Host: ${host}`])).status).toBe(200)
  })

  it.each([
    'evil.example',
    'evil.example:7070',
    'localhost.evil.example',
    'evil-localhost',
    'localhost.evil.example:7070',
    '127.0.0.1.evil.example',
    '128.0.0.1',
    '0.0.0.0:7070',
    '10.1.2.3',
    '192.168.1.1:7070',
    '[::2]',
    '[::]:7070',
    'signalbox.example',
    'localhost@evil.example',
    'evil.example#localhost',
    'evil.example/localhost',
    'localhost, evil.example',
    'localhost:99999',
    `${'a'.repeat(300)}.example`,
  ])('refuses %s, in every method', async (host) => {
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const { problem, status } = await ask(servers, name, method, [`Host: ${host}`, 'Content-Length: 0'])
      expect({ method, status }).toEqual({ method, status: 403 })
      if (problem !== null)
        expect(JSON.parse(problem)).toMatchObject({ code: 'HOST_NOT_ALLOWED', message: expect.stringContaining('--allowed-host') })
      if (problem !== null) expect(problem.length).toBeLessThan(1_000)
    }
  })

  it('takes no other host from X-Forwarded-Host, and no second one from the target or another header', async () => {
    expect(
      (await ask(servers, name, 'GET', ['Host: evil.example', 'X-Forwarded-Host: localhost', 'Forwarded: host=localhost'])).status,
    ).toBe(403)
    expect((await ask(servers, name, 'GET', ['Host: localhost', 'X-Forwarded-Host: evil.example'])).status).toBe(200)
    const path = servers.reads[name]
    expect((await ask(servers, name, 'GET', ['Host: localhost'], `http://evil.example${path}`)).status).toBe(403)
    expect((await ask(servers, name, 'GET', ['Host: localhost'], `http://localhost@evil.example${path}`)).status).toBe(403)
    expect((await ask(servers, name, 'GET', ['Host: localhost'], `http://127.0.0.1${path}`)).status).toBe(200)
    expect((await ask(servers, name, 'GET', ['Host: localhost', 'Host: evil.example'])).status).toBe(400)
    expect((await ask(servers, name, 'GET', ['Host: evil.example', 'Host: localhost'])).status).toBe(400)
    expect((await ask(servers, name, 'GET', [])).status).toBe(400)
    expect((await ask(servers, name, 'GET', ['Host:'])).status).toBe(403)
  })

  it('answers for names that are listed, on any port, and for their pages', async () => {
    for (const host of [
      'signalbox.example',
      'SIGNALBOX.example:443',
      'signalbox.example.',
      'gateway:7350',
      '10.1.2.3:80',
      '[fd00::7]',
      'localhost',
    ])
      expect((await ask(listed, name, 'GET', [`Host: ${host}`])).status, host).toBe(200)
    for (const host of ['a.signalbox.example', 'example', 'signalbox.example.com'])
      expect((await ask(listed, name, 'GET', [`Host: ${host}`])).status, host).toBe(403)
    expect((await ask(listed, name, 'GET', ['Host: gateway', 'Origin: https://signalbox.example'])).status).toBe(200)
  })

  it.each([
    'http://evil.example',
    'https://evil.example:7070',
    'http://localhost.evil.example',
    'null',
    '',
    'file://',
    'chrome-extension://abcdef',
    'http://127.0.0.1, http://evil.example',
    'http://localhost@evil.example',
    'http://0.0.0.0:7070',
    'localhost',
    'ftp://localhost',
  ])('refuses pages of %s, reading too', async (origin) => {
    for (const method of ['GET', 'HEAD', 'POST', 'OPTIONS'])
      expect((await ask(servers, name, method, ['Host: localhost', `Origin: ${origin}`, 'Content-Length: 0'])).status, method).toBe(403)
  })

  it.each(['http://localhost:7070', 'http://127.0.0.1', 'https://localhost', 'http://[::1]:3000'])(
    'answers pages of %s',
    async (origin) => {
      expect((await ask(servers, name, 'GET', ['Host: localhost:7070', `Origin: ${origin}`])).status).toBe(200)
    },
  )

  it('refuses what a browser says to be cross-site, and answers the rest', async () => {
    for (const site of ['cross-site', 'Cross-Site', 'none, cross-site'])
      expect((await ask(servers, name, 'GET', ['Host: localhost', `Sec-Fetch-Site: ${site}`])).status).toBe(403)
    for (const site of ['same-origin', 'same-site', 'none'])
      expect((await ask(servers, name, 'GET', ['Host: localhost', `Sec-Fetch-Site: ${site}`])).status).toBe(200)
  })

  it('says nothing of what there is to whom it refuses', async () => {
    for (const path of ['/v1/nothing', '/metrics', '/readyz', '/openapi.json', '/%zz', '*'])
      expect((await ask(servers, name, 'GET', ['Host: evil.example'], path)).status, path).toBeOneOf([400, 403])
  })
})

describe('an intent', () => {
  const quarantine = () =>
    JSON.stringify({
      intentId: newIntentId(),
      scope: '~agent/rogue',
      agent: 'human:ann',
      actions: [{ resource: 'agent/rogue', action: 'quarantine', input: { reason: 'a page said so' } }],
    })
  const post = async (headers: readonly string[], body = quarantine()) =>
    await sendRaw(
      servers.urls.gateway,
      raw('POST /v1/intents HTTP/1.1', ['Host: localhost', `Content-Length: ${Buffer.byteLength(body)}`, ...headers], body),
    )

  it('of a web page of a stranger is not taken', async () => {
    const before = await (await fetch(`${servers.urls.gateway}/v1/status`)).text()
    for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded'])
      expect((await post([`Content-Type: ${type}`, 'Origin: http://evil.example']))?.status).toBe(403)
    expect((await post(['Content-Type: application/json', 'Sec-Fetch-Site: cross-site']))?.status).toBe(403)
    const after = await (await fetch(`${servers.urls.gateway}/v1/status`)).text()
    expect(JSON.parse(after).partitions[0].intentsEnd).toBe(JSON.parse(before).partitions[0].intentsEnd)
  })

  it.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset="UTF-8"',
    'application/cloudevents+json',
    'application/vnd.api+json; profile="x"',
    'application/json ; charset=utf8',
  ])('is taken as %s', async (type) => {
    expect((await post([`Content-Type: ${type}`]))?.status).toBe(200)
  })

  it.each([
    'text/plain',
    'text/plain; charset=utf-8',
    'text/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'application/xml',
    'application/json; charset=utf-16',
    'application/json; charset=iso-8859-1',
    'application/json, text/plain',
    'text/plain; application/json',
    'json',
    '',
  ])('is refused as %s, before it is read', async (type) => {
    const answer = await post([`Content-Type: ${type}`])
    expect(answer?.status).toBe(415)
    expect(JSON.parse(answer!.body) as Problem).toMatchObject({
      code: 'MEDIA_TYPE_UNSUPPORTED',
      message: expect.stringContaining('application/json'),
    })
  })

  it('without a type is refused too', async () => {
    expect((await post([]))?.status).toBe(415)
  })
})

it.each([
  ['signalbox.example', true],
  ['localhost', true],
  ['10.0.0.1', true],
  ['[::1]', true],
  ['signalbox.example:443', false],
  ['[::1]:80', false],
  ['https://signalbox.example', false],
  ['*.example', false],
  ['a b', false],
  ['', false],
  ['a/b', false],
])('%s is a name to list: %s', (name, is) => {
  expect(isHostName(name)).toBe(is)
})
