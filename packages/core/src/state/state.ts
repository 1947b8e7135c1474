/**
 * The state of one partition: what its events say, and nothing else. Decisions that are not durable yet lie in layers
 * above the published state, one a batch: `begin` opens one, `publish` makes the oldest part of the published state once
 * its batch is durable, `drop` forgets all of them.
 */
import { type ContractRecord, type EventReference, type FlatObject, parseUuidV7 } from '@signalbox/contract'
import { CoordinationState, type Origin } from './coordination/coordination.ts'
import { parsedData } from './data-cache.ts'
import { readDigest } from './id-table.ts'
import { type AddedIds, type IdBucket, type RememberedDecision, type RememberedId, RememberedIds } from './identity.ts'
import type { Place, ResourceState } from './resource.ts'
import { Resources } from './resources.ts'

/** One batch that is not durable yet. What it changed in the resources is in three lists side by side. */
interface Layer {
  readonly places: Place[]
  readonly befores: (ResourceState | undefined)[]
  readonly afters: ResourceState[]
  readonly ids: { readonly added: AddedIds }
  contracts: readonly ContractRecord[]
  time: number
  nextOffset: number
}

/** What a partition's state must know of the limits, as it shapes what is remembered. */
export interface StateLimits {
  readonly identityHorizonMs: number
  readonly missed: number
  readonly windowMs: number
}

/** What a snapshot says of the partition as a whole. */
export interface RestoredPosition {
  readonly time: number
  readonly nextOffset: number
  readonly contracts: readonly ContractRecord[]
  readonly codes: readonly string[]
  readonly origin: Origin | null
}

interface ScratchDecision extends EventReference {
  readonly code: string | null
  readonly digest: string
}

export function resourceKey(scope: string, resource: string): string {
  return `${scope}\u0000${resource}`
}

export class PartitionState {
  readonly partition: number
  readonly limits: StateLimits
  /** Who waits, what is due, what is counted. */
  readonly coordination: CoordinationState
  readonly #ids: RememberedIds
  readonly #resources = new Resources()
  readonly #published: Layer
  readonly #layers: Layer[] = []
  // The id read last: `decide` asks about it and `evolve` remembers it, and it is parsed once for the two.
  readonly #idWords = new Uint32Array(4)
  #idText: string | null = null
  // Likewise the digest.
  readonly #digestWords = new Uint32Array(4)
  #digestText: string | null = null
  #top: Layer
  // The decisions that a scratch layer has made, by intent; null where none is open.
  #scratchIds: Map<string, ScratchDecision> | null = null

  constructor(partition: number, limits: StateLimits) {
    this.partition = partition
    this.limits = limits
    this.coordination = new CoordinationState(limits.windowMs)
    this.#ids = new RememberedIds(partition, limits.identityHorizonMs)
    this.#published = newLayer({ contracts: [], time: 0, nextOffset: 0 })
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

  /** Where the log was before, if it was somewhere else. */
  get origin(): Origin | null {
    return this.coordination.origin
  }

  /** Remembered ids and resources that are published. */
  get size(): { readonly ids: number; readonly resources: number } {
    let ids = this.#ids.size
    for (const layer of this.#layers) ids -= layer.ids.added.count
    return { ids, resources: this.#resources.publishedCount }
  }

  /** A resource by its key, see `resourceKey`; undefined where it does not exist. */
  resource(key: string): ResourceState | undefined {
    const end = key.indexOf('\u0000')
    return this.resourceIn(key.slice(0, end), key.slice(end + 1))
  }

  resourceIn(scope: string, resource: string): ResourceState | undefined {
    return this.#resources.find(scope, resource)?.newest
  }

  /** The data of a resource that exists, as a value of the caller's own. */
  dataIn(scope: string, resource: string): unknown {
    const place = this.#resources.find(scope, resource)!
    return parsedData(place.newest!.data, place.data)
  }

  /** Spares the next decision on a resource to parse its data. What the state says does not depend on it. */
  keepData(scope: string, resource: string, data: FlatObject): void {
    this.#resources.keepData(scope, resource, data)
  }

  /** Published resources as [key, state]; see `resourceKey`. */
  *resources(): IterableIterator<[string, ResourceState]> {
    for (const { published, resource, scope } of this.#resources.all())
      if (published !== undefined) yield [resourceKey(scope, resource), published]
  }

  /** The words of an intent's id, until the next id is read; null where it is no UUIDv7. */
  idWords(intentId: string): Uint32Array | null {
    if (intentId === this.#idText) return this.#idWords
    this.#idText = null
    if (!parseUuidV7(intentId, this.#idWords)) return null
    this.#idText = intentId
    return this.#idWords
  }

  /** The decision of an id, compared with the digest of a body. */
  decision(intentId: string, digest: string): RememberedDecision | undefined {
    const scratched = this.#scratchIds?.get(intentId)
    if (scratched !== undefined) {
      const { code, index, offset, partition } = scratched
      return { partition, offset, index, code, isSameBody: scratched.digest === digest }
    }
    const id = this.idWords(intentId)
    if (id === null) return undefined
    return this.#ids.find(id, this.#readDigest(digest))
  }

  // For `evolve` alone.

  setResource(scope: string, resource: string, after: ResourceState): void {
    const place = this.#resources.findOrAdd(scope, resource)
    if (this.#top === this.#published) this.#resources.publish(place, after)
    else {
      this.#top.places.push(place)
      this.#top.befores.push(place.newest)
      this.#top.afters.push(after)
    }
    const { timers } = this.coordination
    if (after.timer !== null) {
      const { action, due } = after.timer
      const running = place.newest?.timer
      if (running?.due !== due || running.action !== action)
        timers.set(resourceKey(scope, resource), { dueMs: due, scope, resource, intentId: null, action })
    } else if (place.newest?.timer != null) timers.end(resourceKey(scope, resource))
    place.newest = after
  }

  remember(intentId: string, digest: string, event: EventReference, code: string | null): void {
    if (this.#scratchIds !== null) {
      const { index, offset, partition } = event
      if (!this.#scratchIds.has(intentId)) this.#scratchIds.set(intentId, { partition, offset, index, code, digest })
      return
    }
    const id = this.idWords(intentId)
    if (id === null) return
    this.#ids.remember(id, this.#readDigest(digest), event, code, this.#top === this.#published ? undefined : this.#top.ids)
  }

  #readDigest(digest: string): Uint32Array {
    if (digest !== this.#digestText) {
      readDigest(digest, this.#digestWords)
      this.#digestText = digest
    }
    return this.#digestWords
  }

  advance(offset: number, time: number): void {
    const top = this.#top
    if (offset >= top.nextOffset) top.nextOffset = offset + 1
    if (time > top.time) top.time = time
    if (top === this.#published) this.#forget(top.time)
  }

  #forget(timeMs: number): void {
    this.#ids.forget(timeMs)
    this.coordination.tidy(timeMs)
  }

  setContracts(contracts: readonly ContractRecord[]): void {
    this.#top.contracts = contracts
  }

  // For what is carried over from other topics, before anything is decided here.

  setOrigin(origin: Origin): void {
    this.coordination.setOrigin(origin)
    this.#top.nextOffset = Math.max(this.#top.nextOffset, origin.begins.at(-1)!)
  }

  rememberCarried({ code, digest, id, ...event }: RememberedId): void {
    this.#ids.remember(id, digest, event, code, this.#top === this.#published ? undefined : this.#top.ids)
  }

  allIds(): IterableIterator<RememberedId> {
    return this.#ids.all()
  }

  // For snapshots alone.

  get rememberedCodes(): readonly string[] {
    return this.#ids.codes
  }

  idBuckets(): IterableIterator<IdBucket> {
    if (this.#layers.length > 0)
      throw new Error('ids of layers that are not durable must not get into a snapshot; this is a bug in Signalbox')
    return this.#ids.buckets()
  }

  restorePosition({ codes, contracts, nextOffset, origin, time }: RestoredPosition): void {
    this.#ids.restoreCodes(codes)
    if (origin !== null) this.coordination.setOrigin(origin)
    Object.assign(this.#published, { contracts, nextOffset, time })
  }

  restoreIds(bucket: IdBucket): void {
    this.#ids.restoreBucket(bucket)
    this.#ids.forget(this.time)
  }

  // The layers.

  begin(): void {
    this.coordination.begin()
    this.#top = newLayer(this.#top)
    this.#layers.push(this.#top)
  }

  /**
   * Runs `work` in a layer that is forgotten after it: what it changes is seen by `work` alone. Ids lie beside the table
   * meanwhile, as taking them out of it again takes long.
   */
  scratch<Result>(work: () => Result): Result {
    if (this.#scratchIds !== null) throw new Error('a scratch layer in a scratch layer; this is a bug in Signalbox')
    this.begin()
    this.#scratchIds = new Map()
    try {
      return work()
    } finally {
      this.#scratchIds = null
      this.dropNewest()
    }
  }

  /** Makes the oldest layer part of the published state: its batch is durable. */
  publish(): void {
    const layer = this.#layers.shift()
    if (layer === undefined) throw new Error('publish without a layer: a batch was reported durable twice; this is a bug in Signalbox')
    for (let index = 0; index < layer.places.length; index++) this.#resources.publish(layer.places[index]!, layer.afters[index]!)
    const published = this.#published
    published.contracts = layer.contracts
    published.time = layer.time
    published.nextOffset = layer.nextOffset
    this.coordination.publishOldest()
    if (this.#layers.length === 0) this.#top = published
    this.#forget(published.time)
  }

  /** Forgets every layer: their batches will never be durable, or nobody knows. */
  drop(): void {
    while (this.#layers.length > 0) this.dropNewest()
  }

  /** Forgets the newest layer alone, as a dry run does. */
  dropNewest(): void {
    const layer = this.#layers.pop()
    if (layer === undefined) return
    this.coordination.dropNewest()
    // Backwards, so that a resource which the layer changed twice ends as it was before the first change.
    for (let index = layer.places.length - 1; index >= 0; index--) this.#resources.revert(layer.places[index]!, layer.befores[index])
    this.#ids.remove(layer.ids.added)
    this.#top = this.#layers.at(-1) ?? this.#published
  }
}

function newLayer({ contracts, nextOffset, time }: Pick<Layer, 'contracts' | 'nextOffset' | 'time'>): Layer {
  return { places: [], befores: [], afters: [], ids: { added: { count: 0, sizesBefore: new Map() } }, contracts, time, nextOffset }
}
