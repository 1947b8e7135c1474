/**
 * npm run chaos -- [--seed N] [--faults N | --minutes N] [--only KIND[,KIND]] [--points POINT[,POINT]] [--plant BUG] [--sequencers N]
 *
 * Storms of faults on three real brokers, each followed by healing and both checkers: progress on stderr, one line of JSON
 * at the end on stdout. The seed draws which faults strike when and whom; what the machine does meanwhile it cannot draw.
 * Exit code 0 when nothing was found, 1 when something was, 2 for wrong usage.
 */
import { parseArgs } from 'node:util'
import { Random } from '../support/random.ts'
import { Brokers } from './brokers.ts'
import { type PlantedName, plantedNames } from './planted.ts'
import { type Point, points } from './points.ts'
import { ChaosRun } from './run.ts'
import { drawStorm, type FaultKind, faultKinds } from './schedule.ts'

const usage = `usage: npm run chaos -- [--seed N] [--faults N | --minutes N] [--only KIND[,KIND]] [--points POINT[,POINT]] [--plant BUG] [--sequencers N]
kinds: ${faultKinds.join(', ')}; bugs: ${plantedNames.join(', ')}
`
const stormFaults = 20
const healTimeoutMs = 120_000

function refuse(message: string): never {
  process.stderr.write(`chaos: ${message}\n${usage}`)
  process.exit(2)
}

function wholeNumber(text: string, name: string): number {
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : refuse(`--${name} ${text} is no whole number from 1 on`)
}

function readArguments() {
  try {
    const text = { type: 'string' } as const
    const { values } = parseArgs({
      options: { seed: text, faults: text, minutes: text, only: text, points: text, plant: text, sequencers: text },
    })
    const { faults, minutes, only, plant, points: named, seed, sequencers } = values
    const chosen = named?.split(',') ?? points
    const noPoint = chosen.find((point) => !(points as readonly string[]).includes(point))
    if (noPoint !== undefined) refuse(`there is no point '${noPoint}'; test/chaos/points.ts has them`)
    const kinds = only === undefined ? [...faultKinds] : only.split(',')
    const unknown = kinds.find((kind) => !(faultKinds as readonly string[]).includes(kind))
    if (unknown !== undefined) refuse(`there is no kind of fault '${unknown}'`)
    if (plant !== undefined && !(plantedNames as readonly string[]).includes(plant)) refuse(`there is no planted bug '${plant}'`)
    return {
      seed: seed === undefined ? 1 + Math.floor(Math.random() * 999_999) : wholeNumber(seed, 'seed'),
      faults: faults === undefined ? (minutes === undefined ? stormFaults : Number.POSITIVE_INFINITY) : wholeNumber(faults, 'faults'),
      minutes: minutes === undefined ? Number.POSITIVE_INFINITY : wholeNumber(minutes, 'minutes'),
      kinds: kinds as FaultKind[],
      chosen: chosen as Point[],
      planted: (plant ?? null) as PlantedName | null,
      sequencers: sequencers === undefined ? 3 : wholeNumber(sequencers, 'sequencers'),
    }
  } catch (error) {
    refuse((error as Error).message)
  }
}

const { chosen, faults, kinds, minutes, planted, seed, sequencers } = readArguments()
const say = (line: string) => process.stderr.write(`${line}\n`)
const startedMs = performance.now()
say(
  `seed ${seed}: replay its faults with: npm run chaos -- ${process.argv.slice(2).join(' ')}${process.argv.includes('--seed') ? '' : ` --seed ${seed}`}`,
)
const random = new Random(`${seed}`).stream('storms')
const brokers = await Brokers.start({ registry: kinds.includes('registry') })
let interrupted = false
process.once('SIGINT', () => {
  interrupted = true
  say('interrupted: this storm is the last')
})
try {
  const run = await ChaosRun.start(brokers, { seed: `${seed}`, sequencers, planted, points: chosen, say })
  let struck = 0
  const hit = new Set<string>()
  try {
    await run.heal(healTimeoutMs)
    run.load.resume()
    for (
      let storm = 1;
      struck < faults && run.findings.length === 0 && !interrupted && performance.now() - startedMs < minutes * 60_000;
      storm++
    ) {
      const scheduled = drawStorm(random, Math.min(stormFaults, faults - struck), kinds)
      say(`storm ${storm}: ${scheduled.map(({ atMs, kind }) => `${kind} at ${(atMs / 1_000).toFixed(1)} s`).join(', ')}`)
      await run.storm(scheduled)
      struck += scheduled.length
      await run.heal(healTimeoutMs)
      await run.check()
      say(
        `storm ${storm} is over: ${run.load.acknowledged.length} intents acknowledged, ${run.load.undecided} undecided, ${run.findings.length} findings`,
      )
      for (const { point } of run.fleet.hits) hit.add(point)
      run.load.resume()
    }
  } finally {
    await run.stop()
  }
  const { counts, findings, fleet, history, load, verdicts } = run
  const report = {
    seed,
    seconds: Math.round((performance.now() - startedMs) / 1_000),
    ...counts,
    endedUnasked: fleet.endedUnasked.length,
    endedUnaskedSaying: [...new Set(fleet.endedUnasked)],
    acknowledged: load.acknowledged.length,
    undecided: load.undecided,
    sentAgain: load.sentAgain,
    committed: history.committed,
    rejected: history.rejected,
    duplicates: history.duplicates,
    openings: history.openings,
    pointsHit: hit.size,
    pointsOf: points.length,
    pointsMissing: points.filter((point) => !hit.has(point)),
    audit: verdicts.audit,
    python: verdicts.python,
    findings,
  }
  process.stdout.write(`${JSON.stringify(report)}\n`)
  process.exitCode = findings.length === 0 ? 0 : 1
} finally {
  await brokers.stop()
}
