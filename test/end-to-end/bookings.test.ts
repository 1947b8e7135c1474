/** The main job on the real bookings, against a plain model that shares no code with it. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Decision } from '@signalbox/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../support/root.ts'
import { decidedAtLeast, decisionsIn, spawnDemo } from './demo.ts'
import { decideBookings, type ModelDecision } from './plain-model.ts'

const file = join(root, 'packages/examples/data/hotel-bookings.csv.gz')
let directory = ''
// The first 2,000 rows: enough for every kind of reject, small enough to run several times.
let excerpt = ''

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-bookings-'))
  excerpt = join(directory, 'excerpt.csv')
  writeFileSync(excerpt, `${gunzipSync(readFileSync(file)).toString().split('\n').slice(0, 2_001).join('\n')}\n`)
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** A decision of the log in the model's words. */
function inWords(decision: Decision): Omit<ModelDecision, 'agent'> & { agent: string | null } {
  const stay = decision.changes.find(({ resource }) => resource.startsWith('stay/'))
  const named = stay?.resource ?? (decision.resource?.startsWith('stay/') === true ? decision.resource : null)
  const outcome = decision.committed ? 'committed' : outcomeOf(decision)
  return { kind: kindOf(decision, stay?.action), booking: named?.slice('stay/'.length) ?? '', agent: decision.agent, outcome }
}

function kindOf(decision: Decision, action: string | undefined): 'hold' | 'cancel' {
  if (action !== undefined) return action === 'cancel' ? 'cancel' : 'hold'
  return decision.code === 'STATE_CONFLICT' ? 'cancel' : 'hold'
}

function outcomeOf({ code, details }: Decision): ModelDecision['outcome'] {
  if (code === 'GUARD_REFUSED' && details?.reason === 'NO_NIGHTS') return 'no nights'
  if (code === 'INVARIANT_VIOLATED' && details?.invariant === 'notOversold') return 'full'
  if (code === 'STATE_CONFLICT') return 'not held'
  throw new Error(`the model has no word for ${code} ${JSON.stringify(details)}`)
}

function totals(decisions: readonly ModelDecision[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { outcome } of decisions) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

interface Result {
  readonly intents: number
  readonly committed: number
  readonly rejected: Record<string, number>
  readonly agents: number
  readonly oversold_nights: number
  readonly undecided: number
  readonly resumed: boolean
}

function resultOf({ code, stderr, stdout }: { code: number | null; stdout: string; stderr: string }): Result {
  expect(code, stderr).toBe(0)
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Result
}

function expectTotals(result: Result, model: readonly ModelDecision[]): void {
  const expected = totals(model)
  expect(result.intents).toBe(model.length)
  expect(result.undecided).toBe(0)
  expect(result.oversold_nights).toBe(0)
  expect(result.committed).toBe(expected.committed)
  expect(result.rejected).toEqual({
    ...(expected['no nights'] === undefined ? {} : { 'GUARD_REFUSED NO_NIGHTS': expected['no nights'] }),
    ...(expected.full === undefined ? {} : { 'INVARIANT_VIOLATED notOversold': expected.full }),
    ...(expected['not held'] === undefined ? {} : { STATE_CONFLICT: expected['not held'] }),
  })
}

describe('npm run demo', () => {
  it('--ordered decides all 22,731 intents as the plain model does, intent by intent', async () => {
    const data = join(directory, 'ordered')
    const result = resultOf(await spawnDemo(['--ordered', '--json', '--data-dir', data]).ended)
    const model = decideBookings(file)
    expect(model).toHaveLength(22_731)
    expectTotals(result, model)
    expect(result.agents).toBe(142)
    const decided = (await decisionsIn(data)).map(inWords)
    // A rejected stay names the night that was full, not the stay: compared without the booking there.
    const comparable = model.map((decision, index) => (decided[index]?.booking === '' ? { ...decision, booking: '' } : decision))
    expect(decided).toEqual(comparable)
  }, 300_000)

  it('decides everything and oversells nothing when all agents run at once', async () => {
    const result = resultOf(await spawnDemo(['--json', '--bookings', excerpt, '--data-dir', join(directory, 'at-once')]).ended)
    expect(result.undecided).toBe(0)
    expect(result.oversold_nights).toBe(0)
    expect(result.intents).toBe(decideBookings(excerpt).length)
  }, 120_000)

  it('ends with three commands that work on the log it left behind', async () => {
    const { code, stderr, stdout } = await spawnDemo(['--bookings', excerpt, '--data-dir', join(directory, 'table')]).ended
    expect(code, stderr).toBe(0)
    const commands = [...stdout.matchAll(/npm run signalbox -- (.+)/g)].map(([, words]) => words!.split(' '))
    expect(commands.map(([noun, verb]) => `${noun} ${verb}`)).toEqual(['intent explain', 'resource history', 'intent list'])
    for (const words of commands) {
      const {
        status,
        stderr: said,
        stdout: shown,
      } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', join(root, 'packages/cli/src/main.ts'), ...words], {
        encoding: 'utf8',
      })
      expect(status, said).toBe(0)
      expect(shown.length).toBeGreaterThan(100)
      expect(shown).not.toContain('DIFFERS')
    }
  }, 120_000)

  it('killed in the middle, it goes on and ends with the totals of an unbroken run', async () => {
    const data = join(directory, 'killed')
    const parameters = ['--ordered', '--rate', '2000', '--json', '--bookings', excerpt, '--data-dir', data]
    const first = spawnDemo(parameters)
    await decidedAtLeast(first.child, 500)
    first.child.kill('SIGKILL')
    expect((await first.ended).signal).toBe('SIGKILL')
    const result = resultOf(await spawnDemo(parameters).ended)
    expect(result.resumed).toBe(true)
    expectTotals(result, decideBookings(excerpt))
    // A finished run is not gone on with.
    expect(resultOf(await spawnDemo(parameters).ended).resumed).toBe(false)
  }, 180_000)

  it('ends with the same totals on Kafka', async () => {
    const result = resultOf(
      await spawnDemo(['--ordered', '--json', '--log', 'kafka', '--bookings', excerpt, '--data-dir', join(directory, 'kafka')]).ended,
    )
    expectTotals(result, decideBookings(excerpt))
  }, 180_000)

  it('says what is wrong with a file of bookings, and where', async () => {
    const bad = join(directory, 'bad.csv')
    writeFileSync(bad, readFileSync(excerpt, 'utf8').split('\n').slice(0, 3).join('\n').replace('resort', 'resort,extra'))
    const { code, stderr } = await spawnDemo(['--bookings', bad, '--data-dir', join(directory, 'bad')]).ended
    expect(code).toBe(2)
    expect(stderr).toContain('bad.csv, line 2: 11 columns instead of 10')
  })
})
