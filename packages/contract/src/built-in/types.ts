/** Names that are Signalbox's own: resource types, agents, and the scope in which a partition keeps what concerns all of it. */
import { agentKey } from '../identifiers.ts'
import { partitionOf } from '../partitioner.ts'

/** Raised with every change of what the built-in contracts decide. */
export const builtInVersion = 6

/** What `PartitionOpened` records beside the contracts. */
export const builtInRecord = 'signalbox'
export const containmentRecord = 'containment'

export const reservedTypes = [
  'agent',
  'allowance',
  'clock',
  'containment',
  'correlation',
  'dead-letter',
  'drift',
  'effect',
  'escalation',
  'generation',
  'handoff',
  'intent',
  'reservation',
  'signalbox',
  'source',
  'task',
  'transfer',
] as const
export type ReservedType = (typeof reservedTypes)[number]

const reserved: ReadonlySet<string> = new Set(reservedTypes)

export function isReservedType(type: string): type is ReservedType {
  return reserved.has(type)
}

const systemScopePrefix = '~partition/'
const systemScopes = new Map<string, string>()

// One candidate in as many as there are partitions fits: that none of these does has a chance of e to the power of -100.
const candidatesPerPartition = 100

/**
 * The scope on a partition that concerns all of it: ticks, agents in quarantine, whether its log is closed. The same for everyone.
 * Throws RangeError where the log has no such partition.
 */
export function systemScope(partition: number, partitionCount: number): string {
  const key = `${partition}/${partitionCount}`
  const known = systemScopes.get(key)
  if (known !== undefined) return known
  if (!Number.isSafeInteger(partitionCount) || !Number.isSafeInteger(partition) || partition < 0 || partition >= partitionCount)
    throw new RangeError(`there is no partition ${partition}: the log has ${partitionCount}, from 0 on; name one of those`)
  for (let number = 0; number < candidatesPerPartition * partitionCount; number++) {
    const scope = `${systemScopePrefix}${partition}/${number}`
    if (partitionOf(scope, partitionCount) !== partition) continue
    systemScopes.set(key, scope)
    return scope
  }
  throw new Error(`no scope of partition ${partition} of ${partitionCount} was found; report it with these two numbers`)
}

export function isSystemScope(scope: string): boolean {
  return scope.startsWith(systemScopePrefix)
}

/** In the scope of a partition: whether its log is closed, and under which name it goes on. */
export const generationResource = 'generation/log'

/** In the scope of a partition: what was counted last of pieces of work, and which of them have asked too much of all partitions. */
export const correlationResource = 'correlation/counts'

/** The scope that gathers what all others say of an agent. */
export function homeScope(agent: string): string {
  return `~agent/${agentKey(agent)}`
}

/** What a scope knows of an agent: its breaker, its quarantine, what it can do. Agents whose names differ only in case are one there. */
export function agentResource(agent: string): string {
  return `agent/${agentKey(agent)}`
}

export function isHomeScope(scope: string): boolean {
  return scope.startsWith('~agent/')
}

/** The reservation of a resource is itself a resource. */
export function reservationOf(resource: string): string {
  return `reservation/${resource}`
}

/** The id of the effect of an intent's action: use it as idempotency key in the world. */
export function effectIdOf(intentId: string, actionIndex: number): string {
  return `${intentId}-${actionIndex}`
}
