/** Clients that each wait for the answer before they ask again, and the figures of what they saw. */

export interface Latencies {
  readonly elapsedMs: number
  readonly latenciesMs: readonly number[]
}

/** Runs `clients` of them side by side for `durationMs`; `ask` resolves when the answer is there. */
export async function runClients(clients: number, durationMs: number, ask: (client: number) => Promise<unknown>): Promise<Latencies> {
  const latenciesMs: number[] = []
  const startedMs = performance.now()
  const endMs = startedMs + durationMs
  const runClient = async (client: number): Promise<void> => {
    for (let askedMs = performance.now(); askedMs < endMs; ) {
      await ask(client)
      const answeredMs = performance.now()
      latenciesMs.push(answeredMs - askedMs)
      askedMs = answeredMs
    }
  }
  await Promise.all(Array.from({ length: clients }, (_, client) => runClient(client)))
  return { elapsedMs: performance.now() - startedMs, latenciesMs }
}

export interface ClientFigures {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Of several runs together. */
export function figuresOf(runs: readonly Latencies[]): ClientFigures {
  const sorted = Float64Array.from(runs.flatMap(({ latenciesMs }) => latenciesMs)).sort()
  const elapsedMs = runs.reduce((sum, run) => sum + run.elapsedMs, 0)
  const at = (share: number) => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 1_000) / 1_000
  return { perSecond: Math.round((sorted.length * 1_000) / elapsedMs), p50Ms: at(0.5), p99Ms: at(0.99) }
}
