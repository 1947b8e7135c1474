/** What people type for a moment of the log: a position, a time, or how long ago. */
import { partitionOf } from '@signalbox/contract'
import type { Source } from '@signalbox/partition-state'
import { type Position, positionAt } from '@signalbox/replay'
import { CommandError } from './exit-codes.ts'
import { wholeNumber } from './numbers.ts'
import { say } from './output.ts'
import { readTime } from './times.ts'

/**
 * `PARTITION:OFFSET` (every event before it has happened), a source position `PARTITION/OFFSET/INDEX` is not one; a time; `start` or
 * `end`. Errors: CommandError usage, notFound.
 */
export async function readPosition(source: Source, partition: number, text: string): Promise<Position> {
  const { end, start } = await source.log.offsets('events', partition)
  if (text === 'start') return { partition, logOffset: start }
  if (text === 'end') return { partition, logOffset: end }
  const match = /^(\d+):(\d+)$/.exec(text)
  if (match !== null) {
    const [named, logOffset] = [Number(match[1]), Number(match[2])]
    if (named !== partition) throw new CommandError('usage', `${text} is of partition ${named}, and this is about partition ${partition}`)
    if (logOffset > end)
      throw new CommandError('notFound', `the events of partition ${partition} reach to ${partition}:${end}, and ${text} lies behind that`)
    return { partition, logOffset: Math.max(start, logOffset) }
  }
  const timeMs = readTime(text)
  if (timeMs === null)
    throw new CommandError(
      'usage',
      `${JSON.stringify(text)} is no moment of a log; give a position like ${partition}:1200, a time like 2026-06-01T12:00:00Z, how long ago (15m), start or end`,
    )
  return await positionAt(source, partition, timeMs)
}

/** Says of a time that has not come that it stands for the end of the log: a slip in the year, or another clock than this one. */
export function noteFuture(text: string): void {
  const timeMs = readTime(text)
  if (timeMs !== null && timeMs > Date.now())
    say(`${text} has not come yet by the clock of this machine; what follows is as of the end of the log, as it is now`)
}

/** The partition that is meant: named, that of a scope, or the only one. */
export function partitionFrom(
  { partition, scope }: { readonly partition?: string; readonly scope?: string },
  partitionCount: number,
): number {
  if (scope !== undefined) return partitionOf(scope, partitionCount)
  if (partition === undefined) {
    if (partitionCount === 1) return 0
    throw new CommandError('usage', `the log has ${partitionCount} partitions; name one by --scope SCOPE or --partition PARTITION`)
  }
  return wholeNumber('--partition', partition, { most: partitionCount - 1 })
}
