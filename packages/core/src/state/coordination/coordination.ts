/** What a partition's state holds beside resources and ids: who waits, what is due, what is counted, who is in quarantine. */
import { agentKey, type EventReference } from '@signalbox/contract'
import { Journal } from './journal.ts'
import { PendingIntents } from './pending.ts'
import { Tallies } from './tallies.ts'
import { Timers } from './timers.ts'
import { type Count, isOver, windowOf } from './windows.ts'

/** An agent that may commit nothing on this partition. */
export interface Quarantine {
  readonly reason: string
  readonly sinceMs: number
  /** What it wrote from then on is not to be trusted; null: nothing is known to be wrong. */
  readonly taintedSinceMs: number | null
}

/** Why nothing more is decided on a partition. */
export interface Closed {
  /** Where the log goes on. */
  readonly next: string
  readonly by: string
  readonly reason: string
  readonly sinceMs: number
}

/** Where the log of a partition was before it came here. */
export interface Origin {
  /** On Kafka, the topic prefix. */
  readonly generation: string
  readonly partitions: number
  /** Where source offsets began: in each log that this one goes on from, oldest first, and last here. */
  readonly begins: readonly number[]
  /** Whether all that was to be carried over is here: nothing may be decided before. */
  readonly isWhole: boolean
}

/** How far an intent is from the first of its chain. */
export interface Link {
  readonly depth: number
  readonly timeMs: number
}

/** That a piece of work asks too much. */
export interface Exhausted {
  readonly count: number
  readonly untilMs: number
}

/** What a partition has counted of a piece of work. */
export interface Told {
  readonly count: number
  readonly timeMs: number
}

/** Chains are followed over pauses of up to so long. */
const chainHorizonMs = 3_600_000

export class CoordinationState {
  readonly #journal = new Journal()
  readonly #windowMs: number
  readonly timers = new Timers(this.#journal)
  readonly pending = new PendingIntents(this.#journal)
  readonly tallies: Tallies
  // By agent, as `agentKey` has it; so are the next.
  readonly #quarantines = new Map<string, Quarantine>()
  // By agent, in quarantine or out of it again: what it held before then is not its own any more.
  readonly #lastQuarantines = new Map<string, readonly EventReference[]>()
  readonly #closed = new Map<'closed', Closed>()
  readonly #origin = new Map<'origin', Origin>()
  // By scope, resource, who ran into it and whose commit it was.
  readonly #contradictions = new Map<string, Count>()
  // By correlation, of intents that are caused by others or belong to their work, in all scopes of the partition.
  readonly #correlations = new Map<string, Count>()
  // By correlation and partition: what other partitions have told this one, which is the home of the correlation.
  readonly #told = new Map<string, Told>()
  // By correlation.
  readonly #exhausted = new Map<string, Exhausted>()
  // By intent.
  readonly #chain = new Map<string, Link>()
  // Scopes in which anything was ever reserved.
  readonly #reservedScopes = new Map<string, true>()
  #tidiedWindow = 0

  constructor(windowMs: number) {
    this.#windowMs = windowMs
    this.tallies = new Tallies(this.#journal, windowMs)
  }

  get quarantines(): ReadonlyMap<string, Quarantine> {
    return this.#quarantines
  }

  quarantineOf(agent: string): Quarantine | undefined {
    return this.#quarantines.size === 0 ? undefined : this.#quarantines.get(agentKey(agent))
  }

  setQuarantine(agent: string, quarantine: Quarantine | undefined): void {
    this.#journal.set(this.#quarantines, agentKey(agent), quarantine)
  }

  /** One an agent; of a log that was in other topics before, the last one on each partition there until there is one here. */
  get lastQuarantines(): ReadonlyMap<string, readonly EventReference[]> {
    return this.#lastQuarantines
  }

  setLastQuarantine(agent: string, event: EventReference): void {
    this.#journal.set(this.#lastQuarantines, agentKey(agent), [event])
  }

  /** Of a log that was in other topics before. */
  addLastQuarantine(agent: string, event: EventReference): void {
    const key = agentKey(agent)
    this.#journal.set(this.#lastQuarantines, key, [...(this.#lastQuarantines.get(key) ?? []), event])
  }

  /** Whether what an agent got hold of there (a lease, a claim) has ended with a quarantine: its end does not bring it back. */
  isForfeit(agent: string, held: EventReference): boolean {
    return this.#lastQuarantines.get(agentKey(agent))?.some((last) => isLater(last, held, this.origin?.begins ?? [])) ?? false
  }

  /** Where the log was before; null where it was nowhere else. */
  get origin(): Origin | null {
    return this.#origin.get('origin') ?? null
  }

  setOrigin(origin: Origin): void {
    this.#journal.set(this.#origin, 'origin', origin)
  }

  /** Whether nothing more is decided on the partition, and why. */
  get closed(): Closed | null {
    return this.#closed.get('closed') ?? null
  }

  setClosed(closed: Closed | null): void {
    this.#journal.set(this.#closed, 'closed', closed ?? undefined)
  }

  get reservedScopes(): ReadonlyMap<string, true> {
    return this.#reservedScopes
  }

  noteReservation(scope: string): void {
    if (!this.#reservedScopes.has(scope)) this.#journal.set(this.#reservedScopes, scope, true)
  }

  get contradictions(): ReadonlyMap<string, Count> {
    return this.#contradictions
  }

  setContradictions(key: string, count: Count): void {
    this.#journal.set(this.#contradictions, key, count)
  }

  get correlations(): ReadonlyMap<string, Count> {
    return this.#correlations
  }

  setCorrelation(correlationId: string, count: Count): void {
    this.#journal.set(this.#correlations, correlationId, count)
  }

  get told(): ReadonlyMap<string, Told> {
    return this.#told
  }

  /** What a partition has counted of a correlation; 0 where it told nothing within the window. */
  toldBy(partition: number, correlationId: string, nowMs: number): number {
    const told = this.#told.get(toldKey(partition, correlationId))
    return told === undefined || told.timeMs <= nowMs - this.#windowMs ? 0 : told.count
  }

  setTold(key: string, told: Told): void {
    this.#journal.set(this.#told, key, told)
  }

  get exhausted(): ReadonlyMap<string, Exhausted> {
    return this.#exhausted
  }

  /** Whether a correlation has asked too much of all partitions together. */
  exhaustion(correlationId: string, nowMs: number): Exhausted | undefined {
    const exhausted = this.#exhausted.get(correlationId)
    return exhausted === undefined || exhausted.untilMs <= nowMs ? undefined : exhausted
  }

  setExhausted(correlationId: string, exhausted: Exhausted): void {
    this.#journal.set(this.#exhausted, correlationId, exhausted)
  }

  link(intentId: string, nowMs: number): Link | undefined {
    const link = this.#chain.get(intentId)
    return link === undefined || this.#isForgotten(link, nowMs) ? undefined : link
  }

  // By whole windows, so that it is all the same when in a window the state is tidied.
  #isForgotten({ timeMs }: Link, nowMs: number): boolean {
    return windowOf(timeMs, this.#windowMs) < windowOf(nowMs - chainHorizonMs, this.#windowMs)
  }

  get chain(): ReadonlyMap<string, Link> {
    return this.#chain
  }

  setLink(intentId: string, link: Link): void {
    this.#journal.set(this.#chain, intentId, link)
  }

  begin(): void {
    this.#journal.begin()
  }

  publishOldest(): void {
    this.#journal.publishOldest()
  }

  dropNewest(): void {
    this.#journal.dropNewest()
  }

  /**
   * Forgets what says nothing any more at the published time: whoever asks would be told the same without it. What an open
   * layer changed is newer than that, so that dropping the layer brings back nothing that is missed.
   */
  tidy(timeMs: number): void {
    const window = windowOf(timeMs, this.#windowMs)
    if (window <= this.#tidiedWindow) return
    this.#tidiedWindow = window
    this.tallies.tidy(timeMs)
    for (const counts of [this.#contradictions, this.#correlations])
      for (const [key, count] of counts) if (isOver(count, timeMs, this.#windowMs)) counts.delete(key)
    for (const [key, told] of this.#told) if (windowOf(told.timeMs, this.#windowMs) < window - 1) this.#told.delete(key)
    for (const [id, { untilMs }] of this.#exhausted) if (windowOf(untilMs, this.#windowMs) < window) this.#exhausted.delete(id)
    for (const [intentId, link] of this.#chain) if (this.#isForgotten(link, timeMs)) this.#chain.delete(intentId)
  }
}

/** Source offsets rise within a partition, and from log to log. Of two partitions of one log, neither is later. */
function isLater(event: EventReference, than: EventReference, begins: readonly number[]): boolean {
  if (event.partition !== than.partition) {
    const logOf = ({ offset }: EventReference) => begins.filter((begin) => begin <= offset).length
    return logOf(event) > logOf(than)
  }
  return event.offset > than.offset || (event.offset === than.offset && event.index > than.index)
}

export function contradictionKey(scope: string, resource: string, agent: string, other: string): string {
  return `${scope}\u0000${resource}\u0000${agentKey(agent)}\u0000${agentKey(other)}`
}

export function toldKey(partition: number, correlationId: string): string {
  return `${partition} ${correlationId}`
}
