/** Which log and which store a command means, and that it writes to no other. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { environment as given } from '../../packages/cli/src/environment.ts'
import { readSettings } from '../../packages/cli/src/settings.ts'
import { type Commands, openCommands } from '../support/commands.ts'
import { root } from '../support/root.ts'
import { runCommandLine } from './run-command.ts'

const config = join(root, 'test/end-to-end/shop.config.ts')
const timeout = 120_000
let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-which-'))
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

describe('the log that is meant', () => {
  const brokers = { KAFKA_BROKERS: 'kafka:9092' }
  it.each([
    ['nothing', {}, {}, 'sqlite'],
    ['a folder', { dataDir: 'x' }, {}, 'sqlite'],
    ['brokers', {}, brokers, 'kafka'],
    ['brokers by their other name', {}, { KAFKA_BOOTSTRAP_SERVERS: 'kafka:9092' }, 'kafka'],
    ['brokers that are empty', {}, { KAFKA_BROKERS: '', KAFKA_BOOTSTRAP_SERVERS: '' }, 'sqlite'],
    ['a folder and brokers that are empty', { dataDir: 'x' }, { KAFKA_BROKERS: '' }, 'sqlite'],
    ['brokers and --log sqlite', { dataDir: 'x', log: 'sqlite' }, brokers, 'sqlite'],
    ['brokers, a folder and --log kafka', { dataDir: 'x', log: 'kafka' }, brokers, 'kafka'],
    ['brokers, a folder and SIGNALBOX_LOG', { dataDir: 'x' }, { ...brokers, SIGNALBOX_LOG: 'kafka' }, 'kafka'],
    ['brokers and a folder', { dataDir: 'x' }, brokers, /^--data-dir names .*--log sqlite, or --log kafka/],
    ['brokers and a folder of the environment', {}, { ...brokers, SIGNALBOX_DATA_DIR: 'x' }, /^SIGNALBOX_DATA_DIR names .*--log sqlite/],
    ['brokers and an export', { dataDir: 'x', file: 'a.jsonl' }, brokers, 'kafka'],
  ] as const)('with %s', async (_name, flags, environment, wanted) => {
    const settings = readSettings({ ...flags, config }, given(environment))
    if (wanted instanceof RegExp) await expect(settings).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(wanted) })
    else expect((await settings).log).toBe(wanted)
  })
})

describe('commands that read one log and write through the gateway of another', { timeout }, () => {
  let one: Commands
  let other: Commands

  beforeEach(async () => {
    one = await openCommands(config)
    other = await openCommands(config)
  }, timeout)

  afterEach(async () => {
    await one.close()
    await other.close()
  }, timeout)

  it('write nothing', async () => {
    const file = join(one.directory, 'keys')
    expect((await one.run(['keys', 'create', '--keys', file, '--data-dir', 'data'])).code).toBe(0)
    for (const command of [
      ['generation', 'close', '--next', 'x', '--reason', 'x'],
      ['generation', 'reopen', '--reason', 'x'],
      ['erase', 'somebody', '--reason', 'x', '--keys', file],
    ]) {
      const refused = await one.run([...command, '--data-dir', 'data', '--url', other.url])
      expect({ command, ...refused }).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing was written') })
    }
    const status = await other.run(['status', '--json', '--url', other.url])
    for (const { closed } of JSON.parse(status.stdout).partitions) expect(closed).toBeNull()
    // Through its own, and where there is no log here to compare with.
    expect((await one.run(['generation', 'close', '--next', 'x', '--reason', 'x', '--data-dir', 'data', '--url', one.url])).code).toBe(0)
    expect((await one.run(['generation', 'reopen', '--reason', 'x', '--data-dir', 'nowhere', '--url', one.url])).code).toBe(0)
  })
})

describe('the store of read models', { timeout }, () => {
  it('is not read from a SQLite file that is of before', async () => {
    const data = join(directory, 'data')
    const commands = await openCommands(config, directory)
    const ask = (...verb: string[]) => runCommandLine(['projection', ...verb, '--data-dir', data, '--config', config])
    await vi.waitUntil(async () => (await ask('list')).code === 0, { timeout, interval: 200 })
    await commands.stopUp()
    mkdirSync(data, { recursive: true })
    // As an `up` leaves it that keeps them in PostgreSQL.
    writeFileSync(join(data, 'projections.json'), '{"store":"postgres"}\n')
    for (const verb of [['list'], ['rows', 'decisions'], ['verify', 'decisions'], ['show', 'decisions']])
      expect({ verb, ...(await ask(...verb)) }).toMatchObject({ code: 2, stderr: expect.stringContaining('SIGNALBOX_PROJECTOR_STORE') })
    const again = await openCommands(config, directory)
    await vi.waitUntil(async () => (await ask('list')).code === 0, { timeout, interval: 200 })
    await again.stopUp()
  })
})
