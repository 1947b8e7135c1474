import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Desk, notificationOf, secret, targetOf } from './desk.ts'
import { type Answerer, Receiver, status } from './receiver.ts'

const key = Buffer.from(secret.slice(6), 'base64')
// The secret as it is set, its base64, its bytes as text and as hex; and the token in the path of the url.
const forbidden = [secret, secret.slice(6), key.toString(), key.toString('hex'), 'token-in-the-path']

describe('secrets', () => {
  it.each<[string, Answerer, object]>([
    ['all goes well', status(200), {}],
    [
      'the receiver refuses and tells everything back',
      (it) => it.response.writeHead(401, { ...it.headers, location: it.path }).end(it.body),
      {},
    ],
    ['it redirects', status(302, { location: '/hooks/token-in-the-path' }), {}],
    ['it fails on', status(500), {}],
    ['it resets', ({ socket }) => socket.resetAndDestroy(), {}],
    ['it speaks nonsense', ({ socket, path }) => socket.end(`${path}\r\n\r\n`), {}],
    ['it wants no more', status(410), {}],
    ['its address is refused', status(200), { allowPrivate: false, url: 'host' }],
    ['its name cannot be resolved', status(200), { url: 'nobody' }],
    ['what is sent is too large', status(200), {}],
  ])('are in no log, error, dead letter, settlement or metric: %s', async (what, answer, { url, ...change }: { url?: string }) => {
    await using receiver = await Receiver.open(answer)
    const host = url === undefined ? {} : { url: receiver.url(url === 'host' ? 'hooks.test' : 'nobody.test') }
    const resolve = async (name: string) => {
      if (name === 'nobody.test') throw new Error(`getaddrinfo ENOTFOUND ${name}`)
      return ['127.0.0.1']
    }
    await using desk = new Desk([targetOf(receiver, { attempts: 2, ...change, ...host })], { resolve })
    const payload = what.includes('too large') ? 'x'.repeat(200_000) : null
    const settled = await desk.delivery.notify(notificationOf('id-1', { payload }))
    const told = [
      ...desk.logged,
      inspect(settled, { depth: 9 }),
      inspect(desk.dead, { depth: 9 }),
      await desk.registry.metrics(),
      inspect(desk.delivery, { depth: 20, showHidden: true }),
    ].join('\n')
    expect(told).toContain('pager')
    for (const text of forbidden) expect(told.includes(text), text).toBe(false)
  })
})
