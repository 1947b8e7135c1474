/** `signalbox projection ...`: what is kept, its rows, and what keeps it right. Works on the store and the log themselves. */
import { systemClock } from '@signalbox/log'
import { isProjectionError, type Projection } from '@signalbox/projection'
import { describeProgress, type Feed, ProjectionHost, verify } from '@signalbox/projection-host'
import { lagOf, type ProjectionStore, type StoredProjection, type StoredRequest } from '@signalbox/projection-store'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { openToRead, type Reading } from '../logs.ts'
import { wholeNumber } from '../numbers.ts'
import { printMany, printOne, say } from '../output.ts'
import { openFeed, openProjectionStore, projectionNamed, projectionsOf } from '../projections.ts'
import { type ProjectionSummary, parkedText, projectionText, rowText, summaryText, verificationText } from '../render/projection.ts'
import type { Settings } from '../settings.ts'
import { signalled } from '../signals.ts'

const progressMs = 1_000
const pollMs = 100
const maxRows = 1_000

/** Opens the store, asks, and closes it; errors of the store get the exit code that is theirs. */
async function withStore<Result>(
  settings: Settings,
  mustExist: boolean,
  ask: (store: ProjectionStore) => Promise<Result>,
): Promise<Result> {
  const store = await openProjectionStore(settings, { mustExist })
  try {
    return await ask(store)
  } catch (error) {
    if (isProjectionError(error, 'NOT_FOUND')) throw new CommandError('notFound', error.message, { cause: error })
    if (isProjectionError(error, 'MISCONFIGURED')) throw new CommandError('usage', error.message, { cause: error })
    if (isProjectionError(error)) throw new CommandError('unreachable', error.message, { cause: error })
    throw error
  } finally {
    await store.close()
  }
}

async function withLog<Result>(settings: Settings, ask: (reading: Reading, feed: Feed) => Promise<Result>): Promise<Result> {
  const reading = await openToRead(settings)
  try {
    const { close, feed } = await openFeed(settings, reading)
    try {
      return await ask(reading, feed)
    } finally {
      await close()
    }
  } finally {
    await reading.log.close()
  }
}

async function summaryOf(projection: Projection, stored: StoredProjection | null, feed: Feed): Promise<ProjectionSummary> {
  const ends = await feed.ends()
  const live = stored?.generations.find(({ generation }) => generation === stored.live)
  const lag = lagOf(live, ends)
  return {
    name: projection.name,
    description: projection.description ?? null,
    version: projection.version,
    liveVersion: live?.version ?? null,
    live: stored?.live ?? null,
    behind: lag.reduce((sum, events) => sum + events, 0),
    lag,
    partitions: ends.map((_, partition) => feed.nameOf(partition)),
    parked: live?.parkedCount ?? 0,
    tables: live?.tables ?? Object.keys(projection.tables),
    generations: (stored?.generations ?? []).map(({ createdMs, generation, parkedCount, positions, state, version }) => {
      return { generation, version, state, createdMs, offsets: positions.map(({ logOffset }) => logOffset), parked: parkedCount }
    }),
  }
}

export async function listProjections(settings: Settings): Promise<number> {
  const projections = projectionsOf(settings)
  const summaries = await withStore(settings, true, (store) =>
    withLog(settings, async (_reading, feed) => {
      return await Promise.all(projections.map(async (each) => await summaryOf(each, await store.projection(each.name), feed)))
    }),
  )
  await printMany(settings.output, summaries, summaryText)
  return exitCodes.ok
}

export async function showProjection(settings: Settings, name: string): Promise<number> {
  const projection = projectionNamed(settings, name)
  const shown = await withStore(settings, true, (store) =>
    withLog(settings, async (_reading, feed) => {
      const summary = await summaryOf(projection, await store.projection(name), feed)
      const parked = summary.live === null ? [] : await store.snapshot(name, null, (snapshot) => snapshot.parked({ limit: 10 }))
      return { ...summary, firstParked: parked.map(({ event: _event, ...rest }) => rest) }
    }),
  )
  printOne(settings.output, shown, (each) => [projectionText(each), ...each.firstParked.map(parkedText)].join('\n'))
  return exitCodes.ok
}

export interface RowsFlags {
  readonly prefix?: string
  readonly after?: string
  readonly key?: string
  readonly limit?: string
}

export async function listRows(settings: Settings, name: string, table: string | undefined, flags: RowsFlags): Promise<number> {
  const projection = projectionNamed(settings, name)
  const tables = Object.keys(projection.tables)
  if (table === undefined && tables.length > 1)
    throw new CommandError('usage', `projection ${name} has several tables; name one of ${tables.join(', ')}`)
  const limit = wholeNumber('--limit', flags.limit ?? '50', { least: 1, most: maxRows })
  const { after, key, prefix } = flags
  const wanted = table ?? tables[0]!
  const rows = await withStore(settings, true, (store) =>
    store.snapshot(name, null, async (snapshot) => {
      if (key === undefined)
        return await snapshot.rows(wanted, {
          limit,
          ...(prefix === undefined ? {} : { prefix }),
          ...(after === undefined ? {} : { after }),
        })
      const text = await snapshot.row(wanted, key)
      if (text === null) throw new CommandError('notFound', `there is no row ${key} in table ${wanted} of projection ${name}`)
      return [{ key, text }]
    }),
  )
  await printMany(
    settings.output,
    rows.map(({ key: at, text }) => ({ key: at, row: JSON.parse(text) as unknown })),
    rowText,
  )
  if (key === undefined && rows.length === limit) say(`there may be more: --after ${JSON.stringify(rows.at(-1)!.key)}`)
  return exitCodes.ok
}

export async function verifyProjections(settings: Settings, name: string | undefined): Promise<number> {
  const projections = name === undefined ? projectionsOf(settings) : [projectionNamed(settings, name)]
  let isClean = true
  await withStore(settings, true, (store) =>
    withLog(settings, async (_reading, feed) => {
      for (const projection of projections) {
        let saidMs = performance.now()
        const verification = await verify({
          projection,
          store,
          feed,
          progress: (progress) => {
            if (performance.now() - saidMs < progressMs) return
            saidMs = performance.now()
            say(`verify ${projection.name}: ${describeProgress(progress)}`)
          },
        })
        isClean &&= verification.isClean
        printOne(settings.output, verification, verificationText)
      }
    }),
  )
  return isClean ? exitCodes.ok : exitCodes.differs
}

export interface AskFlags {
  readonly all?: boolean
  readonly wait?: boolean
}

export async function rebuildProjection(settings: Settings, name: string, flags: AskFlags): Promise<number> {
  return await ask(settings, projectionNamed(settings, name), 'rebuild', null, flags.wait !== false)
}

export async function retryProjection(settings: Settings, name: string, key: string | undefined, flags: AskFlags): Promise<number> {
  if ((key === undefined) === (flags.all !== true))
    throw new CommandError(
      'usage',
      `name the key whose events are to be folded again, or --all; signalbox projection show ${name} lists what is parked`,
    )
  return await ask(settings, projectionNamed(settings, name), 'retry', key ?? null, true)
}

/**
 * Leaves the request in the store for whoever owns the projection. Where nobody does, this process takes it up itself, until
 * it is done.
 */
async function ask(
  settings: Settings,
  projection: Projection,
  kind: 'rebuild' | 'retry',
  argument: string | null,
  wait: boolean,
): Promise<number> {
  return await withStore(settings, false, async (store) => {
    const id = await store.ask(projection.name, kind, argument)
    if (!wait) {
      printOne(settings.output, { id, state: 'asked' }, () => `request ${id} is left for who owns projection ${projection.name}`)
      return exitCodes.ok
    }
    const request = await served(settings, projection, store, id)
    if (request === null) return exitCodes.timedOut
    printOne(settings.output, request, ({ kind, message, projection: name, state }) => `${kind} ${name}: ${state}, ${message}`)
    return request.state === 'done' ? exitCodes.ok : exitCodes.rejected
  })
}

/** Folds the parked events of a key again; null where this process was told to stop before that was done. */
export async function foldAgain(settings: Settings, name: string, key: string): Promise<StoredRequest | null> {
  const projection = projectionNamed(settings, name)
  return await withStore(settings, false, async (store) => served(settings, projection, store, await store.ask(name, 'retry', key)))
}

async function served(settings: Settings, projection: Projection, store: ProjectionStore, id: number): Promise<StoredRequest | null> {
  return await withLog(settings, async (_reading, feed) => {
    const host = new ProjectionHost({ projection, store, feed, clock: systemClock, logger: quietLogger })
    try {
      return await Promise.race([host.failed, follow(store, host, id)])
    } finally {
      await host.stop()
    }
  })
}

async function follow(store: ProjectionStore, host: ProjectionHost, id: number): Promise<StoredRequest | null> {
  const stopped = signalled().then(() => 'stopped' as const)
  let said = ''
  let saidMs = 0
  for (;;) {
    const request = (await store.request(id))!
    if (request.state === 'done' || request.state === 'failed') return request
    const { phase, reason } = await host.status()
    if (phase === 'superseded') throw new CommandError('usage', reason ?? 'a newer version is live')
    const message = request.message ?? (reason === null ? 'waits for who owns it' : reason)
    if (message !== said && performance.now() - saidMs > progressMs) {
      say(`${request.kind} ${request.projection}: ${message}`)
      said = message
      saidMs = performance.now()
    }
    const next = await Promise.race([stopped, new Promise<'go on'>((resolve) => setTimeout(resolve, pollMs, 'go on'))])
    if (next === 'stopped') {
      say(`request ${id} stays in the store: whoever owns the projection goes on with it`)
      return null
    }
  }
}

const quietLogger = {
  info: () => {},
  warn: (_detail: object, message: string) => say(`warning: ${message}`),
  error: (_detail: object, message: string) => say(message),
}
