/** The command as a process: grammar, exit codes, and what goes to which stream. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Decision, Resource } from '@signalbox/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'
import { root } from '../support/root.ts'

const config = join(root, 'packages/examples/src/bookings/signalbox.config.ts')
let commands: Commands
let directory = ''
let url = ''

beforeAll(async () => {
  commands = await openCommands(config)
  directory = commands.directory
  url = commands.url
})

afterAll(async () => await commands.close())

const run = (parameters: readonly string[], input?: string) => commands.run(parameters, input)

const night = ['--scope', 'city', '--agent', 'front-office', '--do', 'open night/A:2030-01-01 {"capacity":1}']
const stay = (id: string) =>
  JSON.stringify({
    scope: 'city',
    agent: 'agency-9',
    actions: [
      { resource: `stay/${id}`, action: 'hold', input: { arrival: '2030-01-01', nights: ['night/A:2030-01-01'], roomType: 'A' } },
      { resource: 'night/A:2030-01-01', action: 'book', input: { stay: id } },
    ],
  })

describe('signalbox', () => {
  let rejected = ''

  it('submits from flags, from a file and from standard input; the exit code says what was decided', async () => {
    const opened = await run(['intent', 'submit', ...night, '--url', url])
    expect(opened).toMatchObject({ code: 0 })
    expect(opened.stdout).toContain('COMMITTED')
    writeFileSync(join(directory, 'stay.json'), stay('1'))
    expect(await run(['intent', 'submit', 'stay.json', '--url', url, '--json'])).toMatchObject({ code: 0 })
    const full = await run(['intent', 'submit', '-', '--url', url, '--json'], stay('2'))
    expect(full.code).toBe(5)
    const decision = JSON.parse(full.stdout) as Decision
    expect(decision).toMatchObject({ committed: false, code: 'INVARIANT_VIOLATED', resource: 'night/A:2030-01-01' })
    rejected = decision.intentId!
  })

  it('dry-runs: says why, writes nothing', async () => {
    const before = (await run(['status', '--url', url, '--json'])).stdout
    const dry = await run(['intent', 'submit', '-', '--dry-run', '--url', url], stay('3'))
    expect(dry.code).toBe(5)
    expect(dry.stdout).toMatch(/REJECTED {2}INVARIANT_VIOLATED.*dry run: nothing was written/)
    expect(dry.stdout).toMatch(/invariants +FAILED/)
    expect((await run(['status', '--url', url, '--json'])).stdout).toBe(before)
  })

  it('reads the log itself while up runs, and the gateway when it is named', async () => {
    for (const where of [
      ['--data-dir', 'data'],
      ['--url', url],
    ]) {
      const shown = await run(['intent', 'show', rejected, ...where, '--json'])
      expect(shown.code, shown.stderr).toBe(0)
      expect(JSON.parse(shown.stdout)).toMatchObject({ intentId: rejected, code: 'INVARIANT_VIOLATED' })
      const explained = await run(['intent', 'explain', rejected, ...where])
      expect(explained.code, explained.stderr).toBe(0)
      expect(explained.stdout).toMatch(/invariants +FAILED/)
      expect(explained.stdout).toContain('owner     front-office, #front-office')
      expect(explained.stdout).not.toContain('DIFFERS')
      const list = await run(['intent', 'list', '--outcome', 'rejected', ...where, '--output', 'jsonl'])
      expect(
        list.stdout
          .trim()
          .split('\n')
          .map((line) => (JSON.parse(line) as Decision).intentId),
      ).toEqual([rejected])
      const resource = await run(['resource', 'show', 'city', 'night/A:2030-01-01', ...where, '--json'])
      expect(JSON.parse(resource.stdout) as Resource).toMatchObject({ version: 2, data: { booked: 1, capacity: 1 } })
      const resources = await run(['resource', 'list', '--type', 'stay', ...where, '--json'])
      expect((JSON.parse(resources.stdout) as Resource[]).map(({ resource }) => resource)).toEqual(['stay/1'])
    }
    const history = await run(['resource', 'history', 'city', 'night/A:2030-01-01', '--data-dir', 'data', '--output', 'jsonl'])
    expect(
      history.stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { version: number }).version),
    ).toEqual([1, 2])
  })

  it.each<[string, readonly string[]]>([
    ['the log', ['--data-dir', 'data']],
    ['the gateway', ['--url', 'URL']],
  ])('tails decisions from %s', async (_name, where) => {
    const tail = commands.start([
      'intent',
      'tail',
      '--from',
      'start',
      '--output',
      'jsonl',
      ...where.map((word) => (word === 'URL' ? url : word)),
    ])
    await expect.poll(() => tail.out.stdout.trim().split('\n').filter(Boolean).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(3)
    tail.child.kill('SIGINT')
    const ended = await tail.ended
    expect(ended.code, ended.stderr).toBe(0)
    expect((JSON.parse(ended.stdout.split('\n')[2]!) as Decision).intentId).toBe(rejected)
  })

  it.each<[string, readonly string[], number, string]>([
    ['an unknown command', ['inten'], 2, "unknown command 'inten'"],
    ['an unknown flag', ['status', '--fast'], 2, "unknown option '--fast'"],
    ['a missing argument', ['intent', 'show'], 2, "missing required argument 'INTENT'"],
    ['an output that there is not', ['intent', 'list', '--output', 'xml'], 2, 'Allowed choices are text, json, jsonl'],
    [
      'an action that cannot be read',
      ['intent', 'submit', '--scope', 's', '--agent', 'a', '--do', 'book'],
      2,
      "--do takes 'ACTION TYPE/ID [INPUT]'",
    ],
    [
      'input that is no JSON',
      ['intent', 'submit', '--scope', 's', '--agent', 'a', '--do', 'book night/1 {x'],
      2,
      'input of book night/1 is no JSON',
    ],
    ['a file that is not there', ['intent', 'submit', 'none.json'], 2, 'cannot read none.json'],
    ['a config that is not there', ['up', '--config', 'none.ts'], 2, 'there is no config at'],
    ['no config at all', ['up', '--data-dir', 'elsewhere'], 2, 'there is no signalbox.config.ts here'],
    [
      'an intent that there is not',
      ['intent', 'show', '0192f3aa-0000-7000-8000-000000000000', '--data-dir', 'data'],
      3,
      'there is no decision on intent',
    ],
    ['a resource that there is not', ['resource', 'show', 'city', 'night/Z:1', '--data-dir', 'data'], 3, 'has no resource night/Z:1'],
    ['a log that there is not', ['intent', 'list', '--data-dir', 'nowhere'], 3, '--data-dir'],
    ['a gateway that is not there', ['status', '--url', 'http://127.0.0.1:1'], 4, 'start one with signalbox up'],
    ['a log that has its owner', ['up', '--config', config, '--data-dir', 'data', '--port', '0'], 4, 'is owned by process'],
  ])('says what to do about %s', async (_name, parameters, code, message) => {
    const ended = await run(parameters)
    expect(ended.code, ended.stderr).toBe(code)
    expect(ended.stderr).toContain(message)
    expect(ended.stdout).toBe('')
  })

  it('has help for everything', async () => {
    for (const parameters of [['--help'], ['intent', '--help'], ['intent', 'submit', '--help'], ['resource', '--help'], ['up', '--help']]) {
      const ended = await run(parameters)
      expect(ended.code).toBe(0)
      expect(ended.stdout).toContain('Usage: signalbox')
    }
  })

  it('stops cleanly on SIGTERM, and all that it acknowledged is there', async () => {
    expect(await commands.stopUp()).toBe(0)
    const list = await run(['intent', 'list', '--data-dir', 'data', '--output', 'jsonl'])
    expect(list.stdout.trim().split('\n')).toHaveLength(3)
  })
})
