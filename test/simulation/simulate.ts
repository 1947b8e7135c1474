/**
 * npm run simulate -- [--seeds N] [--from SEED] [--seed SEED] [--trace] [--planted BUG]
 *
 * Runs simulations, one a seed: progress on stderr, one line of JSON at the end on stdout. `--seed` replays one seed, and
 * `--trace` prints every step of it. `--planted` puts one of the bugs of `planted/bugs.ts` in, by its name. Exit code 0 when nothing was violated, 1 when something was, 2 for wrong usage.
 */
import { parseArgs } from 'node:util'
import type { PlantedBug } from './environment.ts'
import { plantedBugs } from './planted/bugs.ts'
import { runSeed } from './simulation.ts'
import { Summary } from './summary.ts'

const usage = 'usage: npm run simulate -- [--seeds N] [--from SEED] [--seed SEED [--trace]] [--planted BUG]\n'
const progressEveryMs = 5_000

function wholeNumber(text: string, name: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  process.stderr.write(`simulate: --${name} ${text} is no whole number\n${usage}`)
  process.exit(2)
}

function plantedBug(name: string | undefined): PlantedBug | null {
  if (name === undefined) return null
  const bug = plantedBugs.find((each) => each.name === name)
  if (bug !== undefined) return bug
  process.stderr.write(`simulate: no bug is called '${name}'; there are:\n${plantedBugs.map((each) => `  ${each.name}\n`).join('')}`)
  process.exit(2)
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string', default: '1000' },
        from: { type: 'string', default: '1' },
        seed: { type: 'string' },
        trace: { type: 'boolean', default: false },
        planted: { type: 'string' },
      },
    })
    const from = wholeNumber(values.seed ?? values.from, values.seed === undefined ? 'from' : 'seed')
    return {
      from,
      count: values.seed === undefined ? wholeNumber(values.seeds, 'seeds') : 1,
      trace: values.trace,
      planted: plantedBug(values.planted),
    }
  } catch (error) {
    process.stderr.write(`simulate: ${(error as Error).message}\n${usage}`)
    process.exit(2)
  }
}

const { count, from, planted, trace } = readArguments()
const summary = new Summary()
let saidMs = performance.now()
for (let seed = from; seed < from + count; seed++) {
  const result = await runSeed(seed, {
    ...(planted === null ? {} : { planted }),
    ...(trace ? { print: (line: string) => process.stderr.write(line) } : {}),
  })
  summary.add(result)
  for (const { check, message } of result.violations) process.stderr.write(`seed ${seed}: ${check}: ${message}\n`)
  if (result.violations.length > 0)
    process.stderr.write(
      `seed ${seed}: replay it with: npm run simulate -- --seed ${seed} --trace${planted === null ? '' : ` --planted '${planted.name}'`}\n`,
    )
  if (count === 1) process.stderr.write(`seed ${seed}: trace hash ${result.traceHash}\n`)
  if (performance.now() - saidMs < progressEveryMs) continue
  saidMs = performance.now()
  process.stderr.write(`${seed - from + 1} of ${count} seeds, ${summary.intents} intents, ${summary.violations} violations\n`)
}
process.stdout.write(`${JSON.stringify(summary.toJson())}\n`)
process.exitCode = summary.violations === 0 ? 0 : 1
