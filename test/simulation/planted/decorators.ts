/** Parts of a log replaced, for bugs to be planted in. */
import { createHash } from 'node:crypto'
import type { AppendedBatch, Assignment, Batch, Cursor, Log, PartitionWriter, ReadFrom } from '@signalbox/log'

/** The log with some of its methods replaced. */
export function withMethods(log: Log, methods: Partial<Pick<Log, 'append' | 'cursor' | 'offsets' | 'open' | 'snapshots'>>): Log {
  return {
    name: log.name,
    id: log.id,
    partitionCount: log.partitionCount,
    index: log.index,
    snapshots: log.snapshots,
    append: (partition, intent) => log.append(partition, intent),
    appendAside: (topic, partition, record) => log.appendAside(topic, partition, record),
    cursor: (from) => log.cursor(from),
    offsets: (topic, partition) => log.offsets(topic, partition),
    join: (listener) => log.join(listener),
    open: (assignment) => log.open(assignment),
    close: () => log.close(),
    ...methods,
  }
}

/** Where a cursor begins, changed. */
export function withStart(log: Log, startOf: (from: ReadFrom & { readonly fromOffset: number }) => Promise<number>): Log {
  return withMethods(log, {
    cursor: async (from): Promise<Cursor> => {
      const { fromOffset } = from
      return await log.cursor(fromOffset === 'end' ? from : { ...from, fromOffset: await startOf({ ...from, fromOffset }) })
    },
  })
}

export type AppendBatch = (batch: Batch) => Promise<AppendedBatch>

/** The way of every batch into the log, changed; the opening of a partition goes its usual way. `reopen` takes ownership anew, at the same order. */
export function withBatches(log: Log, appendOf: (append: AppendBatch, reopen: () => Promise<void>, partition: number) => AppendBatch): Log {
  return withMethods(log, {
    open: async (assignment: Assignment): Promise<PartitionWriter> => {
      let writer = await log.open(assignment)
      const reopen = async () => {
        writer = await log.open(assignment)
      }
      const append = appendOf((batch) => writer.append(batch), reopen, assignment.partition)
      return {
        partition: assignment.partition,
        append: (batch) => (batch.events[0]!.headers.ce_type === 'signalbox.PartitionOpened' ? writer.append(batch) : append(batch)),
        close: () => writer.close(),
      }
    },
  })
}

/** Whoever reads on after a break, and not one record alone, misses every fourth record, the first among them. */
export function missingAfterBreak(log: Log): Log {
  return withMethods(log, {
    cursor: async (from): Promise<Cursor> => {
      const cursor = await log.cursor(from)
      const misses = from.topic === 'events' && from.fromOffset !== 'end' && from.fromOffset > 0
      let count = 0
      return {
        get position() {
          return cursor.position
        },
        next: async (bounds) => {
          const records = await cursor.next(bounds)
          return !misses || bounds.maxRecords === 1 ? records : records.filter(() => count++ % 4 !== 0)
        },
        close: () => cursor.close(),
      }
    },
  })
}

/** Snapshots whose parts were changed before they were written, with digests that fit. */
export function withSnapshotParts(log: Log, change: (parts: readonly unknown[]) => readonly unknown[]): Log {
  const store = log.snapshots!
  return withMethods(log, {
    snapshots: {
      newest: (partition) => store.newest(partition),
      write: (partition, { chunks, manifest, position }) => {
        const changed = [...chunks].map((chunk) => Buffer.from(JSON.stringify(change(JSON.parse(Buffer.from(chunk).toString())))))
        const digests = changed.map((chunk) => createHash('sha256').update(chunk).digest('base64url'))
        const fit = { ...JSON.parse(Buffer.from(manifest()).toString()), chunks: digests }
        return store.write(partition, { position, chunks: changed, manifest: () => Buffer.from(JSON.stringify(fit)) })
      },
    },
  })
}
