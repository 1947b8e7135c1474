/** Runs the reactions of a projection for live events, in the order of each partition, behind what is durable. */
import { type Event, isOfRecord } from '@signalbox/contract'
import type { EventReader } from '@signalbox/event-log'
import { isLogError } from '@signalbox/log'
import { changesOf } from '@signalbox/projection'
import type { ProjectionWriter } from '@signalbox/projection-store'
import { defaultReadWaitMs, firstRetryMs, type HostSettings, lastRetryMs } from './settings.ts'

/** Where a projection has no reactions. */
export const noReactions = -1

const reactionsAtOnce = 100
const durablePollMs = 20

/**
 * Runs until the signal is aborted. `durable` gives the log offset of a partition before which the live rows are durable. The
 * position of reactions is stored after them: what was cut off in between is reacted to again.
 */
export async function runReactions(
  settings: HostSettings,
  writer: ProjectionWriter,
  partition: number,
  options: { readonly from: number; readonly durable: () => number; readonly signal: AbortSignal },
): Promise<void> {
  const { clock, feed, projection, readWaitMs = defaultReadWaitMs } = settings
  const { durable, signal } = options
  let from = options.from
  while (!signal.aborted) {
    let reader: EventReader | undefined
    try {
      reader = await feed.openAt(partition, from)
      for (;;) {
        const events = await reader.next(readWaitMs, reactionsAtOnce)
        for (const { event, logOffset } of events) {
          if (isCarried(event)) continue
          // Of what the rows do not have yet, nothing is said.
          while (durable() <= logOffset && !signal.aborted) await clock.sleep(durablePollMs, signal)
          if (signal.aborted || !(await react(settings, event, signal))) return
          from = logOffset + 1
        }
        if (events.length > 0) await writer.reacted(partition, from)
        if (signal.aborted) return
      }
    } catch (error) {
      if (!isLogError(error, 'TRANSIENT')) throw error
      settings.logger.warn({ projection: projection.name, partition, err: error }, `reactions of ${projection.name} wait: ${error.message}`)
      await clock.sleep(lastRetryMs, signal)
    } finally {
      await reader?.close().catch(() => {})
    }
  }
}

/** What a log that goes on from another begins with has happened there. */
function isCarried(event: Event): boolean {
  return !isOfRecord(event) && event.type !== 'PartitionOpened'
}

/** False where it was stopped before it went through. */
async function react(
  { clock, logger, metrics, projection }: HostSettings,
  event: Parameters<typeof changesOf>[0],
  signal: AbortSignal,
): Promise<boolean> {
  for (let retryMs = firstRetryMs; !signal.aborted; retryMs = Math.min(2 * retryMs, lastRetryMs)) {
    try {
      await projection.react?.({ event, changes: changesOf(event, projection.contracts), signal })
      return true
    } catch (error) {
      const { index, offset, partition } = event
      metrics?.reactionFailed(projection.name)
      logger.error(
        { projection: projection.name, event: `${partition}/${offset}/${index}`, err: error, retryMs },
        `the reaction of projection ${projection.name} to event ${partition}/${offset}/${index} failed and is tried again in ${retryMs} ms; the rows go on meanwhile`,
      )
      await clock.sleep(retryMs, signal)
    }
  }
  return false
}
