/** `signalbox projection` as people type it: beside `up`, and without. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'
import { root } from '../support/root.ts'

const timeout = 120_000
let commands: Commands

beforeAll(async () => {
  commands = await openCommands(join(root, 'test/end-to-end/projection.config.ts'))
  for (const [id, cents] of [
    ['1', 500],
    ['2', 5_000],
    ['3', 666],
    ['4', 9_000],
  ] as const) {
    const scope = cents === 666 || id === '4' ? 'cursed' : 'shop-1'
    const submitted = await run(
      'intent',
      'submit',
      '--url',
      commands.url,
      '--scope',
      scope,
      '--agent',
      'clerk',
      '--do',
      `open order/${id} {"cents":${cents}}`,
    )
    expect(submitted.code, submitted.stderr).toBe(0)
  }
  await vi.waitUntil(async () => (await json<Listed[]>('list')).every(({ behind }) => behind === 0), { timeout: 30_000, interval: 200 })
}, timeout)
afterAll(async () => {
  await commands.close()
}, timeout)

interface Listed {
  readonly name: string
  readonly behind: number
  readonly parked: number
  readonly live: number
}

async function run(...parameters: string[]) {
  return await commands.run(parameters)
}

async function projection(...parameters: string[]) {
  return await run('projection', ...parameters, '--data-dir', 'data')
}

async function json<Value>(...parameters: string[]): Promise<Value> {
  const { code, stderr, stdout } = await projection(...parameters, '--json')
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout) as Value
}

describe('signalbox projection', { timeout }, () => {
  it('lists the shipped ones and those of the config', async () => {
    const listed = await json<Listed[]>('list')
    expect(listed.map(({ name }) => name)).toEqual([
      'resources',
      'agents',
      'decisions',
      'escalations',
      'contention',
      'audit-trail',
      'dear-orders',
    ])
    expect(listed.find(({ name }) => name === 'dear-orders')).toMatchObject({ parked: 2, live: 1 })
    expect((await projection('list')).stdout).toContain('dear-orders@1  up to date, 2 parked  Orders of more than 10 euros')
  })

  it('shows one, with what is parked and why', async () => {
    const { stdout } = await projection('show', 'dear-orders')
    expect(stdout).toContain('generation 1  live, version 1')
    expect(stdout).toMatch(/parked {6}0\/\d+\/0 {2}key cursed {2}Error: a cursed amount/)
    expect(stdout).toMatch(/parked {6}0\/\d+\/0 {2}key cursed {2}held back behind/)
  })

  it('prints rows: all, one, and of a table that must be named', async () => {
    expect((await projection('rows', 'dear-orders')).stdout).toBe('2  {"cents":5000,"state":"open"}\n')
    expect(await json('rows', 'resources', '--prefix', 'shop-1/', '--limit', '1')).toMatchObject([
      { key: 'shop-1/order/1', row: { version: 1 } },
    ])
    expect(await json('rows', 'agents', 'agents', '--key', 'clerk')).toMatchObject([{ row: { committed: 4 } }])
    expect(await projection('rows', 'agents')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('name one of agents, rejects, standing'),
    })
    expect(await projection('rows', 'agents', 'agents', '--key', 'nobody')).toMatchObject({ code: 3 })
    expect(await projection('rows', 'nothing')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('there is no projection nothing'),
    })
  })

  it('verifies all of them', async () => {
    const { code, stdout } = await projection('verify', '--output', 'jsonl')
    expect(code).toBe(0)
    const lines = stdout.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line) as object)).toEqual(
      lines.map(() => expect.objectContaining({ isClean: true, differing: 0 })),
    )
  })

  it('rebuilds by way of the projector that runs', async () => {
    expect(await projection('rebuild', 'resources')).toMatchObject({ code: 0, stdout: 'rebuild resources: done, generation 2 is live\n' })
    expect(await projection('rebuild', 'agents', '--no-wait')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('is left for who owns'),
    })
    await vi.waitUntil(async () => (await json<Listed[]>('list')).find(({ name }) => name === 'agents')!.live === 2, { timeout: 20_000 })
  })

  it('retries what is parked, and says what still cannot be', async () => {
    expect(await projection('retry', 'dear-orders')).toMatchObject({ code: 2, stderr: expect.stringContaining('or --all') })
    expect(await projection('retry', 'dear-orders', 'cursed')).toMatchObject({
      code: 5,
      stdout: expect.stringContaining('0 events folded; 1 of 1 keys still'),
    })
  })

  it('does all that without a projector too, and by mended code', async () => {
    expect(await commands.stopUp()).toBe(0)
    // The commands that follow find the code mended.
    commands.environment.CURED = 'yes'
    expect(await projection('retry', 'dear-orders', '--all')).toMatchObject({
      code: 0,
      stdout: 'retry dear-orders: done, 2 events folded\n',
    })
    expect((await projection('rows', 'dear-orders')).stdout).toBe('2  {"cents":5000,"state":"open"}\n4  {"cents":9000,"state":"open"}\n')
    expect(await projection('rebuild', 'resources')).toMatchObject({ code: 0, stdout: 'rebuild resources: done, generation 3 is live\n' })
  })

  it('verify names the first rows that differ, with exit code 8', async () => {
    const database = new DatabaseSync(join(commands.directory, 'data/projections.db'))
    // Without its checksum, as rows of earlier versions are: with it, the row would be said to be damaged.
    const wrong = `row = replace(row, '"cents":500,', '"cents":501,'), checksum = NULL`
    database.exec(`UPDATE "resources.resources.3" SET ${wrong} WHERE key = 'shop-1/order/1'`)
    database.close()
    const { code, stdout } = await projection('verify', 'resources')
    expect(code).toBe(8)
    expect(stdout).toMatch(/^differs {2}resources@2/)
    expect(stdout).toMatch(/resources shop-1\/order\/1\n {4}live {4}.*"cents":501.*\n {4}anew {4}.*"cents":500,/)
  })

  it('says what to do where there is nothing yet', async () => {
    expect(await run('projection', 'list', '--data-dir', 'nowhere')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('signalbox up makes them'),
    })
  })
})

describe('signalbox projection new', { timeout: 2 * timeout }, () => {
  it('writes projections whose tests pass and whose types hold, as they are', async () => {
    mkdirSync(join(root, 'test/.scratch'), { recursive: true })
    const workspace = mkdtempSync(join(root, 'test/.scratch/new-'))
    try {
      const node = (...parameters: string[]) =>
        execFileSync(process.execPath, parameters, { cwd: workspace, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
      const main = ['--disable-warning=ExperimentalWarning', join(root, 'packages/cli/src/main.ts')]
      expect(node(...main, 'projection', 'new', 'by-state')).toContain("import { projection as byState } from './projections/by-state.ts'")
      node(...main, 'projection', 'new', 'refund-states', '--type', 'refund')
      expect(() => node(...main, 'projection', 'new', 'by-state')).toThrow('nothing was written')
      expect(() => node(...main, 'projection', 'new', 'resources')).toThrow('there is a projection resources already')
      expect(() => node(...main, 'projection', 'new', 'By State')).toThrow('lower-case letters')
      const report = join(workspace, 'report.json')
      node(join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', workspace, '--reporter=json', `--outputFile=${report}`)
      expect(JSON.parse(readFileSync(report, 'utf8'))).toMatchObject({ success: true, numPassedTests: 6, numFailedTests: 0 })
      const options = { noEmit: true, types: [] }
      writeFileSync(
        join(workspace, 'tsconfig.json'),
        JSON.stringify({ extends: '../../../tsconfig.base.json', compilerOptions: options, include: ['projections/*.ts'] }),
      )
      node(join(root, 'node_modules/typescript/bin/tsc'), '-p', join(workspace, 'tsconfig.json'))
      // And the tests can fail.
      const file = join(workspace, 'projections/by-state.ts')
      writeFileSync(file, readFileSync(file, 'utf8').replace('row.changes + 1', 'row.changes + 2'))
      expect(() => node(join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', workspace)).toThrow()
    } finally {
      rmSync(workspace, { recursive: true, force: true })
    }
  })
})
