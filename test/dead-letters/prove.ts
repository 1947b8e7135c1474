/**
 * Proves on processes that are killed what is promised of dead letters: no record is lost, each that was an intent is redriven once and
 * in its order, and a redrive that is cut off goes on where it was.
 *
 *   npm run dead-letters -- [--records N] [--scopes N] [--kills N] [--seed N] [--log sqlite|kafka] [--plant random-id|no-order]
 *
 * `--log kafka` takes the brokers of KAFKA_BROKERS. The last line of standard output is JSON.
 */
import { rmSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { proveDeadLetters } from './proof.ts'

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '10000' },
    scopes: { type: 'string', default: '40' },
    kills: { type: 'string', default: '10' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    log: { type: 'string', default: 'sqlite' },
    plant: { type: 'string' },
  },
})
const number = (name: 'records' | 'scopes' | 'kills' | 'seed'): number => {
  const value = Number(values[name])
  if (!Number.isInteger(value) || value < 0) throw new RangeError(`--${name} takes a whole number, not ${values[name]}`)
  return value
}
if (values.log !== 'sqlite' && values.log !== 'kafka') throw new RangeError(`--log takes sqlite or kafka, not ${values.log}`)
if (values.plant !== undefined && values.plant !== 'random-id' && values.plant !== 'no-order')
  throw new RangeError(`--plant takes random-id or no-order, not ${values.plant}`)
const brokers = values.log === 'kafka' ? process.env.KAFKA_BROKERS : null
if (brokers === undefined) throw new RangeError('--log kafka needs KAFKA_BROKERS: HOST:PORT of your brokers')

const options = { records: number('records'), scopes: number('scopes'), kills: number('kills'), seed: number('seed') }
const { directory, ...proof } = await proveDeadLetters({
  ...options,
  brokers,
  ...(values.plant === undefined ? {} : { plant: values.plant }),
  say: (text) => void process.stderr.write(`${text}\n`),
})
process.stdout.write(`${JSON.stringify({ log: values.log, ...options, ...proof })}\n`)
process.exitCode = proof.isProven ? 0 : 1
rmSync(directory, { recursive: true, force: true })
