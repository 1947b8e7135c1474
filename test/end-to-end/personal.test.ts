/** Personal data from an agent to its erasure, on a log that is read as files. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Agent, connect } from '@signalbox/client'
import { createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits, type Resource } from '@signalbox/contract'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { openFileKeyStore, personalData } from '@signalbox/personal'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'
import { root } from '../support/root.ts'
import { customer } from './personal.config.ts'

const config = join(root, 'test/end-to-end/personal.config.ts')
const ada = 'ada.lovelace@example.org'
const bob = 'bob@example.org'
let commands: Commands
let agent: Agent

beforeAll(async () => {
  commands = await openCommands(config, undefined, { SIGNALBOX_KEYS: 'keys' }, [['keys', 'create', '--keys', 'keys', '--data-dir', 'data']])
  agent = connect({ url: commands.url, agent: 'clerk' })
}, 60_000)

afterAll(async () => {
  await agent.close()
  await commands.close()
})

const place = (name: string) => join(commands.directory, name)
const on = { scope: 'shop', resources: [] }
const register = (who: Agent, id: string, email: string) =>
  who.propose(on, [{ resource: `customer/${id}`, action: 'register', input: { email, tier: 'gold' } }])

/** Every file below, what SQLite has not copied into the database yet included. */
function filesWith(text: string, ...directories: string[]): string[] {
  return directories.flatMap((directory) =>
    readdirSync(place(directory), { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile() && readFileSync(join(each.parentPath, each.name)).includes(text))
      .map((each) => join(each.parentPath, each.name)),
  )
}

describe('a gateway without a key store', () => {
  it('takes no personal data, and what came past it in the clear is rejected', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'signalbox-keyless-'))
    const logger = pino({ level: 'silent' })
    const log = await openSqliteLog({ directory })
    const signalbox = await startSignalbox({ log, contracts: contractSet([customer]), logger })
    const url = await signalbox.gateway.server.listen({ host: '127.0.0.1', port: 0 })
    const careless = connect({ url, agent: 'clerk' })
    try {
      const before = await log.offsets('intents', 0)
      const refused = await register(careless, 'ada', ada).catch((error: unknown) => error)
      expect(refused).toMatchObject({
        problem: 'BODY_MALFORMED',
        message: expect.stringContaining('actions[0].input.email is personal data'),
      })
      expect(await log.offsets('intents', 0)).toEqual(before)
      const intent = careless.intent(on, [{ resource: 'customer/ada', action: 'register', input: { email: ada, tier: 'x' } }])
      const value = createCodec({ limits: defaultLimits }).encodeIntent(intent)
      await log.append(0, { key: 'shop', value, headers: {} })
      await vi.waitUntil(async () => (await careless.decision(intent.intentId)) !== null, { timeout: 20_000, interval: 20 })
      expect(await careless.decision(intent.intentId)).toMatchObject({
        code: 'INPUT_INVALID',
        message: expect.stringContaining('in the clear'),
      })
    } finally {
      await careless.close()
      await signalbox.stop()
      rmSync(directory, { recursive: true, force: true })
    }
  })
})

describe('personal data', { timeout: 120_000 }, () => {
  let firstEvent = ''

  it('is encrypted before it is in the log, and shown to who asks the gateway', async () => {
    const decision = await register(agent, 'ada', ada)
    expect(decision).toMatchObject({ committed: true, changes: [{ data: { email: ada, tier: 'gold' } }] })
    firstEvent = decision.event!
    expect((await register(agent, 'bob', bob)).committed).toBe(true)
    expect((await agent.observe('shop', ['customer/ada'])).get('customer/ada').data).toEqual({ email: ada, tier: 'gold' })
    expect(existsSync(place('data/log.db-wal'))).toBe(true)
    expect(filesWith(ada, 'data', 'keys')).toEqual([])
    expect(filesWith('personal:v1:', 'data').length).toBeGreaterThan(0)
  })

  it('keeps equality: contracts compare what they cannot read', async () => {
    const seen = await agent.observe('shop', ['customer/ada'])
    const right = await agent.propose(seen, [{ resource: 'customer/ada', action: 'confirm', input: { email: ada } }])
    expect(right.committed).toBe(true)
    const again = await agent.observe('shop', ['customer/ada'])
    const wrong = await agent.propose(again, [{ resource: 'customer/ada', action: 'confirm', input: { email: bob } }])
    expect(wrong).toMatchObject({ committed: false, code: 'GUARD_REFUSED' })
  })

  it('makes one intent of one that is sent twice', async () => {
    const intent = agent.intent(on, [{ resource: 'customer/eve', action: 'register', input: { email: 'eve@example.org', tier: 'x' } }])
    expect(await agent.submit(intent)).toMatchObject({ committed: true, duplicate: false })
    expect(await agent.submit(intent)).toMatchObject({ committed: true, duplicate: true })
  })

  it('can be encrypted by the agent itself', async () => {
    const personal = personalData(openFileKeyStore(place('keys')), contractSet([customer]))
    const careful = connect({ url: commands.url, agent: 'careful', personal })
    const decision = await register(careful, 'carl', 'carl@example.org')
    expect(decision).toMatchObject({ committed: true, changes: [{ data: { email: 'carl@example.org' } }] })
    await careful.close()
  })

  it('is shown by commands that hold the keys, and lies opaque for those that do not', async () => {
    const show = (...more: string[]) => commands.run(['resource', 'show', 'shop', 'customer/ada', '--data-dir', 'data', '--json', ...more])
    expect((JSON.parse((await show()).stdout) as Resource).data).toEqual({ email: ada, tier: 'gold' })
    commands.environment.SIGNALBOX_KEYS = ''
    expect((JSON.parse((await show()).stdout) as Resource).data).toMatchObject({ email: expect.stringMatching(/^personal:v1:/) })
    const lost = await show('--keys', 'elsewhere')
    expect(lost).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('there is no key store in') })
    const gateway = await commands.run(['up', '--config', config, '--data-dir', 'data2', '--port', '0', '--keys', 'elsewhere'])
    expect(gateway).toMatchObject({ code: 3, stderr: expect.stringContaining('nobody can read the personal data') })
    commands.environment.SIGNALBOX_KEYS = 'keys'
  })

  it('streams to readers of the gateway in the clear, and to projections as it lies in the log', async () => {
    const answer = await fetch(`${commands.url}/v1/events?from=start`, { headers: { accept: 'text/event-stream' } })
    let text = ''
    for await (const chunk of answer.body!) {
      text += Buffer.from(chunk).toString()
      if (text.includes(bob)) break
    }
    expect(text).toContain(ada)
    expect(text).not.toContain('personal:v1:')
    await vi.waitUntil(() => existsSync(place('data/projections.db')), { timeout: 20_000, interval: 50 })
    expect(filesWith(ada, 'data')).toEqual([])
  })

  it('is erased with its key: no copy says it any more, the log is as it was, others are as they were', async () => {
    const before = await commands.run(['replay', 'diff', '--data-dir', 'data', '--json'])
    expect(before.code).toBe(0)
    cpSync(place('data'), place('older-copy'), { recursive: true })
    expect(await commands.run(['erase', 'ada', '--reason', 'asked by letter', '--url', commands.url])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/1 key destroyed[\s\S]*COMMITTED/),
    })
    const seen = await agent.observe('shop', ['customer/ada', 'customer/bob'])
    expect(seen.get('customer/ada').data).toEqual({ email: '[erased]', tier: 'gold' })
    expect(seen.get('customer/bob').data).toMatchObject({ email: bob })
    expect(await agent.decision((await commandDecision()).intentId!)).toMatchObject({ changes: [{ data: { email: '[erased]' } }] })
    const older = await commands.run(['resource', 'show', 'shop', 'customer/ada', '--data-dir', 'older-copy', '--json'])
    expect((JSON.parse(older.stdout) as Resource).data).toMatchObject({ email: '[erased]' })
    expect(filesWith(ada, 'data', 'keys', 'older-copy')).toEqual([])
    const [audit, diff] = [
      await commands.run(['audit', '--data-dir', 'data', '--json']),
      await commands.run(['replay', 'diff', '--data-dir', 'data', '--json']),
    ]
    expect(JSON.parse(audit.stdout)).toMatchObject({ clean: true, breaks: 0, not_decided_again: 0 })
    expect(diff.code).toBe(0)
  })

  async function commandDecision(): Promise<{ readonly intentId: string | null }> {
    const found = await commands.run(['intent', 'list', '--resource', 'customer/ada', '--data-dir', 'data', '--json'])
    return (JSON.parse(found.stdout) as { event: string; intentId: string }[]).find(({ event }) => event === firstEvent)!
  }

  it('is nothing in an export but what the log holds', async () => {
    expect(await commands.run(['replay', 'export', 'all.jsonl', '--data-dir', 'data'])).toMatchObject({ code: 0 })
    const text = readFileSync(place('all.jsonl'), 'utf8')
    expect([ada, bob].filter((each) => text.includes(each))).toEqual([])
    const read = await commands.run(['resource', 'list', '--type', 'customer', '--file', 'all.jsonl', '--json'])
    expect((JSON.parse(read.stdout) as Resource[]).map(({ data }) => (data as { email: string }).email).sort()).toEqual([
      '[erased]',
      bob,
      'carl@example.org',
      'eve@example.org',
    ])
  })

  it('says who erased and why, once, and takes the person as a new one', async () => {
    const again = await commands.run(['erase', 'ada', '--reason', 'asked by letter', '--url', commands.url])
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('recorded in the log already') })
    const { stdout } = await commands.run(['resource', 'list', '--type', 'erasure', '--data-dir', 'data', '--json'])
    const [record, ...others] = JSON.parse(stdout) as Resource[]
    expect(record).toMatchObject({ scope: 'erasures', data: { by: expect.stringMatching(/^human:/), reason: 'asked by letter' } })
    expect(others).toEqual([])
    expect(stdout).not.toContain('ada')
    expect(await commands.run(['erase', 'nobody', '--reason', 'asked', '--url', commands.url])).toMatchObject({ code: 3 })
    expect(await commands.run(['erase', 'bob', '--reason', 'bob asked', '--url', commands.url])).toMatchObject({ code: 2 })
    const seen = await agent.observe('shop', ['customer/ada'])
    const back = await agent.propose(seen, [{ resource: 'customer/ada', action: 'confirm', input: { email: ada } }])
    // What was said before is gone, so that nothing equals it.
    expect(back).toMatchObject({ committed: false, code: 'GUARD_REFUSED' })
  })

  it('is neither taken nor shown while the key store is away, and nothing else stops', async () => {
    renameSync(place('keys'), place('away'))
    const refused = await register(agent, 'dora', 'dora@example.org').catch((error: unknown) => error)
    expect(refused).toMatchObject({ problem: 'NOT_READY', message: expect.stringContaining('the key store in') })
    expect(await commands.run(['status', '--url', commands.url])).toMatchObject({ code: 0 })
    mkdirSync(place('keys'))
    expect(await register(agent, 'dora', 'dora@example.org').catch((error: unknown) => error)).toMatchObject({ problem: 'NOT_READY' })
    renameSync(place('away'), place('keys'))
    expect((await register(agent, 'dora', 'dora@example.org')).committed).toBe(true)
    expect(filesWith('dora@example.org', 'data')).toEqual([])
  })
})
