/**
 * The state of one partition: what its events say, and nothing else. Decisions that are not durable yet lie in layers
 * above the published state, one a batch: `begin` opens one, `publish` merges the oldest once its batch is durable,
 * `drop` forgets all of them.
 */
import type { ContractRecord } from '@signalbox/contract'
import { type RememberedDecision, RememberedIds } from './identity.ts'

/** A commit to a resource, as far as others are told of it. The newest first, bounded. */
export interface Change {
  /** Source offset and index of the commit event. */
  readonly offset: number
  readonly index: number
  readonly time: number
  readonly intentId: string
  readonly agent: string
  readonly action: string
  readonly version: number
  readonly previous: Change | null
  /** How many changes hang below this one. */
  readonly depth: number
}

export interface ResourceState {
  readonly version: number
  readonly state: string
  /** A JSON object in RFC 8785 form. Kept as text: compact, and no contract code can change it by accident. */
  readonly data: string
  readonly contractVersion: number
  readonly lastChange: Change
}

interface Layer {
  readonly resources: Map<string, ResourceState>
  readonly decisions: Map<string, RememberedDecision>
  contracts: readonly ContractRecord[]
  time: number
  nextOffset: number
}

/** What a partition's state must know of the limits, as it shapes what is remembered. */
export interface StateLimits {
  readonly identityHorizonMs: number
  readonly missed: number
}

export function resourceKey(scope: string, resource: string): string {
  return `${scope}\u0000${resource}`
}

export class PartitionState {
  readonly partition: number
  readonly limits: StateLimits
  readonly #ids: RememberedIds
  readonly #published: Layer
  readonly #layers: Layer[] = []
  #top: Layer

  constructor(partition: number, limits: StateLimits) {
    this.partition = partition
    this.limits = limits
    this.#ids = new RememberedIds(limits.identityHorizonMs)
    this.#published = { resources: new Map(), decisions: new Map(), contracts: [], time: 0, nextOffset: 0 }
    this.#top = this.#published
  }

  /** Logical time: the highest append time seen. Milliseconds since 1970, UTC. */
  get time(): number {
    return this.#top.time
  }

  /** The source offset after the highest that has a decision. */
  get nextOffset(): number {
    return this.#top.nextOffset
  }

  /** The contracts that the last PartitionOpened recorded. */
  get contracts(): readonly ContractRecord[] {
    return this.#top.contracts
  }

  /** Remembered ids and resources that are published. */
  get size(): { readonly ids: number; readonly resources: number } {
    return { ids: this.#ids.size, resources: this.#published.resources.size }
  }

  resource(key: string): ResourceState | undefined {
    for (let index = this.#layers.length - 1; index >= 0; index--) {
      const resource = this.#layers[index]!.resources.get(key)
      if (resource !== undefined) return resource
    }
    return this.#published.resources.get(key)
  }

  /** Published resources as [key, state]; see `resourceKey`. */
  resources(): IterableIterator<[string, ResourceState]> {
    return this.#published.resources.entries()
  }

  /** `words` is the id as `parseUuidV7` reads it. */
  decision(intentId: string, words: Uint32Array): RememberedDecision | undefined {
    for (let index = this.#layers.length - 1; index >= 0; index--) {
      const decision = this.#layers[index]!.decisions.get(intentId)
      if (decision !== undefined) return decision
    }
    return this.#ids.find(words)
  }

  // For `evolve` alone.

  setResource(key: string, resource: ResourceState): void {
    this.#top.resources.set(key, resource)
  }

  remember(intentId: string, decision: RememberedDecision): void {
    if (this.#top === this.#published) this.#ids.remember(intentId, decision)
    else this.#top.decisions.set(intentId, decision)
  }

  advance(offset: number, time: number): void {
    this.#top.nextOffset = Math.max(this.#top.nextOffset, offset + 1)
    if (time > this.#top.time) this.#top.time = time
    if (this.#top === this.#published) this.#ids.forget(this.#top.time)
  }

  setContracts(contracts: readonly ContractRecord[]): void {
    this.#top.contracts = contracts
  }

  // The layers.

  begin(): void {
    const { contracts, time, nextOffset } = this.#top
    this.#top = { resources: new Map(), decisions: new Map(), contracts, time, nextOffset }
    this.#layers.push(this.#top)
  }

  /** Merges the oldest layer: its batch is durable. */
  publish(): void {
    const layer = this.#layers.shift()
    if (layer === undefined) throw new Error('publish without a layer: a batch was reported durable twice; this is a bug in Signalbox')
    const published = this.#published
    for (const [key, resource] of layer.resources) published.resources.set(key, resource)
    for (const [intentId, decision] of layer.decisions) this.#ids.remember(intentId, decision)
    published.contracts = layer.contracts
    published.time = layer.time
    published.nextOffset = layer.nextOffset
    this.#ids.forget(published.time)
    if (this.#layers.length === 0) this.#top = published
  }

  /** Forgets every layer: their batches will never be durable, or nobody knows. */
  drop(): void {
    this.#layers.length = 0
    this.#top = this.#published
  }

  /** Forgets the newest layer alone, as a dry run does. */
  dropNewest(): void {
    this.#layers.pop()
    this.#top = this.#layers.at(-1) ?? this.#published
  }
}
