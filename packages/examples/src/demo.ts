/** `npm run demo`: the main job, or with --story one of the stories. */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { CommandError, exitCodes } from '@signalbox/cli'
import { isLogError } from '@signalbox/log'
import { BookingsFileError } from './bookings/bookings-file.ts'
import { defaultBookingsFile, demoDirectory, runDemo } from './bookings/demo.ts'

const usage = `usage: npm run demo -- [--ordered] [--rate N] [--fresh] [--bookings FILE] [--log sqlite|kafka] [--data-dir DIRECTORY] [--json]
       npm run demo -- --story NAME [--json]

  --ordered          one after another in the file's order: the outcome is one exact result
  --rate N           at most N intents a second
  --fresh            start over, even where the last run was cut off
  --bookings FILE    another file of the same columns, plain or .gz
  --log LOG          sqlite (the default), or kafka (the brokers of KAFKA_BROKERS, or one started for the run)
  --data-dir DIR     where the log lies; default .signalbox/demo
  --json             one line of JSON at the end instead of the table
  --story NAME       double-booked-room, refunded-twice, stale-email or opposite-orders
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
  if (values.story !== undefined) {
    const { runStory } = await import('./stories/index.ts')
    return await runStory(values.story, { json: values.json === true })
  }
  const rate = values.rate === undefined ? null : Number(values.rate)
  if (rate !== null && !(rate > 0)) return fail(`--rate takes a number above 0, not ${values.rate}`, exitCodes.usage)
  if (values.log !== undefined && values.log !== 'sqlite' && values.log !== 'kafka')
    return fail(`--log takes sqlite or kafka, not ${values.log}`, exitCodes.usage)
  return await runDemo({
    bookingsFile: values.bookings === undefined ? defaultBookingsFile : resolve(values.bookings),
    dataDirectory: values['data-dir'] === undefined ? demoDirectory() : resolve(values['data-dir']),
    log: values.log ?? 'sqlite',
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
      'data-dir': { type: 'string' },
      json: { type: 'boolean' },
      story: { type: 'string' },
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
