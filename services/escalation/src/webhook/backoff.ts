/** How long to wait before the next attempt. */

const firstMs = 1_000
const lastMs = 5 * 60_000
/** What a receiver may ask for at most: longer, and people would not be told in time. */
export const retryAfterLimitMs = 10 * 60_000

const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

/**
 * Milliseconds to wait after `attempts` (1 and more) that failed: doubling from one second to five minutes, of which a
 * draw (0 to below 1) takes off up to half, so that what failed together does not come back together.
 */
export function backoffMs(attempts: number, draw: number): number {
  const fullMs = Math.min(firstMs * 2 ** Math.min(attempts - 1, 30), lastMs)
  return Math.round(fullMs * (1 - draw / 2))
}

/** What a Retry-After header asks for, in milliseconds, bounded; null where there is none, or none that can be read. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | null {
  if (header === undefined) return null
  const text = header.trim()
  const askedMs = /^\d{1,10}$/.test(text) ? Number(text) * 1_000 : httpDate.test(text) ? Date.parse(text) - nowMs : Number.NaN
  return Number.isNaN(askedMs) ? null : Math.min(Math.max(askedMs, 0), retryAfterLimitMs)
}
