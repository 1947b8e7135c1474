/** Cursors and positions that are not of the gateway's log: each is refused with a sentence, none is waited for. */

import { contractSet, type Decision, type Observation, type Problem, partitionOf } from '@signalbox/contract'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { startSignalbox } from '@signalbox/signalbox'
import { createParser } from 'eventsource-parser'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { intent, order } from '../support/shop.ts'

const partitionCount = 3
const scopes = [0, 1, 2].map((partition) => {
  for (let number = 0; ; number++) if (partitionOf(`scope-${number}`, partitionCount) === partition) return `scope-${number}`
})

async function open(id: string) {
  const log = createMemoryLog({ store: new MemoryLogStore({ id, partitionCount }) })
  const signalbox = await startSignalbox({ log, contracts: contractSet([order]), logger: pino({ level: 'silent' }) })
  return { signalbox, log, url: await signalbox.gateway.server.listen({ host: '127.0.0.1', port: 0 }) }
}

let here: Awaited<ReturnType<typeof open>>
let ends: number[]

beforeAll(async () => {
  here = await open('log-of-here')
  for (const scope of scopes) await submit(scope, 'a')
  ends = await Promise.all(scopes.map(async (_, partition) => (await here.log.offsets('events', partition)).end))
})

afterAll(async () => await here.signalbox.stop())

async function submit(scope: string, id: string): Promise<Decision> {
  const body = JSON.stringify(intent([{ resource: `order/${id}`, action: 'open', input: { cents: 1 } }], { scope }))
  const answer = await fetch(`${here.url}/v1/intents`, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
  return (await answer.json()) as Decision
}

async function refusal(path: string, headers: Record<string, string> = {}): Promise<Problem & { status: number }> {
  const answer = await fetch(`${here.url}${path}`, { headers, signal: AbortSignal.timeout(3_000) })
  return { status: answer.status, ...((await answer.json()) as Problem) }
}

/** The ids of messages, from what was given on, until `count` of them came. */
async function ids(from: string, count: number): Promise<{ id: string; data: string }[]> {
  const stop = new AbortController()
  const answer = await fetch(`${here.url}/v1/events?from=${encodeURIComponent(from)}`, { signal: stop.signal })
  expect(answer.status).toBe(200)
  const messages: { id: string; data: string }[] = []
  const parser = createParser({ onEvent: ({ data, id }) => void messages.push({ id: id!, data }) })
  const decoder = new TextDecoder()
  for await (const bytes of answer.body!) {
    parser.feed(decoder.decode(bytes, { stream: true }))
    if (messages.length >= count) break
  }
  stop.abort()
  return messages
}

describe('a cursor of the event stream', () => {
  it('names the log and every partition, and is taken as it was given', async () => {
    const total = ends.reduce((sum, end) => sum + end)
    const all = await ids('start', total)
    for (const { id } of all) expect(id).toMatch(/^log-of-here\/0:\d+,1:\d+,2:\d+$/)
    const rest = await ids(all[1]!.id, total - 2)
    expect(rest.map(({ data }) => data).sort()).toEqual(
      all
        .slice(2)
        .map(({ data }) => data)
        .sort(),
    )
  })

  const malformed = [
    '',
    '0:0',
    '0:0,1:0,2:0',
    '/0:0,1:0,2:0',
    'log-of-here/',
    'log-of-here/0:0',
    'log-of-here/0:0,1:0',
    'log-of-here/0:0,0:0,1:0',
    'log-of-here/0:0,0:0,1:0,2:0',
    'log-of-here/0:0,1:0,3:0',
    'log-of-here/0:0,1:0,2:0,3:0',
    'log-of-here/0:0,1:0,2:x',
    'log-of-here/0:0,1:0,2:-1',
    'log-of-here/0:0,1:0,2:1.5',
    'log-of-here/0:0,1:0,2:9007199254740993',
    'log-of-here/0:0,1:0,2:0,',
    'log-of-here/ 0:0,1:0,2:0',
    'log-of-here/0:0;1:0;2:0',
    'yesterday',
    'START',
    `log-of-here/${'0:0,'.repeat(2_000)}`,
  ]
  it.each(malformed)('that is none is refused: %s', async (text) => {
    const query = await refusal(`/v1/events?from=${encodeURIComponent(text)}`)
    expect(query).toMatchObject({ status: 400, code: 'QUERY_INVALID', path: 'from' })
    expect(query.message.length).toBeLessThan(400)
    if (text === '') return
    expect(await refusal('/v1/events', { 'last-event-id': text })).toMatchObject({ status: 400, code: 'QUERY_INVALID' })
  })

  it.each([
    ['another log', 'log-of-there/0:0,1:0,2:0', 'log-of-there'],
    ['another log with other partitions', 'log-of-there/0:0', 'log-of-there'],
    ['a log with a slash in its name', 'a/b/0:0,1:0,2:0', 'a/b'],
    ['a log that was longer', 'log-of-here/0:0,1:500,2:0', '1:500'],
    ['a log that was one event longer', () => `log-of-here/0:${ends[0]! + 1},1:0,2:0`, 'reach from'],
  ])('of %s is gone', async (_what, text, says) => {
    const cursor = typeof text === 'string' ? text : text()
    for (const found of [
      await refusal(`/v1/events?from=${encodeURIComponent(cursor)}`),
      await refusal('/v1/events?from=start', { 'last-event-id': cursor }),
    ])
      expect(found).toMatchObject({ status: 410, code: 'NOT_IN_THIS_LOG', message: expect.stringContaining(says) })
  })

  it('given twice is refused, and the one that a reader comes back with goes before the address', async () => {
    expect((await refusal('/v1/events?from=start&from=end')).status).toBe(400)
    expect((await refusal('/v1/events?from=start', { 'last-event-id': '0:500' })).status).toBe(400)
  })

  it('from before the start of the log is gone', async () => {
    const store = new MemoryLogStore({ id: 'cut', partitionCount: 1 })
    const log = createMemoryLog({ store })
    const signalbox = await startSignalbox({ log, contracts: contractSet([order]), logger: pino({ level: 'silent' }) })
    try {
      const url = await signalbox.gateway.server.listen({ host: '127.0.0.1', port: 0 })
      store.topic('events', 0).deleteBefore(1)
      const answer = await fetch(`${url}/v1/events?from=${encodeURIComponent('cut/0:0')}`)
      expect({ status: answer.status, ...((await answer.json()) as Problem) }).toMatchObject({ status: 410, code: 'NOT_IN_THIS_LOG' })
    } finally {
      await signalbox.stop()
    }
  })
})

describe('what was seen', () => {
  it('is observed at least as of the end of the log, and no position behind it is waited for', async () => {
    for (const [partition, scope] of scopes.entries()) {
      const path = `/v1/observe?scope=${scope}&resource=order/a&waitMs=60000&atLeast=`
      const { end } = await here.log.offsets('events', partition)
      const answer = await fetch(`${here.url}${path}${end}`)
      expect(((await answer.json()) as Observation).resources[0]).toMatchObject({ exists: true })
      for (const beyond of [end + 1, 999_999, 999_999_999_999_999])
        expect(await refusal(`${path}${beyond}`)).toMatchObject({ status: 410, code: 'NOT_IN_THIS_LOG', path: 'atLeast' })
      for (const none of ['-1', 'x', '1.5', '9007199254740993', '1e400', 'NaN'])
        expect(await refusal(`${path}${none}`)).toMatchObject({ status: 400, code: 'QUERY_INVALID' })
    }
  })

  it.each([
    ['order/a', 2],
    ['order/a', 999_999_999_999_999],
    ['order/never', 1],
  ])('is not watched at a version that the log does not have: %s@%i', async (resource, version) => {
    expect(await refusal(`/v1/watch?scope=${scopes[0]}&read=${resource}@${version}`)).toMatchObject({
      status: 410,
      code: 'NOT_IN_THIS_LOG',
      message: expect.stringContaining('named as read'),
    })
    expect((await refusal(`/v1/watch?scope=${scopes[0]}&read=order/a@1&read=${resource}@${version}`)).status).toBe(410)
  })

  it.each(['order/a@', 'order/a', '@1', 'order/a@-1', 'order/a@1.5', 'order/a@9007199254740993', 'order/a@x'])(
    'is not watched at what is no version: %s',
    async (read) => {
      expect((await refusal(`/v1/watch?scope=${scopes[0]}&read=${encodeURIComponent(read)}`)).status).toBe(400)
    },
  )

  it('is watched at the newest version, and at none where there is nothing yet', async () => {
    for (const read of ['order/a@1', 'order/a@0', 'order/never@0']) {
      const stop = new AbortController()
      const answer = await fetch(`${here.url}/v1/watch?scope=${scopes[0]}&read=${read}`, { signal: stop.signal })
      expect(answer.status).toBe(200)
      stop.abort()
    }
  })
})

describe('a handoff is offered at a position of this log', () => {
  const offer = async (id: string, position: string) => {
    const input = { to: 'two', seal: 'x'.repeat(43), position }
    const actions = [{ resource: `handoff/${id}`, action: 'offer', input }]
    const answer = await fetch(`${here.url}/v1/intents`, {
      method: 'POST',
      body: JSON.stringify(intent(actions, { scope: scopes[1]! })),
      headers: { 'content-type': 'application/json' },
    })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }
  const end = async () => (await here.log.offsets('events', 1)).end

  it.each([
    ['one behind the end', 1],
    ['far behind it', 1_000_000],
    ['the largest there is', 9e14],
  ])('%s is refused', async (_what, more) => {
    const before = await end()
    const { body, status } = await offer('refused', `1:${before + more}`)
    expect(status).toBe(410)
    expect(body).toMatchObject({ code: 'NOT_IN_THIS_LOG', message: expect.stringContaining(`partition 1 ends at ${before}`) })
    expect(await end()).toBe(before)
  })

  it('the end, and everything before it, is taken', async () => {
    expect(await offer('last', `1:${await end()}`)).toMatchObject({ status: 200, body: { committed: true } })
    expect(await offer('first', '1:0')).toMatchObject({ status: 200, body: { committed: true } })
  })

  it('what is none, or of another partition, is rejected in the order of the scope', async () => {
    expect(await offer('none', '1:')).toMatchObject({ status: 200, body: { code: 'INPUT_INVALID' } })
    expect(await offer('elsewhere', '0:0')).toMatchObject({ status: 200, body: { code: 'GUARD_REFUSED' } })
    expect(await offer('far-elsewhere', '0:999999')).toMatchObject({ status: 200, body: { code: 'GUARD_REFUSED' } })
  })
})
