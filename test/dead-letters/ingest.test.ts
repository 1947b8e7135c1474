/** Records of a system of record that their source could not read: looked at, redriven, discarded and reopened by command. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import type { DeadLetter, RedriveResult } from '@signalbox/dead-letters'
import { ingest } from '@signalbox/ingest'
import { systemClock } from '@signalbox/log'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'
import { tills } from './ingest.config.ts'

const config = join(import.meta.dirname, 'ingest.config.ts')
const silent = { info() {}, warn() {}, error() {} }
let commands: Commands

async function run<Result>(...parameters: readonly string[]): Promise<{ code: number | null; stderr: string; value: Result }> {
  const all = ['dead-letter', ...parameters, '--data-dir', 'data', '--config', config, '--url', commands.url, '--json']
  const { code, stderr, stdout } = await commands.run(all)
  return { code, stderr, value: (stdout === '' ? null : JSON.parse(stdout)) as Result }
}

const list = async (...more: readonly string[]) => (await run<DeadLetter[]>('list', '--ungrouped', '--topic', 'ingest', ...more)).value

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-ingest-letters-'))
  const log = await openSqliteLog({ directory: join(folder, 'data') })
  const codec = createCodec({ limits: defaultLimits })
  const take = ingest(tills, { log, codec, clock: systemClock, logger: silent, registry: new Registry() })
  const values = [{ id: 'good', cents: 5 }, { id: 'text', cents: '7' }, { id: 'worse', cents: 'much' }, { id: 'nothing', cents: '' }, null]
  const record = { topic: 'erp.tills', partition: 0, timestampMs: Date.now(), key: null }
  await take(
    values.map((value, offset) => ({ ...record, offset, value })),
    new AbortController().signal,
  )
  await log.close()
  commands = await openCommands(config, folder)
}, 60_000)

afterAll(async () => await commands.close())

const verdict = ['--yes', '--reason', 'mended', '--by', 'ann']
const opens = async (id: string) =>
  (await commands.run(['resource', 'show', 'shop-1', `order/${id}`, '--data-dir', 'data', '--config', config])).code

it('they are listed and shown whole, with their source, cause and place', async () => {
  expect(await list()).toMatchObject(
    [1, 2, 3, 4].map((offset, at) => ({
      id: `ingest:0:${at}`,
      topic: 'ingest',
      code: 'SOURCE_UNREADABLE',
      subject: 'tills',
      sourceOffset: offset,
      standing: { state: 'open' },
    })),
  )
  const shown = await run<{ decoded: { record: { value: object } } }>('show', 'ingest:0:0')
  expect(shown.value.decoded.record.value).toEqual({ id: 'text', cents: '7' })
  expect(await opens('good')).toBe(0)
})

it('redriven before the map is mended they stay, and the cause of now is said', async () => {
  const { code, value } = await run<RedriveResult[]>('redrive', 'ingest:0:0', ...verdict)
  expect(value).toMatchObject([
    { id: 'ingest:0:0', outcome: 'blocked', code: 'STILL_DEAD_LETTERED', message: expect.stringContaining('the amount is a text') },
  ])
  expect(code).toBe(5)
  expect(await list()).toHaveLength(4)
})

it('without --yes nothing is done, and it is said what would be', async () => {
  const { value } = await run<RedriveResult[]>('redrive', '--topic', 'ingest')
  expect(value.map(({ message }) => message)).toEqual(Array(4).fill('the record would be read by source tills again, and its intent sent'))
  expect(await list('--standing', 'redriven')).toEqual([])
})

it('redriven with the mended map they become intents once, also where the command is run again', async () => {
  commands.environment.SOURCE = 'mended'
  const { code, stderr, value } = await run<RedriveResult[]>('redrive', 'ingest:0:0', ...verdict)
  expect(value, stderr).toMatchObject([{ outcome: 'committed', message: null }])
  expect(code).toBe(0)
  expect(await opens('text')).toBe(0)
  const again = await run<RedriveResult[]>('redrive', 'ingest:0:0', ...verdict)
  expect(again.value).toMatchObject([{ outcome: 'blocked', code: 'SETTLED' }])
  const [shown] = await list('--standing', 'redriven')
  expect(shown).toMatchObject({ id: 'ingest:0:0', standing: { state: 'redriven', by: 'human:ann', reason: 'mended' } })
})

it('one that says nothing now is settled without an intent, and one that is rejected stays open', async () => {
  expect((await run<RedriveResult[]>('redrive', 'ingest:0:2', ...verdict)).value).toMatchObject([
    { outcome: 'committed', intentId: null, message: 'nothing follows from it' },
  ])
  const { code, value } = await run<RedriveResult[]>('redrive', 'ingest:0:1', ...verdict)
  expect(value).toMatchObject([{ id: 'ingest:0:1' }])
  expect(value[0]!.outcome).not.toBe('committed')
  expect(code).toBe(5)
  expect((await list()).map(({ id }) => id)).toEqual(['ingest:0:1', 'ingest:0:3'])
})

it('discarded they are done with, and reopened they are open again', async () => {
  const discarded = await run('discard', 'ingest:0:3', ...verdict)
  expect(discarded.code, discarded.stderr).toBe(0)
  expect((await list()).map(({ id }) => id)).toEqual(['ingest:0:1'])
  expect(await list('--standing', 'discarded')).toMatchObject([{ id: 'ingest:0:3', standing: { state: 'discarded', by: 'human:ann' } }])
  expect((await run('redrive', 'ingest:0:3', ...verdict)).code).not.toBe(0)
  expect((await run('reopen', 'ingest:0:3', '--reason', 'a mistake', '--by', 'ann')).code).toBe(0)
  expect((await list()).map(({ id }) => id)).toEqual(['ingest:0:1', 'ingest:0:3'])
})
