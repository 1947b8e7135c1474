import { Webhook } from 'standardwebhooks'
import { describe, expect, it, vi } from 'vitest'
import { bodyLimitBytes, type NotificationType } from '../../src/index.ts'
import { Desk, notificationOf, secret, targetOf } from './desk.ts'
import { type Answerer, oneAfterTheOther, Receiver, status } from './receiver.ts'
import { waiting } from './test-clock.ts'

const newSecret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
const delivered = (attempts: number) => [{ kind: 'delivered', target: 'pager', attempts }]

describe('a notification', () => {
  it('arrives, signed with every secret', async () => {
    await using receiver = await Receiver.open(status(204))
    await using desk = new Desk([targetOf(receiver, { secrets: [newSecret, secret] })])
    const settled = await desk.delivery.notify(notificationOf('id-1', { payload: { amountCents: 70_000, note: 'größer als üblich' } }))
    expect(settled).toEqual(delivered(1))
    const [{ body, headers, path }] = receiver.received as [(typeof receiver.received)[0]]
    expect(path).toBe('/hooks/token-in-the-path')
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': 'id-1' })
    for (const either of [secret, newSecret])
      expect(new Webhook(either).verify(body, headers as Record<string, string>)).toEqual({
        type: 'escalation.triggered',
        timestamp: '2030-01-01T00:00:00.000Z',
        group: 'group-1',
        data: { amountCents: 70_000, note: 'größer als üblich' },
      })
    expect(await desk.metric('signalbox_webhooks_delivered_total{target="pager"}')).toBe(1)
    expect(await desk.metric('signalbox_webhook_queue_length{target="pager"}')).toBe(0)
  })

  it('is tried again as the same bytes under the same id, signed anew, after waits that double', async () => {
    await using receiver = await Receiver.open(oneAfterTheOther(status(503), status(500), status(429), status(200)))
    await using desk = new Desk([targetOf(receiver)])
    expect(await desk.delivery.notify(notificationOf('id-1'))).toEqual(delivered(4))
    expect(desk.clock.slept).toEqual([750, 1_500, 3_000])
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1)
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(['id-1']))
    const times = receiver.received.map(({ headers }) => Number(headers['webhook-timestamp']))
    expect(times[3]! - times[0]!).toBeGreaterThanOrEqual(5)
    for (const { body, headers } of receiver.received) new Webhook(secret).verify(body, headers as Record<string, string>)
    expect(await desk.metric('signalbox_webhook_attempts_failed_total{target="pager",reason="UNAVAILABLE"}')).toBe(3)
  })

  it.each([408, 425, 429, 500, 501, 502, 503, 504, 599])('is tried again after %i', async (code) => {
    await using receiver = await Receiver.open(oneAfterTheOther(status(code), status(200)))
    await using desk = new Desk([targetOf(receiver)])
    expect(await desk.delivery.notify(notificationOf('id-1'))).toEqual(delivered(2))
  })

  it.each([
    [304, 'REDIRECTED'],
    [400, 'REFUSED'],
    [401, 'REFUSED'],
    [403, 'REFUSED'],
    [404, 'REFUSED'],
    [409, 'REFUSED'],
    [413, 'REFUSED'],
    [422, 'REFUSED'],
  ])('is a dead letter at once after %i', async (code, reason) => {
    await using receiver = await Receiver.open(status(code))
    await using desk = new Desk([targetOf(receiver)])
    const notification = notificationOf('id-1')
    const cause = { code: reason, target: 'pager', attempts: 1, status: code, message: expect.stringContaining(`answered ${code}`) }
    expect(await desk.delivery.notify(notification)).toEqual([{ kind: 'dead-lettered', target: 'pager', cause }])
    expect(desk.dead).toEqual([{ notification, cause }])
    expect(await desk.metric(`signalbox_webhooks_dead_lettered_total{target="pager",cause="${reason}"}`)).toBe(1)
    expect(receiver.received).toHaveLength(1)
  })

  it.each([301, 302, 303, 307, 308])('does not follow a redirect (%i)', async (code) => {
    await using elsewhere = await Receiver.open(status(200))
    await using receiver = await Receiver.open(status(code, { location: elsewhere.url() }))
    await using desk = new Desk([targetOf(receiver)])
    expect(await desk.delivery.notify(notificationOf('id-1'))).toMatchObject([{ kind: 'dead-lettered', cause: { code: 'REDIRECTED' } }])
    expect([receiver.connections, elsewhere.connections]).toEqual([1, 0])
  })

  it('is a dead letter when its attempts are used up', async () => {
    await using receiver = await Receiver.open(status(503))
    await using desk = new Desk([targetOf(receiver, { attempts: 5 })])
    expect(await desk.delivery.notify(notificationOf('id-1'))).toMatchObject([
      {
        kind: 'dead-lettered',
        cause: { code: 'EXHAUSTED', attempts: 5, status: 503, message: expect.stringMatching(/5 attempts failed.*answered 503/) },
      },
    ])
    expect(receiver.received).toHaveLength(5)
  })

  it('goes to those that are named, each with an outcome of its own; a name that nobody has is a dead letter', async () => {
    await using pager = await Receiver.open(status(200))
    await using chat = await Receiver.open(status(400))
    await using mail = await Receiver.open(status(200))
    await using desk = new Desk([targetOf(pager), targetOf(chat, { name: 'chat' }), targetOf(mail, { name: 'mail' })])
    const settled = await desk.delivery.notify(notificationOf('id-1'), ['chat', 'nobody', 'pager', 'no-one'])
    expect(settled.map((settlement) => [settlement.target, settlement.kind])).toEqual([
      ['chat', 'dead-lettered'],
      ['nobody', 'dead-lettered'],
      ['pager', 'delivered'],
      ['no-one', 'dead-lettered'],
    ])
    expect(desk.dead.map(({ cause }) => `${cause.target} ${cause.code}`).sort()).toEqual([
      'chat REFUSED',
      'no-one UNKNOWN_TARGET',
      'nobody UNKNOWN_TARGET',
    ])
    expect(mail.received).toEqual([])
    expect(await desk.delivery.notify(notificationOf('id-2'))).toHaveLength(3)
  })

  it('that is given again while it is on its way is sent once', async () => {
    const answers: Answerer = ({ response }) => void held.push(() => response.writeHead(200).end())
    const held: (() => void)[] = []
    await using receiver = await Receiver.open(answers)
    await using desk = new Desk([targetOf(receiver)])
    const both = [desk.delivery.notify(notificationOf('id-1')), desk.delivery.notify(notificationOf('id-1'))]
    await vi.waitFor(() => expect(held).toHaveLength(1), waiting)
    held[0]!()
    expect(await Promise.all(both)).toEqual([delivered(1), delivered(1)])
    expect(receiver.received).toHaveLength(1)
  })

  it('that is too large is a dead letter, and is not sent', async () => {
    await using receiver = await Receiver.open(status(200))
    await using desk = new Desk([targetOf(receiver)])
    const large = notificationOf('id-1', { payload: 'x'.repeat(bodyLimitBytes) })
    expect(await desk.delivery.notify(large)).toMatchObject([{ kind: 'dead-lettered', cause: { code: 'TOO_LARGE', attempts: 0 } }])
    expect(receiver.connections).toBe(0)
  })

  it.each([
    ['an id with a full stop', { id: 'a.b' }],
    ['an id that would end a header', { id: 'a\r\nx: y' }],
    ['no id', { id: '' }],
    ['a type that is none', { type: 'escalation.closed' as NotificationType }],
    ['a time that is none', { timestampMs: Number.NaN }],
    ['no group', { group: '' }],
    ['a payload that is no JSON', { payload: 1n as unknown as number }],
  ])('that cannot be one is refused aloud: %s', async (_what, change) => {
    await using receiver = await Receiver.open(status(200))
    await using desk = new Desk([targetOf(receiver)])
    await expect(desk.delivery.notify(notificationOf('id-1', change))).rejects.toMatchObject({ code: 'NOTIFICATION_INVALID' })
    expect(receiver.connections).toBe(0)
  })
})

describe('what a receiver asks for', () => {
  it('is waited for, bounded', async () => {
    const long = status(503, { 'retry-after': '86400' })
    await using receiver = await Receiver.open(oneAfterTheOther(status(429, { 'retry-after': '7' }), long, status(200)))
    await using desk = new Desk([targetOf(receiver)])
    expect(await desk.delivery.notify(notificationOf('id-1'))).toEqual(delivered(3))
    expect(Math.max(...desk.clock.slept)).toBe(600_000)
    expect(desk.clock.slept).toContain(7_000)
  })

  it('holds for the other groups too', async () => {
    await using receiver = await Receiver.open(oneAfterTheOther(status(429, { 'retry-after': '33' }), status(200)))
    await using desk = new Desk([targetOf(receiver)], { held: [33_000] })
    const first = desk.delivery.notify(notificationOf('id-1'))
    await vi.waitFor(() => expect(desk.clock.sleeping(33_000)).toBe(2), waiting)
    const other = desk.delivery.notify(notificationOf('id-2', { group: 'group-2' }))
    await desk.clock.end(33_000)
    expect([await first, await other]).toEqual([delivered(2), delivered(1)])
    const [before, ...after] = receiver.received.map(({ headers }) => Number(headers['webhook-timestamp']))
    expect(Math.min(...after) - before!).toBeGreaterThanOrEqual(32)
  })

  it('may be nothing more (410): all that waits and all that follows are dead letters until the next start', async () => {
    await using receiver = await Receiver.open(oneAfterTheOther(status(503), status(410), status(200)))
    await using desk = new Desk([targetOf(receiver)], { held: [750] })
    const waits = desk.delivery.notify(notificationOf('id-1'))
    await vi.waitFor(() => expect(desk.clock.sleeping(750)).toBe(1), waiting)
    const behind = desk.delivery.notify(notificationOf('id-2'))
    const gone = desk.delivery.notify(notificationOf('id-3', { group: 'group-2' }))
    expect(await gone).toMatchObject([{ kind: 'dead-lettered', cause: { code: 'GONE', status: 410 } }])
    for (const settled of [await waits, await behind, await desk.delivery.notify(notificationOf('id-4'))])
      expect(settled).toMatchObject([
        { kind: 'dead-lettered', cause: { code: 'TARGET_DISABLED', message: expect.stringContaining('started again') } },
      ])
    expect(receiver.received).toHaveLength(2)
    expect(desk.dead.map(({ notification }) => notification.id).sort()).toEqual(['id-1', 'id-2', 'id-3', 'id-4'])
    expect(await desk.metric('signalbox_webhook_target_disabled{target="pager"}')).toBe(1)
    expect(desk.logged.join('')).toContain('gets nothing more until this service is started again')
  })
})
