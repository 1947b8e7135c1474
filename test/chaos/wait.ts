import { setTimeout as sleep } from 'node:timers/promises'

const lookMs = 50

/** What was waited for did not come. */
export class TooLateError extends Error {
  override readonly name = 'TooLateError'
}

/** Waits for a condition. Throws TooLateError, which names it, after `timeoutMs`. */
export async function until(what: string, timeoutMs: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new TooLateError(`not within ${timeoutMs / 1_000} s: ${what}`)
    await sleep(lookMs)
  }
}

/** Like `until`, but says whether it came. */
export async function came(timeoutMs: number, condition: () => boolean): Promise<boolean> {
  try {
    await until('', timeoutMs, condition)
    return true
  } catch (error) {
    if (error instanceof TooLateError) return false
    throw error
  }
}

export { sleep }
