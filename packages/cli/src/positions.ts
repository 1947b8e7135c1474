/** What people type for a moment of the log: a position, a time, or how long ago. */
import { partitionOf } from '@signalbox/contract'
import { type Position, positionAt, type Source } from '@signalbox/replay'
import { CommandError } from './exit-codes.ts'

/** An ISO time, or a duration back from now (`90s`, `15m`, `2h`, `3d`); null for anything else. */
export function readTime(text: string): number | null {
  const back = /^(\d+)(s|m|h|d)$/.exec(text)
  if (back !== null)
    return Date.now() - Number(back[1]) * { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[back[2] as 's' | 'm' | 'h' | 'd']
  const timeMs = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(timeMs) ? null : timeMs
}

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
      `${text} is no moment of a log; give a position like ${partition}:1200, a time like 2026-06-01T12:00:00Z, how long ago (15m), start or end`,
    )
  return await positionAt(source, partition, timeMs)
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
  const number = Number(partition)
  if (Number.isInteger(number) && number >= 0 && number < partitionCount) return number
  throw new CommandError('usage', `--partition takes a number from 0 to ${partitionCount - 1}, not ${partition}`)
}
