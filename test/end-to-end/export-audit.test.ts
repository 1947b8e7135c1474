/** Exports of every kind, imported untouched, are clean by their own rules; a changed one is not read. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contractSet, intentFromJson, partitionOf } from '@signalbox/contract'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/root.ts'
import { intent, order, stock } from '../support/shop.ts'
import { runHere } from './run-here.ts'

const directory = mkdtempSync(join(tmpdir(), 'signalbox-excerpts-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const place = (name: string) => join(directory, name)
const config = join(root, 'test/end-to-end/shop.config.ts')
const log = () => ['--data-dir', place('data'), '--log', 'sqlite', '--config', config]
const ends: number[] = []

const command = (...parameters: readonly string[]) => runHere(parameters)

beforeAll(async () => {
  // Opened three times, by three owners, with decisions of several events in between.
  for (let life = 0; life < 3; life++) {
    const opened = await openSqliteLog({ directory: place('data'), partitionCount: 2 })
    const signalbox = await startSignalbox({ log: opened, contracts: contractSet([order, stock]), logger: pino({ level: 'silent' }) })
    for (let each = 0; each < 3; each++) {
      for (const scope of ['shop-1', 'shop-2', 'shop-3', 'shop-4']) {
        const actions = [
          { resource: `order/${life}-${each}`, action: 'open', input: { cents: 5 } },
          { resource: `stock/${life}-${each}`, action: 'keep', input: { left: 1 } },
        ]
        await signalbox.gateway.desk.submit(intentFromJson(intent(actions, { scope, correlationId: `story-${each}` })), { waitMs: 5_000 })
      }
      await signalbox.gateway.desk.submit(
        intentFromJson(intent([{ resource: 'order/none', action: 'pay' }], { scope: 'shop-1', agent: 'cashier' })),
        {
          waitMs: 5_000,
        },
      )
    }
    for (const partition of [0, 1]) ends[partition] = (await opened.offsets('events', partition)).end
    await signalbox.stop()
  }
}, 60_000)

describe('an export', { timeout: 120_000 }, () => {
  it.each<readonly [string, readonly string[]]>([
    ['everything', []],
    ['a scope', ['--scope', 'shop-1']],
    ['two scopes', ['--scope', 'shop-1', '--scope', 'shop-3']],
    ['a scope without anything', ['--scope', 'shop-nowhere']],
    ['a correlation', ['--correlation', 'story-1']],
    ['a time', ['--from', '1h', '--to', 'end']],
    ['redacted', ['--redact', 'cents', '--redact', 'note']],
    ['a scope, redacted', ['--scope', 'shop-2', '--redact', 'cents']],
  ])('of %s audits clean, as a file and imported', async (name, flags) => {
    const file = place(`${name.replaceAll(/\W/g, '-')}.jsonl`)
    expect(await command('replay', 'export', file, ...flags, ...log())).toMatchObject({ code: 0 })
    const read = await command('audit', '--file', file, '--config', config)
    expect(read, read.said).toMatchObject({ code: 0, said: expect.not.stringContaining('BROKEN') })
    const imported = `${file}-imported`
    expect(await command('replay', 'import', file, '--data-dir', imported, '--log', 'sqlite', '--config', config)).toMatchObject({
      code: 0,
    })
    expect(await command('audit', '--data-dir', imported, '--log', 'sqlite')).toMatchObject({ code: 0 })
    writeFileSync(file, readFileSync(file, 'utf8').replace('"partition":', '"partition" :').replace('5', '6'))
    expect(await command('audit', '--file', file, '--config', config)).toMatchObject({ code: 2 })
  })

  it('of any window audits clean, wherever it cuts a decision', async () => {
    const scopes = ['shop-1', 'shop-2', 'shop-3', 'shop-4'].filter((scope) => partitionOf(scope, 2) === 0)
    for (let from = 0; from < ends[0]!; from++) {
      const to = Math.min(ends[0]!, from + 1 + (from % 7))
      for (const more of [scopes.slice(0, 1), scopes].map((some) => some.flatMap((scope) => ['--scope', scope]))) {
        const file = place('window.jsonl')
        const window = ['--from', `0:${from}`, '--to', `0:${to}`]
        const exported = await command('replay', 'export', file, ...more, ...window, ...log())
        expect(exported, exported.said).toMatchObject({ code: 0 })
        const read = await command('audit', '--file', file, '--config', config)
        expect(read, `${from} to ${to}: ${read.said}`).toMatchObject({ code: 0 })
      }
    }
  })
})
