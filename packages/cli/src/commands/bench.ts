/** `signalbox bench WHAT`: the benchmarks lie beside the tests, and an installed command comes without them. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { CommandError } from '../exit-codes.ts'

const place = '../../../../test/bench/index.ts'

/** Runs a benchmark and gives the exit code. `seconds` is how long each measurement takes. */
export async function bench(what: string, seconds: number): Promise<number> {
  if (!existsSync(fileURLToPath(new URL(place, import.meta.url))))
    throw new CommandError(
      'usage',
      'the benchmarks come with the source of signalbox, not with the command alone; run npm run signalbox -- bench WHAT in a copy of its repository',
    )
  return await (await import('../../../../test/bench/index.ts')).bench(what, seconds)
}
