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
  if (outer.aborted) throw outer.reason
  const over = new AbortController()
  const awake = new AbortController()
  const { promise: cut, reject } = Promise.withResolvers<never>()
  const end = (reason: unknown) => {
    over.abort(reason)
    reject(reason)
  }
  // Not AbortSignal.any: `outer` may live as long as the process, and would gather what depended on it.
  const abort = () => end(outer.reason)
  outer.addEventListener('abort', abort, { once: true })
  void clock.sleep(ms, awake.signal).then(() => {
    if (!awake.signal.aborted) end(new TimeIsUp(`not done within ${ms} ms`))
  })
  try {
    return await Promise.race([work(over.signal), cut])
  } finally {
    outer.removeEventListener('abort', abort)
    awake.abort()
  }
}
