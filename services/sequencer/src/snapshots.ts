/** Reads and writes the snapshots of partitions: a cache, whose faults cost time and are said, but end nothing. */
import { PartitionState } from '@signalbox/core'
import { isLogError, LogError } from '@signalbox/log'
import { type Base, baseOfSnapshot, emptyBase, SnapshotError, snapshotOf, snapshotPosition } from '@signalbox/partition-state'
import type { SequencerSettings } from './settings.ts'

/** The newest snapshot's base; null where there is none that can be used. Errors: TRANSIENT, CLOSED of the log. */
export async function readSnapshot(settings: SequencerSettings, partition: number): Promise<Base | null> {
  const { clock, log, logger, rules } = settings
  const startedMs = clock.nowMs()
  try {
    const stored = (await log.snapshots?.newest(partition)) ?? null
    if (stored === null) return null
    const { end } = await log.offsets('events', partition)
    if (snapshotPosition(stored) > end)
      throw new SnapshotError(`it is as of log offset ${snapshotPosition(stored)}, and the events end at ${end}`)
    const base = await baseOfSnapshot(stored, partition, rules.limits)
    logger.info(
      { partition, position: base.position, resources: base.state.size.resources, tookMs: clock.nowMs() - startedMs },
      `partition ${partition}: snapshot as of log offset ${base.position} read`,
    )
    return base
  } catch (error) {
    if (isLogError(error, 'CLOSED')) throw error
    logger.warn(
      { partition, err: error },
      `the snapshot of partition ${partition} is not used, and its events are read from their start: ${(error as Error).message}`,
    )
    return null
  }
}

export function firstBase({ rules }: SequencerSettings, partition: number): Base {
  return emptyBase(new PartitionState(partition, rules.limits))
}

/** Whether an error of reading on from a base may be the fault of the snapshot that it came from. */
export function disproves(error: unknown, base: Base): boolean {
  return !base.isProven && isLogError(error, 'CORRUPT', 'OFFSET_OUT_OF_RANGE')
}

export function snapshotDisproved(partition: number, cause: unknown): LogError {
  const message = `the events of partition ${partition} do not follow from its snapshot; they are read from their start instead`
  return new LogError('TRANSIENT', message, { cause })
}

/** When a standby writes its next snapshot of a partition. */
export class SnapshotSchedule {
  readonly #settings: SequencerSettings
  #lastPosition: number

  /** `base` is where following began: nothing was gained by a snapshot of that. */
  constructor(settings: SequencerSettings, base: Base) {
    this.#settings = settings
    this.#lastPosition = base.position
  }

  /** Writes one where enough was decided since the last; the base must not change meanwhile. Never throws. */
  async writeIfDue(base: Base): Promise<void> {
    const { bounds, clock, log, logger, rules } = this.#settings
    const { partition } = base.state
    const store = log.snapshots
    if (store === null || base.position - this.#lastPosition < bounds.snapshotEvents) return
    const startedMs = clock.nowMs()
    try {
      this.#lastPosition = base.position
      // Another standby may have been quicker.
      const newest = await store.newest(partition)
      if (newest !== null && base.position - snapshotPosition(newest) < bounds.snapshotEvents / 2) return
      await store.write(partition, snapshotOf(base, rules.limits))
      logger.info(
        { partition, position: base.position, tookMs: clock.nowMs() - startedMs },
        `partition ${partition}: snapshot as of log offset ${base.position} written`,
      )
    } catch (error) {
      if (!(error instanceof LogError) && !(error instanceof SnapshotError)) throw error
      logger.warn({ partition, err: error }, `no snapshot of partition ${partition} was written: ${error.message}`)
    }
  }
}
