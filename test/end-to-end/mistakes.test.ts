/** What a user can type wrong gets a sentence with a next step and the documented exit code: it is no bug, and shows no stack. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'
import { root } from '../support/root.ts'
import { runCommandLine } from './run-command.ts'
import { runHere } from './run-here.ts'

const directory = mkdtempSync(join(tmpdir(), 'signalbox-mistakes-'))
const config = join(import.meta.dirname, 'desk.config.ts')
const data = join(directory, 'none')
const noKafka = { KAFKA_BROKERS: undefined, KAFKA_BOOTSTRAP_SERVERS: undefined }
let commands: Commands

/** Loads in the project, where it finds its packages. */
const fixtures = join(root, 'test/end-to-end')

function written(name: string, text: string): string {
  const file = join(directory, name)
  writeFileSync(file, text)
  return file
}

beforeAll(async () => {
  commands = await openCommands(config)
})

afterAll(async () => {
  await commands.close()
  rmSync(directory, { recursive: true, force: true })
})

function expectSentence({ code, stderr }: { code: number | null; stderr: string }, expected: number, says: RegExp): void {
  expect(stderr).toMatch(says)
  expect(code, stderr).toBe(expected)
  expect(stderr).not.toContain('a bug in signalbox')
  expect(stderr).not.toMatch(/^\s+at .*:\d+/m)
}

const typed: readonly (readonly [readonly string[], number, RegExp])[] = [
  [['intent', 'list', '--output', 'yaml'], 2, /Allowed choices are text, json, jsonl/],
  [['intent', 'list', '--limit', '-1'], 2, /--limit takes a whole number from 0 to \d+, not -1/],
  [['intent', 'list', '--limit', 'x'], 2, /--limit takes a whole number/],
  [['intent', 'list', '--limit', '1e3'], 2, /--limit takes a whole number/],
  [['resource', 'list', '--limit', '1.5'], 2, /--limit takes a whole number/],
  [['projection', 'rows', 'resources', '--limit', '0'], 2, /--limit takes a whole number from 1/],
  [['replay', 'diff', '--most', '-3'], 2, /--most takes a whole number/],
  [['intent', 'submit', '--wait-ms', 'x', '--scope', 's', '--agent', 'a', '--do', 'pay refund/1'], 2, /--wait-ms takes a whole number/],
  [['agent', 'quarantine', 'a', '--reason', 'r', '--wait-ms', 'x'], 2, /--wait-ms takes a whole number/],
  [['agent', 'quarantine', 'a', '--reason', 'r', '--tainted-since', 'noon'], 2, /--tainted-since takes a time/],
  [['task', 'offer', '1', '--scope', 's', '--title', 't', '--lease-ms', 'x', '--agent', 'a'], 2, /--lease-ms takes a whole number/],
  [['handoff', 'compile', '--scope', 's', '--purpose', 'p', '--tokens', '0'], 2, /--tokens takes a whole number from 1/],
  [['dead-letter', 'redrive', '--all', '--rate', 'fast', '--yes', '--reason', 'r'], 2, /--rate takes/],
  [['intent', 'skip', 'x', '1', '--reason', 'r'], 2, /PARTITION takes a whole number/],
  [['bench', 'core', '--seconds', 'x'], 2, /--seconds takes a whole number/],
  [['audit', '--partition', '7'], 2, /--partition takes a whole number from 0 to 0, not 7/],
  [['replay', 'run', '--partition', '-1', '--do', 'where'], 2, /--partition takes a whole number/],
  [['up', '--port', '99999'], 2, /--port takes a whole number from 0 to 65535, not 99999/],
  [['up', '--port', 'http'], 2, /--port takes a whole number/],
  [['intent', 'list', '--url', 'ftp://x'], 2, /is no address of a gateway/],
  [['status', '--url', 'localhost'], 2, /is no address of a gateway/],
  [['status', '--url', 'http://%zz@host'], 2, /is no address of a gateway/],
  [['status', '--url', ''], 2, /--url is empty/],
  [['intent', 'list', '--data-dir', ''], 2, /--data-dir is empty/],
  [['status', '--url', 'http://127.0.0.1:1'], 4, /no gateway answers/],
  [['intent', 'show', '0192f3c0-1111-7111-8111-111111111111'], 3, /there is no decision/],
  [['intent', 'shwo', 'x'], 2, /unknown command/],
  [['intent', 'list', '--limt', '1'], 2, /Did you mean --limit/],
  [['intent', 'list', '--limit', ''], 2, /--limit is empty; give it a value, or leave it out/],
  [['intent', 'list', '--code', ' '], 2, /--code is empty/],
  [['intent', 'tail', '--from', ''], 2, /--from is empty/],
  [['intent', 'show', ''], 2, /INTENT is empty/],
  [['resource', 'show', 's', 'refund/1', '--at', ''], 2, /--at is empty/],
  [['resource', 'show', 's', 'refund/1', '--at', 'noon'], 2, /"noon" is no moment of a log; give/],
  [['resource', 'show', 's', 'refund/1', '--at', '2026-11-26T24:00:00Z'], 2, /no hour of a day.*the end of a day is 00:00 of the next/],
  [['resource', 'show', 's', 'refund/1', '--at', '2126-01-01T00:00:00Z'], 3, /2126-01-01T00:00:00Z has not come yet/],
  [['replay', 'run', '--do', 'to'], 2, /"" is no moment of a log/],
  [['replay', 'export', '', '--from', '1h'], 2, /FILE is empty/],
  [['agent', 'quarantine', 'a', '--reason', 'r', '--tainted-since', '2126-01-01T00:00:00Z'], 2, /has not come yet/],
  [['agent', 'quarantine', 'a', '--reason', 'r', '--tainted-since', ''], 2, /--tainted-since is empty/],
  [['intent', 'skip', '0', '0', '--reason', 'x'.repeat(1_001)], 2, /--reason has 1001 characters, more than the 1000 of the limit/],
  [['erase', 'ann', '--reason', 'x'.repeat(1_001)], 2, /--reason has 1001 characters/],
  [['agent', 'release', 'a', '--reason', ' '], 2, /--reason is empty; say why/],
  [['task', 'offer', '1', '--scope', 's', '--title', 'x'.repeat(1_001), '--agent', 'a'], 2, /--title has 1001 characters/],
  [['task', 'done', '1', '--result', 'x'.repeat(4_001), '--agent', 'a'], 2, /--result has 4001 characters/],
  [['escalation', 'reject', '1', '--reason', 'x'.repeat(1_001)], 2, /--reason has 1001 characters/],
  [['intent', 'submit', '--scope', 's', '--agent', 'a', '--do', 'x y/1', '--note', 'x'.repeat(4_097)], 2, /--note has 4097 characters/],
  [['up', '--port', ''], 2, /--port is empty/],
  [['up', '--port', '0', '--allowed-host', ''], 2, /--allowed-host takes names .*, not an empty one/],
]

const configs: readonly (readonly [string, string, RegExp])[] = [
  ['throws.mjs', 'throw new Error("no luck")', /throws\.mjs cannot be loaded: Error: no luck/],
  ['throws-null.mjs', 'throw null', /throws something that is no error/],
  ['syntax.mjs', 'export default {', /cannot be loaded/],
  ['types.ts', 'export default { contracts: [] as', /cannot be loaded: /],
  ['missing.mjs', 'import "./not-there.mjs"', /cannot be loaded: .*not-there/],
  [
    'package.mjs',
    'import "no-such-package-here"',
    /cannot be loaded: .*no-such-package-here.*packages are looked for in the node_modules of its folder/,
  ],
  [
    'contract.mjs',
    'import { defineConfig } from "@signalbox/contract"',
    /cannot be loaded: .*@signalbox.contract.*move the file into the project/,
  ],
  ['promise.mjs', 'export default Promise.resolve({ contracts: [] })', /exports a promise; await it/],
  ['nothing.mjs', 'export const x = 1', /no default export with contracts/],
  ['empty.mjs', '', /no default export with contracts/],
  ['null.mjs', 'export default null', /no default export with contracts/],
  ['json.json', '{"contracts": []}', /is JSON/],
  ['misspelt.mjs', 'export default { contracts: [], agnets: ["a"] }', /did you mean 'agents'/],
  ['none.mjs', 'export default { contracts: [] }', /contract/],
  ['plain.mjs', 'export default { contracts: [{ type: "x", version: 1 }] }', /contract/],
  ['partitions.mjs', 'export default { contracts: [], partitions: "3" }', /partitions/],
  ['getter.mjs', 'export default { get contracts() { throw new Error("no luck") } }', /no luck/],
]

const variables: readonly (readonly [Readonly<Record<string, string>>, readonly string[], number, RegExp])[] = [
  [{ SIGNALBOX_LOG_LEVEL: 'loud' }, ['up'], 2, /SIGNALBOX_LOG_LEVEL takes trace, debug, .*, not loud/],
  [{ SIGNALBOX_LOG_LEVEL: 'INFO' }, ['up', '--port', '0'], 2, /SIGNALBOX_LOG_LEVEL takes/],
  [{ SIGNALBOX_PORT: 'x' }, ['up'], 2, /SIGNALBOX_PORT takes a whole number/],
  [{ SIGNALBOX_MAX_STREAMS: '-1' }, ['up', '--port', '0'], 2, /SIGNALBOX_MAX_STREAMS takes a whole number/],
  [{ SIGNALBOX_TRUST_NETWORK: 'yes' }, ['up', '--port', '0'], 2, /SIGNALBOX_TRUST_NETWORK takes true or false/],
  [{ SIGNALBOX_OUTPUT: 'yaml' }, ['intent', 'list'], 2, /takes text, json or jsonl/],
  [
    { SIGNALBOX_ALLOWED_HOSTS: 'a.example,,b.example' },
    ['up', '--port', '0'],
    2,
    /SIGNALBOX_ALLOWED_HOSTS takes names .*, not an empty one/,
  ],
  [{ KAFKA_BROKERS: 'a:9092,,b:9092', SIGNALBOX_LOG: 'kafka' }, ['intent', 'list'], 2, /number 2 of 3 addresses is empty/],
  [{ SIGNALBOX_LOG: 'postgres' }, ['intent', 'list'], 2, /takes sqlite or kafka/],
  [{ SIGNALBOX_LOG: 'kafka' }, ['intent', 'list'], 2, /KAFKA_BROKERS/],
  [{ SIGNALBOX_URL: 'nowhere' }, ['status'], 2, /is no address of a gateway/],
  [{ SIGNALBOX_CONFIG: '/not/there.ts' }, ['intent', 'list'], 2, /there is no config at/],
  [{ SIGNALBOX_PROJECTOR_STORE: 'mysql://u:hidden-word@h/d' }, ['projection', 'list'], 2, /SIGNALBOX_PROJECTOR_STORE takes/],
  [{ SIGNALBOX_PROJECTOR_STORE: 'postgres://u:hidden-word@127.0.0.1:1/d' }, ['projection', 'list'], 4, /PostgreSQL/],
  [{ SIGNALBOX_PROJECTOR_STORE: 'postgres://u:hidden-word@no-such-host.invalid/d' }, ['projection', 'list'], 4, /PostgreSQL/],
  [{ SIGNALBOX_HUMAN: 'Jörg' }, ['intent', 'withdraw', '0192f3c0-1111-7111-8111-111111111111'], 3, /is not known/],
  [{ SIGNALBOX_DATA_DRI: 'x' }, ['intent', 'list', '--log', 'sqlite'], 3, /SIGNALBOX_DATA_DRI is set.*did you mean SIGNALBOX_DATA_DIR/],
]

describe('a mistake of a user', () => {
  it.each(typed)('%j', async (parameters, code, says) => {
    const more = parameters.some((each) => each.startsWith('--data-dir')) ? [] : ['--data-dir', join(commands.directory, 'data')]
    const url =
      parameters.includes('--url') || parameters[0] === 'up'
        ? []
        : ['agent', 'task', 'dead-letter'].includes(parameters[0]!)
          ? ['--url', commands.url]
          : []
    expectSentence(await runHere([...parameters, ...more, ...url, '--config', config], noKafka), code, says)
  })

  it.each(configs)('in a config: %s', async (name, text, says) => {
    const file = written(name, text)
    expectSentence(await runHere(['intent', 'list', '--config', file, '--data-dir', data], noKafka), 2, says)
    if (name !== 'nothing.mjs' && name !== 'empty.mjs' && name !== 'null.mjs' && name !== 'promise.mjs')
      expectSentence(await runHere(['contract', 'check', '--with', file, '--config', config, '--data-dir', data], noKafka), 2, /./)
  })

  it('in a config that is a folder', async () => {
    mkdirSync(join(directory, 'folder.config'))
    expectSentence(
      await runHere(['intent', 'list', '--config', join(directory, 'folder.config')], noKafka),
      2,
      /is a folder; name the file/,
    )
  })

  it('in a contract', async () => {
    const file = join(fixtures, 'hostile/misspelt.config.mjs')
    expectSentence(await runHere(['up', '--config', file, '--data-dir', data, '--port', '0'], noKafka), 2, /did you mean 'guard'/)
  })

  it.each(variables)('in the environment: %j %j', async (environment, parameters, code, says) => {
    const url = parameters[1] === 'withdraw' ? ['--url', commands.url] : []
    const ended = await runHere(
      [...parameters, '--data-dir', data, ...url, ...('SIGNALBOX_CONFIG' in environment ? [] : ['--config', config])],
      {
        ...noKafka,
        ...environment,
      },
    )
    expectSentence(ended, code, says)
    expect(ended.stderr).not.toContain('hidden-word')
  })

  it.each([
    ['nobody listens', { KAFKA_BROKERS: '127.0.0.1:1' }, 4, /127\.0\.0\.1:1/],
    ['it is no address', { KAFKA_BROKERS: 'nowhere' }, 2, /KAFKA_BROKERS/],
    ['no registry listens', { KAFKA_BROKERS: '127.0.0.1:1', SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' }, 4, /127\.0\.0\.1:1/],
  ])(
    'Kafka, where %s',
    async (_name, environment, code, says) => {
      for (const parameters of [
        ['intent', 'list'],
        ['up', '--port', '0'],
        ['topics', 'plan'],
      ])
        expectSentence(await runHere([...parameters, '--config', config], { ...noKafka, ...environment }), code, says)
    },
    120_000,
  )
})

describe('an address to listen on', () => {
  const up = (...parameters: readonly string[]) =>
    runCommandLine(['up', '--config', config, '--data-dir', join(directory, 'listening'), ...parameters])

  it('that is taken', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    try {
      expectSentence(await up('--port', `${port}`), 2, /another process listens on .*--port/)
    } finally {
      server.close()
    }
  })

  it.each([
    [['--port', '0', '--host', '0.0.0.0'], /loopback/],
    [['--port', '0', '--host', '192.0.2.1'], /192\.0\.2\.1/],
    [['--port', '0', '--host', 'no-such-host.invalid'], /no-such-host\.invalid/],
  ] as const)('%j', async (parameters, says) => {
    expectSentence(await up(...parameters), 2, says)
  })
})

describe('a variable that is empty is not set', () => {
  it.each([
    'KAFKA_BROKERS',
    'KAFKA_BOOTSTRAP_SERVERS',
    'SIGNALBOX_URL',
    'SIGNALBOX_LOG',
    'SIGNALBOX_OUTPUT',
    'SIGNALBOX_CONFIG',
    'SIGNALBOX_FILE',
    'SIGNALBOX_KEYS',
    'SIGNALBOX_HEADERS',
    'SIGNALBOX_DATA_DIR',
    'SIGNALBOX_HUMAN',
    'SIGNALBOX_PROJECTOR_STORE',
    'SIGNALBOX_PROJECTOR_STORE_FILE',
    'SIGNALBOX_PROJECTOR_HISTORY',
    'SCHEMA_REGISTRY_URL',
    'POSTGRES_URL',
    'KAFKA_SSL_CA',
    'KAFKA_SASL_USERNAME',
  ])('%s', async (name) => {
    for (const value of ['', ' ', '\t\n', '\u00a0']) {
      const ended = await runHere(['intent', 'list', '--data-dir', join(commands.directory, 'data')], { ...noKafka, [name]: value })
      expect(ended, ended.stderr).toMatchObject({ code: 0 })
      expect(ended.stderr).not.toContain('warning')
    }
  })
})

describe('who gives a verdict', () => {
  const withdraw = (by: string) =>
    runHere(['agent', 'release', 'nobody', '--reason', 'r', '--by', by, '--url', commands.url, '--config', config, '--json'], noKafka)

  it.each([
    'Jörg',
    'Jürg',
    'Ann Lee',
    'a/b',
    '',
    ' ann',
    'ann\u200b',
    'human:',
    'human:Jörg',
    'Human:ann',
    'HUMAN:ann',
    'human:human:ann',
    '-x',
    'x'.repeat(200),
  ])('%j is refused and not rewritten', async (by) => {
    expectSentence(await withdraw(by), 2, /--by takes a name .* is none/)
  })

  it.each(['ann', 'human:ann'])('%s is human:ann', async (by) => {
    const { code, stdout, stderr } = await withdraw(by)
    expect([0, 5], stderr).toContain(code)
    const { intentId } = JSON.parse(stdout) as { intentId: string }
    const shown = await runHere(['intent', 'show', intentId, '--json', '--url', commands.url], noKafka)
    expect(JSON.parse(shown.stdout)).toMatchObject({ agent: 'human:ann' })
  })

  it('the variable is refused as the flag is, and a user of this machine is asked for a name', async () => {
    const { humanOf } = await import('../../packages/cli/src/user.ts')
    const before = process.env.SIGNALBOX_HUMAN
    process.env.SIGNALBOX_HUMAN = 'Jörg'
    try {
      expect(() => humanOf(undefined)).toThrow(/SIGNALBOX_HUMAN takes a name/)
      process.env.SIGNALBOX_HUMAN = ''
      expect(humanOf(undefined)).toBe(`human:${userInfo().username}`)
    } finally {
      if (before === undefined) delete process.env.SIGNALBOX_HUMAN
      else process.env.SIGNALBOX_HUMAN = before
    }
  })
})
