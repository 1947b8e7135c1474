/** Follows the events of one partition for as long as it is wanted, over every passing trouble of the log. */
import type { Codec } from '@signalbox/codec'
import { type Clock, isLogError, type LogReader } from '@signalbox/log'
import { EventReader, type LoggedEvent } from './event-reader.ts'

const readWaitMs = 1_000
const firstRetryMs = 100
const lastRetryMs = 5_000

export interface FollowEventsOptions {
  readonly log: LogReader
  readonly codec: Codec
  readonly partition: number
  readonly clock: Clock
  /** Ends it: the promise then resolves. */
  readonly signal: AbortSignal
  /** Told before the partition is read again, after an error that passes. */
  readonly retried: (error: Error, retryMs: number) => void
  /** The log offset at which "what was there at the start" ends; asked for once. Default: where the events end now. */
  readonly endAtStart?: number
  /** Told where the partition is damaged: it is not followed any more, and counts as caught up. */
  readonly damaged: (error: Error) => void
  /** What was there at the start has been taken: once, before anything later. */
  readonly caughtUp: () => Promise<void>
  /** The next events, in order, each once; also with none, when none came for a while. What it throws ends the following. */
  readonly take: (events: readonly LoggedEvent[]) => Promise<void>
}

/** From log offset 0 on. Rejects with a LogError that does not pass, and with what `take` threw. */
export async function followEvents(options: FollowEventsOptions): Promise<void> {
  const { clock, codec, log, partition, retried, signal } = options
  let end = options.endAtStart ?? null
  let isBehind = true
  let fromOffset = 0
  let retryMs = firstRetryMs
  while (!signal.aborted) {
    let reader: EventReader | undefined
    const stop = () => void reader?.close().catch(() => {})
    signal.addEventListener('abort', stop, { once: true })
    try {
      end ??= (await log.offsets('events', partition)).end
      reader = await EventReader.open({ log, codec, partition, fromOffset })
      while (!signal.aborted) {
        if (isBehind && reader.position >= end) {
          isBehind = false
          await options.caughtUp()
        }
        const chunk = await reader.next(readWaitMs)
        retryMs = firstRetryMs
        await options.take(chunk)
        fromOffset = reader.position
      }
    } catch (error) {
      if (signal.aborted) return
      if (isLogError(error, 'CORRUPT')) {
        options.damaged(error)
        if (isBehind) await options.caughtUp()
        return
      }
      if (!isLogError(error, 'TRANSIENT')) throw error
      retried(error, retryMs)
      await clock.sleep(retryMs, signal)
      retryMs = Math.min(2 * retryMs, lastRetryMs)
    } finally {
      signal.removeEventListener('abort', stop)
      await reader?.close().catch(() => {})
    }
  }
}
