/** Which failures pass, and how long to wait before the same request is sent again. Every request to a gateway is safe to repeat. */

/** A server or a proxy that is busy, starts anew, or does not reach what is behind it. */
const passingStatus: ReadonlySet<number> = new Set([429, 502, 503, 504])

const passingCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
])

const firstDelayMs = 50
const lastDelayMs = 2_000

export function isPassingStatus(status: number): boolean {
  return passingStatus.has(status)
}

export function isPassingCode(code: string): boolean {
  return passingCodes.has(code)
}

/** Twice as long each time, and by chance up to a half less, so that many who failed together do not come back together. */
export function delayMs(attempt: number, random: number): number {
  return Math.min(firstDelayMs * 2 ** (attempt - 1), lastDelayMs) * (1 - random / 2)
}

/** How long the header Retry-After asks to wait; 0 where it says nothing. */
export function retryAfterMs(header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1_000
  const atMs = Date.parse(header)
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - nowMs)
}

/** Ends early at the signal. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end, { once: true })
  })
}
