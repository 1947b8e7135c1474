/** Looks, before this process joins the owners of the log, whether its contracts can decide what the log holds. */
import { isLogError } from '@signalbox/log'
import { type Base, Restore } from '@signalbox/partition-state'
import { ContractsRefused, refusalOf } from './contracts-fit.ts'
import type { SequencerSettings } from './settings.ts'
import { firstBase, readSnapshot } from './snapshots.ts'

const partitionsAtOnce = 4

/**
 * What is known of each partition then, so that nobody restores it twice. A partition that cannot be read now is left out: its owner
 * meets the same, and says so. Throws ContractsRefused; nothing was written.
 */
export async function checkFirst(settings: SequencerSettings): Promise<ReadonlyMap<number, Base>> {
  const bases = new Map<number, Base>()
  const all = Array.from({ length: settings.log.partitionCount }, (_, partition) => partition)
  for (let from = 0; from < all.length; from += partitionsAtOnce) {
    await Promise.all(
      all.slice(from, from + partitionsAtOnce).map(async (partition) => {
        const base = await restored(settings, partition)
        if (base !== null) bases.set(partition, base)
      }),
    )
  }
  return bases
}

async function restored(settings: SequencerSettings, partition: number): Promise<Base | null> {
  const { bounds, clock, codec, log, logger } = settings
  try {
    const base = (await readSnapshot(settings, partition)) ?? firstBase(settings, partition)
    const { signal } = new AbortController()
    const restore = await Restore.open({ log, codec, base, signal, patienceMs: bounds.restorePatienceMs, nowMs: () => clock.nowMs() })
    try {
      await restore.toEnd((await log.offsets('events', partition)).end)
    } finally {
      await restore.close()
    }
    const refusal = base.state.origin?.isWhole === false ? null : refusalOf(base.state, settings.ours)
    if (refusal !== null) throw new ContractsRefused(refusal)
    return restore.base
  } catch (error) {
    if (!isLogError(error)) throw error
    logger.warn({ partition, err: error }, `partition ${partition} could not be read before the start: ${error.message}`)
    return null
  }
}
