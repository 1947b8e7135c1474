import type { LogReader, Topic } from './port.ts'

const topics = [
  'events',
  'intents',
  'dead-letters',
  'notifications',
  'dead-letters.escalation',
  'dead-letters.projector',
  'dead-letters.reactions',
  'dead-letters.ingest',
] as const satisfies readonly Topic[]

/** Where a log holds something, or once held; null where nothing was ever written to it. Errors: TRANSIENT, CLOSED. */
export async function notEmpty(
  log: LogReader,
): Promise<{ readonly topic: Topic; readonly partition: number; readonly end: number } | null> {
  for (const topic of topics) {
    for (let partition = 0; partition < log.partitionCount; partition++) {
      const { end, start } = await log.offsets(topic, partition)
      // Room that was made for old offsets holds nothing.
      if (end > (topic === 'intents' ? start : 0)) return { topic, partition, end }
    }
  }
  return null
}
