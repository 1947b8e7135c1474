/** Work that ends in time. */
import type { Clock } from '@signalbox/log'

/** What `inTime` rejects with when the time was up; an abort by `outer` rejects with the reason of that. */
export class TimeIsUp extends Error {
  override readonly name = 'TimeIsUp'
}

/**
 * Settles as `work` does, or rejects as soon as `ms` of the clock are over or `outer` is aborted; the signal that `work`
 * gets is aborted then too. Work that does not listen to it goes on, and nobody waits for it.
 */
export async function inTime<T>(clock: Clock, ms: number, outer: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const over = new AbortController()
  const awake = new AbortController()
  const signal = AbortSignal.any([outer, over.signal])
  const { promise: cut, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  if (signal.aborted) throw signal.reason
  signal.addEventListener('abort', abort, { once: true })
  void clock.sleep(ms, awake.signal).then(() => {
    if (!awake.signal.aborted) over.abort(new TimeIsUp(`not done within ${ms} ms`))
  })
  try {
    return await Promise.race([work(signal), cut])
  } finally {
    signal.removeEventListener('abort', abort)
    awake.abort()
  }
}
