/** What the acts of the story have at hand. */

import type { ProposedAction } from '@signalbox/client'
import type { Decision } from '@signalbox/contract'
import type { RunningSignalbox } from '@signalbox/signalbox'
import type { AgentProcess, StubProcess } from './cast.ts'
import type { AgentName, Plan, Plant } from './plan.ts'

export interface World {
  readonly plan: Plan
  readonly plant: Plant | null
  readonly signalbox: RunningSignalbox
  readonly agents: ReadonlyMap<AgentName, AgentProcess>
  readonly bank: StubProcess
  readonly mail: StubProcess
  readonly tell: (line: string) => void
}

export const scopeOf = (customer: number): string => `customer-${customer}`

export function agentOf({ agents }: World, name: AgentName): AgentProcess {
  return agents.get(name)!
}

export const euros = (cents: number): string => (cents / 100).toFixed(2)

/** One agent proposes on what it sees now, and does what follows. */
export async function propose(
  world: World,
  agent: AgentName,
  scope: string,
  see: readonly string[],
  actions: readonly ProposedAction[],
): Promise<Decision> {
  return await agentOf(world, agent).decide({ do: 'propose', scope, see, actions })
}

/** As `propose`, where the story needs it committed. Throws with the reject. */
export async function must(
  world: World,
  agent: AgentName,
  scope: string,
  see: readonly string[],
  actions: readonly ProposedAction[],
): Promise<Decision> {
  const decision = await propose(world, agent, scope, see, actions)
  if (decision.committed) return decision
  const what = actions.map(({ action, resource }) => `${action} ${resource}`).join(', ')
  throw new Error(`the story cannot go on: ${what} by ${agent} was not committed: ${decision.code}: ${decision.message}`)
}

/** Waits until `found` gives something. Throws when it does not in time. */
export async function until<Value>(what: string, forMs: number, found: () => Promise<Value | null>): Promise<Value> {
  for (const endMs = performance.now() + forMs; ; ) {
    const value = await found()
    if (value !== null) return value
    if (performance.now() > endMs) throw new Error(`the story waited ${forMs} ms in vain for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
