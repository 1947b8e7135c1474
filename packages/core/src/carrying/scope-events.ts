/** What a state holds of a scope, as events. */
import type { CarriedTally, Event, IntentPending, PastChange, ResourceChange, ResourceHistory, ScopeCarried } from '@signalbox/contract'
import type { PendingIntent } from '../state/coordination/pending.ts'
import type { Tally } from '../state/coordination/tallies.ts'
import type { Count } from '../state/coordination/windows.ts'
import type { Change, ResourceState } from '../state/resource.ts'
import { scopeOfShadow } from '../state/shadow-scope.ts'
import { changesOf } from '../state/snapshot-runs.ts'
import type { PartitionState } from '../state/state.ts'

/** Of an event: few enough for any batch. */
const most = 200
const mostCharacters = 256 * 1024

export interface ScopePart {
  readonly scope: string
  readonly type: 'ScopeCarried' | 'IntentPending'
  readonly payload: Event['payload']
}

type Counts = Pick<ScopeCarried, 'waiting' | 'tallies' | 'contradictions'>
type Lists = { -readonly [Name in keyof Counts]: Counts[Name][number][] }

export class ScopeEvents {
  // By the name under which the state has them: the scope, or its shadow.
  readonly #resources = new Map<string, [string, ResourceState][]>()
  readonly #pending = new Map<string, PendingIntent[]>()
  readonly #lists = new Map<string, Lists>()
  readonly #reserved: ReadonlyMap<string, true>

  constructor(state: PartitionState) {
    for (const [key, resource] of state.resources()) {
      const [world, name] = split(key) as [string, string]
      add(this.#resources, world, [name, resource])
    }
    const { contradictions, pending, reservedScopes, tallies } = state.coordination
    this.#reserved = reservedScopes
    for (const each of pending.all()) {
      add(this.#pending, each.scope, each)
      const { bypassed, intentId } = each
      this.#listsOf(each.scope).waiting.push({ intentId, bypassed, isReady: pending.isReady(intentId) })
    }
    for (const [scope, agent, tally] of tallies.all()) this.#listsOf(scope).tallies.push(carriedTally(agent, tally))
    for (const [key, { before, now, window }] of contradictions) {
      const [scope, resource, agent, other] = split(key) as [string, string, string, string]
      this.#listsOf(scope).contradictions.push({ resource, agent, other, window, before, now })
    }
  }

  /** Scopes and shadows of scopes that anything is known of, sorted. */
  worlds(): readonly string[] {
    return [...new Set([...this.#resources.keys(), ...this.#pending.keys(), ...this.#lists.keys(), ...this.#reserved.keys()])].sort()
  }

  scopeOf(world: string): string {
    return scopeOfShadow(world) ?? world
  }

  /** Resources by name. */
  resourcesOf(world: string): readonly (readonly [string, ResourceState])[] {
    return (this.#resources.get(world) ?? []).sort(([a], [b]) => (a < b ? -1 : 1))
  }

  *of(world: string): Generator<ScopePart> {
    const scope = this.scopeOf(world)
    for (const each of (this.#pending.get(world) ?? []).sort((a, b) => (a.intentId < b.intentId ? -1 : 1)))
      yield { scope, type: 'IntentPending', payload: pendingPayload(each) }
    const isReserved = this.#reserved.has(world)
    const parts: ScopeCarried[] = [...chunksOf(sorted(this.#lists.get(world)))].map((lists) => ({ ...empty, ...lists }))
    parts.push(...resourceParts(this.resourcesOf(world)))
    if (parts.length === 0 && isReserved) parts.push(empty)
    for (const [index, part] of parts.entries())
      yield { scope, type: 'ScopeCarried', payload: { ...part, isShadow: scope !== world, hasReservations: isReserved && index === 0 } }
  }

  #listsOf(scope: string): Lists {
    let lists = this.#lists.get(scope)
    if (lists === undefined) {
      lists = { waiting: [], tallies: [], contradictions: [] }
      this.#lists.set(scope, lists)
    }
    return lists
  }
}

/** Resources alone. */
export function* resourceParts(resources: readonly (readonly [string, ResourceState])[]): Generator<ScopeCarried> {
  let changes: ResourceChange[] = []
  let histories: ResourceHistory[] = []
  let characters = 0
  for (const [name, resource] of resources) {
    const change = changeOf(name, resource)
    const history = {
      changes: pastOf(resource.lastChange),
      olderChanges: pastOf(resource.olderChange),
      influences: [...resource.influences],
    }
    const length = change.data.length + lengthOf(history)
    if (changes.length > 0 && (changes.length === most || characters + length > mostCharacters)) {
      yield { ...empty, changes, histories }
      changes = []
      histories = []
      characters = 0
    }
    changes.push(change)
    histories.push(history)
    characters += length
  }
  if (changes.length > 0) yield { ...empty, changes, histories }
}

/** Counts of pieces of work alone. */
export function* correlationParts(counts: ReadonlyMap<string, Count>): Generator<ScopeCarried> {
  const correlations = [...counts].map(([correlationId, count]) => ({ correlationId, ...count }))
  correlations.sort(by(({ correlationId }) => correlationId))
  for (let from = 0; from < correlations.length; from += most) yield { ...empty, correlations: correlations.slice(from, from + most) }
}

const empty: ScopeCarried = {
  isShadow: false,
  changes: [],
  histories: [],
  waiting: [],
  tallies: [],
  contradictions: [],
  correlations: [],
  hasReservations: false,
}

function split(key: string): string[] {
  return key.split('\u0000')
}

function add<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

/** Roughly, in characters; a change without its texts takes about 80. */
function lengthOf({ changes, influences, olderChanges }: ResourceHistory): number {
  let length = 0
  for (const { agent } of influences) length += 20 + agent.length
  for (const { action, agent, fields, intentId } of [...changes, ...olderChanges])
    length += 80 + intentId.length + agent.length + action.length + (fields ?? []).join('').length
  return length
}

/** As if the last change had made the resource: in this log, that is what it begins with. */
function changeOf(resource: string, { contractVersion, data, lastChange, state, timer, version }: ResourceState): ResourceChange {
  const { action, fields } = lastChange
  return { resource, action, contractVersion, fromVersion: 0, version, fromState: null, state, data, timer, fields }
}

function pastOf(newest: Change | null): PastChange[] {
  return changesOf(newest).map(({ action, agent, fields, index, intentId, offset, partition, time, version }) => ({
    event: { partition, offset, index },
    time,
    intentId,
    agent,
    action,
    version,
    fields,
  }))
}

function pendingPayload({
  agent,
  code,
  digest,
  escalation,
  intent,
  intentId,
  message,
  reason,
  resources,
  since,
  untilMs,
}: PendingIntent): IntentPending {
  return { intentId, agent, intent, digest, reason, code, message, resources, until: untilMs, escalation, since }
}

function carriedTally(agent: string, { breaker, ...counts }: Tally): CarriedTally {
  return { agent, ...counts, breaker: breaker === 'half-open' ? 'halfOpen' : breaker }
}

function by<Each>(keyOf: (each: Each) => string): (a: Each, b: Each) => number {
  return (a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)
}

function sorted(lists: Lists | undefined): Lists | null {
  if (lists === undefined) return null
  return {
    waiting: lists.waiting.sort(by(({ intentId }) => intentId)),
    tallies: lists.tallies.sort(by(({ agent }) => agent)),
    contradictions: lists.contradictions.sort(by(({ agent, other, resource }) => `${resource}\u0000${agent}\u0000${other}`)),
  }
}

function* chunksOf(lists: Lists | null): Generator<Lists> {
  if (lists === null) return
  const longest = Math.max(...Object.values(lists).map((list) => list.length))
  for (let from = 0; from < longest; from += most) {
    const to = from + most
    yield {
      waiting: lists.waiting.slice(from, to),
      tallies: lists.tallies.slice(from, to),
      contradictions: lists.contradictions.slice(from, to),
    }
  }
}
