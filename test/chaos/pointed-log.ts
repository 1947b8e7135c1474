/** A log and a codec that pass the named points of the sequencer's own steps. */
import type { Codec } from '@signalbox/codec'
import type { Batch, Log, SnapshotStore } from '@signalbox/log'
import { decorated, decoratedCursor, decoratedWriter } from './planted.ts'
import type { CrashSwitch } from './points.ts'

export function pointedLog(log: Log, crash: CrashSwitch): Log {
  // The events of a partition that is open here are read to restore it; those of others, to follow them.
  const open = new Set<number>()
  const methods: Parameters<typeof decorated>[1] = {
    async cursor(from) {
      const isRestore = from.topic === 'events' && open.has(from.partition)
      if (isRestore) crash.pass('restore:before')
      const cursor = await log.cursor(from)
      return decoratedCursor(cursor, async (bounds) => {
        if (from.topic === 'intents') crash.pass('read:before')
        const records = await cursor.next(bounds)
        if (from.topic === 'intents' && records.length > 0) crash.pass('read:after')
        if (isRestore) crash.pass('restore:after')
        return records
      })
    },
    join: (listener) =>
      log.join({
        assigned(assignment) {
          listener.assigned(assignment)
          crash.pass('assigned')
        },
        async revoked(assignment) {
          crash.pass('revoked:before')
          await listener.revoked(assignment)
          crash.pass('revoked:after')
        },
        lost: (error) => listener.lost(error),
      }),
    async open(assignment) {
      const { partition } = assignment
      crash.pass('open:before')
      const writer = await log.open(assignment)
      crash.pass('open:after')
      open.add(partition)
      let isFirst = true
      const append = async (batch: Batch) => {
        const step = isFirst ? 'opened' : 'append'
        isFirst = false
        crash.pass(`${step}:before`)
        const appended = await writer.append(batch)
        crash.pass(`${step}:after`)
        return appended
      }
      return decoratedWriter(partition, append, () => {
        open.delete(partition)
        return writer.close()
      })
    },
  }
  return decorated(log, methods, log.snapshots === null ? null : pointedSnapshots(log.snapshots, crash))
}

function pointedSnapshots(snapshots: SnapshotStore, crash: CrashSwitch): SnapshotStore {
  return {
    newest: (partition) => snapshots.newest(partition),
    async write(partition, snapshot) {
      crash.pass('snapshot:before')
      await snapshots.write(partition, snapshot)
      crash.pass('snapshot:after')
    },
  }
}

export function pointedCodec(codec: Codec, crash: CrashSwitch): Codec {
  return {
    ...codec,
    decodeIntent(bytes) {
      crash.pass('decode:before')
      const intent = codec.decodeIntent(bytes)
      crash.pass('decode:after')
      return intent
    },
    encodeEvent(event) {
      if (event.type !== 'PartitionOpened') crash.pass('decided')
      const bytes = codec.encodeEvent(event)
      if (event.type !== 'PartitionOpened') crash.pass('encoded')
      return bytes
    },
  }
}
