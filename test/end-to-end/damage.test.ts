/** Damage on disk: it stops the partition it is in and no other, it is said, and no answer is ever wrong. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newIntentId } from '@signalbox/client'
import { contractSet, partitionOf } from '@signalbox/contract'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { openSqliteStore } from '@signalbox/projection-sqlite'
import { type RunningSignalbox, startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { root } from '../support/root.ts'
import { order } from '../support/shop.ts'
import { runHere } from './run-here.ts'

const directory = mkdtempSync(join(tmpdir(), 'signalbox-damage-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const place = (name: string) => join(directory, name)
const config = join(root, 'test/end-to-end/shop.config.ts')
const partitionCount = 2
const scopes = [0, 1].map((partition) => ['a', 'b', 'c', 'd', 'e', 'f'].find((name) => partitionOf(name, partitionCount) === partition)!)

let running: RunningSignalbox | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

async function start(name: string): Promise<{ readonly url: string; readonly signalbox: RunningSignalbox }> {
  const log = await openSqliteLog({ directory: place(name), partitionCount, recentBytes: 0 })
  running = await startSignalbox({ log, contracts: contractSet([order]), logger: pino({ level: 'silent' }) })
  const url = await running.gateway.server.listen({ host: '127.0.0.1', port: 0, trustNetwork: false })
  return { url, signalbox: running }
}

async function stop(): Promise<void> {
  await running!.stop()
  running = undefined
}

async function ask(url: string, path: string, body?: object): Promise<{ readonly status: number; readonly body: Record<string, unknown> }> {
  const answer = await fetch(url + path, {
    ...(body === undefined ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
}

const action = (scope: string, resource: string, name: string, input: object) => ({
  intentId: newIntentId(),
  scope,
  agent: 'clerk',
  actions: [{ resource, action: name, input }],
})

function flip(name: string, file: string, position: number, bit = 0): void {
  const bytes = readFileSync(join(place(name), file))
  bytes[position]! ^= 1 << bit
  writeFileSync(join(place(name), file), bytes)
}

/** A log with a decision that is too large for a page: SQLite reads what is in no page of rows from the disk each time. */
async function written(name: string): Promise<string> {
  const { url } = await start(name)
  await ask(url, '/v1/intents', action(scopes[0]!, 'order/first', 'open', { cents: 7 }))
  const large = action(scopes[0]!, 'order/first', 'annotate', { note: 'y'.repeat(20_000) })
  await ask(url, '/v1/intents', large)
  for (let each = 0; each < 5; each++) await ask(url, '/v1/intents', action(scopes[0]!, `order/${each}`, 'open', { cents: 1 }))
  await ask(url, '/v1/intents', action(scopes[1]!, 'order/other', 'open', { cents: 7 }))
  await stop()
  return large.intentId
}

describe('damage in the log', { timeout: 120_000 }, () => {
  it('that is met while running stops its partition and no other, and is said', async () => {
    const intentId = await written('running')
    const { signalbox, url } = await start('running')
    // In the intent and in the event.
    const bytes = readFileSync(join(place('running'), 'log.db'))
    const text = 'y'.repeat(4_000)
    for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + text.length)) flip('running', 'log.db', at + 2_000)
    await vi.waitUntil(async () => (await ask(url, `/v1/intents/${intentId}`)).status !== 200, { timeout: 20_000, interval: 50 })
    const met = await ask(url, `/v1/intents/${intentId}`)
    expect(met).toMatchObject({
      status: 503,
      body: { code: 'LOG_DAMAGED', message: expect.stringMatching(/is damaged: in events\/0 .*docs\/operating/) },
    })
    const { end } = await signalbox.log.offsets('intents', 0)
    const refused = await ask(url, '/v1/intents', action(scopes[0]!, 'order/late', 'open', { cents: 1 }))
    expect(refused).toMatchObject({ status: 503, body: { code: 'LOG_DAMAGED' } })
    await vi.waitUntil(() => signalbox.sequencer!.phases().get(0) === 'damaged', { timeout: 10_000 })
    expect((await signalbox.log.offsets('intents', 0)).end).toBe(end)
    const other = await ask(url, '/v1/intents', action(scopes[1]!, 'order/new', 'open', { cents: 1 }))
    expect(other).toMatchObject({ status: 200, body: { committed: true } })
    const ready = await fetch(`${url}/readyz`)
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('partition 0 is damaged')])
    expect((await ask(url, '/v1/status')).body).toMatchObject({ ready: false, partitions: [{ phase: 'damaged' }, { phase: 'active' }] })
    expect(await Promise.race([signalbox.failed.catch(() => 'failed'), Promise.resolve('runs')])).toBe('runs')
  })

  it('that is there at the start stops its partition and no other', async () => {
    const { url: first } = await start('early')
    for (const name of ['first', 'second', 'third'])
      await ask(first, '/v1/intents', action(scopes[0]!, `order/${name}`, 'open', { cents: 7 }))
    await ask(first, '/v1/intents', action(scopes[1]!, 'order/other', 'open', { cents: 7 }))
    await stop()
    flip('early', 'log.db', readFileSync(join(place('early'), 'log.db')).lastIndexOf('order/first'))
    const { signalbox, url } = await start('early')
    await vi.waitUntil(() => signalbox.sequencer!.phases().get(0) === 'damaged', { timeout: 10_000 })
    expect(await ask(url, '/v1/intents', action(scopes[1]!, 'order/new', 'open', { cents: 1 }))).toMatchObject({ status: 200 })
    expect(await ask(url, '/v1/intents', action(scopes[0]!, 'order/new', 'open', { cents: 1 }))).toMatchObject({
      status: 503,
      body: { code: 'LOG_DAMAGED' },
    })
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
  })
})

/** One command in this process, and what it said. */
const command = (...parameters: readonly string[]) => runHere([...parameters, '--log', 'sqlite', '--config', config])

describe('one flipped bit', { timeout: 240_000 }, () => {
  it('anywhere in the log gives the right answer, or says that it is damaged', async () => {
    const { url } = await start('small')
    const ids: string[] = []
    for (const scope of scopes) {
      for (let each = 0; each < 4; each++) {
        const intent = action(scope, `order/${each}`, 'open', { cents: 1 + each })
        ids.push(intent.intentId)
        await ask(url, '/v1/intents', intent)
        await ask(url, '/v1/intents', action(scope, 'order/0', 'annotate', { note: `${each}` }))
      }
    }
    await stop()
    const questions = [
      ['intent', 'show', ids[1]!, '--json'],
      ['resource', 'show', scopes[0]!, 'order/0', '--json'],
      ['resource', 'history', scopes[1]!, 'order/0', '--json'],
      ['intent', 'list', '--json'],
    ]
    const askAll = async (name: string) => {
      const answers: string[] = []
      for (const question of questions) {
        const { code, said } = await command(...question, '--data-dir', place(name))
        answers.push(code === 0 ? said : `(${code}) ${said}`)
      }
      return answers
    }
    const right = await askAll('small')
    expect(right.every((answer) => answer.startsWith('{') || answer.startsWith('['))).toBe(true)
    const size = readFileSync(join(place('small'), 'log.db')).byteLength
    const seed = Number(process.env.SIGNALBOX_SEED ?? Date.now() % 100_000)
    let random = seed
    const next = () => {
      random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0
      return random
    }
    // The file's header, the head of every page, and anywhere.
    const positions = [
      ...Array.from({ length: 25 }, (_, each) => each * 4),
      ...Array.from({ length: size / 4_096 }, (_, page) => page * 4_096 + (page % 12)),
      ...Array.from({ length: 120 }, () => next() % size),
    ]
    let noticed = 0
    for (const position of positions) {
      const bit = next() % 8
      cpSync(place('small'), place('flipped'), { recursive: true })
      flip('flipped', 'log.db', position, bit)
      const where = `seed ${seed}, byte ${position}, bit ${bit}`
      for (const [index, answer] of (await askAll('flipped')).entries()) {
        if (answer === right[index]) continue
        expect(answer, where).toMatch(/^\([2-6]\) signalbox: .*(is damaged|another program|format version)/s)
        expect(answer, where).not.toMatch(/a bug|\n\s+at /)
        noticed++
      }
      rmSync(place('flipped'), { recursive: true })
    }
    expect(noticed).toBeGreaterThan(20)
  })
})

describe('damaged projections', { timeout: 60_000 }, () => {
  it('are set aside and built anew where their owner meets them, and a sentence where a reader does', async () => {
    const name = place('projections')
    const first = openSqliteStore({ directory: name })
    await first.close()
    flip('projections', 'projections.db', 200)
    flip('projections', 'projections.db', 3)
    expect(() => openSqliteStore({ directory: name })).toThrow(/is damaged/)
    const said: string[] = []
    const store = openSqliteStore({ directory: name, setAside: (message) => said.push(message) })
    expect(await store.projections()).toEqual([])
    await store.close()
    expect(said).toEqual([expect.stringMatching(/set aside as .*projections\.db\.damaged-\d+, and the projections are built anew/)])
    expect(readdirSync(name).some((each) => each.startsWith('projections.db.damaged-'))).toBe(true)
  })
})
