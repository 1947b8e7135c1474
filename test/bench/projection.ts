/** Events a second when a projection is rebuilt from a SQLite log, per store: reading, checking the chain, folding, committing. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environment, say } from '@signalbox/cli'
import { createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { type LogReader, systemClock } from '@signalbox/log'
import { openSqliteLog, openSqliteLogReader } from '@signalbox/log-sqlite'
import { defineProjection, type Projection, rowKey } from '@signalbox/projection'
import { shippedProjections } from '@signalbox/projection/shipped'
import { EventFeed, ProjectionHost } from '@signalbox/projection-host'
import { openPostgresStore } from '@signalbox/projection-postgres'
import { openSqliteStore } from '@signalbox/projection-sqlite'
import { MemoryStore, type ProjectionStore } from '@signalbox/projection-store'
import { z } from 'zod'
import { Flood } from '../support/event-flood.ts'

const partitionCount = 2
const eventsPerSecond = 50_000
const batchIntents = 128
const pollMs = 5

/** The one that `signalbox projection new` writes: few rows, each changed again and again. */
const byState = defineProjection({
  name: 'by-state',
  version: 1,
  tables: {
    scopes: z.strictObject({ scope: z.string(), changes: z.int(), byState: z.record(z.string(), z.int()), lastMs: z.int() }),
  },
  changes: {
    '*': ({ scope, state, timeMs, type }, { scopes }) => {
      scopes.update(rowKey(scope, type), { scope, changes: 0, byState: {} as Record<string, number>, lastMs: 0 }, (row) => ({
        ...row,
        changes: row.changes + 1,
        byState: { ...row.byState, [state]: (row.byState[state] ?? 0) + 1 },
        lastMs: Math.max(row.lastMs, timeMs),
      }))
    },
  },
})

/** A row an event: what a rebuild costs at most. */
const decisions = shippedProjections.find(({ name }) => name === 'decisions')!

/** PostgreSQL where SIGNALBOX_PROJECTOR_STORE names one; in a schema of the benchmark's own, which stays. */
export async function benchProjection(seconds: number): Promise<object> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-bench-'))
  try {
    const events = await writeEvents(directory, Math.round(seconds * eventsPerSecond))
    const log = await openSqliteLogReader({ directory })
    const figures: Record<string, number> = { events }
    for (const [name, open] of stores(directory)) {
      const store = await open()
      for (const projection of [byState, decisions]) {
        say(`rebuild of ${projection.name} in ${name}`)
        figures[`${name}_${projection.name.replace('-', '_')}_events_per_s`] = await measureRebuild(log, store, projection, events)
      }
      await store.close()
    }
    await log.close()
    return { bench: 'projection', ...figures }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function stores(directory: string): readonly (readonly [string, () => ProjectionStore | Promise<ProjectionStore>])[] {
  const address = environment().SIGNALBOX_PROJECTOR_STORE ?? ''
  const postgres = /^postgres(ql)?:/.test(address)
    ? ([['postgres', () => openPostgresStore({ url: address, schema: `signalbox_bench_${process.pid}` })]] as const)
    : []
  return [['memory', () => new MemoryStore()], ['sqlite', () => openSqliteStore({ directory })], ...postgres]
}

async function writeEvents(directory: string, wanted: number): Promise<number> {
  const log = await openSqliteLog({ directory, partitionCount })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let events = 0
  const writing: Promise<void>[] = []
  await log.join({
    assigned(assignment) {
      const write = async () => {
        const writer = await log.open(assignment)
        const flood = new Flood(assignment.partition, partitionCount)
        for (let count = 0; count < wanted / partitionCount; ) {
          const batch = flood.next(batchIntents)
          await writer.append({ events: batch, deadLetters: [] })
          count += batch.length
          events += batch.length
        }
      }
      writing.push(write())
      if (writing.length === partitionCount) resolve()
    },
    revoked: async () => {},
    lost: reject,
  })
  await promise
  await Promise.all(writing)
  await log.close()
  return events
}

async function measureRebuild(log: LogReader, store: ProjectionStore, projection: Projection, events: number): Promise<number> {
  const feed = new EventFeed(log, createCodec({ limits: defaultLimits }))
  const logger = { info: () => {}, warn: say, error: say } as never
  const host = new ProjectionHost({ projection, store, feed, clock: systemClock, logger, readWaitMs: pollMs, pollMs })
  const until = async (isSo: () => boolean | Promise<boolean>) => {
    while (!(await isSo())) await Promise.race([host.failed, new Promise((resolve) => setTimeout(resolve, pollMs))])
  }
  try {
    await until(() => host.notReady() === null)
    const sinceMs = performance.now()
    const request = await store.ask(projection.name, 'rebuild', null)
    await until(async () => (await store.request(request))!.state === 'done')
    return Math.round((events * 1_000) / (performance.now() - sinceMs))
  } finally {
    await host.stop()
    await feed.close()
  }
}
