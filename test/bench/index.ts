/** `signalbox bench WHAT`: JSON lines on stdout (the last sums up), progress on stderr. */
import { CommandError, exitCodes } from '@signalbox/cli'

/** Runs a benchmark and gives the exit code. `seconds` is how long each measurement takes. */
export async function bench(what: string, seconds: number): Promise<number> {
  if (!(seconds > 0 && seconds <= 600)) throw new CommandError('usage', '--seconds takes a number above 0, up to 600')
  const print = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`)
  print(await run(what, seconds, print))
  return exitCodes.ok
}

// Each is loaded when it is asked for: what the other needs would be in memory, and measured, too.
async function run(what: string, seconds: number, print: (line: object) => void): Promise<object> {
  if (what === 'core') return await (await import('./core.ts')).benchCore(seconds)
  if (what === 'embedded') return await (await import('./embedded.ts')).benchEmbedded(seconds)
  if (what === 'kafka') return await (await import('./kafka/index.ts')).benchKafka(seconds, print)
  if (what === 'projection') return await (await import('./projection.ts')).benchProjection(seconds)
  if (what === 'replay') return await (await import('./replay.ts')).benchReplay(seconds)
  if (what === 'wasted-work') return (await import('./wasted-work.ts')).benchWastedWork()
  if (what === 'coordination') return await (await import('./coordination.ts')).benchCoordination(seconds)
  throw new CommandError(
    'usage',
    `there is no benchmark ${what}; there are core, coordination, wasted-work, embedded, projection, replay and kafka`,
  )
}
