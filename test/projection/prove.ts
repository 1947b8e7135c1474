/**
 * Proves on processes that die what is promised of projections: a projection that `signalbox projection new` wrote is rebuilt
 * while the writers go on and its projector is killed again and again; nothing is folded twice or left out, the swap leaves no
 * gap, and verify is clean.
 *
 *   npm run projections -- [--events N] [--kills N] [--store sqlite|postgres] [--seed N] [--rate EVENTS_PER_SECOND]
 *
 * The last line of standard output is JSON. PostgreSQL is what POSTGRES_URL names, else one that is started here.
 */
import { rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { postgresForTests } from '../../infra/postgres/choose.ts'
import { type ProofOptions, proveProjection } from './proof.ts'

const { values } = parseArgs({
  options: {
    events: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '20' },
    store: { type: 'string', default: 'postgres' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    rate: { type: 'string', default: '1000' },
    batch: { type: 'string', default: '1000' },
  },
})
const number = (name: 'events' | 'kills' | 'seed' | 'rate' | 'batch'): number => {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`--${name} takes a whole number, not ${values[name]}`)
  return value
}
if (values.store !== 'sqlite' && values.store !== 'postgres') throw new RangeError(`--store takes sqlite or postgres, not ${values.store}`)

const postgres = values.store === 'postgres' ? await postgresForTests() : null
const options: ProofOptions = {
  events: number('events'),
  kills: number('kills'),
  seed: number('seed'),
  eventsPerSecond: number('rate'),
  batchEvents: number('batch'),
  postgresUrl: postgres?.url ?? null,
  say: (text) => void process.stderr.write(`${text}\n`),
}
try {
  const { directory, ...proof } = await proveProjection(options)
  process.stdout.write(`${JSON.stringify({ store: values.store, ...options, postgresUrl: undefined, ...proof })}\n`)
  process.exitCode = proof.isProven ? 0 : 1
  rmSync(directory, { recursive: true, force: true })
} finally {
  await postgres?.stop()
}
