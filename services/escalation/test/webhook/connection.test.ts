/** What real sockets do. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import type { Settlement } from '../../src/index.ts'
import { post } from '../../src/webhook/post.ts'
import { webhookTarget } from '../../src/webhook/target.ts'
import { certificateFor } from './certificate.ts'
import { Desk, notificationOf, targetOf, timeoutMs } from './desk.ts'
import { type Answerer, oneAfterTheOther, Receiver, status } from './receiver.ts'
import { waiting } from './test-clock.ts'

const failed = (desk: Desk, reason: string) => desk.metric(`signalbox_webhook_attempts_failed_total{target="pager",reason="${reason}"}`)
const kinds = (settlements: readonly Settlement[]) =>
  settlements.map((settlement) => (settlement.kind === 'dead-lettered' ? settlement.cause.code : settlement.kind))
const mute: Answerer = () => {}

describe('a receiver that', () => {
  it('never answers is cut off at the timeout, and tried again', async () => {
    await using receiver = await Receiver.open(oneAfterTheOther(mute, status(200)))
    await using desk = new Desk([targetOf(receiver)])
    const settled = desk.delivery.notify(notificationOf('id-1'))
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1), waiting)
    const closed = once(receiver.received[0]!.socket, 'close')
    await desk.clock.end(timeoutMs)
    expect(await settled).toEqual([{ kind: 'delivered', target: 'pager', attempts: 2 }])
    await closed
    expect(await failed(desk, 'TIMED_OUT')).toBe(1)
  })

  it('sends its answer a byte at a time, never to its end, is cut off too', async () => {
    const drip: Answerer = ({ socket }) => {
      const timer = setInterval(() => socket.write('H'), 5)
      socket.on('close', () => clearInterval(timer))
      socket.write('HTTP/1.1 200 OK\r\nx-slow: ')
    }
    await using receiver = await Receiver.open(oneAfterTheOther(drip, status(200)))
    await using desk = new Desk([targetOf(receiver)])
    const settled = desk.delivery.notify(notificationOf('id-1'))
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1), waiting)
    await desk.clock.end(timeoutMs)
    expect(kinds(await settled)).toEqual(['delivered'])
    expect(receiver.received).toHaveLength(2)
  })

  it('resets the connection is tried again', async () => {
    await using receiver = await Receiver.open(
      oneAfterTheOther(
        ({ socket }) => socket.resetAndDestroy(),
        ({ socket }) => socket.end(),
        status(200),
      ),
    )
    await using desk = new Desk([targetOf(receiver)])
    expect(await desk.delivery.notify(notificationOf('id-1'))).toMatchObject([{ kind: 'delivered', attempts: 3 }])
    expect(await failed(desk, 'CONNECTION_FAILED')).toBe(2)
  })

  it.each([
    ['speaks something else', 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['sends more headers than anybody needs', `HTTP/1.1 200 OK\r\n${'x-header: 0123456789\r\n'.repeat(1_000)}content-length: 0\r\n\r\n`],
    ['changes the protocol', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'],
    ['says that it goes on and never does', 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n'],
  ])('%s has not taken it', async (_what, bytes) => {
    await using receiver = await Receiver.open(({ socket }) => socket.end(bytes))
    await using desk = new Desk([targetOf(receiver, { attempts: 2 })])
    expect(kinds(await desk.delivery.notify(notificationOf('id-1')))).toEqual(['EXHAUSTED'])
    expect(await failed(desk, 'CONNECTION_FAILED')).toBe(2)
  })

  it('is not there is tried again', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    await using receiver = await Receiver.open(status(200))
    const { port } = server.address() as { port: number }
    server.close()
    await once(server, 'close')
    await using desk = new Desk([{ ...targetOf(receiver, { attempts: 3, ports: [port] }), url: `http://127.0.0.1:${port}/` }])
    expect(await desk.delivery.notify(notificationOf('id-1'))).toMatchObject([
      { cause: { code: 'EXHAUSTED', message: expect.stringContaining('ECONNREFUSED') } },
    ])
  })

  it('has taken it counts, however slow the rest of its answer is; it is cut off in the end', async () => {
    let heads = 0
    const head = () => void heads++
    subscribe('http.client.response.finish', head)
    await using receiver = await Receiver.open(({ response }) => void response.writeHead(200).write('{'))
    await using desk = new Desk([targetOf(receiver)])
    const settled = desk.delivery.notify(notificationOf('id-1'))
    await vi.waitFor(() => expect(receiver.received).toHaveLength(1), waiting)
    const closed = once(receiver.received[0]!.socket, 'close')
    await vi.waitFor(() => expect(heads).toBe(1), waiting)
    await desk.clock.end(timeoutMs)
    expect(await settled).toEqual([{ kind: 'delivered', target: 'pager', attempts: 1 }])
    await closed
    unsubscribe('http.client.response.finish', head)
  })

  it('answers without end is cut off after so much', async () => {
    const flood: Answerer = ({ response }) => {
      const chunk = Buffer.alloc(64 * 1024, 'x')
      const pour = () => {
        while (!response.destroyed && response.write(chunk));
      }
      response.writeHead(200).on('drain', pour)
      pour()
    }
    await using receiver = await Receiver.open(flood)
    await using desk = new Desk([targetOf(receiver)])
    expect(await desk.delivery.notify(notificationOf('id-1'))).toMatchObject([{ kind: 'delivered', attempts: 1 }])
    await vi.waitFor(() => expect(receiver.sockets.size).toBe(0), waiting)
    // What was read is bounded; the rest is what buffers of both kernels hold.
    expect(receiver.received[0]!.socket.bytesWritten).toBeLessThan(16 * 1024 * 1024)
  })
})

describe('a host', () => {
  it('is connected to at the address that was checked, and asked for once an attempt', async () => {
    await using receiver = await Receiver.open(status(200))
    const asked: string[] = []
    const resolve = async (hostname: string) => {
      asked.push(hostname)
      return ['127.0.0.1']
    }
    await using desk = new Desk([targetOf(receiver, { url: receiver.url('hooks.test') })], { resolve })
    expect(kinds(await desk.delivery.notify(notificationOf('id-1')))).toEqual(['delivered'])
    expect(asked).toEqual(['hooks.test'])
    expect(receiver.received[0]!.headers.host).toBe(`hooks.test:${receiver.port}`)
  })

  it.each([
    ['is private', ['127.0.0.1']],
    ['is public and private', ['2d00::1', '127.0.0.1']],
    ['is private in IPv6 clothes', ['::ffff:127.0.0.1']],
    ['is private in another notation', ['0x7f000001']],
    ['is private by way of a translator', ['64:ff9b::7f00:1']],
    ['is nonsense', ['2d00::1', 'localhost']],
  ])('that %s is refused, and nobody is connected to', async (_what, addresses) => {
    await using receiver = await Receiver.open(status(200))
    await using desk = new Desk([targetOf(receiver, { url: receiver.url('hooks.test'), allowPrivate: false })], {
      resolve: async () => addresses,
    })
    expect(kinds(await desk.delivery.notify(notificationOf('id-1')))).toEqual(['ADDRESS_REFUSED'])
    expect(receiver.connections).toBe(0)
  })

  it('of this very machine is refused as the operating system resolves it', async () => {
    await using receiver = await Receiver.open(status(200))
    await using desk = new Desk([targetOf(receiver, { url: receiver.url('localhost'), allowPrivate: false })])
    expect(await desk.delivery.notify(notificationOf('id-1'))).toMatchObject([
      { cause: { code: 'ADDRESS_REFUSED', message: expect.stringContaining('is loopback') } },
    ])
    expect(receiver.connections).toBe(0)
  })

  it('that turns private between the check and the connection is not followed there', async () => {
    await using receiver = await Receiver.open(status(200))
    // Public, and given to nobody: no packet reaches anyone.
    const answers = ['2d00::1']
    let asked = 0
    const resolve = async () => [asked++ === 0 ? answers[0]! : '127.0.0.1']
    await using desk = new Desk([targetOf(receiver, { url: receiver.url('rebind.test'), allowPrivate: false })], { resolve, held: [750] })
    const settled = desk.delivery.notify(notificationOf('id-1'))
    // No route, or no answer: either way the attempt ends at the address that was checked.
    await vi.waitFor(async () => {
      if (desk.clock.sleeping(750) === 0) await desk.clock.end(timeoutMs)
      expect(desk.clock.sleeping(750)).toBe(1)
    }, waiting)
    expect([asked, receiver.connections]).toEqual([1, 0])
    await desk.clock.end(750)
    expect(kinds(await settled)).toEqual(['ADDRESS_REFUSED'])
    expect([asked, receiver.connections]).toEqual([2, 0])
  })

  it('that has no address, or that nobody can resolve for now, is tried again', async () => {
    await using receiver = await Receiver.open(status(200))
    let asked = 0
    const resolve = async () => {
      asked++
      if (asked === 1) throw Object.assign(new Error('getaddrinfo EAI_AGAIN hooks.test'), { code: 'EAI_AGAIN' })
      return asked === 2 ? [] : ['127.0.0.1']
    }
    await using desk = new Desk([targetOf(receiver, { url: receiver.url('hooks.test') })], { resolve })
    expect(await desk.delivery.notify(notificationOf('id-1'))).toMatchObject([{ kind: 'delivered', attempts: 3 }])
    expect(await failed(desk, 'UNRESOLVED')).toBe(2)
  })

  it('whose resolver never answers is given up at the timeout, and not posted to when it answers late', async () => {
    await using receiver = await Receiver.open(status(200))
    const late = Promise.withResolvers<readonly string[]>()
    await using desk = new Desk([targetOf(receiver, { url: receiver.url('hooks.test'), attempts: 1 })], { resolve: () => late.promise })
    const settled = desk.delivery.notify(notificationOf('id-1'))
    await desk.clock.end(timeoutMs)
    expect(await settled).toMatchObject([{ cause: { code: 'EXHAUSTED', message: expect.stringContaining(`within ${timeoutMs} ms`) } }])
    late.resolve(['127.0.0.1'])
    await new Promise((resolve) => setImmediate(resolve))
    expect(receiver.connections).toBe(0)
  })
})

describe('over TLS, a receiver', () => {
  const resolve = async () => ['127.0.0.1']
  const own = certificateFor('hooks.test')

  it('with a certificate that is trusted, for its name, gets it', async () => {
    await using receiver = await Receiver.open(status(200), own)
    const target = targetOf(receiver, { url: receiver.url('hooks.test'), certificateAuthorities: [own.cert], allowPlain: false })
    await using desk = new Desk([target], { resolve })
    expect(kinds(await desk.delivery.notify(notificationOf('id-1')))).toEqual(['delivered'])
  })

  it.each([
    ['that nobody vouches for', 'hooks.test', []],
    ['for another name', 'other.test', [own.cert]],
  ])('with a certificate %s gets nothing', async (_what, host, certificateAuthorities) => {
    await using receiver = await Receiver.open(status(200), own)
    await using desk = new Desk([targetOf(receiver, { url: receiver.url(host), certificateAuthorities, attempts: 1 })], { resolve })
    expect(await desk.delivery.notify(notificationOf('id-1'))).toMatchObject([
      { cause: { code: 'EXHAUSTED', message: expect.stringMatching(/certificate|altnames/) } },
    ])
    expect(receiver.received).toEqual([])
  })
})

describe('a socket', () => {
  it('that has gone to a private address after all is closed before a byte is sent', async () => {
    await using receiver = await Receiver.open(status(200))
    const target = { ...webhookTarget(targetOf(receiver, { url: receiver.url('hooks.test') })), allowPrivate: false }
    const sent = post(target, [{ address: '127.0.0.1', family: 4 }], {}, Buffer.from('{}'), new AbortController().signal)
    await expect(sent).rejects.toThrow('the connection went to 127.0.0.1, which is loopback')
    await vi.waitFor(() => expect([receiver.connections, receiver.sockets.size]).toEqual([1, 0]), waiting)
    expect(receiver.received).toEqual([])
  })
})
