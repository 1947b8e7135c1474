/** Keeps rows in memory: the reference, and what a test folds into. Every call is done in one go, so nothing lies between. */
import { ProjectionError } from '@signalbox/projection'
import {
  type Batch,
  beginning,
  compareKeys,
  type Mutation,
  type NewGeneration,
  type PageQuery,
  type PartitionPosition,
  type PartitionsInFront,
  type ProjectionStore,
  type ProjectionWriter,
  type Release,
  type Snapshot,
  type StoredGeneration,
  type StoredParkedEvent,
  type StoredProjection,
  type StoredRequest,
} from './store.ts'
import {
  fencedError,
  missingGeneration,
  missingTable,
  notCaughtUp,
  partitionsMoved,
  positionMoved,
  supersededError,
} from './store-errors.ts'

interface Generation {
  readonly about: Omit<StoredGeneration, 'state' | 'positions' | 'parkedCount'>
  state: StoredGeneration['state']
  readonly positions: PartitionPosition[]
  readonly tables: Map<string, Map<string, string>>
  parked: (StoredParkedEvent & { readonly isAnnounced: boolean })[]
}

interface Kept {
  live: number | null
  readonly generations: Map<number, Generation>
  readonly reactions: number[]
  nextGeneration: number
}

export class MemoryStore implements ProjectionStore {
  readonly name = 'memory'
  readonly #kept = new Map<string, Kept>()
  readonly #owners = new Map<string, { epoch: number; isHeld: boolean }>()
  readonly #requests: StoredRequest[] = []
  #sequence = 0
  #isClosed = false

  async own(projection: string, version: number): Promise<ProjectionWriter | null> {
    this.#checkOpen()
    const owned = `${projection}@${version}`
    const owner = this.#owners.get(owned) ?? { epoch: 0, isHeld: false }
    this.#owners.set(owned, owner)
    if (owner.isHeld) return null
    owner.isHeld = true
    return this.#writer(projection, owned, owner, ++owner.epoch)
  }

  /** As if the owner had died: the next one gets it, and this one is fenced. */
  expire(projection: string, version: number): void {
    const owner = this.#owners.get(`${projection}@${version}`)
    if (owner !== undefined) owner.isHeld = false
  }

  async projections(): Promise<readonly StoredProjection[]> {
    return [...this.#kept.keys()].sort(compareKeys).map((name) => this.#describe(name)!)
  }

  async projection(name: string): Promise<StoredProjection | null> {
    return this.#describe(name)
  }

  async snapshot<Result>(name: string, generation: number | null, ask: (snapshot: Snapshot) => Promise<Result>): Promise<Result> {
    this.#checkOpen()
    const kept = this.#kept.get(name)
    const number = generation ?? kept?.live ?? null
    const found = number === null ? undefined : kept?.generations.get(number)
    if (found === undefined) throw missingGeneration(name, generation)
    // Copied whole: of this moment, whatever is written while it is asked.
    const tables = new Map([...found.tables].map(([table, rows]) => [table, new Map(rows)]))
    const parked = [...found.parked]
    const of = (table: string): ReadonlyMap<string, string> => {
      const rows = tables.get(table)
      if (rows === undefined) throw missingTable(name, table, found.about.tables)
      return rows
    }
    return await ask({
      generation: describe(found),
      row: async (table, key) => of(table).get(key) ?? null,
      rows: async (table, query) => page(of(table), query),
      parked: async ({ after, key, limit }) =>
        parked.filter((each) => each.sequence > (after ?? -1) && (key === undefined || each.key === key)).slice(0, limit),
    })
  }

  async ask(projection: string, kind: StoredRequest['kind'], argument: string | null): Promise<number> {
    this.#checkOpen()
    this.#requests.push({ id: this.#requests.length + 1, projection, kind, argument, state: 'asked', message: null })
    return this.#requests.length
  }

  async request(id: number): Promise<StoredRequest | null> {
    return this.#requests[id - 1] ?? null
  }

  async open(projection: string): Promise<readonly StoredRequest[]> {
    return this.#requests.filter((each) => each.projection === projection && (each.state === 'asked' || each.state === 'running'))
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new ProjectionError('CLOSED', 'the store is closed; open it again to go on')
  }

  #describe(name: string): StoredProjection | null {
    const kept = this.#kept.get(name)
    if (kept === undefined) return null
    return { name, live: kept.live, generations: [...kept.generations.values()].map(describe), reactions: [...kept.reactions] }
  }

  #writer(projection: string, owned: string, owner: { epoch: number; isHeld: boolean }, epoch: number): ProjectionWriter {
    const check = (): void => {
      this.#checkOpen()
      if (owner.epoch !== epoch || !owner.isHeld) throw fencedError(owned)
    }
    const kept = (): Kept => this.#kept.get(projection)!
    const writable = (number: number): Generation => {
      check()
      const found = this.#kept.get(projection)?.generations.get(number)
      if (found === undefined || found.state === 'retired') throw supersededError(projection, number)
      return found
    }
    return {
      epoch,
      createGeneration: async (generation) => {
        check()
        return this.#create(projection, generation)
      },
      parkedKeys: async (number) => {
        const keys = new Map<string, { first: string; count: number }>()
        for (const { key, reference } of writable(number).parked) {
          const found = keys.get(key)
          keys.set(key, { first: found?.first ?? reference, count: (found?.count ?? 0) + 1 })
        }
        return keys
      },
      load: async (number, table, keys) => {
        const rows = writable(number).tables.get(table)
        return new Map(keys.flatMap((key) => (rows?.has(key) === true ? [[key, rows.get(key)!] as const] : [])))
      },
      commit: async (batch) => this.#commit(projection, writable(batch.generation), batch),
      release: async (release) => this.#release(projection, writable(release.generation), release),
      unannounced: async (number, limit) =>
        writable(number)
          .parked.filter(({ isAnnounced }) => !isAnnounced)
          .slice(0, limit),
      announced: async (number, sequences) => {
        const found = writable(number)
        found.parked = found.parked.map((each) => (sequences.includes(each.sequence) ? { ...each, isAnnounced: true } : each))
      },
      swap: async (number) => this.#swap(projection, kept(), writable(number)),
      drop: async (number) => {
        check()
        if (kept().live !== number) kept().generations.delete(number)
      },
      reacted: async (partition, logOffset) => {
        check()
        kept().reactions[partition] = logOffset
      },
      putInFront: async (partitions) => {
        check()
        this.#putInFront(projection, owned, partitions)
      },
      settle: async (request, state, message) => {
        check()
        this.#requests[request - 1] = { ...this.#requests[request - 1]!, state, message }
      },
      close: async () => {
        if (owner.epoch === epoch) owner.isHeld = false
      },
    }
  }

  #create(projection: string, { fingerprint, partitionCount, reactFrom, tables, version }: NewGeneration): StoredGeneration {
    const kept = this.#kept.get(projection) ?? { live: null, generations: new Map(), reactions: [...reactFrom], nextGeneration: 1 }
    this.#kept.set(projection, kept)
    const number = kept.nextGeneration++
    const generation: Generation = {
      about: { generation: number, version, fingerprint, tables, createdMs: Date.now() },
      state: kept.live === null ? 'live' : 'building',
      positions: Array.from({ length: partitionCount }, () => beginning),
      tables: new Map(tables.map((table) => [table, new Map()])),
      parked: [],
    }
    kept.live ??= number
    kept.generations.set(number, generation)
    return describe(generation)
  }

  #putInFront(projection: string, owned: string, { before, partitionCount, reactFrom }: PartitionsInFront): void {
    const { generations, reactions } = this.#kept.get(projection)!
    if (reactions.length !== before) throw partitionsMoved(projection, before, reactions.length)
    reactions.unshift(...Array.from({ length: partitionCount }, () => reactFrom))
    for (const generation of generations.values()) {
      generation.positions.unshift(...Array.from({ length: partitionCount }, () => beginning))
      generation.parked = generation.parked.map((each) => ({ ...each, partition: each.partition + partitionCount }))
    }
    for (const [name, owner] of this.#owners) {
      if (name === owned || !name.startsWith(`${projection}@`)) continue
      owner.epoch++
      owner.isHeld = false
    }
  }

  #commit(projection: string, generation: Generation, { fromOffset, mutations, parked, partition, position }: Batch): void {
    checkTables(projection, generation, mutations)
    const at = generation.positions[partition]!.logOffset
    if (at !== fromOffset) throw positionMoved(projection, partition, fromOffset, at)
    generation.positions[partition] = position
    apply(generation, mutations)
    const parkedMs = Date.now()
    for (const each of parked) generation.parked.push({ ...each, sequence: ++this.#sequence, parkedMs, isAnnounced: false })
  }

  #release(projection: string, generation: Generation, { failure, mutations, sequences }: Release): void {
    checkTables(projection, generation, mutations)
    apply(generation, mutations)
    generation.parked = generation.parked
      .filter(({ sequence }) => !sequences.includes(sequence))
      .map((each) => (each.sequence === failure?.sequence ? { ...each, cause: failure.cause, stack: failure.stack, behind: null } : each))
  }

  #swap(projection: string, kept: Kept, next: Generation): void {
    const live = kept.live === null ? undefined : kept.generations.get(kept.live)
    if (live === next) return
    if (live !== undefined) {
      const behind = live.positions.findIndex(({ logOffset }, partition) => next.positions[partition]!.logOffset < logOffset)
      if (behind >= 0)
        throw notCaughtUp(projection, next.about.generation, behind, next.positions[behind]!.logOffset, live.positions[behind]!.logOffset)
      live.state = 'retired'
    }
    next.state = 'live'
    kept.live = next.about.generation
  }
}

function describe({ about, parked, positions, state }: Generation): StoredGeneration {
  return { ...about, state, positions: [...positions], parkedCount: parked.length }
}

/** Before anything is changed: a batch goes in whole or not at all. */
function checkTables(projection: string, generation: Generation, mutations: readonly Mutation[]): void {
  for (const { table } of mutations) if (!generation.tables.has(table)) throw missingTable(projection, table, generation.about.tables)
}

function apply(generation: Generation, mutations: readonly Mutation[]): void {
  for (const { key, table, text } of mutations) {
    if (text === null) generation.tables.get(table)!.delete(key)
    else generation.tables.get(table)!.set(key, text)
  }
}

function page(rows: ReadonlyMap<string, string>, { after, limit, prefix }: PageQuery) {
  const keys = [...rows.keys()].filter(
    (key) => (prefix === undefined || key.startsWith(prefix)) && (after === undefined || compareKeys(key, after) > 0),
  )
  return keys
    .sort(compareKeys)
    .slice(0, limit)
    .map((key) => ({ key, text: rows.get(key)! }))
}
