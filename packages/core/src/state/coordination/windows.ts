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
  if (count === undefined) return { window, before: 0, now: by }
  // Never to an earlier window: the log's time does not go back.
  const { before, now } = at(count, Math.max(window, count.window))
  return { window: Math.max(window, count.window), before, now: now + by }
}

/** Two counts of the same, as one. */
export function summed(count: Count | undefined, other: Count): Count {
  if (count === undefined) return other
  const window = Math.max(count.window, other.window)
  const [one, two] = [at(count, window), at(other, window)]
  return { window, before: one.before + two.before, now: one.now + two.now }
}

function at(count: Count, window: number): Count {
  if (count.window === window) return count
  return { window, before: count.window === window - 1 ? count.now : 0, now: 0 }
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
