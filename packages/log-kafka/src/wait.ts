import { LogError } from '@signalbox/log'

/** Delays between attempts: Kafka's transactions are ready again within a few milliseconds, a lost broker within seconds. */
export const FIRST_RETRY_MS = 1
export const LONGEST_RETRY_MS = 200

/** How long to wait before attempt `attempt` (the first retry is 1). */
export function retryDelayMs(attempt: number): number {
  // The first ten stay short: a transaction's markers are written in 1 to 10 ms, and that is what most retries wait for.
  return attempt <= 10 ? FIRST_RETRY_MS : Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** (attempt - 10))
}

/** Resolves after `ms`, or at once when the signal is aborted. Never rejects. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal.addEventListener('abort', finish, { once: true })
  })
}

/** The promise's outcome, or `late` after `ms`. */
export async function withinMs<Result, Late>(ms: number, promise: Promise<Result>, late: () => Late): Promise<Result | Late> {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<'expired'>((resolve) => {
    timer = setTimeout(() => resolve('expired'), ms)
  })
  try {
    const first = await Promise.race([promise.then((value) => ({ value })), expired])
    return first === 'expired' ? late() : first.value
  } finally {
    clearTimeout(timer)
  }
}

/** The promise's outcome, or the signal's LogError (its reason) as soon as it is aborted. */
export function unlessAborted<Result>(signal: AbortSignal, promise: Promise<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

export interface RetryOptions {
  readonly deadlineMs: number
  /** Aborted with a LogError as its reason. */
  readonly signal: AbortSignal
  readonly retriable: (error: unknown) => boolean
}

/** Repeats a call while its error is retriable and the deadline (of `performance.now()`) has not come. Throws the last error. */
export async function retrying<Result>(options: RetryOptions, call: (attempt: number) => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    if (options.signal.aborted) throw abortReason(options.signal)
    try {
      return await unlessAborted(options.signal, call(attempt))
    } catch (error) {
      const delayMs = retryDelayMs(attempt)
      if (options.signal.aborted || !options.retriable(error) || performance.now() + delayMs > options.deadlineMs) throw error
      await pause(delayMs, options.signal)
    }
  }
}

function abortReason(signal: AbortSignal): unknown {
  return signal.reason instanceof LogError ? signal.reason : new LogError('CLOSED', 'The log is closed. Open a new one to go on.')
}
