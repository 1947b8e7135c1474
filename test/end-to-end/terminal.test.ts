/** What agents and contracts wrote is shown by every command, and obeyed by no terminal. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newIntentId } from '@signalbox/client'
import type { Decision, Resource } from '@signalbox/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Commands, type Ended, openCommands } from '../support/commands.ts'
import { forged, hostile, obeyed } from './hostile/text.ts'
import { runHere } from './run-here.ts'

const config = join(import.meta.dirname, 'hostile/hostile.config.ts')
/** By what stands in the table below. */
const ids: Record<string, string> = {}
let commands: Commands

const run = (...parameters: readonly string[]) => commands.run(parameters)

const data = () => ['--data-dir', join(commands.directory, 'data')]
const atGateway = (...parameters: readonly string[]) => run(...parameters, '--url', commands.url)

async function submit(name: string, action: string, input: object | null = null, correlationId = newIntentId()): Promise<Decision> {
  ids[name] = newIntentId()
  const intent = { intentId: ids[name], scope: 's', agent: 'writer', actions: [{ resource: 'note/1', action, input: input ?? {} }] }
  const { stderr, stdout } = await commands.start(
    ['intent', 'submit', '-', '--json', '--url', commands.url],
    JSON.stringify({ ...intent, correlationId, note: hostile }),
  ).ended
  expect(stdout, stderr).not.toBe('')
  return JSON.parse(stdout) as Decision
}

beforeAll(async () => {
  commands = await openCommands(config)
  ids.correlation = newIntentId()
  await submit('kept', 'keep', { text: hostile }, ids.correlation)
  await submit('rewritten', 'rewrite', { text: `${hostile}2` })
  await submit('rejected', 'refuse')
  await submit('broken', 'break')
  expect(await submit('asked', 'ask')).toMatchObject({ code: 'SOUNDS_ODD' })
  const escalations = JSON.parse((await atGateway('escalation', 'list', '--json')).stdout) as Resource[]
  ids.settled = escalations[0]!.resource.slice('escalation/'.length)
  await atGateway('escalation', 'reject', ids.settled, '--reason', hostile, '--by', 'ann')
  await submit('askedAgain', 'ask')
  const again = JSON.parse((await atGateway('escalation', 'list', '--json')).stdout) as Resource[]
  ids.open = again[0]!.resource.slice('escalation/'.length)
  const letters = JSON.parse((await run('dead-letter', 'list', '--ungrouped', '--json', '--data-dir', 'data')).stdout) as { id: string }[]
  ids.letter = letters[0]!.id
  await atGateway('agent', 'quarantine', 'writer', '--reason', hostile, '--by', 'ann')
  const packet = join(commands.directory, 'packet.json')
  ids.packet = packet
  await run('handoff', 'compile', '--scope', 's', '--purpose', hostile, '--about', 'note/1', '--packet', packet, '--data-dir', 'data')
  ids.export = join(commands.directory, 'e.jsonl')
  await run('replay', 'export', ids.export, '--data-dir', 'data')
  const named = join(commands.directory, `bad${hostile.replaceAll('/', '')}`)
  mkdirSync(named)
  ids.badName = join(named, 'intent.json')
  writeFileSync(ids.badName, '{"no": "json')
  ids.badConfig = join(commands.directory, 'bad.config.mjs')
  writeFileSync(ids.badConfig, `throw new Error(${JSON.stringify(hostile)})\n`)
}, 120_000)

afterAll(async () => await commands.close())

const reading: readonly (readonly string[])[] = [
  ['intent', 'show', 'kept'],
  ['intent', 'show', 'rejected'],
  ['intent', 'show', 'broken'],
  ['intent', 'explain', 'rejected'],
  ['intent', 'explain', 'kept'],
  ['intent', 'explain', 'broken'],
  ['intent', 'list'],
  ['resource', 'show', 's', 'note/1'],
  ['resource', 'history', 's', 'note/1'],
  ['resource', 'list'],
  ['trace', 'correlation'],
  ['blast-radius', 'kept'],
  ['shadow', 'report'],
  ['replay', 'run', '--do', 'step 9', '--do', 'show note/1 s', '--do', 'next reject', '--do', 'explain', '--scope', 's'],
  ['replay', 'diff'],
  ['dead-letter', 'list'],
  ['dead-letter', 'list', '--ungrouped'],
  ['dead-letter', 'show', 'letter'],
  ['projection', 'list'],
  ['projection', 'show', 'resources'],
  ['projection', 'rows', 'resources'],
  ['projection', 'rows', 'decisions'],
  ['projection', 'verify', 'resources'],
  ['handoff', 'compile', '--scope', 's', '--purpose', hostile, '--about', 'note/1'],
  ['handoff', 'part', 'resource:note/1', '--scope', 's'],
  ['handoff', 'omissions', 'packet'],
  ['handoff', 'check', 'packet'],
  ['contract', 'check'],
  ['contract', 'docs'],
  ['audit'],
]

const asking: readonly (readonly string[])[] = [
  ['status'],
  ['escalation', 'list', '--state', 'all'],
  ['escalation', 'show', 'settled'],
  ['escalation', 'show', 'open'],
  ['agent', 'list'],
  ['agent', 'show', 'writer'],
  ['task', 'list'],
  ['handoff', 'list'],
  ['intent', 'show', 'asked'],
  ['intent', 'explain', 'asked'],
  ['resource', 'show', 's', 'note/1'],
  ['dead-letter', 'redrive', 'letter'],
  ['dead-letter', 'discard', 'letter'],
]

/** What goes wrong, with the text in the sentence. */
const failing: readonly (readonly string[])[] = [
  ['intent', 'show', hostile],
  ['intent', 'submit', 'badName'],
  ['intent', 'submit', '--scope', 's', '--agent', hostile, '--do', 'keep note/2 {"text":"x"}'],
  ['intent', 'submit', '--scope', hostile, '--agent', 'a', '--do', 'keep note/2 {"text":"x"}'],
  ['intent', 'list', '--config', 'badConfig'],
  ['intent', 'list', '--limit', hostile],
  ['resource', 'show', hostile, hostile],
  ['escalation', 'show', hostile],
  ['trace', hostile],
  ['dead-letter', 'show', hostile],
  ['projection', 'show', hostile],
  ['handoff', 'check', 'badName'],
  ['replay', 'run', '--do', hostile],
  ['audit', '--partition', hostile],
  ['audit', '--file', 'badName'],
  ['keys', 'create', '--keys', 'badName'],
  [hostile],
  ['intent', `--${hostile}`],
]

function expectShown({ code, stderr, stdout }: Ended): void {
  for (const text of [stdout, stderr]) {
    expect(obeyed.exec(text)).toBeNull()
    expect(forged.exec(text)).toBeNull()
  }
  expect(stderr).not.toContain('a bug in signalbox')
  expect(code, stderr).not.toBe(1)
}

const named = (parameters: readonly string[]) => parameters.map((each) => ids[each] ?? each)

describe('hostile text is shown and not obeyed', () => {
  it.each(reading)('%s %s', async (...parameters) => {
    for (const format of ['text', 'json', 'jsonl']) {
      const ended = await runHere([...named(parameters), ...data(), '--config', config, '--output', format])
      expectShown(ended)
      expect([0, 8], ended.stderr).toContain(ended.code)
      expect(ended.stdout + ended.stderr).not.toBe('')
      if (format === 'json' && parameters[1] !== 'run') expect(() => JSON.parse(ended.stdout)).not.toThrow()
    }
  })

  it.each(asking)('at the gateway: %s %s', async (...parameters) => {
    for (const format of ['text', 'json', 'jsonl']) {
      const ended = await runHere([...named(parameters), ...data(), '--url', commands.url, '--config', config, '--output', format])
      expectShown(ended)
      expect([0], ended.stderr).toContain(ended.code)
    }
  })

  it.each(failing)('in a sentence: %j %j', async (...parameters) => {
    const more = parameters[0] === hostile || parameters[1]!.startsWith('--') ? [] : data()
    const ended = await runHere([...named(parameters), ...more])
    expectShown(ended)
    expect(ended.code).toBeGreaterThan(1)
    expect(ended.stderr.trim()).not.toBe('')
  })

  it('a flow chart', async () => {
    expectShown(await run('trace', ids.kept!, '--mermaid', '--data-dir', 'data'))
  })

  it('pages of contracts in files', async () => {
    const out = join(commands.directory, 'pages')
    expectShown(await run('contract', 'docs', '--out', out, '--config', config))
    expect(obeyed.exec(readFileSync(join(out, 'note.md'), 'utf8'))).toBeNull()
  })

  it('the log lines of up', () => {
    expect(obeyed.exec(commands.said())).toBeNull()
    expect(forged.exec(commands.said())).toBeNull()
  })
})

describe('nothing of it is lost', () => {
  it('text has escapes, and JSON the same value', async () => {
    const { stdout } = await run('trace', ids.kept!, '--data-dir', 'data')
    expect(stdout).toContain('a\\u{1b}[2J\\u{1b}]52;c;eA==\\u{7}b\\u{9b}31m')
    expect(stdout).toContain('c\\u{202e}d')
    expect(stdout).toContain('\\rFORGED\\n  verdict')
    const shown = JSON.parse((await run('resource', 'show', 's', 'note/1', '--json', '--data-dir', 'data')).stdout) as Resource
    expect(shown.data).toEqual({ text: `${hostile}2` })
  })

  it('our own colours stay, in columns as wide as what is seen', async () => {
    const before = { NO_COLOR: commands.environment.NO_COLOR, FORCE_COLOR: commands.environment.FORCE_COLOR }
    Object.assign(commands.environment, { NO_COLOR: undefined, FORCE_COLOR: '1' })
    try {
      const { stdout } = await run('intent', 'show', ids.rejected!, '--data-dir', 'data')
      expect(stdout).toMatch(/^\u001b\[31mREJECTED {2}[A-Z_]+\u001b\[39m {3}/)
      expect(stdout.replaceAll(/\u001b\[3[19]m/g, '')).not.toMatch(obeyed)
    } finally {
      Object.assign(commands.environment, before)
    }
  })
})
