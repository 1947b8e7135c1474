/** `npm run demo`: the main job, or with --story one of the stories. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CommandError, exitCodes } from '@signalbox/cli'
import { isLogError } from '@signalbox/log'
import { BookingsFileError } from './bookings/bookings-file.ts'
import { defaultBookingsFile, demoDirectory, runDemo } from './bookings/demo.ts'

const usage = `usage: npm run demo -- [--ordered] [--rate N] [--fresh] [--bookings FILE] [--log sqlite|kafka] [--data-dir DIRECTORY] [--json]
       npm run demo -- --story NAME [--json]
       npm run demo -- --story refunds [--seed N | --seeds N..M] [--plant BUG | --without] [--data-dir DIRECTORY] [--json]

  --ordered          one after another in the file's order: the outcome is one exact result
  --rate N           at most N intents a second
  --fresh            start over, even where the last run was cut off
  --bookings FILE    another file of the same columns, plain or .gz
  --log LOG          sqlite (the default), or kafka (the brokers of KAFKA_BROKERS, or one started for the run)
  --sequencers N     with --log kafka: so many sequencers, each a process of its own
  --kill-halfway     with --sequencers: kill -9 of one of them when half is decided
  --data-dir DIR     where the log lies; default .signalbox/demo
  --json             one line of JSON at the end instead of the table
  --story NAME       double-booked-room, refunded-twice, stale-email, opposite-orders or refunds
  --seed N           of the story refunds: which agent goes wrong and how, and what the human says
  --seeds N..M       one run after another, a line of JSON each with --json
  --plant BUG        a bug on purpose, to see it counted: agent-ignores-effect-id, bank-ignores-keys
                     or quarantined-agent-goes-on
  --without          the story refunds without a coordinator, for contrast
`

function fail(message: string, exitCode: number): number {
  process.stderr.write(`demo: ${message}\n`)
  return exitCode
}

async function main(): Promise<number> {
  let values: ReturnType<typeof readFlags>
  try {
    values = readFlags()
  } catch (error) {
    process.stderr.write(usage)
    return fail((error as Error).message, exitCodes.usage)
  }
  if (values.help === true) {
    process.stdout.write(usage)
    return exitCodes.ok
  }
  if (values.story === 'refunds') {
    const { runRefunds } = await import('./refunds/index.ts')
    const { 'data-dir': dataDirectory, json, plant, seed, seeds, without } = values
    return await runRefunds({ seed, seeds, plant, dataDirectory, without: without === true, json: json === true })
  }
  if (values.story !== undefined) {
    const { runStory } = await import('./stories/index.ts')
    return await runStory(values.story, { json: values.json === true })
  }
  const rate = values.rate === undefined ? null : Number(values.rate)
  if (rate !== null && !(rate > 0)) return fail(`--rate takes a number above 0, not ${values.rate}`, exitCodes.usage)
  if (values.log !== undefined && values.log !== 'sqlite' && values.log !== 'kafka')
    return fail(`--log takes sqlite or kafka, not ${values.log}`, exitCodes.usage)
  const sequencers = Number(values.sequencers ?? 0)
  if (!Number.isInteger(sequencers) || sequencers < 0 || sequencers > 16)
    return fail(`--sequencers takes a whole number up to 16, not ${values.sequencers}`, exitCodes.usage)
  if (sequencers > 0 && values.log !== 'kafka') return fail('--sequencers needs a log that they share: --log kafka', exitCodes.usage)
  if (values['kill-halfway'] === true && sequencers < 2)
    return fail('--kill-halfway needs one that goes on: --sequencers 2 or more', exitCodes.usage)
  return await runDemo({
    bookingsFile: values.bookings === undefined ? defaultBookingsFile : resolve(values.bookings),
    dataDirectory: values['data-dir'] === undefined ? demoDirectory() : resolve(values['data-dir']),
    log: values.log ?? 'sqlite',
    sequencers,
    killHalfway: values['kill-halfway'] === true,
    ordered: values.ordered === true,
    rate,
    fresh: values.fresh === true,
    json: values.json === true,
  })
}

function readFlags() {
  return parseArgs({
    options: {
      ordered: { type: 'boolean' },
      rate: { type: 'string' },
      fresh: { type: 'boolean' },
      bookings: { type: 'string' },
      log: { type: 'string' },
      sequencers: { type: 'string' },
      'kill-halfway': { type: 'boolean' },
      'data-dir': { type: 'string' },
      json: { type: 'boolean' },
      story: { type: 'string' },
      seed: { type: 'string' },
      seeds: { type: 'string' },
      plant: { type: 'string' },
      without: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  }).values
}

try {
  process.exitCode = await main()
} catch (error) {
  if (error instanceof BookingsFileError) process.exitCode = fail(error.message, exitCodes.usage)
  else if (error instanceof CommandError) process.exitCode = fail(error.message, error.exitCode)
  else if (isLogError(error)) process.exitCode = fail(error.message, exitCodes.unreachable)
  else process.exitCode = fail(`a bug: ${(error as Error).stack}`, exitCodes.bug)
}
