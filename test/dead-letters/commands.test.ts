/** `signalbox dead-letter` as people type it: what it says, what it refuses, and what it leaves in the log. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newIntentId } from '@signalbox/client'
import { partitionOf, type Status } from '@signalbox/contract'
import type { DeadLetter, RedriveResult } from '@signalbox/dead-letters'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'

const config = (name: string) => join(import.meta.dirname, `${name}.config.ts`)
let commands: Commands

interface Sent {
  readonly intentId: string
  readonly scope: string
}

const pass = (parcel: number, pounds: number, more: object = {}) => ({
  intentId: newIntentId(),
  scope: 'hall',
  agent: 'clerk',
  actions: [{ resource: 'belt/main', action: 'pass', input: { parcel, pounds } }],
  ...more,
})
const start = (belt: string, scope = 'hall') => ({ ...pass(0, 0), scope, actions: [{ resource: belt, action: 'start' }] })
const stale = pass(1, 2_000, { reads: [{ resource: 'belt/side', version: 1 }], note: 'urgent' })
const moved = pass(2, 2, { actions: [{ resource: 'belt/side', action: 'pass', input: { parcel: 2, pounds: 2 } }] })
const waiting = pass(3, 3_000)
const again = pass(5, 5_000)
const lonely = pass(6, 6_000, { scope: 'yard', agent: 'porter', reads: [{ resource: 'belt/side', version: 0 }] })

beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-dead-letter-'))
  const log = await openSqliteLog({ directory: join(folder, 'data'), partitionCount: 4 })
  const send = async (scope: string, value: object | Uint8Array) =>
    await log.append(partitionOf(scope, 4), {
      key: scope,
      value: value instanceof Uint8Array ? value : Buffer.from(JSON.stringify(value)),
      headers: {},
    })
  for (const each of [start('belt/main'), start('belt/side'), stale, moved, waiting, again]) await send(each.scope, each)
  for (const each of [start('belt/main', 'yard'), lonely, start('belt/side', 'yard')]) await send(each.scope, each)
  await send('hall', Uint8Array.of(0xfe, 0x00, 0x42))
  await log.close()
  commands = await openCommands(config('first'), folder)
}, 60_000)

afterAll(async () => await commands.close())

function run(...parameters: readonly string[]) {
  return commands.run(['dead-letter', ...parameters, '--data-dir', 'data', '--url', commands.url])
}

async function json<Result>(...parameters: readonly string[]): Promise<Result> {
  const { stderr, stdout } = await run(...parameters, '--json')
  expect(stdout, stderr).not.toBe('')
  return JSON.parse(stdout) as Result
}

async function idOf({ intentId }: Sent): Promise<string> {
  const all = await json<DeadLetter[]>('list', '--ungrouped', '--standing', 'all')
  return all.find((letter) => letter.intentId === intentId)!.id
}

async function redrive(...parameters: readonly string[]): Promise<{ code: number | null; results: RedriveResult[]; stderr: string }> {
  const { code, stderr, stdout } = await run('redrive', ...parameters, '--by', 'ann', '--json')
  return { code, results: JSON.parse(stdout || '[]') as RedriveResult[], stderr }
}

describe('while the contract still throws', () => {
  it('lists them by cause, with the owner of the contract', async () => {
    const groups = await json<{ code: string; count: number; owner: object | null; agents: string[]; example: DeadLetter }[]>('list')
    expect(groups).toMatchObject([
      { code: 'DEAD_LETTERED', count: 4, agents: ['clerk', 'porter'], owner: { team: 'parcels', contact: '#parcels' } },
      { code: 'DEAD_LETTERED', count: 1, agents: [] },
    ])
    const text = (await run('list')).stdout
    expect(text).toContain('contract belt@1, guard of pass threw: no scale for parcel N of N pounds')
    expect(text).toContain('owner    parcels, #parcels')
  })

  it('shows one: its bytes, what they decode to, and what to type next', async () => {
    const { stdout } = await run('show', await idOf(stale))
    expect(stdout).toContain('no scale for parcel 1 of 2000 pounds')
    expect(stdout).toContain(`intent    ${stale.intentId}`)
    expect(stdout).toMatch(/next {2}mend what is wrong, then signalbox dead-letter redrive/)
    const [bytes] = (await json<DeadLetter[]>('list', '--ungrouped')).filter(({ undecodable }) => undecodable !== null)
    const raw = await run('show', bytes!.id)
    expect(raw.stdout).toContain('00000000  fe 00 42')
    expect(raw.stdout).toContain('--edit FILE')
  })

  it('a redrive says that they would be dead letters again, and writes nothing', async () => {
    const { code, results } = await redrive(await idOf(waiting), '--yes', '--reason', 'too early')
    expect(code).toBe(5)
    expect(results).toMatchObject([{ outcome: 'blocked', code: 'STILL_DEAD_LETTERED', intentId: null }])
    expect(await json('list', '--standing', 'redriven')).toEqual([])
  })

  it('selects nothing by itself, and wants names that are names', async () => {
    expect(await run('redrive')).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing is selected') })
    expect(await run('redrive', '--code', 'NO_SUCH')).toMatchObject({ code: 2 })
    expect(await run('redrive', '--code', 'REACTION_FAILED')).toMatchObject({ code: 3 })
    expect(await run('redrive', 'intents:0:9999')).toMatchObject({ code: 3 })
    expect(await run('show', 'something')).toMatchObject({ code: 2, stderr: expect.stringContaining('TOPIC:PARTITION:OFFSET') })
    expect(await run('redrive', '--all', '--config', config('second'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the gateway decides by belt@1, and the config has belt@2'),
    })
    expect(await run('redrive', '--all', '--yes')).toMatchObject({ code: 2, stderr: expect.stringContaining('--reason') })
  })
})

describe('through the gateway of another log', () => {
  let other: Commands

  beforeAll(async () => {
    other = await openCommands(config('first'))
  }, 60_000)

  afterAll(async () => await other.close())

  it.each([
    ['redrive, dry', ['dead-letter', 'redrive', '--all']],
    ['redrive', ['dead-letter', 'redrive', '--all', '--yes']],
    ['discard', ['dead-letter', 'discard', '--all', '--yes']],
    ['discard, of one partition alone', ['dead-letter', 'discard', '--scope', 'hall', '--yes']],
  ])('%s is refused with both named, and nothing is written', async (_what, parameters) => {
    const before = await commands.run(['status', '--url', other.url, '--json'])
    const { logId, partitions } = JSON.parse(before.stdout) as Status
    const { code, stderr, stdout } = await commands.run([
      ...parameters,
      '--data-dir',
      'data',
      '--url',
      other.url,
      '--by',
      'ann',
      '--reason',
      'a test',
    ])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    const { logId: own } = JSON.parse((await commands.run(['status', '--url', commands.url, '--json'])).stdout) as Status
    expect(stderr).toContain(own)
    expect(stderr).toContain(logId)
    expect(stderr).toContain('--url')
    const after = JSON.parse((await commands.run(['status', '--url', other.url, '--json'])).stdout) as Status
    expect(after.partitions.map(({ intentsEnd }) => intentsEnd)).toEqual(partitions.map(({ intentsEnd }) => intentsEnd))
    expect(await json('list', '--standing', 'discarded')).toEqual([])
  })

  it('reopen is refused too', async () => {
    const [{ id }] = (await json<DeadLetter[]>('list', '--ungrouped')) as [DeadLetter]
    const elsewhere = ['--data-dir', 'data', '--url', other.url, '--by', 'ann', '--reason', 'a test']
    expect(await commands.run(['dead-letter', 'reopen', id, ...elsewhere])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('serves'),
    })
  })

  it('status names the log to people', async () => {
    expect((await commands.run(['status', '--url', other.url])).stdout).toMatch(/log sqlite \(sqlite-[0-9a-f]{24}\)/)
  })
})

describe('when it is mended', () => {
  beforeAll(async () => {
    await commands.stopUp()
    commands = await openCommands(config('second'), commands.directory)
    // Its agent asks again by itself, under the same id.
    const mended = { ...again, actions: [{ resource: 'belt/main', action: 'pass', input: { parcel: 5, grams: 1 } }] }
    const submitted = await commands.run(['intent', 'submit', '-', '--url', commands.url], JSON.stringify(mended))
    expect(submitted.code, submitted.stderr).toBe(0)
  }, 60_000)

  it('a dry run says what each would become, and writes nothing', async () => {
    const { code, results, stderr } = await redrive('--all')
    expect(code).toBe(0)
    const outcomes = new Map(results.map(({ code: why, id, outcome }) => [id, `${outcome} ${why}`]))
    expect(outcomes.get(await idOf(stale))).toBe('rejected STALE_READ')
    expect(outcomes.get(await idOf(waiting))).toBe('committed null')
    expect(outcomes.get(await idOf(again))).toBe('blocked SENT_AGAIN')
    expect(outcomes.get(await idOf(lonely))).toBe('rejected STALE_READ')
    expect([...outcomes.values()].filter((each) => each === 'blocked UNDECODABLE')).toHaveLength(1)
    expect(stderr).toContain('Nothing is redriven yet')
    expect(await json('list', '--standing', 'redriven')).toEqual([])
  })

  it('what fails holds back what was sent after it in its scope', async () => {
    const { code, results } = await redrive('--scope', 'hall', '--yes', '--reason', 'the scale is mended')
    expect(code).toBe(5)
    const outcomes = new Map(results.map(({ code: why, id, outcome }) => [id, `${outcome} ${why}`]))
    expect(outcomes.get(await idOf(stale))).toBe('rejected STALE_READ')
    expect(outcomes.get(await idOf(waiting))).toBe('held-back null')
  })

  it('with its lineage; a second redrive of the same is refused', async () => {
    const id = await idOf(waiting)
    const { code, results } = await redrive(id, '--yes', '--reason', 'the scale is mended', '--batch', 'friday')
    expect(code).toBe(0)
    const [{ intentId }] = results as [RedriveResult]
    const shown = await commands.run(['intent', 'explain', intentId!, '--data-dir', 'data', '--json'])
    expect(JSON.parse(shown.stdout)).toMatchObject({
      agrees: true,
      intent: {
        agent: 'clerk',
        causationId: waiting.intentId,
        correlationId: waiting.intentId,
        note: `redriven from ${id} by human:ann: the scale is mended`,
        actions: [{ resource: 'belt/main', action: 'pass', input: { parcel: 3, grams: 3_000 * 454 } }],
      },
    })
    expect(await json('show', id)).toMatchObject({
      standing: {
        state: 'redriven',
        by: 'human:ann',
        reason: 'the scale is mended',
        batch: 'friday',
        intentId,
        outcome: { outcome: 'committed' },
      },
    })
    expect(await redrive(id, '--yes', '--reason', 'once more')).toMatchObject({
      code: 5,
      results: [{ outcome: 'blocked', code: 'SETTLED', message: expect.stringContaining(intentId!) }],
    })
  })

  it('undecodable bytes are redriven as a human writes the intent', async () => {
    const [bytes] = (await json<DeadLetter[]>('list', '--ungrouped')).filter(({ undecodable }) => undecodable !== null)
    const meant = { scope: 'hall', agent: 'clerk', actions: [{ resource: 'belt/main', action: 'pass', input: { parcel: 7, grams: 7 } }] }
    writeFileSync(join(commands.directory, 'meant.json'), JSON.stringify(meant))
    const { code, results } = await redrive(bytes!.id, '--edit', 'meant.json', '--yes', '--reason', 'as the log of the scanner says')
    expect(code).toBe(0)
    expect(results).toMatchObject([{ outcome: 'committed' }])
    expect(await json('show', bytes!.id)).toMatchObject({ standing: { state: 'redriven', edited: true } })
  })

  it('a discard is taken back by a word of its own; fresh leaves out what its agent had seen', async () => {
    const id = await idOf(lonely)
    expect((await run('discard', id, '--by', 'ann')).stderr).toContain('nothing is yet')
    expect(await json('list', '--standing', 'discarded')).toEqual([])
    expect(await run('discard', id, '--by', 'ann', '--yes', '--reason', 'nobody needs it')).toMatchObject({ code: 0 })
    expect(await redrive(id, '--yes', '--reason', 'it was needed')).toMatchObject({ results: [{ outcome: 'blocked', code: 'SETTLED' }] })
    expect(await run('reopen', id, '--by', 'ann', '--reason', 'it was needed')).toMatchObject({ code: 0 })
    expect((await redrive(id)).results).toMatchObject([{ outcome: 'rejected', code: 'STALE_READ' }])
    expect(await redrive(id, '--fresh', '--yes', '--reason', 'it was needed')).toMatchObject({
      code: 0,
      results: [{ outcome: 'committed' }],
    })
    expect(await json('show', id)).toMatchObject({ standing: { fresh: true } })
  })

  it('is all in the audit trail, and the audit is clean', async () => {
    const rows = await commands.run(['projection', 'verify', 'audit-trail', '--data-dir', 'data', '--json'])
    expect(rows.code, rows.stderr).toBe(0)
    const trail = await commands.run(['projection', 'rows', 'audit-trail', '--data-dir', 'data', '--json', '--limit', '100'])
    const entries = (JSON.parse(trail.stdout) as { row: { agent: string; actions: { action: string; reason: string }[] } }[]).map(
      ({ row }) => row,
    )
    const verdicts = entries
      .filter(({ agent }) => agent === 'human:ann')
      .map(({ actions: [verdict] }) => `${verdict!.action}: ${verdict!.reason}`)
    expect(verdicts.toSorted()).toEqual(
      [
        'redrive: the scale is mended',
        'redrive: the scale is mended',
        'redrive: as the log of the scanner says',
        'discard: nobody needs it',
        'redrive: it was needed',
        'reopen: it was needed',
      ].toSorted(),
    )
    const audit = await commands.run(['audit', '--data-dir', 'data', '--json'])
    expect(JSON.parse(audit.stdout)).toMatchObject({ clean: true })
  })
})
