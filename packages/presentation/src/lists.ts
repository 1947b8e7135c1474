/** Decisions and resources that a filter asks for, as people and programs get to see them. */
import { type ContractSet, type Decision, type Event, partitionOf, type Resource } from '@signalbox/contract'
import type { PartitionState } from '@signalbox/core'
import { type EventLog, readEvents } from '@signalbox/event-log'
import { presentDecision, presentResource } from './present.ts'

export interface DecisionFilter {
  readonly scope?: string | undefined
  readonly agent?: string | undefined
  readonly resource?: string | undefined
  readonly code?: string | undefined
  readonly outcome?: 'committed' | 'rejected' | undefined
}

/** Whether an event is a decision that the filter asks for. */
export function matches(event: Event, filter: DecisionFilter): boolean {
  if (event.type !== 'IntentCommitted' && event.type !== 'IntentRejected') return false
  if (filter.scope !== undefined && event.scope !== filter.scope) return false
  if (filter.agent !== undefined && event.payload.agent !== filter.agent) return false
  if (filter.outcome !== undefined && (event.type === 'IntentCommitted') !== (filter.outcome === 'committed')) return false
  if (filter.code !== undefined && (event.type !== 'IntentRejected' || event.payload.code !== filter.code)) return false
  if (filter.resource === undefined) return true
  if (event.type === 'IntentRejected') return event.payload.resource === filter.resource
  return event.payload.changes.some(({ resource }) => resource === filter.resource)
}

/** Decisions in log order, partition by partition. */
export async function* decisions(source: EventLog, filter: DecisionFilter = {}): AsyncGenerator<Decision> {
  const only = filter.scope === undefined ? null : partitionOf(filter.scope, source.log.partitionCount)
  for (let partition = 0; partition < source.log.partitionCount; partition++) {
    if (only !== null && partition !== only) continue
    for await (const { event, logOffset } of readEvents(source, partition))
      if (matches(event, filter)) yield presentDecision(event, logOffset)!
  }
}

export interface ResourceFilter {
  readonly scope?: string | undefined
  readonly type?: string | undefined
  readonly state?: string | undefined
}

/** Resources of a state that the filter asks for, sorted by scope and name. */
export function listResources(state: PartitionState, filter: ResourceFilter, contracts?: ContractSet): Resource[] {
  const found: Resource[] = []
  for (const [key, resource] of state.resources()) {
    const [scope, name] = key.split('\u0000') as [string, string]
    if (filter.scope !== undefined && scope !== filter.scope) continue
    if (filter.type !== undefined && !name.startsWith(`${filter.type}/`)) continue
    const presented = presentResource(scope, name, resource, contracts)
    if (filter.state === undefined || presented.state === filter.state) found.push(presented)
  }
  return found.sort((a, b) => (a.scope === b.scope ? compare(a.resource, b.resource) : compare(a.scope, b.scope)))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
