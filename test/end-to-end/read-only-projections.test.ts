/** Commands that only read read models work in a folder where nothing can be written. */
import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'
import { root } from '../support/root.ts'

const main = join(root, 'packages/cli/src/main.ts')
const config = join(root, 'test/end-to-end/shop.config.ts')
const directory = mkdtempSync(join(tmpdir(), 'signalbox-read-only-'))
let commands: Commands

/** As a user who may write nothing there. */
function command(folder: string, ...parameters: readonly string[]) {
  const { KAFKA_BROKERS: _brokers, KAFKA_BOOTSTRAP_SERVERS: _servers, ...environment } = process.env
  const all = ['--disable-warning=ExperimentalWarning', main, ...parameters, '--data-dir', folder, '--log', 'sqlite', '--config', config]
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
  return spawnSync(process.execPath, all, { encoding: 'utf8', env: { ...environment, NO_COLOR: '1' }, ...nobody })
}

function setMode(folder: string, file: number, itself: number): void {
  for (const name of readdirSync(folder, { recursive: true }).map(String))
    chmodSync(join(folder, name), statSync(join(folder, name)).isDirectory() ? itself : file)
  chmodSync(folder, itself)
}

beforeAll(async () => {
  chmodSync(directory, 0o755)
  commands = await openCommands(config)
  const submit = ['intent', 'submit', '--scope', 's', '--agent', 'clerk', '--do', 'open order/1 {"cents":5}', '--url', commands.url]
  expect((await commands.run(submit)).code).toBe(0)
  const list = ['projection', 'rows', 'resources', '--data-dir', 'data', '--config', config, '--json']
  await vi.waitUntil(async () => (await commands.run(list)).stdout.includes('order/1'), { timeout: 30_000, interval: 100 })
  cpSync(join(commands.directory, 'data'), join(directory, 'in-use'), { recursive: true })
  await commands.stopUp()
  cpSync(join(commands.directory, 'data'), join(directory, 'closed'), { recursive: true })
  for (const name of ['in-use', 'closed']) setMode(join(directory, name), 0o444, 0o555)
}, 60_000)

afterAll(async () => {
  await commands.close()
  for (const name of ['in-use', 'closed']) setMode(join(directory, name), 0o644, 0o755)
  rmSync(directory, { recursive: true, force: true })
})

describe.each(['in-use', 'closed'])('a folder that is read-only, %s', (name) => {
  it.each([
    ['list', ['projection', 'list'], /resources/],
    ['show', ['projection', 'show', 'resources'], /resources/],
    ['rows', ['projection', 'rows', 'resources'], /order\/1/],
    ['one row', ['projection', 'rows', 'resources', '--prefix', 's/order'], /order\/1/],
    ['verify', ['projection', 'verify', 'resources'], /resources/],
    ['intent list', ['intent', 'list'], /order\/1/],
    ['audit', ['audit'], /clean/],
  ])('%s works', (_name, parameters, says) => {
    const { status, stderr, stdout } = command(join(directory, name), ...parameters)
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(says)
  })

  it('what would write there says so', () => {
    const { status, stderr } = command(join(directory, name), 'projection', 'rebuild', 'resources')
    expect(stderr).not.toContain('a bug in signalbox')
    expect(status, stderr).toBeOneOf([2, 4])
  })
})
