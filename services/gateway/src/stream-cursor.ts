/**
 * Where a reader of the event stream goes on: in every partition, of one log. As text `LOG/0:12,1:7`: the log's id, and for each
 * partition the log offset to go on from.
 */
import { RequestRefused } from '@signalbox/http'
import type { LogReader } from '@signalbox/log'

/** By partition, all of them: the log offset to go on from. */
export type StreamCursor = number[]

export function formatStreamCursor(logId: string, cursor: StreamCursor): string {
  return `${logId}/${cursor.map((offset, partition) => `${partition}:${offset}`).join(',')}`
}

/** `start`, `end`, or a cursor. Throws RequestRefused for a text that is none of them, and for a cursor that is not of this log. */
export async function openStreamCursor(log: LogReader, text: string): Promise<StreamCursor> {
  const cursor = text === 'start' || text === 'end' ? null : parse(log, text)
  const offsets = await Promise.all(Array.from({ length: log.partitionCount }, (_, partition) => log.offsets('events', partition)))
  if (cursor === null) return offsets.map((there) => (text === 'start' ? there.start : there.end))
  for (const [partition, { end, start }] of offsets.entries()) {
    const offset = cursor[partition]!
    if (offset < start || offset > end)
      throw new RequestRefused(
        'NOT_IN_THIS_LOG',
        `the cursor goes on at ${partition}:${offset}, and the events of partition ${partition} reach from ${start} to ${end}; begin anew with from=start or from=end`,
        { path: 'from' },
      )
  }
  return cursor
}

function parse(log: LogReader, text: string): StreamCursor {
  const { id, partitionCount } = log
  const slash = text.lastIndexOf('/')
  const parts = text.slice(slash + 1).split(',')
  const positions = new Map<number, number>()
  for (const part of parts) {
    const match = /^(\d{1,6}):(\d{1,15})$/.exec(part)
    if (match !== null) positions.set(Number(match[1]), Number(match[2]))
  }
  if (positions.size !== parts.length || slash === 0)
    throw new RequestRefused(
      'QUERY_INVALID',
      `from must be start, end, or the id of a message, like ${id}/${Array.from({ length: Math.min(partitionCount, 2) }, (_, partition) => `${partition}:0`).join(',')}${partitionCount > 2 ? ',…' : ''} with each partition once, not ${quoted(text)}`,
      { path: 'from' },
    )
  if (slash < 0)
    throw new RequestRefused('QUERY_INVALID', `the cursor ${quoted(text)} does not name its log; begin anew with from=start or from=end`, {
      path: 'from',
    })
  const named = text.slice(0, slash)
  if (named !== id)
    throw new RequestRefused(
      'NOT_IN_THIS_LOG',
      `the cursor is of the log ${quoted(named)}, and this is the log ${id}; ask the gateway of that log, or begin anew with from=start or from=end`,
      { path: 'from' },
    )
  const cursor = Array.from({ length: partitionCount }, (_, partition) => positions.get(partition) ?? -1)
  const missing = cursor.indexOf(-1)
  if (missing >= 0 || positions.size !== partitionCount)
    throw new RequestRefused(
      'QUERY_INVALID',
      `a cursor has each of the ${partitionCount} partitions of the log once, and this one has ${missing >= 0 ? `no partition ${missing}` : `${positions.size}`}; give the id of a message as it is`,
      { path: 'from' },
    )
  return cursor
}

/** Bounded: what somebody sent comes back in an answer. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text)
}
