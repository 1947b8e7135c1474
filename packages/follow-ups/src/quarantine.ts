/** Carries a quarantine to every partition: what one scope says of an agent, all of them must know. */
import { type AgentData, homeScope, isHomeScope, isSystemScope, type ResourceChange, systemScope } from '@signalbox/contract'
import type { Changing, OwnFollowUp } from './own-follow-up.ts'

export function quarantineFollowUps(event: Changing, partitionCount: number): OwnFollowUp[] {
  return event.payload.changes.flatMap((change) => {
    if (!change.resource.startsWith('agent/') || isSystemScope(event.scope)) return []
    return isHomeScope(event.scope) ? toPartitions(change, partitionCount) : toHome(event, change)
  })
}

/** From the agent's home scope to all partitions, in force in each from its event there. */
function toPartitions(change: ResourceChange, partitionCount: number): OwnFollowUp[] {
  const { action, resource } = change
  if (action !== 'quarantine' && action !== 'release') return []
  const { reason, taintedSinceMs } = JSON.parse(change.data) as AgentData
  const input = action === 'quarantine' ? { reason, taintedSinceMs } : { reason }
  return Array.from({ length: partitionCount }, (_, partition) => ({
    scope: systemScope(partition, partitionCount),
    actions: [{ resource, action, input }],
    cause: ['quarantine', action, resource, `${partition}`],
  }))
}

/** A breaker that opened once too often somewhere: the agent's home scope takes it out of all scopes. */
function toHome({ payload, type }: Changing, { action, data, resource }: ResourceChange): OwnFollowUp[] {
  if (type !== 'RuleApplied' || action !== 'open') return []
  const { quarantine = false } = JSON.parse((payload as { details: string | null }).details ?? '{}') as { quarantine?: boolean }
  if (!quarantine) return []
  const { agent, opens, reason, sinceMs } = JSON.parse(data) as AgentData
  const input = { reason: `its breaker opened ${opens} times within a day; the last time: ${reason}`, taintedSinceMs: sinceMs }
  return [{ scope: homeScope(agent), actions: [{ resource, action: 'quarantine', input }], cause: ['quarantine', 'by rule', resource] }]
}
