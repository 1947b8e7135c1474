/** Events a second when a partition is restored, beside a plain consumer that reads and decodes the same. */
import { createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { PartitionState } from '@signalbox/core'
import type { Log } from '@signalbox/log'
import { emptyBase, Restore } from '@signalbox/partition-state'
import { plainClient } from './plain-client.ts'

const readTimeoutMs = 120_000

export interface RestoreFigures {
  readonly events: number
  readonly restore_events_per_s: number
  readonly raw_events_per_s: number
  readonly restore_ratio_to_raw: number
}

export async function measureRestore(log: Log, brokers: string, topicPrefix: string): Promise<RestoreFigures> {
  // In turns, as the first read also fills the caches of the machine.
  const own: number[] = []
  const raw: number[] = []
  let events = 0
  for (let turn = 0; turn < 3; turn++) {
    raw.push(await readRaw(log, brokers, topicPrefix, turn))
    const restored = await restore(log)
    events = restored.events
    own.push(restored.perSecond)
  }
  const [ownBest, rawBest] = [Math.max(...own), Math.max(...raw)]
  return {
    events,
    restore_events_per_s: ownBest,
    raw_events_per_s: rawBest,
    restore_ratio_to_raw: Math.round((ownBest / rawBest) * 1_000) / 1_000,
  }
}

async function restore(log: Log): Promise<{ events: number; perSecond: number }> {
  const { end } = await log.offsets('events', 0)
  const startedMs = performance.now()
  const restoring = await Restore.open({
    log,
    codec: createCodec({ limits: defaultLimits }),
    base: emptyBase(new PartitionState(0, defaultLimits)),
    signal: new AbortController().signal,
    patienceMs: readTimeoutMs,
    nowMs: () => performance.now(),
  })
  await restoring.toEnd(end)
  const elapsedMs = performance.now() - startedMs
  await restoring.close()
  return { events: restoring.events, perSecond: Math.round((restoring.events * 1_000) / elapsedMs) }
}

async function readRaw(log: Log, brokers: string, topicPrefix: string, turn: number): Promise<number> {
  const { end } = await log.offsets('events', 0)
  const codec = createCodec({ limits: defaultLimits })
  const client = plainClient(brokers, 'raw-reader')
  const consumer = client.kafka.consumer({
    groupId: `${topicPrefix}.reader.${turn}`,
    // Left to itself it would come back after it was told to go, and keep the process.
    retry: { restartOnFailure: async () => false },
  })
  await consumer.connect()
  await consumer.subscribe({ topic: `${topicPrefix}.events`, fromBeginning: true })
  let startedMs = 0
  let count = 0
  let timer: NodeJS.Timeout | undefined
  try {
    const elapsedMs = await new Promise<number>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`the plain consumer of the benchmark did not reach ${end}`)), readTimeoutMs)
      consumer.on(consumer.events.GROUP_JOIN, () => {
        startedMs = performance.now()
      })
      void consumer.run({
        autoCommit: false,
        eachBatch: async ({ batch, heartbeat, resolveOffset }) => {
          for (const { offset, value } of batch.messages) {
            codec.decodeEvent(value!)
            count++
            resolveOffset(offset)
          }
          // The marker of the last transaction is the last offset.
          if (Number(batch.lastOffset()) >= end - 2) resolve(performance.now() - startedMs)
          await heartbeat()
        },
      })
    })
    return Math.round((count * 1_000) / elapsedMs)
  } finally {
    clearTimeout(timer)
    await consumer.disconnect()
    client.close()
  }
}
