/**
 * npm run simulate -- [--seeds N] [--from SEED] [--seed SEED] [--trace]
 *
 * Runs simulations, one a seed: progress on stderr, one line of JSON at the end on stdout. `--seed` replays one seed, and
 * `--trace` prints every step of it. Exit code 0 when nothing was violated, 1 when something was, 2 for wrong usage.
 */
import { parseArgs } from 'node:util'
import { runSeed } from './simulation.ts'
import { Summary } from './summary.ts'

const usage = 'usage: npm run simulate -- [--seeds N] [--from SEED] [--seed SEED [--trace]]\n'
const progressEveryMs = 5_000

function wholeNumber(text: string, name: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  process.stderr.write(`simulate: --${name} ${text} is no whole number\n${usage}`)
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
      },
    })
    const from = wholeNumber(values.seed ?? values.from, values.seed === undefined ? 'from' : 'seed')
    return { from, count: values.seed === undefined ? wholeNumber(values.seeds, 'seeds') : 1, trace: values.trace }
  } catch (error) {
    process.stderr.write(`simulate: ${(error as Error).message}\n${usage}`)
    process.exit(2)
  }
}

const { count, from, trace } = readArguments()
const summary = new Summary()
let saidMs = performance.now()
for (let seed = from; seed < from + count; seed++) {
  const result = await runSeed(seed, trace ? { print: (line) => process.stderr.write(line) } : {})
  summary.add(result)
  for (const { check, message } of result.violations) process.stderr.write(`seed ${seed}: ${check}: ${message}\n`)
  if (result.violations.length > 0) process.stderr.write(`seed ${seed}: replay it with: npm run simulate -- --seed ${seed} --trace\n`)
  if (count === 1) process.stderr.write(`seed ${seed}: trace hash ${result.traceHash}\n`)
  if (performance.now() - saidMs < progressEveryMs) continue
  saidMs = performance.now()
  process.stderr.write(`${seed - from + 1} of ${count} seeds, ${summary.intents} intents, ${summary.violations} violations\n`)
}
process.stdout.write(`${JSON.stringify(summary.toJson())}\n`)
process.exitCode = summary.violations === 0 ? 0 : 1
