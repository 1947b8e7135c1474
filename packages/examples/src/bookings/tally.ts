/** What became of a run, counted from its log alone. */
import type { Event } from '@signalbox/contract'
import { getOrAdd } from './get-or-add.ts'
import { setupAgent } from './intents.ts'

export interface AgentTally {
  asked: number
  committed: number
  readonly rejected: Map<string, number>
}

export interface Tally {
  readonly agents: ReadonlyMap<string, AgentTally>
  readonly committed: number
  readonly rejected: ReadonlyMap<string, number>
  readonly intents: number
  readonly nights: number
  readonly nightsAtCapacity: number
  readonly oversoldNights: number
  readonly decided: ReadonlySet<string>
  /** The last stay that found a night full: something to look at afterwards. */
  readonly turnedAway: { readonly intentId: string; readonly scope: string; readonly night: string } | null
}

/** The code of a reject, with the contract's own reason where its guard or invariant gave one. */
function reasonOf(event: Event & { type: 'IntentRejected' }): string {
  const { code, details } = event.payload
  const said = details === null ? {} : (JSON.parse(details) as { reason?: string | null; invariant?: string })
  const reason = said.reason ?? said.invariant
  return reason == null ? code : `${code} ${reason}`
}

export class Counter {
  readonly #agents = new Map<string, AgentTally>()
  readonly #nights = new Map<string, { booked: number; capacity: number }>()
  readonly #decided = new Set<string>()
  #turnedAway: Tally['turnedAway'] = null

  add(event: Event): void {
    if (event.type === 'IntentCommitted') {
      for (const { data, resource } of event.payload.changes)
        if (resource.startsWith('night/')) this.#nights.set(`${event.scope}/${resource}`, JSON.parse(data))
      this.#count(event.payload.agent, event.payload.intentId, null)
    } else if (event.type === 'IntentRejected') {
      const { agent, code, intentId, resource } = event.payload
      if (code === 'INVARIANT_VIOLATED' && intentId !== null && resource !== null) {
        this.#turnedAway = { intentId, scope: event.scope, night: resource }
      }
      this.#count(agent ?? '(unknown)', intentId ?? '', reasonOf(event))
    }
  }

  #count(agent: string, intentId: string, reason: string | null): void {
    this.#decided.add(intentId)
    if (agent === setupAgent) return
    const tally = getOrAdd(this.#agents, agent, () => ({ asked: 0, committed: 0, rejected: new Map() }))
    tally.asked++
    if (reason === null) tally.committed++
    else tally.rejected.set(reason, (tally.rejected.get(reason) ?? 0) + 1)
  }

  tally(): Tally {
    const rejected = new Map<string, number>()
    let committed = 0
    let intents = 0
    for (const agent of this.#agents.values()) {
      committed += agent.committed
      intents += agent.asked
      for (const [reason, count] of agent.rejected) rejected.set(reason, (rejected.get(reason) ?? 0) + count)
    }
    const nights = [...this.#nights.values()]
    return {
      agents: this.#agents,
      committed,
      rejected,
      intents,
      nights: nights.length,
      nightsAtCapacity: nights.filter(({ booked, capacity }) => booked === capacity && capacity > 0).length,
      oversoldNights: nights.filter(({ booked, capacity }) => booked > capacity).length,
      decided: this.#decided,
      turnedAway: this.#turnedAway,
    }
  }
}
