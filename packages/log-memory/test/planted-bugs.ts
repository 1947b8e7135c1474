import type { AppendedBatch, AssignmentListener, Batch, Cursor, Log, LogRecord, PartitionWriter } from '@signalbox/log'
import { MemoryLogStore, type MemoryLogStoreOptions } from '@signalbox/log-memory'
import type { MemoryHarnessOptions } from './harness.ts'

/** A memory log with one thing wrong, and the case of the suite that has to notice. */
export interface PlantedBug {
  readonly bug: string
  readonly caughtBy: string
  readonly harness: MemoryHarnessOptions
}

function withStore(change: (store: MemoryLogStore) => Partial<MemoryLogStore>): MemoryHarnessOptions {
  return { createStore: (options: MemoryLogStoreOptions) => override(new MemoryLogStore(options), change) }
}

function withLog(change: (log: Log) => Partial<Log>): MemoryHarnessOptions {
  return { wrap: (log) => override(log, change) }
}

function withCursor(change: (cursor: Cursor) => Partial<Cursor>): MemoryHarnessOptions {
  return withLog((log) => ({ cursor: async (from) => override(await log.cursor(from), change) }))
}

/** The same object but for some methods; those get the true one to call. */
function override<Target extends object>(target: Target, change: (target: Target) => Partial<Target>): Target {
  const changed = change(target)
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(name in changed ? changed : target, name, name in changed ? changed : target)
      return typeof value === 'function' && !(name in changed) ? value.bind(target) : value
    },
  })
}

function later(effect: () => void): void {
  setTimeout(effect, 20)
}

function onlyFirst({ events, deadLetters }: Batch): Batch {
  return { events: events.slice(0, 1), deadLetters }
}

function notAwaited(listener: AssignmentListener): AssignmentListener {
  return {
    assigned: (assignment) => listener.assigned(assignment),
    revoked: async (assignment) => void listener.revoked(assignment),
    lost: (error) => listener.lost(error),
  }
}

function sameGeneration(listener: AssignmentListener): AssignmentListener {
  return {
    assigned: (assignment) => listener.assigned({ ...assignment, generation: 1 }),
    revoked: (assignment) => listener.revoked(assignment),
    lost: (error) => listener.lost(error),
  }
}

/** Opens the partition anew after a failure and goes on as if nothing had been. */
async function healingWriter(log: Log, assignment: Parameters<Log['open']>[0]): Promise<PartitionWriter> {
  let writer = await log.open(assignment)
  let order: Promise<unknown> = Promise.resolve()
  return {
    partition: assignment.partition,
    append(batch) {
      const answer = order.then(() => writer.append(batch))
      order = answer.catch(async () => {
        writer = await log.open(assignment)
      })
      return answer
    },
    close: () => order.then(() => writer.close()),
  }
}

/** Writes the first event of a batch before the others, and lets nothing come between. */
async function splittingWriter(log: Log, assignment: Parameters<Log['open']>[0]): Promise<PartitionWriter> {
  const writer = await log.open(assignment)
  let order: Promise<unknown> = Promise.resolve()
  const appendInParts = async ({ events, deadLetters }: Batch): Promise<AppendedBatch> => {
    const first = await writer.append({ events: events.slice(0, 1), deadLetters })
    if (events.length === 1) return first
    await new Promise((resolve) => setTimeout(resolve, 2))
    return { ...(await writer.append({ events: events.slice(1), deadLetters: [] })), firstOffset: first.firstOffset }
  }
  return {
    partition: assignment.partition,
    append(batch) {
      const answer = order.then(() => appendInParts(batch))
      order = answer
      return answer
    },
    close: () => writer.close(),
  }
}

const WHOLE_BATCHES = 'shows many concurrent readers whole batches only, in the order of the calls'
const CALL_ORDER = 'makes overlapping appends visible in the order of the calls'
const SHOWN_WHEN_ACKNOWLEDGED = 'shows a batch to everybody by the time it is acknowledged, its dead letters too'

export const plantedBugs: readonly PlantedBug[] = [
  {
    bug: 'a batch is written in two parts',
    caughtBy: WHOLE_BATCHES,
    harness: withLog((log) => ({ open: (assignment) => splittingWriter(log, assignment) })),
  },
  {
    bug: 'records of other batches come between those of a batch',
    caughtBy: WHOLE_BATCHES,
    harness: withStore((store) => ({
      appendBatch(partition, epoch, batch, timestampMs): AppendedBatch {
        const { firstOffset } = store.appendBatch(partition, epoch, onlyFirst(batch), timestampMs)
        const rest = batch.events.slice(1)
        if (rest.length > 0) later(() => store.topic('events', partition).append(rest, timestampMs, false))
        return { firstOffset, lastOffset: firstOffset + rest.length }
      },
    })),
  },
  {
    bug: 'an earlier writer is not fenced',
    caughtBy: 'fences a writer when its partition is opened again',
    harness: withStore((store) => {
      const epochs = new Map<number, number>()
      return {
        takeOwnership(partition, generation) {
          epochs.set(partition, store.takeOwnership(partition, generation))
          return 0
        },
        appendBatch: (partition, _, batch, timestampMs) => store.appendBatch(partition, epochs.get(partition)!, batch, timestampMs),
      }
    }),
  },
  {
    bug: 'an append of the old owner becomes visible after the new one opened',
    caughtBy: 'decides the appends of another process before open resolves',
    harness: withStore((store) => {
      let owner = 0
      return {
        takeOwnership(partition, generation) {
          owner = store.takeOwnership(partition, generation)
          return owner
        },
        appendBatch(partition, epoch, batch, timestampMs) {
          if (epoch === owner) return store.appendBatch(partition, epoch, batch, timestampMs)
          return store.appendBatch(partition, owner, batch, timestampMs)
        },
      }
    }),
  },
  {
    bug: 'the last event of a batch is lost',
    caughtBy: CALL_ORDER,
    harness: withStore((store) => ({
      appendBatch(partition, epoch, batch, timestampMs) {
        const kept = batch.events.length > 1 ? batch.events.slice(0, -1) : batch.events
        return store.appendBatch(partition, epoch, { ...batch, events: kept }, timestampMs)
      },
    })),
  },
  {
    bug: 'the events of a batch are in another order',
    caughtBy: CALL_ORDER,
    harness: withStore((store) => ({
      appendBatch: (partition, epoch, batch, timestampMs) =>
        store.appendBatch(partition, epoch, { ...batch, events: batch.events.toReversed() }, timestampMs),
    })),
  },
  {
    bug: 'an append is acknowledged before it is there',
    caughtBy: SHOWN_WHEN_ACKNOWLEDGED,
    harness: withStore((store) => ({
      appendBatch(partition, epoch, batch, timestampMs) {
        const { end } = store.topic('events', partition).offsets
        later(() => store.appendBatch(partition, epoch, batch, timestampMs))
        return { firstOffset: end, lastOffset: end + batch.events.length - 1 }
      },
    })),
  },
  {
    bug: 'dead letters are not written with their batch',
    caughtBy: SHOWN_WHEN_ACKNOWLEDGED,
    harness: withStore((store) => ({
      appendBatch: (partition, epoch, batch, timestampMs) =>
        store.appendBatch(partition, epoch, { ...batch, deadLetters: [] }, timestampMs),
    })),
  },
  {
    bug: 'a writer goes on after a failure',
    caughtBy: 'writes nothing of a batch that fails, and nothing that was appended after it',
    harness: withLog((log) => ({ open: (assignment) => healingWriter(log, assignment) })),
  },
  {
    bug: "a cursor from 'end' delivers the last old record",
    caughtBy: "gives a cursor from 'end' only what is appended after it was opened",
    harness: withLog((log) => ({
      async cursor(from) {
        const { start, end } = await log.offsets(from.topic, from.partition)
        return log.cursor({ ...from, fromOffset: from.fromOffset === 'end' ? Math.max(start, end - 1) : from.fromOffset })
      },
    })),
  },
  {
    bug: 'a first record that is too large for the bounds is passed over',
    caughtBy: 'keeps to maxBytes, but delivers a first record that alone is larger',
    harness: withCursor((cursor) => ({
      next: async (bounds): Promise<readonly LogRecord[]> =>
        (await cursor.next(bounds)).filter(({ value }) => (value?.byteLength ?? 0) <= bounds.maxBytes),
    })),
  },
  {
    bug: 'maxRecords is not kept to',
    caughtBy: 'keeps to maxRecords and leaves nothing out',
    harness: withCursor((cursor) => ({ next: (bounds) => cursor.next({ ...bounds, maxRecords: bounds.maxRecords + 1 }) })),
  },
  {
    bug: 'closing a cursor does not wake who waits',
    caughtBy: 'wakes the waiting call with CLOSED when the cursor is closed, and does not disturb another cursor',
    harness: withCursor(() => ({ close: async () => undefined })),
  },
  {
    bug: 'a waiting cursor is not woken by an append',
    caughtBy: 'wakes every waiting cursor of a topic when a record comes, and no record gets lost',
    harness: withCursor((cursor) => ({
      async next(bounds) {
        const ready = await cursor.next({ ...bounds, waitMs: 0 })
        if (ready.length === 0) await new Promise((resolve) => setTimeout(resolve, bounds.waitMs))
        return ready
      },
    })),
  },
  {
    bug: 'an intent is written twice',
    caughtBy: 'keeps every one of many intents appended at once, each at the offset it was answered',
    harness: { log: { fault: ({ operation }) => (operation === 'append' ? { duplicate: true } : undefined) } },
  },
  {
    bug: 'header values lose what is not ASCII',
    caughtBy: 'gives intents back as they were: binary values, empty values, text beyond ASCII, no headers and many',
    harness: withStore((store) => ({
      appendIntent(partition, intent, timestampMs) {
        const ascii = Object.entries(intent.headers).map(([name, value]) => [name, Buffer.from(value, 'ascii').toString('ascii')])
        return store.appendIntent(partition, { ...intent, headers: Object.fromEntries(ascii) }, timestampMs)
      },
    })),
  },
  {
    bug: 'leaving does not wait for the owner',
    caughtBy: 'assigns every partition to a single member, takes all back when it leaves, and numbers the next order higher',
    harness: withLog((log) => ({ join: (listener) => log.join(notAwaited(listener)) })),
  },
  {
    bug: 'the generation does not rise',
    caughtBy: 'assigns every partition to a single member, takes all back when it leaves, and numbers the next order higher',
    harness: withLog((log) => ({ join: (listener) => log.join(sameGeneration(listener)) })),
  },
]
