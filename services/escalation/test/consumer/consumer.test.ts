/** The whole consumer: from events of the production sequencer to requests on a socket, receipts and dead letters in the log. */

import type { FaultOutcome } from '@signalbox/log-memory'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { WebhookError } from '../../src/index.ts'
import { secret } from '../webhook/desk.ts'
import { Receiver, status } from '../webhook/receiver.ts'
import { type Heard, House, heardBy, until } from './house.ts'

const typesOf = (heard: readonly Heard[]) => heard.map(({ type }) => type.slice('escalation.'.length))

describe('the escalation consumer', () => {
  it('tells what happens, signed and in order, keeps the inbox, and tells nobody twice after a restart', async () => {
    await using pager = await Receiver.open(status(204))
    await using house = await House.open()
    const service = house.start({ pager })
    const name = await house.escalate('1')
    await until('a notification', () => pager.received.length === 1)
    expect(service.inbox.groups()).toMatchObject([
      { group: 'LARGE payment', count: 1, escalations: [{ state: 'triggered', data: { to: 'desk' } }] },
    ])
    expect(service.inbox.groups('leads')).toEqual([])
    await house.ask('human:ann', name, 'acknowledge', { reason: 'looking' })
    await house.ask('human:ann', name, 'reject', { reason: 'no' })
    await until('all receipts', () => house.receipts().length === 3)
    expect(typesOf(heardBy(pager))).toEqual(['triggered', 'resolved'])
    expect(new Set(heardBy(pager).map(({ group }) => group))).toEqual(new Set(['LARGE payment']))
    const { body, headers } = pager.received[0]!
    expect(() => new Webhook(secret).verify(body, headers as Record<string, string>)).not.toThrow()
    expect(service.inbox.openCount).toBe(0)
    expect(service.inbox.settled(10)).toMatchObject([{ state: 'resolved', data: { verdict: 'rejected', verdictBy: 'human:ann' } }])
    expect(await service.registry.metrics()).toContain('signalbox_escalations_open 0')
    await service.stop()

    const again = house.start({ pager })
    await house.escalate('2')
    await until('the next one', () => house.receipts().length === 4)
    expect(typesOf(heardBy(pager))).toEqual(['triggered', 'resolved', 'triggered'])
    expect(again.inbox.openCount).toBe(1)
    await again.stop()
  })

  it('gives again under the same id what has no receipt: it died after the request, or before', async () => {
    await using pager = await Receiver.open(status(204))
    await using house = await House.open()
    let dies = true
    const first: { crash(): void } = house.start(
      { pager },
      {
        fault: ({ operation, topic }) => {
          const isReceipt = operation === 'append' && topic === 'notifications' && pager.received.length > 0
          return isReceipt && dies ? { outcome: 'crash-before' } : undefined
        },
      },
    )
    await house.escalate('1')
    await until('the first request', () => pager.received.length === 1)
    first.crash()
    expect(house.receipts()).toMatchObject([{ kind: 'begun' }])
    dies = false
    house.start({ pager })
    await until('the same once more', () => pager.received.length === 2)
    const [one, two] = heardBy(pager)
    expect(two).toEqual(one)
    await until('its receipt', () => house.receipts().length === 2)
    expect(house.receipts()[1]).toMatchObject({ kind: 'delivered', id: one!.id, target: 'pager' })
  })

  it('tells on its first start of what is open alone, and of that the last', async () => {
    await using pager = await Receiver.open(status(204))
    await using house = await House.open()
    const over = await house.escalate('over')
    await house.ask('human:ann', over, 'reject', { reason: 'no' })
    await house.escalate('open')
    house.start({ pager })
    await until('a receipt', () => house.receipts().length === 2)
    await house.escalate('later')
    await until('the later one', () => house.receipts().length === 3)
    expect(heardBy(pager).map(({ resource, type }) => `${type} ${resource}`)).toEqual([
      'escalation.triggered payment/open',
      'escalation.triggered payment/later',
    ])
  })

  it('makes a dead letter of what a target refuses, whole and once, and goes on; other targets hear of it all the same', async () => {
    await using chat = await Receiver.open(status(404))
    await using pager = await Receiver.open(status(204))
    await using house = await House.open()
    const service = house.start({ chat, pager })
    await house.escalate('1')
    await until('both outcomes', () => house.receipts().length === 3)
    const [letter, ...more] = house.records('dead-letters.escalation')
    expect(more).toEqual([])
    expect(letter!.headers).toMatchObject({ sb_code: 'REFUSED', sb_target: 'chat' })
    expect(JSON.parse(Buffer.from(letter!.value!).toString())).toMatchObject({
      notification: { type: 'escalation.triggered', payload: { resource: 'payment/1' } },
      cause: { code: 'REFUSED', target: 'chat', status: 404 },
      scope: 'shop',
    })
    expect(
      house
        .receipts()
        .slice(1)
        .map(({ kind, target }) => `${kind} ${target}`)
        .sort(),
    ).toEqual(['dead-lettered chat', 'delivered pager'])
    await service.stop()
    const again = house.start({ chat, pager })
    await until('ready', () => again.notReady() === null)
    await house.escalate('2')
    await until('both outcomes of the next', () => house.receipts().length === 5)
    expect(chat.received.length).toBe(2)
  })

  it('knows what one target refused, however long another takes, when it dies meanwhile', async () => {
    await using chat = await Receiver.open(status(404))
    await using pager = await Receiver.open(() => {})
    await using house = await House.open()
    const first = house.start({ chat, pager })
    await house.escalate('1')
    await until('the receipt of the one', () => house.receipts().length === 2)
    expect(house.receipts()[1]).toMatchObject({ kind: 'dead-lettered', target: 'chat' })
    first.crash()
    const again = house.start({ chat, pager })
    await until('the other, once more', () => pager.received.length === 2)
    await again.stop()
    expect(chat.received).toHaveLength(1)
  })

  it('follows routes: by who is asked, else the target of that name, else everybody', async () => {
    await using desk = await Receiver.open(status(204))
    await using chat = await Receiver.open(status(204))
    await using house = await House.open()
    const byName = house.start({ desk, chat })
    await house.escalate('1')
    await until('the desk', () => house.receipts().length === 2)
    expect([desk.received.length, chat.received.length]).toEqual([1, 0])
    await byName.stop()
    const routed = house.start({ desk, chat }, { routes: { desk: ['chat'] } })
    await house.escalate('2')
    await until('the chat', () => house.receipts().length >= 3)
    // The first was told to the desk, and the route says chat now: it is told there too.
    await until('both in the chat', () => chat.received.length === 2)
    expect(desk.received.length).toBe(1)
    await routed.stop()
    expect(() => house.start({ desk }, { routes: { leads: ['pager'] } })).toThrow(WebhookError)
  })

  it('writes a receipt until it is written, and begins although the log is away at first', async () => {
    await using pager = await Receiver.open(status(204))
    await using house = await House.open()
    const outcomes: FaultOutcome[] = ['fail-before', 'fail-after', 'fail-before', 'fail-after']
    house.start(
      { pager },
      {
        fault: ({ operation, topic }) => {
          const outcome = operation === 'append' && topic === 'notifications' ? outcomes.shift() : undefined
          return outcome === undefined ? undefined : { outcome }
        },
      },
    )
    await house.escalate('1')
    await until('all receipts', () => outcomes.length === 0 && house.receipts().length === 3)
    // What may have been written was written once more: a receipt that is there twice says the same.
    expect(house.receipts().map(({ kind }) => kind)).toEqual(['begun', 'delivered', 'delivered'])
    expect(pager.received.length).toBe(1)
  })
})
