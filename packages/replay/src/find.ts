/** Finds single events: by the index where the log keeps one, by reading where it does not. */
import {
  type ContractSet,
  changesIn,
  clockAgent,
  type Event,
  formatEventReference,
  isRemembered,
  noContracts,
  none,
  type Resource,
  type ResourceChange,
} from '@signalbox/contract'
import { asGuardsSee } from '@signalbox/core'
import { intentIndexKey, type LoggedEvent, readEvent, readEvents, resourceIndexKey } from '@signalbox/event-log'
import type { Source } from '@signalbox/partition-state'

/** A place in the event log of a partition: every event before `logOffset` has happened. */
export interface Position {
  readonly partition: number
  readonly logOffset: number
}

/** Events before a log offset that fit, newest first. What the index gives by chance, or does not know, is looked at as well. */
async function* newestFirst(
  source: Source,
  { logOffset, partition }: Position,
  key: string,
  fits: (event: Event) => boolean,
): AsyncGenerator<LoggedEvent> {
  const { index } = source.log
  let since = logOffset
  if (index !== null) {
    for (let before = logOffset; ; ) {
      const found = await index.lastWith(partition, key, before)
      if (found.offset === null || found.offset < found.since) {
        since = Math.min(before, found.since)
        break
      }
      const logged = await readEvent(source, partition, found.offset)
      if (fits(logged.event)) yield logged
      before = found.offset
    }
  }
  if (since === 0) return
  // Before that, nothing was named, or the names are damaged.
  const unnamed: LoggedEvent[] = []
  for await (const logged of readEvents(source, partition)) {
    if (logged.logOffset >= since) break
    if (fits(logged.event)) unnamed.push(logged)
  }
  yield* unnamed.reverse()
}

export interface FoundChange extends LoggedEvent {
  readonly change: ResourceChange
  readonly by: Authorship
}

/** Who changed a resource, when, and which event says so. */
export interface Authorship extends Pick<NonNullable<Resource['lastChange']>, 'event' | 'intentId' | 'agent' | 'time'> {
  /** Whether that event lies in other topics, from which the resource was carried over. */
  readonly isCarried: boolean
}

/** The commits and rules that changed a resource before a position, newest first; last, what it was carried over as. */
export async function* changesBefore(source: Source, scope: string, resource: string, before: Position): AsyncGenerator<FoundChange> {
  const changeIn = (event: Event) =>
    event.scope === scope ? changesIn(event).findLast((change) => change.resource === resource) : undefined
  const key = resourceIndexKey(scope, resource)
  for await (const logged of newestFirst(source, before, key, (event) => changeIn(event) !== undefined))
    yield { ...logged, change: changeIn(logged.event)!, by: authorOf(logged.event, resource) }
}

/** A resource as it was at a position, of one event that is found and not of all before it. */
export async function resourceAt(
  source: Source,
  scope: string,
  resource: string,
  at: Position,
  contracts: ContractSet = noContracts,
): Promise<Resource> {
  const changeIn = (event: Event) => changesIn(event).findLast((change) => change.resource === resource)
  const isSpent = ({ payload, type }: Event) => type === 'RuleApplied' && payload.changes.length === 0 && payload.resource === resource
  const fits = (event: Event) => event.scope === scope && (changeIn(event) !== undefined || isSpent(event))
  let timerIsSpent = false
  for await (const { event } of newestFirst(source, at, resourceIndexKey(scope, resource), fits)) {
    const change = changeIn(event)
    if (change === undefined) {
      timerIsSpent = true
      continue
    }
    const { action, contractVersion, timer, version } = change
    const { fault, seen } = asGuardsSee(contracts, resource, { contractVersion, data: change.data, state: change.state })
    const { isCarried: _isCarried, ...by } = authorOf(event, resource)
    return {
      scope,
      resource,
      exists: true,
      version,
      state: seen.state,
      data: JSON.parse(seen.data),
      lastChange: { ...by, action, version },
      timer: timerIsSpent ? null : timer,
      ...(fault === null ? {} : { fault }),
    }
  }
  return { scope, resource, exists: false, version: 0, state: none, data: null, lastChange: null, timer: null }
}

function authorOf(event: Event, resource: string): Authorship {
  const here = { event: formatEventReference(event), time: event.time, isCarried: false }
  if (event.type === 'IntentCommitted') return { ...here, intentId: event.payload.intentId, agent: event.payload.agent }
  if (event.type === 'RuleApplied')
    return { ...here, intentId: event.payload.cause ?? '', agent: event.payload.rule === 'timer' ? clockAgent : 'signalbox' }
  if (event.type !== 'ScopeCarried') throw new Error(`${event.type} changes no resource; this is a bug in Signalbox`)
  const { changes, histories } = event.payload
  const last = histories[changes.findIndex((change) => change.resource === resource)]!.changes.at(-1)!
  return { event: formatEventReference(last.event), intentId: last.intentId, agent: last.agent, time: last.time, isCarried: true }
}

/**
 * The decision on an intent; null when there is none. Of a pending intent, the event that says so. One that used the id up goes before
 * one that did not.
 */
export async function findDecision(source: Source, intentId: string): Promise<LoggedEvent | null> {
  let found: LoggedEvent | null = null
  let pending: LoggedEvent | null = null
  for (let partition = 0; partition < source.log.partitionCount; partition++) {
    const { end } = await source.log.offsets('events', partition)
    const before = { partition, logOffset: end }
    for await (const logged of newestFirst(source, before, intentIndexKey(intentId), (event) => isAbout(event, intentId))) {
      const { event } = logged
      if (event.type === 'IntentCommitted') return logged
      if (event.type !== 'IntentRejected') pending ??= logged
      // Newest first: what was decided goes before what was said while it was pending, and the first refusal before later ones.
      else if (isRemembered(event.payload.code)) return logged
      else found = logged
    }
  }
  return pending ?? found
}

function isAbout(event: Event, intentId: string): boolean {
  switch (event.type) {
    case 'IntentCommitted':
    case 'IntentRejected':
    case 'IntentPending':
    case 'IntentShadowed':
      return event.payload.intentId === intentId
    default:
      return false
  }
}

/** The position behind the last event whose logical time is at most `timeMs`. Reads a few events, by halving. */
export async function positionAt(source: Source, partition: number, timeMs: number): Promise<Position> {
  const { end, start } = await source.log.offsets('events', partition)
  let [low, high] = [start, end]
  while (low < high) {
    const middle = (low + high) >>> 1
    const logged = await firstTimed(source, partition, middle)
    // Nothing but openings and gaps: they have no time of their own.
    if (logged === null || logged.event.time > timeMs) high = middle
    else low = logged.logOffset + 1
  }
  return { partition, logOffset: low }
}

async function firstTimed(source: Source, partition: number, fromOffset: number): Promise<LoggedEvent | null> {
  for await (const logged of readEvents(source, partition, fromOffset, 16)) if (logged.event.type !== 'PartitionOpened') return logged
  return null
}
