/** Commands that read or write files, with names that cannot be used: a sentence, the documented code, and nothing half-written. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { replaceFile } from '@signalbox/files'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/root.ts'
import { intent, openShop } from '../support/shop.ts'
import { runHere } from './run-here.ts'

const directory = mkdtempSync(join(tmpdir(), 'signalbox-files-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const place = (name: string) => join(directory, name)
const config = join(root, 'test/end-to-end/shop.config.ts')

const command = (...parameters: readonly string[]) => runHere(parameters)

let data = ''

beforeAll(async () => {
  const shop = await openShop()
  const body = JSON.stringify(intent([{ resource: 'order/1', action: 'open', input: { cents: 1 } }]))
  await fetch(`${shop.url}/v1/intents`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  await shop.signalbox.stop()
  data = shop.directory
  const common = ['--data-dir', data, '--log', 'sqlite', '--config', config]
  expect(await command('replay', 'export', place('good.jsonl'), ...common)).toMatchObject({ code: 0 })
  expect(await command('backup', place('backup'), ...common)).toMatchObject({ code: 0 })
  mkdirSync(place('folder/inside'), { recursive: true })
  writeFileSync(place('file'), 'a file')
  symlinkSync(place('nowhere'), place('dangling'))
  symlinkSync(place('loop'), place('loop'))
}, 60_000)
afterAll(() => rmSync(data, { recursive: true, force: true }))

/** Names that no file can be written to, and no folder be made at. */
const bad = {
  'in a folder that is not there': () => place('missing/further/x'),
  'beneath a file': () => place('file/x'),
  'a folder in use': () => place('folder'),
  'a file': () => place('file'),
  'a link that leads nowhere': () => place('dangling'),
  'a link to itself': () => place('loop'),
  'a name that is too long': () => place('x'.repeat(300)),
  'a full device': () => '/dev/full',
  'in a folder that is no disk': () => '/proc/signalbox/x',
}
type Bad = keyof typeof bad

const common = () => ['--data-dir', data, '--log', 'sqlite', '--config', config]
/** Each with those of the bad names that are good to it. */
const commands: Readonly<Record<string, { readonly with: (path: string) => readonly string[]; readonly good?: readonly Bad[] }>> = {
  'replay export FILE': { with: (path) => ['replay', 'export', path, ...common()], good: ['a file'] },
  'replay export FILE.gz': {
    with: (path) => ['replay', 'export', `${path}.gz`, ...common()],
    good: ['a file', 'a folder in use', 'a link that leads nowhere', 'a link to itself', 'a full device'],
  },
  'replay import FILE': {
    with: (path) => ['replay', 'import', path, '--data-dir', place('imported'), '--config', config],
    good: ['a full device'],
  },
  'replay import --data-dir': {
    with: (path) => ['replay', 'import', place('good.jsonl'), '--data-dir', path, '--config', config],
    good: ['in a folder that is not there', 'a folder in use'],
  },
  'replay test --out': {
    with: (path) => ['replay', 'test', place('good.jsonl'), '--out', path, '--config', config],
    good: ['in a folder that is not there', 'a file'],
  },
  // To read, that device is one without an end.
  'audit --file': { with: (path) => ['audit', '--file', path, '--config', config], good: ['a full device'] },
  'intent list --data-dir': { with: (path) => ['intent', 'list', '--data-dir', path, '--log', 'sqlite', '--config', config] },
  'intent submit FILE': {
    with: (path) => ['intent', 'submit', path, '--url', 'http://127.0.0.1:1', '--config', config],
    good: ['a full device'],
  },
  'backup DIRECTORY': { with: (path) => ['backup', path, ...common()], good: ['in a folder that is not there'] },
  'backup --data-dir': {
    with: (path) => ['backup', place('never'), '--data-dir', path, '--log', 'sqlite', '--config', config],
  },
  'restore DIRECTORY': { with: (path) => ['restore', path, '--data-dir', place('restored'), '--log', 'sqlite', '--config', config] },
  'restore --data-dir': {
    with: (path) => ['restore', place('backup'), '--data-dir', path, '--log', 'sqlite', '--config', config],
    good: ['in a folder that is not there'],
  },
  'up --data-dir': {
    with: (path) => ['up', '--port', '0', '--data-dir', path, '--log', 'sqlite', '--config', config],
    good: ['in a folder that is not there', 'a folder in use'],
  },
  'contract docs --out': {
    with: (path) => ['contract', 'docs', '--out', path, '--config', config],
    good: ['in a folder that is not there', 'a folder in use'],
  },
  'projection new --directory': {
    with: (path) => ['projection', 'new', 'mine', '--directory', path, '--config', config],
    good: ['in a folder that is not there', 'a folder in use'],
  },
  'keys create --keys': {
    with: (path) => ['keys', 'create', '--keys', path, '--config', config],
    good: ['in a folder that is not there'],
  },
  '--config': { with: (path) => ['audit', '--data-dir', data, '--log', 'sqlite', '--config', path], good: ['a full device'] },
  'handoff check FILE': { with: (path) => ['handoff', 'check', path, ...common()], good: ['a full device'] },
}
const cases = Object.entries(commands).flatMap(([name, { good = [] }]) =>
  (Object.keys(bad) as Bad[]).filter((each) => !good.includes(each)).map((each) => [name, each] as const),
)

function tree(): readonly string[] {
  return [...readdirSync(directory, { recursive: true }), ...readdirSync(data)].map(String).sort()
}

describe('a name that cannot be used', { timeout: 30_000 }, () => {
  it.each(cases)('%s: %s', async (name, what) => {
    const before = tree()
    const { code, said } = await command(...commands[name]!.with(bad[what]()))
    expect(said).not.toMatch(/a bug in signalbox|\n\s+at |node:internal/)
    expect({ code, said }).toMatchObject({ code: expect.toSatisfy((each: number) => each >= 2 && each <= 6) })
    expect(said).toMatch(/^signalbox: .{20,}/m)
    // A log that is only read may have shared memory beside it while it is.
    expect(tree().filter((each) => !before.includes(each) && !each.startsWith('owner'))).toEqual([])
    expect(readFileSync(place('file'), 'utf8')).toBe('a file')
  })
})

describe('settings.json', { timeout: 30_000 }, () => {
  it.each([
    ['cut off', '{"config":"../sho'],
    ['empty', ''],
    ['of another shape', '[1]'],
    ['without a config', '{"config":7}'],
    ['no text', new Uint8Array(40)],
  ])('%s is said and passed over', async (_, content) => {
    const name = mkdtempSync(join(directory, 'settings-'))
    await (await openSqliteLog({ directory: name })).close()
    writeFileSync(join(name, 'settings.json'), content)
    const { code, said } = await command('audit', '--data-dir', name, '--log', 'sqlite')
    expect({ code, said }).toMatchObject({
      code: 0,
      said: expect.stringMatching(/settings\.json .*passed over: name the config with --config/),
    })
  })

  it('with a byte order mark is read, as every JSON file is', async () => {
    const name = mkdtempSync(join(directory, 'marked-'))
    await (await openSqliteLog({ directory: name })).close()
    writeFileSync(join(name, 'settings.json'), `\uFEFF${JSON.stringify({ config })}`)
    expect((await command('audit', '--data-dir', name, '--log', 'sqlite')).said).not.toMatch(/passed over|no signalbox\.config/)
    writeFileSync(place('marked.jsonl'), `\uFEFF${readFileSync(place('good.jsonl'), 'utf8')}`)
    writeFileSync(place('marked.jsonl.gz'), gzipSync(`\uFEFF${readFileSync(place('good.jsonl'), 'utf8')}`))
    for (const file of ['marked.jsonl', 'marked.jsonl.gz'])
      expect(await command('intent', 'list', '--file', place(file), '--config', config)).toMatchObject({ code: 0 })
    const manifest = join(place('backup'), 'backup.json')
    writeFileSync(manifest, `\uFEFF${readFileSync(manifest, 'utf8')}`)
    expect(await command('restore', place('backup'), '--data-dir', place('marked'), '--log', 'sqlite', '--config', config)).toMatchObject({
      code: 0,
    })
    writeFileSync(place('intent.json'), `\uFEFF${JSON.stringify(intent([]))}`)
    expect((await command('intent', 'submit', place('intent.json'), '--url', 'http://127.0.0.1:1', '--config', config)).said).not.toMatch(
      /JSON/,
    )
  })
})

describe('a file that is replaced', () => {
  it('keeps the link that leads to it, and leaves nothing beside it', () => {
    writeFileSync(place('target'), 'old')
    symlinkSync(place('target'), place('link'))
    writeFileSync(place('target.999999999.part'), 'of a process that was killed')
    replaceFile(place('link'), 'new')
    expect(readFileSync(place('target'), 'utf8')).toBe('new')
    expect(readdirSync(directory).filter((each) => each.startsWith('target') || each.endsWith('.part'))).toEqual(['target'])
  })

  it('is written as it is where it is a device', () => {
    replaceFile('/dev/null', 'nothing')
    expect(() => replaceFile('/dev/full', 'too much')).toThrow(/\/dev\/full cannot be written: no space is left/)
    expect(existsSync('/dev/full')).toBe(true)
  })
})
