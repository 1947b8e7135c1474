/** The booking agents: each one its own connection and its own wishes, one at a time, all at once. */
import { type Agent, connect } from '@signalbox/client'
import type { Intent } from '@signalbox/contract'
import type { Wish } from './bookings-file.ts'
import { getOrAdd } from './get-or-add.ts'
import { type RunIdentity, wishId, wishIntent } from './intents.ts'

export interface AgentsOptions {
  readonly url: string
  readonly run: RunIdentity
  readonly wishes: readonly Wish[]
  /** Ids that have their decision already. */
  readonly decided: ReadonlySet<string>
  /** One after another in the given order, instead of all agents at once. */
  readonly ordered: boolean
  /** Intents a second over all agents; null is as fast as they come. */
  readonly rate: number | null
  readonly signal: AbortSignal
  /** Told of each decision, with how long its agent waited. */
  readonly decidedIn: (waitedMs: number) => void
}

const waitMs = 30_000

/** Submits every wish that has no decision yet; resolves when all have. */
export async function runAgents(options: AgentsOptions): Promise<void> {
  const open = options.wishes.filter((wish) => !options.decided.has(wishId(options.run, wish)))
  const pace = pacer(options.rate)
  const agents = new Map<string, Agent>()
  const agentOf = (name: string): Agent => getOrAdd(agents, name, () => connect({ url: options.url, agent: name, waitMs }))
  const submit = async (wish: Wish): Promise<void> => {
    await pace()
    if (options.signal.aborted) return
    const intent: Intent = wishIntent(options.run, wish)
    const from = performance.now()
    await agentOf(intent.agent).submit(intent)
    options.decidedIn(performance.now() - from)
  }
  try {
    if (options.ordered) for (const wish of open) await submit(wish)
    else
      await Promise.all(
        queues(open).map(async (queue) => {
          for (const wish of queue) await submit(wish)
        }),
      )
  } finally {
    await Promise.all([...agents.values()].map((agent) => agent.close()))
  }
}

function queues(wishes: readonly Wish[]): readonly (readonly Wish[])[] {
  const byAgent = new Map<string, Wish[]>()
  for (const wish of wishes) getOrAdd(byAgent, wish.booking.agent, () => []).push(wish)
  return [...byAgent.values()]
}

/** Lets one caller through every 1/rate seconds, in order; who comes late is not punished for it. */
function pacer(rate: number | null): () => Promise<void> {
  if (rate === null) return async () => {}
  let next = performance.now()
  return async () => {
    const now = performance.now()
    // A timer cannot wait for a fraction of a millisecond: up to 20 ms of the rate may be caught up at once.
    next = Math.max(next + 1_000 / rate, now - 20)
    if (next > now + 1) await new Promise((resolve) => setTimeout(resolve, next - now))
  }
}
