/** `signalbox bench WHAT`. */
import { CommandError } from '../exit-codes.ts'

/** Runs a benchmark and gives the exit code. */
export async function bench(what: string, _seconds: number): Promise<number> {
  throw new CommandError('usage', `there is no benchmark ${what}; there are core and embedded`)
}
