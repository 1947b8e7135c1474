/** Reads the events that are there now: one of them, or all of a partition. */
import type { Codec } from '@signalbox/codec'
import { type Clock, LogError, type LogReader, systemClock } from '@signalbox/log'
import { EventReader, type LoggedEvent } from './event-reader.ts'

const patienceMs = 30_000

/** A log, and what reads the events in it. */
export interface EventLog {
  readonly log: LogReader
  readonly codec: Codec
  /** Measures how long a log gives nothing. Default: the system clock. */
  readonly clock?: Clock
}

/** The event at a log offset. Errors: OFFSET_OUT_OF_RANGE, CORRUPT, TRANSIENT. */
export async function readEvent({ codec, log }: EventLog, partition: number, logOffset: number): Promise<LoggedEvent> {
  const reader = await EventReader.open({ log, codec, partition, fromOffset: logOffset })
  try {
    const [logged] = await reader.next(5_000, 1)
    if (logged === undefined || logged.logOffset !== logOffset)
      throw new LogError('OFFSET_OUT_OF_RANGE', `there is no event at offset ${logOffset} of partition ${partition}`)
    return logged
  } finally {
    await reader.close()
  }
}

/** Every event of a partition that is there now, in order; `atATime` for who may want only few. */
export async function* readEvents(
  { clock = systemClock, codec, log }: EventLog,
  partition: number,
  fromOffset = 0,
  atATime?: number,
): AsyncGenerator<LoggedEvent> {
  const { end, start } = await log.offsets('events', partition)
  if (end <= Math.max(start, fromOffset)) return
  const reader = await EventReader.open({ log, codec, partition, fromOffset })
  try {
    for (let sinceMs = clock.nowMs(); reader.position < end; ) {
      const chunk = await reader.next(1_000, atATime)
      for (const logged of chunk) {
        if (logged.logOffset >= end) return
        yield logged
      }
      if (chunk.length > 0) sinceMs = clock.nowMs()
      else if (reader.position < end && clock.nowMs() - sinceMs > patienceMs) {
        throw new LogError(
          'TRANSIENT',
          `the log gave no event of partition ${partition} from offset ${reader.position} for ${patienceMs} ms, and it reaches to ${end}; look at the broker`,
        )
      }
    }
  } finally {
    await reader.close()
  }
}

/** Under which name the log lay before it came here; null where it was nowhere else. Errors: as of the log. */
export async function earlierGeneration(log: EventLog): Promise<string | null> {
  for await (const { event } of readEvents(log, 0, 0, 1)) return event.type === 'PartitionCarried' ? event.payload.from : null
  return null
}
