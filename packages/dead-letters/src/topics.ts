/** Where dead letters lie in a log, and how a topic is read to its end. */
import type { DeadLetterTopic } from '@signalbox/contract'
import { LogError, type LogReader, type LogRecord, type Topic } from '@signalbox/log'

export const logTopics: Readonly<Record<DeadLetterTopic, Topic>> = {
  intents: 'dead-letters',
  escalation: 'dead-letters.escalation',
  projector: 'dead-letters.projector',
  reactions: 'dead-letters.reactions',
  ingest: 'dead-letters.ingest',
}

const bounds = { maxRecords: 1_000, maxBytes: 4 * 1024 * 1024, waitMs: 1_000 }
const patienceReads = 30

/** Every record of a topic that is there now, in order. Errors: TRANSIENT, CORRUPT, CLOSED. */
export async function* readTopic(log: LogReader, topic: Topic, partition: number): AsyncGenerator<LogRecord> {
  const { end, start } = await log.offsets(topic, partition)
  if (end <= start) return
  const cursor = await log.cursor({ topic, partition, fromOffset: start })
  try {
    for (let empty = 0; cursor.position < end; ) {
      const records = await cursor.next(bounds)
      empty = records.length === 0 ? empty + 1 : 0
      if (empty > patienceReads)
        throw new LogError('TRANSIENT', `the topic ${topic} of partition ${partition} cannot be read to its end; look at the broker`)
      for (const record of records) if (record.offset < end) yield record
    }
  } finally {
    await cursor.close()
  }
}

/** One record; null where there is none at that offset. Errors as above. */
export async function readRecord(log: LogReader, topic: Topic, partition: number, offset: number): Promise<LogRecord | null> {
  const { end, start } = await log.offsets(topic, partition)
  if (offset < start || offset >= end) return null
  const cursor = await log.cursor({ topic, partition, fromOffset: offset })
  try {
    for (let empty = 0; empty <= patienceReads && cursor.position <= offset; ) {
      const [record] = await cursor.next({ ...bounds, maxRecords: 1, maxBytes: 1 })
      if (record !== undefined) return record.offset === offset ? record : null
      empty++
    }
    return null
  } finally {
    await cursor.close()
  }
}
