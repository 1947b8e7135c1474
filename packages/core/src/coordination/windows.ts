/** Counts over a sliding window: of the window before, the part that still lies within counts. */

/** Window numbers are time by the length of a window, so that counting needs no clock and no order but the log's. */
export function windowOf(timeMs: number, windowMs: number): number {
  return Math.floor(timeMs / windowMs)
}

/** What a count stands at, given those of this window and the one before. */
export function sliding(before: number, now: number, timeMs: number, windowMs: number): number {
  const past = (timeMs % windowMs) / windowMs
  return Math.floor(before * (1 - past)) + now
}

export interface Count {
  readonly window: number
  readonly before: number
  readonly now: number
}

export function counted(count: Count | undefined, timeMs: number, windowMs: number, by = 1): Count {
  const window = windowOf(timeMs, windowMs)
  if (count === undefined || count.window < window - 1) return { window, before: 0, now: by }
  if (count.window === window - 1) return { window, before: count.now, now: by }
  return { window: count.window, before: count.before, now: count.now + by }
}

export function countIn(count: Count | undefined, timeMs: number, windowMs: number): number {
  if (count === undefined) return 0
  const window = windowOf(timeMs, windowMs)
  if (count.window === window) return sliding(count.before, count.now, timeMs, windowMs)
  return count.window === window - 1 ? sliding(count.now, 0, timeMs, windowMs) : 0
}

/** Whether a count says nothing any more. */
export function isOver(count: Count, timeMs: number, windowMs: number): boolean {
  return count.window < windowOf(timeMs, windowMs) - 1
}
