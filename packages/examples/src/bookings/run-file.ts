/** What a run of the demo notes beside its log, so that one that was cut off can go on. */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { defaultLimits } from '@signalbox/contract'
import { parseJson, replaceFile } from '@signalbox/files'
import type { RunIdentity } from './intents.ts'

export interface RunFile extends RunIdentity {
  readonly ordered: boolean
  readonly bookingsDigest: string
  readonly log: string
  readonly finished: boolean
}

const name = 'demo-run.json'
// Ids are remembered for the horizon; a run that goes on later would ask with ids that are too old. An hour of it is kept back.
const resumableMs = defaultLimits.identityHorizonMs - 3_600_000

export function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

export function readRun(directory: string): RunFile | null {
  const file = join(directory, name)
  return existsSync(file) ? (parseJson(readFileSync(file, 'utf8')) as RunFile) : null
}

export function writeRun(directory: string, run: RunFile): void {
  mkdirSync(directory, { recursive: true })
  replaceFile(join(directory, name), `${JSON.stringify(run)}\n`)
}

/**
 * The run to go on with, or a new one on an empty directory; with a sentence for the person. A run goes on when it was
 * cut off less than a day ago and asks for the same.
 */
export function startOrResume(
  directory: string,
  wanted: Pick<RunFile, 'ordered' | 'bookingsDigest' | 'log'>,
  fresh: boolean,
): { run: RunFile; resumed: boolean; say: string } {
  const before = readRun(directory)
  const reason = whyNotResume(before, wanted, fresh)
  if (before !== null && reason === null)
    return { run: before, resumed: true, say: 'the last run was cut off; this one goes on where it was (--fresh starts over)' }
  // Only what a demo made is removed: a directory without a run file is left as it is.
  if (before !== null) rmSync(directory, { recursive: true, force: true })
  const run: RunFile = { ...wanted, runId: randomUUID(), startedMs: Date.now(), finished: false }
  writeRun(directory, run)
  return { run, resumed: false, say: before === null ? 'a new run' : `a new run: ${reason}` }
}

function whyNotResume(before: RunFile | null, wanted: Pick<RunFile, 'ordered' | 'bookingsDigest' | 'log'>, fresh: boolean): string | null {
  if (before === null) return 'there was none before'
  if (fresh) return '--fresh was given'
  if (before.finished) return 'the last one was finished'
  if (Date.now() - before.startedMs > resumableMs) return 'the last one was cut off too long ago'
  if (before.ordered !== wanted.ordered) return 'the last one was submitted in another order'
  if (before.bookingsDigest !== wanted.bookingsDigest) return 'the last one had other bookings'
  if (before.log !== wanted.log) return 'the last one was on another log'
  return null
}
