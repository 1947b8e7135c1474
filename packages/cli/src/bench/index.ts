/** `signalbox bench WHAT`: one JSON line on stdout, progress on stderr. */
import { CommandError, exitCodes } from '../exit-codes.ts'

/** Runs a benchmark and gives the exit code. `seconds` is how long each measurement takes. */
export async function bench(what: string, seconds: number): Promise<number> {
  if (!(seconds > 0 && seconds <= 600)) throw new CommandError('usage', '--seconds takes a number above 0, up to 600')
  process.stdout.write(`${JSON.stringify(await run(what, seconds))}\n`)
  return exitCodes.ok
}

// Each is loaded when it is asked for: what the other needs would be in memory, and measured, too.
async function run(what: string, seconds: number): Promise<object> {
  if (what === 'core') return await (await import('./core.ts')).benchCore(seconds)
  if (what === 'embedded') return await (await import('./embedded.ts')).benchEmbedded(seconds)
  throw new CommandError('usage', `there is no benchmark ${what}; there are core and embedded`)
}
