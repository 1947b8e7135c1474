/**
 * The short version of `npm run chaos`: one storm of every quick kind of fault on the product as it is, in which nothing may
 * be found; then each planted bug, under the fault that brings it out, in which something must.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Brokers } from './brokers.ts'
import type { PlantedName } from './planted.ts'
import { ChaosRun, type Finding } from './run.ts'
import type { ScheduledFault } from './schedule.ts'
import { came } from './wait.ts'

const timeout = 300_000
const startTimeoutMs = 90_000
const readTimeoutMs = 5_000
const seed = '4'
/** The last words of a sequencer that was to take over a partition whose events do not hang together, and decides nothing on it. */
const damaged = /^CORRUPT: the sequencer ends: the chain breaks at event offset \d+ of partition \d+ of the kafka log: /

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

interface StormOptions {
  readonly planted: PlantedName | null
  readonly healTimeoutMs: number
  readonly storm: readonly ScheduledFault[]
  /** The storm comes again until a reader of the events has seen something wrong, so many times at most. Default 1. */
  readonly rounds?: number
  /** Whether after the storm every sequencer is killed, and others take over what is in the log. */
  readonly isTakenOver?: boolean
}

async function runStorm({ healTimeoutMs, isTakenOver = false, planted, rounds = 1, storm }: StormOptions): Promise<Outcome> {
  const lines: string[] = [`seed ${seed}`]
  const run = await ChaosRun.start(brokers, { seed, sequencers: 2, planted, say: (line) => lines.push(line) })
  try {
    const isWhole = await run.untilWhole(startTimeoutMs)
    // Owners who duel may do so from the first deal of the partitions on: then there is no quiet before the storm.
    if (!isWhole && planted === 'duelling-owners') {
      const finding = { check: 'liveness', message: `the partitions had no owners for ${startTimeoutMs} ms` } as const
      return { findings: [finding], run, said: lines.join('\n') }
    }
    expect(isWhole, lines.join('\n')).toBe(true)
    for (let round = 1; round <= rounds; round++) {
      await run.storm(storm)
      // What was written wrongly is read within moments.
      if (rounds > 1 && (await came(readTimeoutMs, () => run.history.violations.length > 0))) break
    }
    const { endedUnasked } = run.fleet
    if (isTakenOver) {
      const before = endedUnasked.length
      run.fleet.killAll()
      expect(await came(startTimeoutMs, () => endedUnasked.length > before), lines.join('\n')).toBe(true)
    } else if (planted !== 'duelling-owners') {
      // Somebody must have gone on behind what was lost, or it is only late. Duels never end; and a log that a planted bug has damaged may
      // find no owners again: whoever takes over reads it, and ends.
      const isReadOrWhole = () => run.fleet.isWhole || (planted !== null && endedUnasked.length > 0)
      expect(await came(startTimeoutMs, isReadOrWhole), lines.join('\n')).toBe(true)
    }
    await run.heal(healTimeoutMs)
    await run.check()
  } finally {
    await run.stop()
  }
  return { findings: run.findings, run, said: lines.join('\n') }
}

describe('a storm on three brokers', { timeout }, () => {
  it('loses nothing, decides nothing twice, and ends with everything decided', async () => {
    const { findings, run, said } = await runStorm({
      planted: null,
      healTimeoutMs: 90_000,
      storm: [
        { kind: 'cut', atMs: 0, cut: 'lost-answer' },
        { kind: 'cut', atMs: 0, cut: 'lost-request' },
        { kind: 'point', atMs: 500, point: 'EndTxn:sent' },
        { kind: 'broker', atMs: 2_000 },
        { kind: 'kill', atMs: 3_000 },
        { kind: 'zombie', atMs: 4_000, point: 'EndTxn:unsent' },
      ],
    })
    expect(findings, said).toEqual([])
    expect(run.fleet.endedUnasked, said).toEqual([])
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
  // What is lost for good is not waited for long; a duel must outlast what a healthy group takes to be dealt anew.
  const planted: readonly {
    readonly name: PlantedName
    readonly healTimeoutMs: number
    readonly fault: ScheduledFault
    readonly rounds?: number
    readonly isTakenOver?: boolean
    /** What finds it in every run; others may as well. */
    readonly checks: readonly Finding['check'][]
  }[] = [
    {
      name: 'fencing-off',
      healTimeoutMs: 30_000,
      // Where nobody had taken over when it came back, it only writes what was its own to write.
      rounds: 6,
      // One that is stopped just anywhere often has nothing in its hands, and hears that it is out before it has read something.
      fault: { kind: 'zombie', atMs: 0, point: 'append:before' },
      checks: ['model', 'audit', 'python'],
    },
    {
      name: 'group-offsets',
      healTimeoutMs: 6_000,
      fault: { kind: 'point', atMs: 0, point: 'append:before' },
      checks: ['liveness', 'model', 'audit', 'python'],
    },
    {
      name: 'early-overlay',
      healTimeoutMs: 6_000,
      // Not every batch that is lost has one behind it that builds on it.
      rounds: 4,
      // Who wrote behind what was lost goes on as if nothing were. Nobody else can: each reads the log, says what is wrong, and ends.
      isTakenOver: true,
      fault: { kind: 'cut', atMs: 0, cut: 'lost-request' },
      checks: ['liveness', 'model', 'audit', 'python'],
    },
    { name: 'duelling-owners', healTimeoutMs: 15_000, fault: { kind: 'zombie', atMs: 0 }, checks: ['liveness'] },
  ]

  it.concurrent.each(planted)('$name: caught by $checks', async ({ checks, fault, name, ...options }) => {
    const { findings, run, said } = await runStorm({ planted: name, storm: [fault], ...options })
    expect([...new Set(findings.map(({ check }) => check))], said).toEqual(expect.arrayContaining([...checks]))
    // Nobody has ended of anything else, be it of the planted bug's own making.
    const others = run.fleet.endedUnasked.filter((words) => !damaged.test(words))
    expect(others, said).toEqual([])
  })
})
