/** The state of a partition at a place in its log, folded from the beginning. */
import type { Limits } from '@signalbox/contract'
import { PartitionState } from '@signalbox/core'
import type { EventLog } from '@signalbox/event-log'
import { systemClock } from '@signalbox/log'
import { emptyBase, Restore } from './restore.ts'

const patienceMs = 30_000

/** A log of which states are made. */
export interface Source extends EventLog {
  readonly limits: Limits
  /** Of a log that does not begin at its start, the state before the first event of a partition. Default: an empty one. */
  readonly beginning?: (partition: number) => PartitionState
}

/** The state before the first event of a partition: a new one at each call. */
export function beginningOf(source: Source, partition: number): PartitionState {
  return source.beginning?.(partition) ?? new PartitionState(partition, source.limits)
}

/** The state of a partition just before the event at `logOffset`. */
export async function stateBefore(source: Source, partition: number, logOffset: number): Promise<PartitionState> {
  if (logOffset === 0) return beginningOf(source, partition)
  return folded(source, partition, (restore) => restore.before(logOffset))
}

/** The state of a partition at the end of its log. */
export async function currentState(source: Source, partition: number): Promise<PartitionState> {
  const { end } = await source.log.offsets('events', partition)
  return folded(source, partition, (restore) => restore.toEnd(end))
}

async function folded(source: Source, partition: number, fold: (restore: Restore) => Promise<void>): Promise<PartitionState> {
  const { clock = systemClock, codec, log } = source
  const state = beginningOf(source, partition)
  const { signal } = new AbortController()
  const restore = await Restore.open({ log, codec, base: emptyBase(state), signal, patienceMs, nowMs: () => clock.nowMs() })
  try {
    await fold(restore)
    return state
  } finally {
    await restore.close()
  }
}
