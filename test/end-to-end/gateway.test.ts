/** The gateway over HTTP, on the embedded log: what it answers, what it refuses, and that nothing is lost or crashed. */
import { newIntentId } from '@signalbox/client'
import {
  type Decision,
  type IntentJson,
  isRejectCode,
  makeUuidV7,
  type Observation,
  type Problem,
  type Resource,
  type Status,
} from '@signalbox/contract'
import { createParser } from 'eventsource-parser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { intent, openShop, type Shop } from '../support/shop.ts'

let shop: Shop

beforeAll(async () => {
  shop = await openShop()
})

afterAll(async () => await shop.close())

async function call<Body>(
  method: string,
  path: string,
  body?: string | Uint8Array,
  type = 'application/json',
): Promise<{ status: number; body: Body }> {
  const answer = await fetch(`${shop.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : new Uint8Array(body), headers: { 'content-type': type } }),
  })
  return { status: answer.status, body: (await answer.json()) as Body }
}

async function submit(value: IntentJson): Promise<Decision> {
  const { body, status } = await call<Decision>('POST', '/v1/intents', JSON.stringify(value))
  expect(status, JSON.stringify(body)).toBe(200)
  return body
}

const open = (id: string, cents = 500) => ({ resource: `order/${id}`, action: 'open', input: { cents } })

describe('POST /v1/intents', () => {
  it('answers the decision, and the same again as a duplicate', async () => {
    const first = intent([open('a')])
    const decision = await submit(first)
    expect(decision).toMatchObject({
      committed: true,
      duplicate: false,
      changes: [{ resource: 'order/a', version: 1, state: 'open', fromState: null, data: { cents: 500, note: '' } }],
    })
    expect(await submit(first)).toEqual({ ...decision, duplicate: true })
  })

  it('does not wait when told so, and the decision can be asked for', async () => {
    const value = intent([open('nowait')])
    const { body, status } = await call<{ pending: boolean }>('POST', '/v1/intents?waitMs=0', JSON.stringify(value))
    expect([status, body]).toEqual([202, { intentId: value.intentId, pending: true }])
    await expect
      .poll(async () => (await call<Decision>('GET', `/v1/intents/${value.intentId}`)).body.committed, { timeout: 10_000 })
      .toBe(true)
  })

  it('names who moved what, and what was missed', async () => {
    await submit(intent([open('moved')]))
    await submit(intent([{ resource: 'order/moved', action: 'annotate', input: { note: 'one' }, expectedVersion: 1 }], { agent: 'other' }))
    await submit(intent([{ resource: 'order/moved', action: 'annotate', input: { note: 'two' }, expectedVersion: 2 }], { agent: 'other' }))
    const decision = await submit(intent([{ resource: 'order/moved', action: 'annotate', input: { note: 'mine' }, expectedVersion: 1 }]))
    expect(decision).toMatchObject({
      committed: false,
      code: 'STALE_VERSION',
      page: 'docs/codes/STALE_VERSION.md',
      expectedVersion: 1,
      actualVersion: 3,
      owner: { team: 'shop', contact: '#shop' },
      movedBy: { agent: 'other', action: 'annotate', version: 3 },
      missed: [{ version: 2 }, { version: 3 }],
    })
  })

  it('takes all actions of an intent or none', async () => {
    await submit(intent([{ resource: 'stock/last', action: 'keep', input: { left: 1 } }]))
    const both = (id: string) => intent([open(id), { resource: 'stock/last', action: 'take' }])
    expect((await submit(both('gets-it'))).committed).toBe(true)
    expect(await submit(both('too-late'))).toMatchObject({
      committed: false,
      code: 'INVARIANT_VIOLATED',
      details: { invariant: 'notNegative' },
    })
    const { body } = await call<Observation>('GET', '/v1/observe?scope=shop-1&resource=order/too-late&resource=stock/last')
    expect(body.resources.map(({ exists, version }) => [exists, version])).toEqual([
      [false, 0],
      [true, 2],
    ])
  })
})

describe('bad input gets a clear refusal, and nothing is written', () => {
  const valid = JSON.stringify(intent([open('never')]))
  it.each<[string, string | Uint8Array, number, Problem['code'], string]>([
    ['truncated', valid.slice(0, -5), 400, 'BODY_MALFORMED', 'is no JSON'],
    ['empty', '', 400, 'BODY_MALFORMED', 'the body is empty'],
    ['oversized', JSON.stringify(intent([open('never')], { note: 'x'.repeat(300_000) })), 413, 'BODY_TOO_LARGE', '262144 bytes'],
    [
      '100,000 actions',
      JSON.stringify(intent(Array.from({ length: 100_000 }, () => open('never')))),
      413,
      'BODY_TOO_LARGE',
      '262144 bytes',
    ],
    ['not UTF-8', Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d), 400, 'BODY_MALFORMED', 'not UTF-8'],
    ['a duplicate key', valid.replace('{', '{"scope":"other",'), 400, 'BODY_MALFORMED', 'scope appears twice'],
    ['__proto__', valid.replace('{', '{"__proto__":{"x":1},'), 400, 'BODY_MALFORMED', '__proto__'],
    ['10,000-deep nesting', `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 400, 'BODY_MALFORMED', 'nests deeper than 64'],
    ['a number past 2^53', valid.replace('500', '9007199254740993'), 400, 'BODY_MALFORMED', 'beyond 2^53 - 1'],
    ['NaN', valid.replace('500', 'NaN'), 400, 'BODY_MALFORMED', 'is no JSON'],
    ['an unknown field', valid.replace('{', '{"hurry":true,'), 400, 'BODY_MALFORMED', 'hurry'],
    [
      'a negative expectedVersion',
      JSON.stringify(intent([{ ...open('never'), expectedVersion: -1 }])),
      400,
      'BODY_MALFORMED',
      'actions.0.expectedVersion',
    ],
    ['no object', '[]', 400, 'BODY_MALFORMED', 'expected object'],
  ])('%s', async (_name, body, status, code, message) => {
    const answer = await call<Problem>('POST', '/v1/intents', body)
    expect(answer).toMatchObject({ status, body: { code } })
    expect(answer.body.message).toContain(message)
  })

  it('another content type, another path, another query', async () => {
    expect(await call<Problem>('POST', '/v1/intents', 'x', 'text/plain')).toMatchObject({
      status: 415,
      body: { code: 'MEDIA_TYPE_UNSUPPORTED' },
    })
    expect(await call<Problem>('GET', '/v2/intents')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
    expect(await call<Problem>('POST', '/v1/intents?waitMs=-1', valid)).toMatchObject({ status: 400, body: { code: 'QUERY_INVALID' } })
    expect(await call<Problem>('GET', '/v1/intents?limit=0')).toMatchObject({ status: 400, body: { code: 'QUERY_INVALID' } })
    expect(await call<Problem>('GET', '/v1/events?from=yesterday')).toMatchObject({ status: 400, body: { code: 'QUERY_INVALID' } })
    expect(await call<Problem>('GET', `/v1/intents/${newIntentId()}`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  })
})

describe('what is well-formed but wrong is a decision with a code', () => {
  const at = (timeMs: number) => makeUuidV7(timeMs, crypto.getRandomValues(new Uint8Array(10)))
  const hourMs = 3_600_000
  it.each<[string, () => IntentJson, string, string]>([
    ['an unknown contract', () => intent([{ resource: 'parcel/1', action: 'send' }]), 'CONTRACT_UNKNOWN', 'there are order, stock'],
    ['an unknown action', () => intent([{ resource: 'order/x', action: 'explode' }]), 'ACTION_UNKNOWN', 'it has open, annotate'],
    [
      'an action named like what every object has',
      () => intent([{ resource: 'order/x', action: 'constructor' }]),
      'ACTION_UNKNOWN',
      'has no action constructor',
    ],
    [
      'an unknown field of an input',
      () => intent([{ resource: 'order/x', action: 'open', input: { cents: 1, colour: 'red' } }]),
      'INPUT_INVALID',
      'colour',
    ],
    ['a missing field of an input', () => intent([{ resource: 'order/x', action: 'open' }]), 'INPUT_INVALID', 'cents'],
    [
      'input where none is taken',
      () => intent([{ resource: 'stock/x', action: 'take', input: { a: 1 } }]),
      'INPUT_INVALID',
      'takes no input',
    ],
    [
      'an unknown state',
      () => intent([{ resource: 'order/nowhere', action: 'annotate', input: { note: '' } }]),
      'STATE_CONFLICT',
      'does not exist',
    ],
    [
      'a version from the future',
      () => intent([{ resource: 'order/a', action: 'annotate', input: { note: '' }, expectedVersion: 99 }]),
      'VERSION_FROM_THE_FUTURE',
      'which does not exist yet',
    ],
    [
      'a read from the future',
      () => intent([open('f')], { reads: [{ resource: 'order/a', version: 99 }] }),
      'VERSION_FROM_THE_FUTURE',
      'version 99',
    ],
    [
      'no version where one is needed',
      () => intent([{ resource: 'order/a', action: 'annotate', input: { note: '' } }]),
      'VERSION_REQUIRED',
      'expectedVersion or in reads',
    ],
    ['a deadline in the past', () => intent([open('late')], { deadline: Date.now() - 1_000 }), 'DEADLINE_PASSED', 'the deadline passed'],
    ['a scope with a control character', () => intent([open('c')], { scope: 'shop\u00071' }), 'INTENT_MALFORMED', 'scope has U+0007'],
    ['an id with a control character', () => intent([open('c\n')]), 'INTENT_MALFORMED', 'names an id that has U+000A'],
    ['an id that is no UUIDv7', () => intent([open('u')], { intentId: 'order-1' }), 'INTENT_ID_INVALID', 'is no UUID'],
    [
      'an id that is too old',
      () => intent([open('o')], { intentId: at(Date.now() - 25 * hourMs) }),
      'INTENT_EXPIRED',
      'ids are remembered for',
    ],
    [
      'an id from the future',
      () => intent([open('o')], { intentId: at(Date.now() + hourMs) }),
      'INTENT_FROM_THE_FUTURE',
      'ahead of the log',
    ],
    ['no action', () => intent([]), 'INTENT_MALFORMED', 'actions is empty'],
    [
      '300 actions',
      () => intent(Array.from({ length: 300 }, (_, index) => open(`${index}`))),
      'INTENT_MALFORMED',
      'actions has 300 entries',
    ],
    ['one resource twice', () => intent([open('twice'), open('twice')]), 'RESOURCE_REPEATED', 'two actions of one intent'],
    [
      'an agent that may not',
      () => intent([{ resource: 'order/a', action: 'pay', expectedVersion: 1 }]),
      'AGENT_NOT_ALLOWED',
      'lets cashier',
    ],
    [
      'a result that is too large',
      () => intent([{ resource: 'order/a', action: 'inflate', input: { by: 70_000 } }]),
      'RESULT_TOO_LARGE',
      'order/a',
    ],
    ['a contract that throws', () => intent([{ resource: 'order/a', action: 'break' }]), 'DEAD_LETTERED', 'the guard is broken'],
    ['a reservation that there is not', () => intent([open('r')], { reservation: 'r-1' }), 'RESERVATION_UNKNOWN', 'no reservation r-1'],
  ])('%s', async (_name, make, code, message) => {
    const decision = await submit(make())
    expect(decision).toMatchObject({ committed: false, code })
    expect(decision.message).toContain(message)
    expect(isRejectCode(decision.code!)).toBe(true)
  })

  it('an id used again for another body', async () => {
    const first = intent([open('reused')])
    await submit(first)
    expect(await submit({ ...first, note: 'changed' })).toMatchObject({ committed: false, code: 'INTENT_ID_REUSED' })
    expect((await submit(first)).duplicate).toBe(true)
  })

  it('waiting, where what is in the way can still go: pending, until it is withdrawn', async () => {
    await submit(intent([open('w')]))
    const waiting = intent([open('w')], { onConflict: 'wait' })
    const { body, status } = await call<Decision>('POST', '/v1/intents?waitMs=500', JSON.stringify(waiting))
    expect(status).toBe(200)
    expect(body).toMatchObject({ committed: false, code: 'STATE_CONFLICT', pending: { reason: 'waiting', escalation: null } })
    expect(body.pending!.resources).toContain('order/w')
    await submit(intent([{ resource: `intent/${waiting.intentId}`, action: 'withdraw', input: {} }]))
    expect(await submit(waiting)).toMatchObject({ committed: false, code: 'WITHDRAWN', duplicate: true, pending: null })
  })

  it('and the gateway goes on', async () => {
    expect((await submit(intent([open('after-all')]))).committed).toBe(true)
    expect((await fetch(`${shop.url}/readyz`)).status).toBe(200)
  })
})

describe('looking', () => {
  it('reads its own write, at least as new as asked', async () => {
    const decision = await submit(intent([open('own')]))
    const [, atLeast] = decision.position.split(':')
    const { body } = await call<Observation>('GET', `/v1/observe?scope=shop-1&resource=order/own&atLeast=${atLeast}`)
    expect(body.resources[0]).toMatchObject({ exists: true, version: 1, lastChange: { intentId: decision.intentId } })
  })

  it('dry-runs without writing', async () => {
    const before = (await call<Status>('GET', '/v1/status')).body.partitions[0]!
    const dry = await call<{ outcome: string; checks: { name: string; result: string }[] }>(
      'POST',
      '/v1/intents/dry-run',
      JSON.stringify(intent([open('own')])),
    )
    expect(dry.body).toMatchObject({ outcome: 'rejected', code: 'STATE_CONFLICT' })
    expect(dry.body.checks.filter(({ result }) => result === 'failed').map(({ name }) => name)).toEqual(['states'])
    expect((await call<Status>('GET', '/v1/status')).body.partitions[0]).toEqual(before)
  })

  it('explains a decision as it was recorded, later changes notwithstanding', async () => {
    const decision = await submit(intent([{ resource: 'order/own', action: 'annotate', input: { note: 'x' }, expectedVersion: 7 }]))
    await submit(intent([{ resource: 'order/own', action: 'annotate', input: { note: 'y' }, expectedVersion: 1 }]))
    const { body } = await call<{ agrees: boolean; explanation: { code: string; actualVersion: number } }>(
      'GET',
      `/v1/intents/${decision.intentId}/explanation`,
    )
    expect(body).toMatchObject({ agrees: true, explanation: { code: 'VERSION_FROM_THE_FUTURE', actualVersion: 1 } })
  })

  it('lists decisions and resources by what is asked', async () => {
    const { body } = await call<{ decisions: Decision[] }>('GET', '/v1/intents?code=STATE_CONFLICT&limit=5')
    expect(body.decisions.length).toBeGreaterThan(0)
    expect(body.decisions.every(({ code }) => code === 'STATE_CONFLICT')).toBe(true)
    const resources = (await call<{ resources: Resource[] }>('GET', '/v1/resources?scope=shop-1&type=stock')).body.resources
    expect(resources.map(({ resource }) => resource)).toEqual(['stock/last'])
  })

  it('describes itself', async () => {
    const { body } = await call<{ openapi: string; paths: Record<string, unknown> }>('GET', '/openapi.json')
    expect(body.openapi).toBe('3.1.0')
    expect(Object.keys(body.paths)).toEqual(
      expect.arrayContaining([
        '/v1/intents',
        '/v1/intents/dry-run',
        '/v1/intents/{intentId}',
        '/v1/observe',
        '/v1/resources',
        '/v1/events',
        '/v1/status',
      ]),
    )
    expect(JSON.stringify(body.paths['/v1/intents'])).toContain('intentId')
    expect(await (await fetch(`${shop.url}/livez`)).text()).toBe('ok\n')
    expect(await (await fetch(`${shop.url}/metrics`)).text()).toMatch(/signalbox_decisions_total\{outcome="committed",code=""\} \d+/)
  })

  it('refuses to listen on anything but loopback', async () => {
    await expect(shop.signalbox.gateway.server.listen({ host: '0.0.0.0', port: 0 })).rejects.toThrow('does not authenticate yet')
  })
})

describe('the event stream', () => {
  /** Reads messages until `until` says so. */
  async function read(
    query: string,
    until: (ids: string[]) => boolean,
    headers: Record<string, string> = {},
  ): Promise<{ id: string; type: string; data: { event: string } }[]> {
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(), 20_000)
    const messages: { id: string; type: string; data: { event: string } }[] = []
    const answer = await fetch(`${shop.url}/v1/events?${query}`, { headers, signal: stop.signal })
    const parser = createParser({
      onEvent: ({ data, event, id }) => void messages.push({ id: id!, type: event!, data: JSON.parse(data) as { event: string } }),
    })
    const decoder = new TextDecoder()
    try {
      for await (const bytes of answer.body!) {
        parser.feed(decoder.decode(bytes, { stream: true }))
        if (until(messages.map(({ data }) => data.event))) return messages
      }
    } finally {
      clearTimeout(timer)
      stop.abort()
    }
    return messages
  }

  it('resumes behind the last id, without loss or repetition', async () => {
    const end = (await call<Status>('GET', '/v1/status')).body.partitions[0]!.eventsEnd
    const all = await read('from=start', (events) => events.length >= end)
    expect(new Set(all.map(({ data }) => data.event)).size).toBe(all.length)
    const middle = Math.floor(all.length / 2)
    const rest = await read('from=start', (events) => events.length >= all.length - middle - 1, { 'last-event-id': all[middle]!.id })
    expect(rest.map(({ data }) => data.event)).toEqual(all.slice(middle + 1).map(({ data }) => data.event))
  })

  it('brings what comes, filtered', async () => {
    const stream = read('from=end&agent=streamer', (events) => events.length >= 1)
    await new Promise((resolve) => setTimeout(resolve, 200))
    await submit(intent([open('s1')]))
    const wanted = await submit(intent([open('s2')], { agent: 'streamer' }))
    expect((await stream).map(({ data, type }) => [type, data.event])).toEqual([['IntentCommitted', wanted.event]])
  })
})
