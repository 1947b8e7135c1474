import {
  type Assignment,
  type AssignmentListener,
  type Cursor,
  type EventIndex,
  type Log,
  LogError,
  type Membership,
  type Offsets,
  type PartitionWriter,
  type Position,
  type ReadFrom,
  type RecordToAppend,
  type SideTopic,
  type SnapshotStore,
  type SnapshotToStore,
  type StoredSnapshot,
  type Topic,
} from '@signalbox/log'
import { type LogClock, systemClock } from './clock.ts'
import { MemoryCursor } from './cursor.ts'
import { type FaultFunction, FaultGate } from './faults.ts'
import type { Member } from './group.ts'
import { Lifetime } from './lifetime.ts'
import { MemoryLogStore } from './store.ts'
import { MemoryWriter } from './writer.ts'

export interface MemoryLogOptions {
  /** What outlives this handle. Default: a new store with one partition. */
  readonly store?: MemoryLogStore
  /** The name of this process in fault calls and messages. Default `memory`. */
  readonly process?: string
  /** Default: the real clock. With another one the log uses no timer, date or random number of its own. */
  readonly clock?: LogClock
  /** Asked at every call of the port. Default: no faults. */
  readonly fault?: FaultFunction
  /** Called once, at the moment this process dies. */
  readonly onCrash?: () => void
  /** How long `AssignmentListener.revoked` may take. Default 5,000. */
  readonly revokeTimeoutMs?: number
  /** How long closing waits for appends under way. Default 5,000. */
  readonly closeTimeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 5_000

export function createMemoryLog(options: MemoryLogOptions = {}): MemoryLog {
  return new MemoryLog(options)
}

/** One process's handle on a memory log. */
export class MemoryLog implements Log {
  readonly name = 'memory'
  readonly store: MemoryLogStore
  readonly snapshots: SnapshotStore
  readonly index: EventIndex
  readonly #clock: LogClock
  readonly #gate: FaultGate
  readonly #lifetime: Lifetime
  readonly #options: MemoryLogOptions
  readonly #process: string
  /** Ends before the memberships and writers, so that who waits for records stops first. */
  readonly #reading: Lifetime
  readonly #writers = new Set<MemoryWriter>()
  #member: Member | undefined
  #closed: Promise<void> | undefined

  constructor(options: MemoryLogOptions) {
    this.store = options.store ?? new MemoryLogStore()
    this.#options = options
    this.#process = options.process ?? 'memory'
    this.#clock = options.clock ?? systemClock
    this.#lifetime = new Lifetime(`The log handle of ${this.#process}`)
    this.#reading = new Lifetime(`The log handle of ${this.#process}`, this.#lifetime)
    this.snapshots = {
      newest: (partition) => this.#newestSnapshot(partition),
      write: (partition, snapshot) => this.#writeSnapshot(partition, snapshot),
    }
    this.index = {
      lastWith: (partition, key, before) =>
        this.#gate.run({ operation: 'offsets', topic: 'events', partition }, this.#lifetime, () => ({
          offset: this.store.topic('events', partition).lastWith(key, before),
          since: 0,
        })),
      prove: async () => {},
    }
    this.#gate = new FaultGate({ process: this.#process, clock: this.#clock, fault: options.fault, crash: () => this.crash() })
  }

  get id(): string {
    return this.store.id
  }

  get partitionCount(): number {
    return this.store.partitionCount
  }

  append(partition: number, intent: RecordToAppend): Promise<Position & { readonly timestampMs: number }> {
    return this.#gate.run({ operation: 'append', topic: 'intents', partition }, this.#lifetime, (decision) => {
      const { offset, timestampMs } = this.store.appendIntent(partition, intent, this.#clock.nowMs())
      if (decision.duplicate === true) this.store.appendIntent(partition, intent, this.#clock.nowMs())
      return { partition, offset, timestampMs }
    })
  }

  appendAside(topic: SideTopic, partition: number, record: RecordToAppend): Promise<Position & { readonly timestampMs: number }> {
    return this.#gate.run({ operation: 'append', topic, partition }, this.#lifetime, () => {
      const { offset, timestampMs } = this.store.appendAside(topic, partition, record, this.#clock.nowMs())
      return { partition, offset, timestampMs }
    })
  }

  cursor(from: ReadFrom): Promise<Cursor> {
    const { topic, partition } = from
    return this.#gate.run({ operation: 'cursor', topic, partition }, this.#lifetime, () => {
      return new MemoryCursor(this.store.topic(topic, partition), from, this.#gate, this.#clock, this.#reading)
    })
  }

  offsets(topic: Topic, partition: number): Promise<Offsets> {
    return this.#gate.run({ operation: 'offsets', topic, partition }, this.#lifetime, () => this.store.topic(topic, partition).offsets)
  }

  join(listener: AssignmentListener): Promise<Membership> {
    return this.#gate.run({ operation: 'join', topic: null, partition: null }, this.#lifetime, () => {
      if (this.#member !== undefined) {
        throw new LogError('MISCONFIGURED', `${this.#process} is a member already. Leave that membership before joining again.`)
      }
      const member = this.store.group.join(this.#process, listener, this.#clock, this.#options.revokeTimeoutMs ?? DEFAULT_TIMEOUT_MS)
      this.#member = member
      return {
        get hasJoined() {
          return member.hasJoined
        },
        leave: () => this.#gate.run({ operation: 'leave', topic: null, partition: null }, this.#lifetime, () => this.#leave(member)),
      }
    })
  }

  open(assignment: Assignment): Promise<PartitionWriter> {
    const { partition, generation, signal } = assignment
    return this.#gate.run({ operation: 'open', topic: 'events', partition }, this.#lifetime, () => {
      if (signal.aborted) throw new LogError('FENCED', `The assignment of partition ${partition} is over. Wait until it is assigned again.`)
      const writer: MemoryWriter = new MemoryWriter({
        store: this.store,
        partition,
        epoch: this.store.takeOwnership(partition, generation),
        gate: this.#gate,
        clock: this.#clock,
        handle: this.#lifetime,
        onClosed: () => this.#writers.delete(writer),
        closeTimeoutMs: this.#options.closeTimeoutMs ?? DEFAULT_TIMEOUT_MS,
      })
      this.#writers.add(writer)
      return writer
    })
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  /** The process dies, with work under way: nothing it was asked ever answers, and its partitions go to others. */
  crash(): void {
    if (this.#lifetime.state !== 'open') return
    this.#lifetime.end('crashed')
    if (this.#member !== undefined) this.store.group.expire(this.#member)
    this.#options.onCrash?.()
  }

  /** The group gives this process's partitions to others and does not tell it: it goes on as a zombie. */
  expireSession(): void {
    if (this.#member === undefined) return
    this.store.group.expire(this.#member)
    this.#member = undefined
  }

  async #leave(member: Member): Promise<void> {
    await this.store.group.leave(member)
    // Kept until now: the process may still die on its way out, and the group must hear of that.
    if (this.#member === member) this.#member = undefined
  }

  async #close(): Promise<void> {
    await this.#gate.run({ operation: 'close', topic: null, partition: null }, this.#lifetime, async () => {
      this.#reading.end('closed')
      if (this.#member !== undefined) await this.#leave(this.#member)
      await Promise.all([...this.#writers].map((writer) => writer.close().catch(() => undefined)))
    })
    this.#lifetime.end('closed')
  }

  #newestSnapshot(partition: number): Promise<StoredSnapshot | null> {
    return this.#gate.run({ operation: 'snapshots.newest', topic: null, partition }, this.#lifetime, () => {
      const found = this.store.snapshots.get(partition)
      if (found === undefined) return null
      const { chunks, manifest } = found
      return {
        manifest,
        async *chunks() {
          yield* chunks
        },
      }
    })
  }

  #writeSnapshot(partition: number, { chunks, manifest, position }: SnapshotToStore): Promise<void> {
    return this.#gate.run({ operation: 'snapshots.write', topic: null, partition }, this.#lifetime, () => {
      const snapshot = { position, chunks: [...chunks], manifest: manifest() }
      if ((this.store.snapshots.get(partition)?.position ?? -1) <= position) this.store.snapshots.set(partition, snapshot)
    })
  }
}
