/**
 * Where rows are kept. A store keeps, for each projection, generations of tables of which one is live, and for each
 * generation the position that its rows are of. Every adapter passes the conformance suite in `conformance/`.
 *
 * Invariants that a store keeps:
 *  1. `ProjectionWriter.commit` changes rows, parked events and position together or not at all, and only from the very
 *     position that the batch names.
 *  2. To own a projection fences every earlier owner of it: none of their later transactions goes through.
 *  3. `swap` makes a generation live only where each of its positions has reached that of the live one, in one transaction.
 *  4. A snapshot is of one moment: rows, positions and parked events fit.
 */
import type { Event } from '@signalbox/contract'
import type { ParkedEvent } from '@signalbox/projection/fold'

/** Where a generation stands in one partition. */
export interface PartitionPosition {
  /** Every event before this log offset is folded or parked. */
  readonly logOffset: number
  /** Where the last link of the hash chain before it closed: the log offset behind it, and the link. */
  readonly chainOffset: number
  readonly link: string | null
}

export type GenerationState = 'building' | 'live' | 'retired'

export interface StoredGeneration {
  readonly generation: number
  /** Of the projection that it was made by. */
  readonly version: number
  /** Of the code of its handlers. */
  readonly fingerprint: string
  readonly tables: readonly string[]
  readonly state: GenerationState
  /** Milliseconds since 1970, UTC. */
  readonly createdMs: number
  readonly positions: readonly PartitionPosition[]
  readonly parkedCount: number
}

/** Where everything begins. */
export const beginning: PartitionPosition = { logOffset: 0, chainOffset: 0, link: null }

/**
 * Where a generation stands, by partition of a log: at the beginning of those that it does not know yet, as it has not gone on from the
 * log before, and of all where it has gone on to a log after this one.
 */
export function positionsIn({ positions }: StoredGeneration, partitionCount: number): readonly PartitionPosition[] {
  const unknown = Array.from({ length: Math.max(0, partitionCount - positions.length) }, () => beginning)
  return positions.length > partitionCount ? Array.from({ length: partitionCount }, () => beginning) : [...unknown, ...positions]
}

/** By partition of a log, how many log offsets lie between rows and its ends; all of them where there are no rows. */
export function lagOf(live: StoredGeneration | undefined, ends: readonly number[]): number[] {
  const positions = live === undefined ? [] : positionsIn(live, ends.length)
  return ends.map((end, partition) => Math.max(0, end - (positions[partition]?.logOffset ?? 0)))
}

export interface StoredProjection {
  readonly name: string
  /** Null before the first generation. */
  readonly live: number | null
  readonly generations: readonly StoredGeneration[]
  /** By partition: reactions have run for every event before this log offset. */
  readonly reactions: readonly number[]
}

export interface StoredRow {
  readonly key: string
  /** RFC 8785 JSON. */
  readonly text: string
}

export interface PageQuery {
  /** Only keys that begin so. */
  readonly prefix?: string
  /** Only keys behind this one. */
  readonly after?: string
  readonly limit: number
}

export interface StoredParkedEvent extends Omit<ParkedEvent, 'event'> {
  /** Rises in the order of parking. */
  readonly sequence: number
  readonly parkedMs: number
  readonly event: Event
}

/** A generation at one moment. */
export interface Snapshot {
  readonly generation: StoredGeneration
  row(table: string, key: string): Promise<string | null>
  /** In the order of their keys' UTF-8 bytes. */
  rows(table: string, query: PageQuery): Promise<readonly StoredRow[]>
  /** In the order of parking. */
  parked(query: { readonly key?: string; readonly after?: number; readonly limit: number }): Promise<readonly StoredParkedEvent[]>
}

export interface Mutation {
  readonly table: string
  readonly key: string
  /** Null deletes. */
  readonly text: string | null
}

export interface Batch {
  readonly generation: number
  readonly partition: number
  /** Where the generation must stand now. */
  readonly fromOffset: number
  readonly position: PartitionPosition
  readonly mutations: readonly Mutation[]
  readonly parked: readonly ParkedEvent[]
}

/** Parked events of one key that were folded after all, and what became of the one after them. */
export interface Release {
  readonly generation: number
  readonly key: string
  readonly sequences: readonly number[]
  readonly mutations: readonly Mutation[]
  readonly failure: { readonly sequence: number; readonly cause: string; readonly stack: string | null } | null
}

export interface NewGeneration {
  readonly version: number
  readonly fingerprint: string
  readonly tables: readonly string[]
  readonly partitionCount: number
  /** By partition, where reactions begin if the projection is new. */
  readonly reactFrom: readonly number[]
}

export type RequestKind = 'rebuild' | 'retry'

/** What somebody wants of whoever owns a projection. */
export interface StoredRequest {
  readonly id: number
  readonly projection: string
  readonly kind: RequestKind
  /** The key to retry; null for all. */
  readonly argument: string | null
  readonly state: 'asked' | 'running' | 'done' | 'failed'
  readonly message: string | null
}

/** Partitions of a log that goes on from the one whose partitions a projection knows. */
export interface PartitionsInFront {
  /** How many it knows. */
  readonly before: number
  /** How many come in front of them, each from its beginning: those that it knows are numbered so much higher from then on. */
  readonly partitionCount: number
  /** Where reactions begin in each. */
  readonly reactFrom: number
}

/** The only owner of a projection of one version. After FENCED or UNAVAILABLE it is of no further use: close it. */
export interface ProjectionWriter {
  readonly epoch: number
  /** Live at once where the projection has no other. */
  createGeneration(generation: NewGeneration): Promise<StoredGeneration>
  /** By key: the first event that is parked under it, and how many are. */
  parkedKeys(generation: number): Promise<ReadonlyMap<string, { readonly first: string; readonly count: number }>>
  load(generation: number, table: string, keys: readonly string[]): Promise<ReadonlyMap<string, string>>
  /** Errors: FENCED, SUPERSEDED, UNAVAILABLE; CORRUPT where it stands at another position than `fromOffset`. */
  commit(batch: Batch): Promise<void>
  release(release: Release): Promise<void>
  /** Parked events that nobody was told of yet. */
  unannounced(generation: number, limit: number): Promise<readonly StoredParkedEvent[]>
  announced(generation: number, sequences: readonly number[]): Promise<void>
  /** Errors: NOT_CAUGHT_UP, FENCED, SUPERSEDED, UNAVAILABLE. */
  swap(generation: number): Promise<void>
  /** Drops a generation that is not live. */
  drop(generation: number): Promise<void>
  reacted(partition: number, logOffset: number): Promise<void>
  /** In all generations of the projection; other owners, whatever their version, are fenced. Errors: FENCED, UNAVAILABLE; CORRUPT where it knows another number. */
  putInFront(partitions: PartitionsInFront): Promise<void>
  settle(request: number, state: 'running' | 'done' | 'failed', message: string): Promise<void>
  close(): Promise<void>
}

export interface ProjectionStore {
  /** `memory`, `sqlite`, `postgres`. */
  readonly name: string
  /** Null while somebody else owns it. Versions have owners of their own. */
  own(projection: string, version: number): Promise<ProjectionWriter | null>
  projections(): Promise<readonly StoredProjection[]>
  projection(name: string): Promise<StoredProjection | null>
  /** Of the live generation, or of the one named. Errors: NOT_FOUND, UNAVAILABLE. */
  snapshot<Result>(name: string, generation: number | null, ask: (snapshot: Snapshot) => Promise<Result>): Promise<Result>
  ask(projection: string, kind: RequestKind, argument: string | null): Promise<number>
  request(id: number): Promise<StoredRequest | null>
  /** Those that are not done, oldest first. */
  open(projection: string): Promise<readonly StoredRequest[]>
  close(): Promise<void>
}

/** `order` of a table's keys: that of their UTF-8 bytes, as SQLite's and PostgreSQL's C collation have it. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  return isLowerByCodePoint(a, b) ? -1 : 1
}

function isLowerByCodePoint(a: string, b: string): boolean {
  const length = Math.min(a.length, b.length)
  for (let index = 0; index < length; index++) {
    const [left, right] = [a.charCodeAt(index), b.charCodeAt(index)]
    if (left === right) continue
    // Surrogates stand for what lies above all others.
    const leftHigh = left >= 0xd800 && left <= 0xdfff
    const rightHigh = right >= 0xd800 && right <= 0xdfff
    return leftHigh === rightHigh ? left < right : rightHigh
  }
  return a.length < b.length
}

/** Rows that one page may have. */
export const maxPageRows = 1_000
