/** Proves that the live rows are what the log gives: folds it anew in memory, up to the same positions, and compares row by row. */
import { type Projection, ProjectionError } from '@signalbox/projection'
import { Fold } from '@signalbox/projection/fold'
import { beginning, compareKeys, type ProjectionStore, type Snapshot } from '@signalbox/projection-store'
import { allRows, ContentHash } from './content-hash.ts'
import type { Feed } from './feed.ts'
import { type Progress, progressOf } from './progress.ts'
import { defaultBatchEvents } from './settings.ts'

export interface RowDifference {
  readonly table: string
  readonly key: string
  /** RFC 8785 JSON; null where there is none. */
  readonly live: string | null
  readonly anew: string | null
}

export interface Verification {
  readonly projection: string
  readonly version: number
  readonly generation: number
  /** By partition: the log offsets that the rows are of. */
  readonly offsets: readonly number[]
  readonly isClean: boolean
  readonly rows: number
  readonly liveHash: string
  readonly anewHash: string
  readonly differing: number
  /** The first of them, by table and key. */
  readonly differences: readonly RowDifference[]
  /** Events that are parked, and that would be by the code of now. */
  readonly parked: { readonly live: number; readonly anew: number }
  readonly events: number
  readonly elapsedMs: number
}

export interface VerifyOptions {
  readonly projection: Projection
  readonly store: ProjectionStore
  readonly feed: Feed
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
  /** Differences that are named. Default 20. */
  readonly named?: number
}

type Table = Map<string, string>

// Short: what lies last may be the marker of a transaction, which a read passes only when no event comes.
const readWaitMs = 20
/** The log reaches to where the rows are: not to get there for so long is a fault. */
const patienceMs = 30_000

/** Memory: the rows of the projection, once. Errors: NOT_FOUND, UNAVAILABLE; LogError. */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const { named = 20, projection, store } = options
  const sinceMs = performance.now()
  // In one snapshot: the live rows may move on meanwhile.
  return await store.snapshot(projection.name, null, async (snapshot) => {
    const { generation, parkedCount, positions, version } = snapshot.generation
    const inFront = await options.feed.partitionsInFrontOf(positions)
    if (inFront === null)
      throw new ProjectionError(
        'MISCONFIGURED',
        `the rows of projection ${projection.name} are of another log than this one; verify them against theirs, with projector.history where that goes on from others`,
      )
    // Of a log that they have not gone on to, there is nothing in them.
    const offsets = [...Array.from({ length: inFront }, () => 0), ...positions.map(({ logOffset }) => logOffset)]
    const { events, parked, tables } = await foldAnew(options, offsets, sinceMs)
    const compared = await compare(snapshot, tables, named)
    return {
      projection: projection.name,
      version,
      generation,
      offsets,
      isClean: compared.differing === 0 && compared.liveHash === compared.anewHash,
      ...compared,
      parked: { live: parkedCount, anew: parked },
      events,
      elapsedMs: Math.round(performance.now() - sinceMs),
    }
  })
}

async function foldAnew(
  { feed, progress, projection, signal }: VerifyOptions,
  ends: readonly number[],
  sinceMs: number,
): Promise<{ tables: ReadonlyMap<string, Table>; events: number; parked: number }> {
  const tables = new Map<string, Table>(Object.keys(projection.tables).map((table) => [table, new Map()]))
  const load = async (table: string, keys: readonly string[]) =>
    new Map(keys.flatMap((key) => (tables.get(table)!.has(key) ? [[key, tables.get(table)!.get(key)!] as const] : [])))
  // What the rows lack by intent is lacking here too, however much it is.
  const fold = new Fold({ ...projection, maxParked: Number.MAX_SAFE_INTEGER }, { load, isEmpty: true, parked: new Map() })
  const offsets = ends.map(() => 0)
  let events = 0
  for (const partition of feed.stages.flat()) {
    const end = ends[partition] ?? 0
    let position = beginning
    let movedMs = performance.now()
    while (position.logOffset < end) {
      signal?.throwIfAborted()
      const chunk = await feed.read(partition, position, { maxEvents: defaultBatchEvents, waitMs: readWaitMs })
      if (chunk.position.logOffset > position.logOffset) movedMs = performance.now()
      else if (performance.now() - movedMs > patienceMs)
        throw new Error(
          `the log gave no event of partition ${partition} from offset ${position.logOffset} for ${patienceMs} ms, and it reaches to ${end}; look at the broker`,
        )
      const batch = chunk.events.filter(({ logOffset }) => logOffset < end)
      await fold.take(partition, batch)
      for (const { batch: entries, name } of fold.rows.tables) {
        for (const [key, { text }] of entries) {
          if (text === null) tables.get(name)!.delete(key)
          else tables.get(name)!.set(key, text)
        }
      }
      fold.rows.keepBatch()
      position = chunk.position
      events += batch.length
      offsets[partition] = Math.min(end, position.logOffset)
      progress?.(progressOf(offsets, ends, { events, elapsedMs: performance.now() - sinceMs }))
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { tables, events, parked: fold.parkedCount }
}

async function compare(
  snapshot: Snapshot,
  tables: ReadonlyMap<string, Table>,
  named: number,
): Promise<Pick<Verification, 'rows' | 'liveHash' | 'anewHash' | 'differing' | 'differences'>> {
  const [live, anew] = [new ContentHash(), new ContentHash()]
  const differences: RowDifference[] = []
  let differing = 0
  const differs = (difference: RowDifference): void => {
    differing++
    if (differences.length < named) differences.push(difference)
  }
  for (const table of [...new Set([...snapshot.generation.tables, ...tables.keys()])].sort()) {
    const rows = tables.get(table) ?? new Map<string, string>()
    const keys = [...rows.keys()].sort(compareKeys)
    for (const key of keys) anew.add(table, { key, text: rows.get(key)! })
    let next = 0
    const missingBefore = (bound: string | null): void => {
      for (; next < keys.length && (bound === null || compareKeys(keys[next]!, bound) < 0); next++)
        differs({ table, key: keys[next]!, live: null, anew: rows.get(keys[next]!)! })
    }
    if (snapshot.generation.tables.includes(table)) {
      for await (const row of allRows(snapshot, table)) {
        live.add(table, row)
        missingBefore(row.key)
        if (keys[next] === row.key) next++
        const expected = rows.get(row.key) ?? null
        if (expected !== row.text) differs({ table, key: row.key, live: row.text, anew: expected })
      }
    }
    missingBefore(null)
  }
  return { rows: live.rows, liveHash: live.digest(), anewHash: anew.digest(), differing, differences }
}
