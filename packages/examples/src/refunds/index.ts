/** `npm run demo -- --story refunds`: a shop's refunds by five agents, one of which goes wrong. */
import { join, resolve } from 'node:path'
import { CommandError, exitCodes } from '@signalbox/cli'
import { type Plant, plants } from './plan.ts'
import { isGood, reportJson, reportText, withoutJson, withoutText } from './report.ts'
import { runSeed } from './run.ts'
import { runWithout } from './without.ts'

export interface RefundsFlags {
  readonly seed?: string | undefined
  readonly seeds?: string | undefined
  readonly plant?: string | undefined
  /** The folder of the run; with several seeds, a folder for each in it. */
  readonly dataDirectory?: string | undefined
  /** For contrast: the same without a coordinator. */
  readonly without: boolean
  readonly json: boolean
}

const mostSeeds = 1_000

function seedsOf({ seed, seeds }: RefundsFlags): readonly number[] {
  const found = /^(\d{1,9})(?:\.\.(\d{1,9}))?$/.exec(seeds ?? seed ?? '1')
  const from = Number(found?.[1])
  const to = found?.[2] === undefined ? from : Number(found[2])
  if (found === null || from < 1 || to < from || to - from >= mostSeeds || (seed !== undefined && (seeds !== undefined || to !== from)))
    throw new CommandError('usage', 'give --seed a whole number from 1, or --seeds a range like 1..20')
  return Array.from({ length: to - from + 1 }, (_, index) => from + index)
}

function plantOf({ plant }: RefundsFlags): Plant | null {
  if (plant === undefined) return null
  const found = plants.find((each) => each === plant)
  if (found === undefined) throw new CommandError('usage', `there is no bug ${plant} to plant; there are ${plants.join(', ')}`)
  return found
}

/** The command: plays the story of each seed. Resolves to the exit code: 0 where each shows what it is to show. */
export async function runRefunds(flags: RefundsFlags): Promise<number> {
  const seeds = seedsOf(flags)
  const plant = plantOf(flags)
  if (flags.without && plant !== null) throw new CommandError('usage', '--without has no bug to plant; leave --plant out')
  const tell = (line: string) => void (flags.json || process.stderr.write(`${line}\n`))
  let good = true
  for (const seed of seeds) {
    const base = flags.dataDirectory ?? join('.signalbox', 'refunds')
    const directory = resolve(seeds.length > 1 || flags.dataDirectory === undefined ? join(base, `seed-${seed}`) : base)
    if (flags.without) {
      const run = await runWithout(seed, directory)
      process.stdout.write(`${flags.json ? withoutJson(run) : withoutText(run)}\n`)
      continue
    }
    const run = await runSeed({ seed, directory, plant, tell })
    good &&= isGood(run)
    process.stdout.write(`${flags.json ? reportJson(run) : reportText(run)}\n`)
  }
  return good ? exitCodes.ok : exitCodes.bug
}
