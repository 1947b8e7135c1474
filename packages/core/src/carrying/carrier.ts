/**
 * Writes what the states of a log's partitions hold as the first events of another log, with other partitions. Scopes are sorted out by
 * `partitionOf`; what concerns a whole partition goes to each new one that may get a scope of it. The states must be closed: what is
 * decided after they were read is not in the new log.
 */
import {
  type AgentData,
  type Event,
  homeScope,
  isSystemScope,
  type LastQuarantine,
  type PartitionCarried,
  partitionOf,
  systemScope,
} from '@signalbox/contract'
import { type Count, summed } from '../state/coordination/windows.ts'
import type { ResourceState } from '../state/resource.ts'
import type { PartitionState } from '../state/state.ts'
import { CarriedIds } from './carried-ids.ts'
import { correlationParts, resourceParts, ScopeEvents } from './scope-events.ts'

export interface Carrying {
  /** Where the states are from: on Kafka, the topic prefix. */
  readonly from: string
  readonly fromPartitions: number
  readonly toPartitions: number
  /** Where source offsets began in every log, oldest first, and last where they begin in the new one: above all that there were. */
  readonly begins: readonly number[]
  /** The latest logical time of all states: what is carried over is of this moment. */
  readonly timeMs: number
}

/** What holds for an agent everywhere must be said on a partition: its home scope says something else. */
export interface QuarantineGap {
  readonly partition: number
  readonly agent: string
  readonly action: 'quarantine' | 'release'
  readonly reason: string
  readonly taintedSinceMs: number | null
}

const idsAnEvent = 4_000
const linksAnEvent = 1_000
const agentsAnEvent = 500

type Payload = Event['payload']

export class Carrier {
  readonly #carrying: Carrying
  readonly #targets: Target[]
  // Agents as their home scopes have them.
  readonly #homes = new Map<string, ResourceState>()

  constructor(carrying: Carrying) {
    this.#carrying = carrying
    this.#targets = Array.from({ length: carrying.toPartitions }, (_, partition) => new Target(carrying, partition))
  }

  /** The events of one partition's state, in the order in which they go to theirs. Throws RangeError for a state that cannot be carried. */
  *take(state: PartitionState): Generator<Event> {
    const { fromPartitions, timeMs, toPartitions } = this.#carrying
    // What says nothing any more at that time would be forgotten by some who read the new log, and not by others.
    state.coordination.tidy(timeMs)
    const stuck = [...state.coordination.pending.all()].find(({ scope }) => isSystemScope(scope))
    if (stuck !== undefined)
      throw new RangeError(
        `intent ${stuck.intentId} is pending in ${stuck.scope}, a scope that another log does not have; withdraw it first`,
      )
    const fed = this.#targets.filter(({ partition }) => feeds(state.partition, partition, fromPartitions, toPartitions))
    for (const target of fed) yield* target.begin(state)
    const scopes = new ScopeEvents(state)
    for (const world of scopes.worlds()) {
      if (isSystemScope(world)) continue
      for (const [agent, resource] of agentsIn(scopes, world)) if (world === homeScope(agent)) this.#homes.set(agent, resource)
      const target = this.#targets[partitionOf(scopes.scopeOf(world), toPartitions)]!
      for (const part of scopes.of(world)) yield target.event(part.scope, part.type, part.payload)
    }
    for (const [agent, resource] of agentsIn(scopes, systemScope(state.partition, fromPartitions)))
      for (const target of fed) target.noteAgent(agent, resource)
    yield* this.#ids(state, fed)
  }

  /** Once every state was taken: what ends each new partition's beginning. */
  *finish(): Generator<Event> {
    for (const target of this.#targets) yield* target.end()
  }

  /** Quarantines that were on their way when the log was closed; to be asked for in the new one. */
  quarantineGaps(): readonly QuarantineGap[] {
    return this.#targets.flatMap((target) => [...this.#homes].flatMap(([agent, home]) => target.gapOf(agent, home) ?? []))
  }

  *#ids(state: PartitionState, fed: readonly Target[]): Generator<Event> {
    const emit = function* (ids: CarriedIds): Generator<Event> {
      for (const target of fed) yield target.partitionEvent({ codes: ids.codes, ids: ids.text })
    }
    let ids = new CarriedIds()
    for (const id of state.allIds()) {
      ids.add(id)
      if (ids.count < idsAnEvent) continue
      yield* emit(ids)
      ids = new CarriedIds()
    }
    if (ids.count > 0) yield* emit(ids)
  }
}

/** Whether a scope of one partition may lie on the other: where hash % from and hash % to can come from one hash. */
export function feeds(from: number, to: number, fromPartitions: number, toPartitions: number): boolean {
  let [divisor, rest] = [fromPartitions, toPartitions]
  while (rest !== 0) [divisor, rest] = [rest, divisor % rest]
  return (from - to) % divisor === 0
}

const agentPrefix = 'agent/'

function agentsIn(scopes: ScopeEvents, world: string): readonly (readonly [string, ResourceState])[] {
  return scopes
    .resourcesOf(world)
    .flatMap(([name, resource]) => (name.startsWith(agentPrefix) ? [[name.slice(agentPrefix.length), resource] as const] : []))
}

/** A partition of the new log. */
class Target {
  readonly partition: number
  readonly #carrying: Carrying
  readonly #agents = new Map<string, ResourceState>()
  readonly #lastQuarantines: LastQuarantine[] = []
  // A piece of work may go on in any of them.
  readonly #correlations = new Map<string, Count>()
  #index = 0

  constructor(carrying: Carrying, partition: number) {
    this.#carrying = carrying
    this.partition = partition
  }

  /** What a state gives to each partition that it feeds. */
  *begin(state: PartitionState): Generator<Event> {
    const { chain, correlations, lastQuarantines } = state.coordination
    for (const [id, count] of correlations) this.#correlations.set(id, summed(this.#correlations.get(id), count))
    for (const [agent, events] of [...lastQuarantines].sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (const { index, offset, partition } of events) this.#lastQuarantines.push({ agent, event: { partition, offset, index } })
    }
    if (this.#index === 0) yield this.partitionEvent({ contracts: state.contracts })
    const links = [...chain].map(([intentId, { depth, timeMs }]) => ({ intentId, depth, time: timeMs }))
    links.sort((a, b) => (a.intentId < b.intentId ? -1 : 1))
    for (let from = 0; from < links.length; from += linksAnEvent)
      yield this.partitionEvent({ links: links.slice(from, from + linksAnEvent) })
  }

  /** The partitions before may say different things, where a quarantine was on its way: then what holds back goes before what lets go. */
  noteAgent(agent: string, resource: ResourceState): void {
    const known = this.#agents.get(agent)
    const isQuarantined = ({ state }: ResourceState) => Number(state === 'quarantined')
    const order =
      known === undefined ? 1 : isQuarantined(resource) - isQuarantined(known) || resource.lastChange.time - known.lastChange.time
    if (order > 0) this.#agents.set(agent, resource)
  }

  *end(): Generator<Event> {
    const agents = [...this.#agents].sort(([a], [b]) => (a < b ? -1 : 1))
    const scope = systemScope(this.partition, this.#carrying.toPartitions)
    for (const part of resourceParts(agents.map(([agent, resource]) => [agentPrefix + agent, resource])))
      yield this.event(scope, 'ScopeCarried', part)
    for (const part of correlationParts(this.#correlations)) yield this.event(scope, 'ScopeCarried', part)
    const quarantines = agents.flatMap(([agent, { data, state }]) => {
      if (state !== 'quarantined') return []
      const { reason, sinceMs, taintedSinceMs } = JSON.parse(data) as AgentData
      return [{ agent, reason, since: sinceMs, taintedSince: taintedSinceMs }]
    })
    for (let from = 0; from < Math.max(quarantines.length, this.#lastQuarantines.length); from += agentsAnEvent) {
      const to = from + agentsAnEvent
      yield this.partitionEvent({ quarantines: quarantines.slice(from, to), lastQuarantines: this.#lastQuarantines.slice(from, to) })
    }
    yield this.partitionEvent({ isLast: true })
  }

  gapOf(agent: string, home: ResourceState): QuarantineGap | null {
    const here = this.#agents.get(agent)
    const { reason, taintedSinceMs } = JSON.parse(home.data) as AgentData
    if (home.state !== 'quarantined')
      return here?.state === 'quarantined' ? { partition: this.partition, agent, action: 'release', reason, taintedSinceMs: null } : null
    if (here?.state === 'quarantined') {
      const known = JSON.parse(here.data) as AgentData
      if (known.reason === reason && known.taintedSinceMs === taintedSinceMs) return null
    }
    return { partition: this.partition, agent, action: 'quarantine', reason, taintedSinceMs }
  }

  partitionEvent(part: Partial<PartitionCarried>): Event {
    const { begins, from, fromPartitions } = this.#carrying
    const nothing = { contracts: [], quarantines: [], lastQuarantines: [], links: [], codes: [''], ids: '', isLast: false }
    return this.event('', 'PartitionCarried', { from, fromPartitions, begins, ...nothing, ...part })
  }

  event(scope: string, type: Event['type'], payload: Payload): Event {
    const { timeMs: time } = this.#carrying
    return { partition: this.partition, offset: -1, index: this.#index++, time, scope, type, payload } as Event
  }
}
