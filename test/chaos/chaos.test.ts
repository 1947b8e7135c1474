/**
 * The short version of `npm run chaos`: one storm of every quick kind of fault on the product as it is, in which nothing may
 * be found; then each planted bug, under the fault that brings it out, in which something must.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Brokers } from './brokers.ts'
import type { PlantedName } from './planted.ts'
import { ChaosRun, type Finding } from './run.ts'
import type { ScheduledFault } from './schedule.ts'

const timeout = 240_000
const seed = '4'

let brokers: Brokers

beforeAll(async () => {
  brokers = await Brokers.start({ registry: false })
}, timeout)

afterAll(() => brokers?.stop(), timeout)

interface Outcome {
  readonly findings: readonly Finding[]
  readonly run: ChaosRun
  readonly said: string
}

async function runStorm(planted: PlantedName | null, healTimeoutMs: number, storm: readonly ScheduledFault[]): Promise<Outcome> {
  const lines: string[] = [`seed ${seed}`]
  const run = await ChaosRun.start(brokers, { seed, sequencers: 2, planted, healTimeoutMs, say: (line) => lines.push(line) })
  try {
    await run.heal()
    run.load.resume()
    // What a planted bug breaks at once needs no storm.
    if (run.findings.length === 0) {
      await run.storm(storm)
      await run.heal()
    }
    await run.check()
  } finally {
    await run.stop()
  }
  return { findings: run.findings, run, said: lines.join('\n') }
}

describe('a storm on three brokers', { timeout }, () => {
  it('loses nothing, decides nothing twice, and ends with everything decided', async () => {
    const { findings, run, said } = await runStorm(null, 90_000, [
      { kind: 'point', atMs: 500, point: 'EndTxn:sent' },
      { kind: 'cut', atMs: 1_000, cut: 'lost-answer' },
      { kind: 'broker', atMs: 1_500 },
      { kind: 'zombie', atMs: 4_000 },
      { kind: 'cut', atMs: 6_000, cut: 'lost-request' },
      { kind: 'kill', atMs: 9_000 },
    ])
    expect(findings, said).toEqual([])
    const { brokerKills, lostAnswers, lostRequests, missed, sequencerKills, zombies } = run.counts
    expect({ brokerKills, lostAnswers, lostRequests, missed, sequencerKills, zombies }, said).toEqual({
      brokerKills: 1,
      lostAnswers: 1,
      lostRequests: 1,
      missed: 0,
      sequencerKills: 2,
      zombies: 1,
    })
    expect(run.verdicts).toEqual({ audit: true, python: true })
    expect(run.load.acknowledged.length, said).toBeGreaterThan(50)
  })
})

describe('planted bugs', { timeout }, () => {
  // The checks that find it in every run; others may as well.
  const planted: readonly (readonly [PlantedName, readonly Finding['check'][], readonly ScheduledFault[]])[] = [
    [
      'fencing-off',
      ['audit', 'python'],
      [
        { kind: 'zombie', atMs: 500 },
        { kind: 'zombie', atMs: 13_000 },
      ],
    ],
    ['group-offsets', ['liveness', 'model', 'audit', 'python'], [{ kind: 'point', atMs: 500, point: 'append:before' }]],
    ['early-overlay', ['liveness', 'audit', 'python'], [{ kind: 'cut', atMs: 500, cut: 'lost-request' }]],
    ['duelling-owners', ['liveness'], [{ kind: 'kill', atMs: 500 }]],
  ]

  it.concurrent.each(planted)('%s is caught', async (name, checks, storm) => {
    const { findings, said } = await runStorm(name, 15_000, storm)
    expect([...new Set(findings.map(({ check }) => check))], said).toEqual(expect.arrayContaining([...checks]))
  })
})
