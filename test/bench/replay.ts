/**
 * Looking back over a million events on SQLite: one resource at any position, by the index and as a command; and a full replay beside
 * a restore of the same log, in the same run.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { say } from '@signalbox/cli'
import { Chain, chainHeader, createCodec, epochHeader } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { decide, evolve, PartitionState } from '@signalbox/core'
import { indexKeysOf } from '@signalbox/event-log'
import type { RecordToAppend } from '@signalbox/log'
import { openSqliteLog, openSqliteLogReader } from '@signalbox/log-sqlite'
import { currentState, type Source } from '@signalbox/partition-state'
import { ReplaySession, resourceAt } from '@signalbox/replay'
import { CounterLoad, rules } from '../support/workload.ts'

const resources = 10_000
const batchEvents = 500
const lookups = 500
const commands = 15

export async function benchReplay(seconds: number): Promise<object> {
  // A second of the flag stands for a third of a million: the default of 3 is the million.
  const events = Math.round((seconds / 3) * 1_000_000)
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
  try {
    await writeLog(directory, events)
    const log = await openSqliteLogReader({ directory })
    const source: Source = { log, codec: createCodec({ limits: defaultLimits }), limits: defaultLimits }
    try {
      const { end } = await log.offsets('events', 0)
      const figures = await measureLookups(source, end)
      const replays = await measureReplay(source)
      return { bench: 'replay', events: end, resources, ...figures, ...measureCommand(directory, end), ...replays }
    } finally {
      await log.close()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function writeLog(directory: string, events: number): Promise<void> {
  const log = await openSqliteLog({ directory })
  const codec = createCodec({ limits: defaultLimits })
  const state = new PartitionState(0, defaultLimits)
  const load = new CounterLoad(resources)
  const chain = new Chain()
  const writer = await log.open({ partition: 0, generation: 1, signal: new AbortController().signal })
  for (let written = 0; written < events; ) {
    const batch: RecordToAppend[] = []
    while (batch.length < batchEvents) {
      for (const event of decide(state, { ...load.next(), problem: null }, rules)) {
        evolve(state, event)
        const value = codec.encodeEvent(event)
        chain.add(value)
        batch.push({ key: event.scope, value, headers: { [epochHeader]: 'null' }, indexKeys: indexKeysOf(event) })
      }
    }
    const last = batch.pop()!
    batch.push({ ...last, headers: { ...last.headers, [chainHeader]: chain.close() } })
    await writer.append({ events: batch, deadLetters: [] })
    written += batch.length
    if (Math.floor(written / 200_000) > Math.floor((written - batch.length) / 200_000))
      say(`replay: ${written} of ${events} events written`)
  }
  await writer.close()
  await log.close()
}

function quantile(sorted: readonly number[], part: number): number {
  return Number(sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!.toFixed(2))
}

/** Scopes are named by number; positions and resources are spread evenly, without chance: the same each time. */
async function measureLookups(source: Source, end: number): Promise<object> {
  const tookMs: number[] = []
  let found = 0
  for (let index = 0; index < lookups; index++) {
    const logOffset = Math.floor(((index * 7_919) % lookups) * (end / lookups))
    const scope = `scope-${(index * 104_729) % resources}`
    const before = performance.now()
    const resource = await resourceAt(source, scope, 'counter/main', { partition: 0, logOffset })
    tookMs.push(performance.now() - before)
    if (resource.exists) found++
  }
  tookMs.sort((a, b) => a - b)
  return {
    lookups,
    lookups_found: found,
    lookup_p50_ms: quantile(tookMs, 0.5),
    lookup_p99_ms: quantile(tookMs, 0.99),
    lookup_max_ms: quantile(tookMs, 1),
  }
}

const main = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))

/** As a person types it, less what the command takes to start. */
function measureCommand(directory: string, end: number): object {
  const run = (parameters: readonly string[]) => {
    const before = performance.now()
    const { status, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...parameters])
    if (status !== 0) throw new Error(`signalbox ${parameters.join(' ')} ended with ${status}: ${stderr}`)
    return performance.now() - before
  }
  const startup = Array.from({ length: commands }, () => run(['--version'])).sort((a, b) => a - b)
  const shows = Array.from({ length: commands }, (_, index) => {
    const at = Math.floor(end - (index * end) / (2 * commands))
    return run(['resource', 'show', `scope-${index * 617}`, 'counter/main', '--at', `0:${at}`, '--data-dir', directory])
  }).sort((a, b) => a - b)
  const [startupMs, showMs] = [quantile(startup, 0.5), quantile(shows, 0.5)]
  return {
    command_startup_p50_ms: startupMs,
    command_show_p50_ms: showMs,
    command_show_max_ms: quantile(shows, 1),
    command_show_beyond_startup_ms: Number((showMs - startupMs).toFixed(2)),
  }
}

/** In turn, twice each, so that neither has the file to itself. */
async function measureReplay(source: Source): Promise<object> {
  let [restoreMs, replayMs] = [0, 0]
  let events = 0
  for (let turn = 0; turn < 2; turn++) {
    say(`replay: turn ${turn + 1} of 2`)
    let before = performance.now()
    await currentState(source, 0)
    restoreMs += performance.now() - before
    before = performance.now()
    const session = await ReplaySession.open(source, 0)
    await session.to(session.end)
    replayMs += performance.now() - before
    events += session.steps
    await session.close()
  }
  const perSecond = (ms: number) => Math.round((events * 1_000) / ms)
  return {
    restore_events_per_s: perSecond(restoreMs),
    replay_events_per_s: perSecond(replayMs),
    replay_to_restore: Number((restoreMs / replayMs).toFixed(2)),
  }
}
