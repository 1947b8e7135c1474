/** Bugs that a check of the chaos suite must catch: what the product prevents, undone where the log is handed to it. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Assignment, type Batch, type Cursor, isLogError, type Log, LogError, type PartitionWriter } from '@signalbox/log'

export const plantedNames = ['fencing-off', 'group-offsets', 'early-overlay', 'duelling-owners'] as const
export type PlantedName = (typeof plantedNames)[number]

export interface PlantContext {
  readonly topicPrefix: string
  /** A folder that all sequencers of the run share. */
  readonly folder: string
}

/**
 * Fencing off: each process has transactional ids of its own, so that opening a lane ends nobody's writing. Rewrites the
 * id in a request; the length stays.
 */
export function withoutFencing({ topicPrefix }: PlantContext): (request: Buffer) => void {
  const before = `${topicPrefix}.sequencer.`
  const own = randomBytes(before.length).toString('hex').slice(0, before.length)
  return (request) => {
    for (let at = request.indexOf(before); at >= 0; at = request.indexOf(before, at + 1)) request.write(own, at, 'latin1')
  }
}

/** The next intent is what was committed apart from the events when it was read, as consumers do. */
export function withGroupOffsets(log: Log, { folder }: PlantContext): Log {
  const fileOf = (partition: number) => join(folder, `committed-${partition}`)
  return decorated(log, {
    async cursor(from) {
      if (from.topic !== 'intents') return await log.cursor(from)
      const file = fileOf(from.partition)
      const cursor = await log.cursor(existsSync(file) ? { ...from, fromOffset: Number(readFileSync(file, 'utf8')) } : from)
      return decoratedCursor(cursor, async (bounds) => {
        const records = await cursor.next(bounds)
        if (records.length > 0) writeFileSync(file, `${records.at(-1)!.offset + 1}`)
        return records
      })
    },
  })
}

/**
 * The overlay is published whatever became of the batch: a failed append is taken for one that is durable, and what follows is
 * written behind it. An opening that fails is none of that: it fails as it would.
 */
export function withEarlyOverlay(log: Log): Log {
  return decorated(log, {
    async open(assignment) {
      let writer = Promise.resolve(await log.open(assignment))
      let last: number | null = null
      const append = async (batch: Batch) => {
        const used = writer
        try {
          const appended = await (await used).append(batch)
          last = appended.lastOffset
          return appended
        } catch (error) {
          if (last === null || !isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN')) throw error
          // Batches that fail together open it anew once, and those that come meanwhile wait: else they would end their owner.
          if (writer === used) writer = used.then((failed) => failed.close()).then(() => log.open(assignment))
          await writer
          return { firstOffset: last, lastOffset: last }
        }
      }
      return decoratedWriter(assignment.partition, append, async () => await (await writer).close())
    },
  })
}

/** Who was fenced opens the partition again at once, and nothing that the group says ends it. */
export function withDuels(log: Log): Log {
  return decorated(log, {
    join: (listener) =>
      log.join({
        assigned: ({ generation, partition }) => listener.assigned({ generation, partition, signal: new AbortController().signal }),
        revoked: async () => {},
        lost: (error) => listener.lost(error),
      }),
    async open(assignment: Assignment) {
      const writer = await log.open(assignment)
      const append = async (batch: Batch) => {
        try {
          return await writer.append(batch)
        } catch (cause) {
          if (!isLogError(cause, 'FENCED')) throw cause
          throw new LogError('TRANSIENT', 'fenced, and not giving up', { cause })
        }
      }
      return decoratedWriter(assignment.partition, append, () => writer.close())
    },
  })
}

/** A log of which some methods are others. */
export function decorated(log: Log, methods: Partial<Pick<Log, 'cursor' | 'join' | 'open'>>, snapshots = log.snapshots): Log {
  return {
    name: log.name,
    id: log.id,
    partitionCount: log.partitionCount,
    index: log.index,
    snapshots,
    append: (partition, intent) => log.append(partition, intent),
    appendAside: (topic, partition, record) => log.appendAside(topic, partition, record),
    cursor: methods.cursor ?? ((from) => log.cursor(from)),
    offsets: (topic, partition) => log.offsets(topic, partition),
    join: methods.join ?? ((listener) => log.join(listener)),
    open: methods.open ?? ((assignment) => log.open(assignment)),
    close: () => log.close(),
  }
}

export function decoratedCursor(cursor: Cursor, next: Cursor['next']): Cursor {
  return {
    next,
    get position() {
      return cursor.position
    },
    close: () => cursor.close(),
  }
}

export function decoratedWriter(partition: number, append: PartitionWriter['append'], close: () => Promise<void>): PartitionWriter {
  return { partition, append, close }
}
