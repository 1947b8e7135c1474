/** What an audit says of a clean log: what it looked at, and of what it could not decide again, why. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { contractSet, intentFromJson } from '@signalbox/contract'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AuditReport } from '../../packages/cli/src/commands/audit.ts'
import { intent } from '../support/shop.ts'
import { first } from './bills/contracts.ts'
import { runHere } from './run-here.ts'

const directory = mkdtempSync(join(tmpdir(), 'signalbox-claims-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const bills = (name: string) => ['--config', join(import.meta.dirname, `bills/${name}.config.ts`)]
const log = (name: string) => ['--log', 'sqlite', '--data-dir', join(directory, name)]
const equal = 'decisions equal decide run again'

beforeAll(async () => {
  await (await openSqliteLog({ directory: join(directory, 'empty') })).close()
  const signalbox = await startSignalbox({
    log: await openSqliteLog({ directory: join(directory, 'bills') }),
    contracts: contractSet([first]),
    logger: pino({ level: 'silent' }),
  })
  for (const id of ['a', 'b', 'c'])
    await signalbox.gateway.desk.submit(intentFromJson(intent([{ resource: `bill/${id}`, action: 'open', input: { euros: 1 } }])), {
      waitMs: 10_000,
    })
  await signalbox.stop()
})

const claims: readonly (readonly [string, readonly string[], number, string | null])[] = [
  ['by the contracts that decided', bills('first'), 3, null],
  ['by them and newer ones', bills('second'), 3, null],
  ['by newer ones alone', bills('careless'), 0, 'bill@1 is not in the config'],
  ['by another contract of the same version', bills('same-version'), 0, 'bill@1 was another of that version'],
  [
    'by contracts of something else',
    ['--config', join(import.meta.dirname, 'shop.config.ts')],
    0,
    'bill@1 is not in the config, order@1 was not there yet, stock@1 was not there yet',
  ],
  ['without contracts', [], 0, 'no contracts are given (--config)'],
]

describe('an audit of three decisions', () => {
  it.each(claims)('%s', async (_name, config, again, why) => {
    const told = await runHere(['audit', ...log('bills'), ...config])
    expect(told.code, told.said).toBe(0)
    if (again > 0) expect(told.stdout).toContain(equal)
    else {
      expect(told.stdout).not.toContain(equal)
      expect(told.stdout).toContain('no decision could be decided again')
      expect(told.stdout).toContain(`3 decisions could not be decided again: ${why}`)
    }
    const { stdout } = await runHere(['audit', ...log('bills'), ...config, '--json'])
    expect(JSON.parse(stdout) as AuditReport).toMatchObject({
      decisions: 3,
      decided_again: again,
      not_decided_again: 3 - again,
      why_not_decided_again: why === null ? {} : { [why]: 3 },
    })
  })

  it('of an export of one scope, which leaves out what they stood on', async () => {
    const file = join(directory, 'scope.jsonl')
    expect(await runHere(['replay', 'export', file, '--scope', 'shop-1', ...log('bills'), ...bills('first')])).toMatchObject({ code: 0 })
    const { said } = await runHere(['audit', '--file', file, ...bills('first')])
    expect(said).not.toContain(equal)
    expect(said).toContain('the export leaves out what they stood on')
  })

  it('claims nothing of an empty log, and nothing of a snapshot that is not there', async () => {
    const empty = await runHere(['audit', ...log('empty'), ...bills('first')])
    expect(empty).toMatchObject({ code: 0, stdout: expect.stringContaining('the log is empty, so there was nothing to prove') })
    expect(empty.stdout).not.toContain(equal)
    expect((await runHere(['audit', ...log('bills'), ...bills('first'), '--json'])).stdout).toContain('"snapshotPosition": null')
    expect((await runHere(['audit', ...log('bills'), ...bills('first')])).stdout).not.toContain('the snapshot and its tail')
  })
})
