/**
 * Whose writing a resource stands on: of each agent, when it last wrote what this resource builds on, be it that the resource was read
 * or acted on. So what an agent wrote stays doubtful in all that others made of it, until a human has looked.
 */
import { agentKey, type Event } from '@signalbox/contract'
import { isOwnAgent } from '../state/own-agents.ts'
import type { Influence, ResourceState } from '../state/resource.ts'
import type { PartitionState } from '../state/state.ts'

/** Agents that are remembered of one resource; of more, those that wrote last. */
const mostInfluences = 16

export const noInfluences: readonly Influence[] = []

/** Whom what a commit writes stands on, besides its own agent. */
export function influencesOfCommit(
  state: PartitionState,
  { payload, scope, time }: Extract<Event, { readonly type: 'IntentCommitted' }>,
): readonly Influence[] {
  if (payload.verdict !== null && isCleared(state, scope, payload.verdict)) return noInfluences
  const sources = payload.changes.map(({ resource }) => state.resourceIn(scope, resource))
  for (const resource of readsOf(payload.intent)) sources.push(state.resourceIn(scope, resource))
  return influencesOf(sources, payload.agent, time - state.limits.identityHorizonMs)
}

/** A human was asked whether it can be trusted, and said so. */
function isCleared(state: PartitionState, scope: string, escalation: string): boolean {
  const found = state.resourceIn(scope, escalation)
  return found !== undefined && (JSON.parse(found.data) as { readonly cause: string }).cause === 'TAINTED'
}

/** What a canonical intent has read; parsed only where it has read anything, as every commit comes here. */
function readsOf(intent: string): readonly string[] {
  // Nothing after the read set can look like it: quotes in texts are escaped, and inputs lie before.
  const start = intent.lastIndexOf(',"reads":[')
  if (start === -1 || intent.startsWith(']', start + ',"reads":['.length)) return []
  const { reads } = JSON.parse(`{${intent.slice(start + 1)}`) as { readonly reads: readonly { readonly resource: string }[] }
  return reads.map(({ resource }) => resource)
}

/** Those that the sources stand on, and who wrote them last, without `author`, sorted by name. */
export function influencesOf(sources: readonly (ResourceState | undefined)[], author: string, sinceMs: number): readonly Influence[] {
  let found: Map<string, number> | null = null
  const own = agentKey(author)
  const note = (agent: string, time: number) => {
    if (agent === own || time < sinceMs || isOwnAgent(agent)) return
    found ??= new Map()
    found.set(agent, Math.max(time, found.get(agent) ?? 0))
  }
  for (const source of sources) {
    if (source === undefined) continue
    note(agentKey(source.lastChange.agent), source.lastChange.time)
    for (const { agent, time } of source.influences) note(agent, time)
  }
  return found === null ? noInfluences : bounded(found)
}

function bounded(found: ReadonlyMap<string, number>): readonly Influence[] {
  const byName = (a: Influence, b: Influence) => (a.agent < b.agent ? -1 : 1)
  const all = [...found].map(([agent, time]) => ({ agent, time }))
  if (all.length <= mostInfluences) return all.sort(byName)
  return all
    .sort((a, b) => b.time - a.time || byName(a, b))
    .slice(0, mostInfluences)
    .sort(byName)
}
