/** What is asked of the bank and the mail server, and what their ledgers say. */
import { readFileSync } from 'node:fs'

export interface StubPart {
  readonly ledgerFile: string
  /** The first answer gets lost on its way, as answers do. */
  readonly losesFirstAnswer: boolean
  /** A bug on purpose: every request is booked. */
  readonly ignoresKeys: boolean
}

export interface StubRequest {
  /** Who asks, by its own account. */
  readonly agent: string
  readonly scope: string
  /** What it is for, as type/id. */
  readonly about: string
  readonly amountCents: number | null
}

export interface LedgerEntry extends StubRequest {
  readonly number: number
  readonly key: string
  /** Milliseconds since 1970, UTC. */
  readonly atMs: number
}

const attempts = 4
const timeoutMs = 5_000

/** Books it; tries again with the key that `keyOf` gives while no answer comes. Throws when none came at all. */
export async function book(url: string, request: StubRequest, keyOf: () => string): Promise<LedgerEntry> {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'idempotency-key': keyOf(), 'content-type': 'application/json' },
        body: JSON.stringify(request),
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (!response.ok) throw new Error(`${url} refused ${request.about} with ${response.status}: ${await response.text()}`)
      return (await response.json()) as LedgerEntry
    } catch (error) {
      if (attempt === attempts) throw error
    }
  }
}

/** What is booked under a key: what a human sees who looks it up. */
export async function lookUp(url: string, key: string): Promise<readonly LedgerEntry[]> {
  const response = await fetch(`${url}/?key=${encodeURIComponent(key)}`, { signal: AbortSignal.timeout(timeoutMs) })
  return (await response.json()) as readonly LedgerEntry[]
}

/** The ledger as it lies on disk. */
export function readLedger(file: string): readonly LedgerEntry[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LedgerEntry)
}
