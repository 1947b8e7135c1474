/**
 * From one intent to every decision that it touched: what it caused, what was decided on what it wrote, and so on. Walks
 * the log once, forwards: nothing can be touched by what comes after it in its own scope, and causes name what was there.
 */
import { type Contract, type ContractSet, changesIn, type Event, formatEventReference, type IntentCommitted } from '@signalbox/contract'
import { readEvents } from '@signalbox/event-log'
import type { Source } from '@signalbox/partition-state'

type Committed = Extract<Event, { readonly type: 'IntentCommitted' }>

/** How a decision was touched. */
export interface Touch {
  /** `caused`: it names the other as its cause. `built on`: it changed what the other had written. `read`: it stood on it. */
  readonly by: 'caused' | 'built on' | 'read'
  /** The intent that touched it. */
  readonly intentId: string
  /** What lies between them; null for a cause. */
  readonly resource: string | null
}

export interface TouchedDecision {
  readonly intentId: string
  readonly event: string
  readonly partition: number
  readonly time: number
  readonly scope: string
  readonly agent: string
  readonly changes: readonly {
    readonly resource: string
    readonly action: string
    readonly fromVersion: number
    readonly version: number
  }[]
  /** Why it is here; empty for the one that was asked about. */
  readonly touches: readonly Touch[]
  /** The escalation under which a human let it be: somebody has looked at it. */
  readonly verdict: string | null
  /** What its agent did in the world, as far as is reported. */
  readonly effects: readonly { readonly effectId: string; readonly state: string }[]
  readonly compensations: readonly Compensation[]
}

export interface Compensation {
  readonly scope: string
  readonly resource: string
  /** The action that the contract names to take it back; null where it names none. */
  readonly action: string | null
  /** What it would have to act on. */
  readonly expectedVersion: number
  /** Why it cannot simply be taken back; null where it can. */
  readonly obstacle: string | null
}

export interface BlastRadius {
  readonly root: string
  /** In log order, partition by partition; the root first. */
  readonly decisions: readonly TouchedDecision[]
  /** By scope: how far it got. */
  readonly scopes: readonly { readonly scope: string; readonly decisions: number }[]
}

/** Null where the intent was never committed. Reads the whole log: twice, where chains go back and forth between partitions. */
export async function blastRadius(source: Source, contracts: ContractSet, intentId: string): Promise<BlastRadius | null> {
  const walk = new Walk(contracts, intentId)
  // What a decision causes on another partition may be read before it: until nothing new is found.
  for (let before = -1; before !== walk.size; ) {
    before = walk.size
    for (let partition = 0; partition < source.log.partitionCount; partition++) {
      for await (const { event } of readEvents(source, partition)) walk.take(event)
    }
  }
  return walk.result()
}

interface Found {
  readonly event: Committed
  readonly touches: readonly Touch[]
}

class Walk {
  readonly #contracts: ContractSet
  readonly #root: string
  readonly #found = new Map<string, Found>()
  // Scope, resource and version that a touched decision wrote, with who wrote it.
  readonly #written = new Map<string, string>()
  // As of the last pass: how resources stand now, and effects.
  readonly #versions = new Map<string, { readonly version: number; readonly state: string }>()

  constructor(contracts: ContractSet, root: string) {
    this.#contracts = contracts
    this.#root = root
  }

  get size(): number {
    return this.#found.size
  }

  take(event: Event): void {
    for (const { resource, state, version } of changesIn(event)) this.#versions.set(`${event.scope}\u0000${resource}`, { version, state })
    if (event.type !== 'IntentCommitted') return
    const touches = this.#touches(event)
    const { intentId } = event.payload
    if (touches === null) return
    this.#found.set(intentId, { event, touches })
    for (const { resource, version } of event.payload.changes) this.#written.set(versionKey(event.scope, resource, version), intentId)
  }

  /** Null where nothing touches it. */
  #touches({ payload, scope }: Committed): readonly Touch[] | null {
    if (payload.intentId === this.#root) return []
    const touches: Touch[] = []
    const { causationId, reads = [] } = JSON.parse(payload.intent) as {
      causationId?: string
      reads?: readonly { resource: string; version: number }[]
    }
    if (causationId !== undefined && this.#found.has(causationId)) touches.push({ by: 'caused', intentId: causationId, resource: null })
    const acted = new Set<string>()
    for (const { fromVersion, resource } of payload.changes) {
      acted.add(resource)
      this.#touch(touches, 'built on', scope, resource, fromVersion)
    }
    for (const { resource, version } of reads) if (!acted.has(resource)) this.#touch(touches, 'read', scope, resource, version)
    return touches.length === 0 ? null : touches
  }

  #touch(touches: Touch[], by: Touch['by'], scope: string, resource: string, version: number): void {
    const intentId = this.#written.get(versionKey(scope, resource, version))
    if (intentId !== undefined) touches.push({ by, intentId, resource })
  }

  result(): BlastRadius | null {
    if (!this.#found.has(this.#root)) return null
    const found = [...this.#found.values()].sort((a, b) => order(a.event, b.event))
    const root = found.findIndex(({ event }) => event.payload.intentId === this.#root)
    const decisions = [...found.splice(root, 1), ...found].map((each) => this.#present(each))
    const scopes = [...Map.groupBy(decisions, ({ scope }) => scope)].map(([scope, inScope]) => ({ scope, decisions: inScope.length }))
    return { root: this.#root, decisions, scopes }
  }

  #present({ event, touches }: Found): TouchedDecision {
    const { agent, changes, intentId, verdict } = event.payload
    const asked = changes.filter(({ resource }) => this.#contractOf(resource) !== undefined)
    return {
      intentId,
      event: formatEventReference(event),
      partition: event.partition,
      time: event.time,
      scope: event.scope,
      agent,
      changes: changes.map(({ action, fromVersion, resource, version }) => ({ resource, action, fromVersion, version })),
      touches,
      verdict,
      effects: changes.flatMap(({ action, resource }) =>
        action === 'start' && resource.startsWith('effect/') ? [this.#effect(event.scope, resource)] : [],
      ),
      compensations: asked.map((change) => this.#compensation(event.scope, change)),
    }
  }

  #effect(scope: string, resource: string): TouchedDecision['effects'][number] {
    return { effectId: resource.slice('effect/'.length), state: this.#versions.get(`${scope}\u0000${resource}`)?.state ?? 'pending' }
  }

  #contractOf(resource: string): Contract | undefined {
    return this.#contracts.get(resource.slice(0, resource.indexOf('/')))
  }

  #compensation(scope: string, { action, resource, state, version }: IntentCommitted['changes'][number]): Compensation {
    const contract = this.#contractOf(resource)!
    const undo = contract.actions[action]?.undo ?? null
    const now = this.#versions.get(`${scope}\u0000${resource}`) ?? { version, state }
    const common = { scope, resource, action: undo, expectedVersion: now.version }
    if (undo === null) return { ...common, obstacle: `contract ${contract.type} names nothing that undoes ${action}` }
    const { from, input } = contract.actions[undo]!
    if (!from.includes(now.state)) return { ...common, obstacle: `it is ${now.state} now, and ${undo} starts from ${from.join(' or ')}` }
    if (now.version !== version)
      return {
        ...common,
        obstacle: `it has moved on since, to version ${now.version}: see first whether ${undo} still means what it should`,
      }
    if (input !== null && !input.safeParse({}).success) return { ...common, obstacle: `${undo} asks for input, which a person must give` }
    return { ...common, obstacle: null }
  }
}

function versionKey(scope: string, resource: string, version: number): string {
  return `${scope}\u0000${resource}\u0000${version}`
}

function order(a: Event, b: Event): number {
  return a.time - b.time || a.partition - b.partition || a.offset - b.offset || a.index - b.index
}
