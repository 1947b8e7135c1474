/**
 * The event stream over SSE. Each message's id is a cursor, so that a reader resumes with `Last-Event-ID` without loss or repetition.
 * A slow reader is waited for: events are read from the log only as fast as they are taken.
 */

import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { type Event, formatEventReference } from '@signalbox/contract'
import { isLogError } from '@signalbox/log'
import type { PersonalData } from '@signalbox/personal'
import {
  type DecisionFilter,
  EventReader,
  embeddedIntent,
  type LoggedEvent,
  matches,
  presentDecision,
  type Source,
} from '@signalbox/replay'
import { formatStreamCursor, type StreamCursor } from './stream-cursor.ts'

export interface StreamOptions {
  readonly source: Source
  readonly personal: PersonalData
  readonly cursor: StreamCursor
  readonly filter: DecisionFilter
  /** Between two signs of life to a reader that gets nothing. */
  readonly heartbeatMs: number
  readonly signal: AbortSignal
}

/** Streams until the reader goes or `signal` is aborted. */
export async function streamEvents(response: ServerResponse, options: StreamOptions): Promise<void> {
  const { cursor, filter, heartbeatMs, personal, signal, source } = options
  const gone = new AbortController()
  const stop = () => gone.abort()
  response.on('close', stop)
  signal.addEventListener('abort', stop, { once: true })
  // What all partitions want to send goes through one writer, one message at a time.
  let writing: Promise<void> = Promise.resolve()
  const write = (text: string): Promise<void> => {
    writing = writing.then(async () => {
      if (!gone.signal.aborted && !response.write(text)) await once(response, 'drain', { signal: gone.signal }).catch(() => {})
    })
    return writing
  }
  await write(`retry: 1000\n\nid: ${formatStreamCursor(source.log.id, cursor)}\n\n`)
  const heartbeat = setInterval(() => void write(': alive\n\n'), heartbeatMs)
  try {
    await Promise.all(
      cursor.map((from, partition) =>
        follow(source, partition, from, gone.signal, async (logged) => {
          cursor[partition] = logged.logOffset + 1
          if (isWanted(logged.event, filter)) await write(message(logged, formatStreamCursor(source.log.id, cursor), personal))
        }),
      ),
    )
  } finally {
    clearInterval(heartbeat)
    signal.removeEventListener('abort', stop)
    response.end()
  }
}

async function follow(
  source: Source,
  partition: number,
  from: number,
  signal: AbortSignal,
  send: (logged: LoggedEvent) => Promise<void>,
): Promise<void> {
  const reader = await EventReader.open({ ...source, partition, fromOffset: from })
  const close = () => void reader.close()
  signal.addEventListener('abort', close, { once: true })
  try {
    while (!signal.aborted) for (const logged of await reader.next(1_000, 256)) await send(logged)
  } catch (error) {
    if (!(signal.aborted && isLogError(error, 'CLOSED'))) throw error
  } finally {
    signal.removeEventListener('abort', close)
    await reader.close()
  }
}

function isWanted(event: Event, filter: DecisionFilter): boolean {
  return Object.values(filter).every((value) => value === undefined) || matches(event, filter)
}

function message(logged: LoggedEvent, id: string, personal: PersonalData): string {
  return `id: ${id}\nevent: ${logged.event.type}\ndata: ${JSON.stringify(personal.reveal(presentEvent(logged)))}\n\n`
}

/** An event for readers: where it lies, what it is, and the decision and intent in it where it has them. */
export function presentEvent({ event, logOffset }: LoggedEvent) {
  const decision = presentDecision(event, logOffset)
  const common = { event: formatEventReference(event), logOffset, type: event.type, time: event.time, scope: event.scope }
  if (decision !== null) return { ...common, decision, intent: embeddedIntent(event) }
  return { ...common, payload: event.payload }
}
