/**
 * The log port: what the sequencer, the gateway and every reader need of a log, and nothing that only one engine has.
 *
 * A log has a fixed number of partitions. Each partition has three ordered, append-only topics: `intents` (written by
 * agents), `events` (written by the partition's owner only) and `dead-letters` (likewise); and beside them the topics in
 * which consumers keep what is theirs (`sideTopics`). Every adapter passes the
 * conformance suite in `./conformance`; what that suite checks is the meaning of the words below.
 *
 * Invariants that an adapter keeps:
 *  1. Offsets of a topic of a partition rise in append order. They may have gaps (Kafka's transaction markers).
 *  2. A batch of `PartitionWriter.append` becomes visible whole or not at all, its records in order and with no records
 *     of another batch between them, and never before it is durable.
 *  3. Opening a partition fences every earlier writer of it: none of their later appends ever becomes visible, and an
 *     append that was under way is decided (visible or gone for good) before `open` resolves. A log may deal partitions
 *     in fixed groups: those are assigned together under one generation, and opening one of them under a newer generation
 *     may fence the older writers of all.
 *  4. An intents cursor may deliver an intent before its `append` is acknowledged, but never one that can vanish while
 *     an event written about it stays.
 *  5. Timestamps of intents are given by the log (log append time), not by whoever appends.
 */

import type { SnapshotStore } from './snapshots.ts'

/**
 * What consumers of events write, each its own: whom the escalation consumer has told of what, and what the escalation
 * consumer, the projector, reactions and sources could not process.
 */
export const sideTopics = [
  'notifications',
  'dead-letters.escalation',
  'dead-letters.projector',
  'dead-letters.reactions',
  'dead-letters.ingest',
] as const
export type SideTopic = (typeof sideTopics)[number]
export type Topic = 'intents' | 'events' | 'dead-letters' | SideTopic

/** Header names are lower-case ASCII (`ce_id`, `traceparent`); values are text. */
export type Headers = Readonly<Record<string, string>>

export interface RecordToAppend {
  /** The scope of an intent or of an event; what the partition is chosen by. Text, never empty. */
  readonly key: string
  /** Handed over: the bytes must not be changed after the call. */
  readonly value: Uint8Array
  readonly headers: Headers
  /** Names by which an event can be found again, where the log has an `index`. Other topics are not indexed. */
  readonly indexKeys?: readonly string[]
}

/** Finds events by the names that they were appended with, without reading all of them. */
export interface EventIndex {
  /**
   * The newest event before `before` that may have been appended with the key: who reads it looks whether it was, and asks on from
   * there if not. Null where there is none from `since` on: what lies before `since` was appended when nothing was indexed, and must be
   * read. Errors: TRANSIENT, CORRUPT, CLOSED.
   */
  lastWith(partition: number, key: string, before: number): Promise<{ readonly offset: number | null; readonly since: number }>
  /**
   * Reads all of the index of a partition. A damaged part is no danger to answers, as `since` leaves it out; it makes them slow.
   * Errors: CORRUPT (what is damaged), TRANSIENT, CLOSED.
   */
  prove(partition: number): Promise<void>
}

export interface LogRecord {
  readonly offset: number
  /** Milliseconds since 1970, UTC, given by the log. */
  readonly timestampMs: number
  /** Null only for a record that a foreign producer wrote without a key. */
  readonly key: string | null
  /** Null only for a record that a foreign producer wrote without a value. */
  readonly value: Uint8Array | null
  readonly headers: Headers
}

export interface Position {
  readonly partition: number
  readonly offset: number
}

export interface Offsets {
  /** Offset of the oldest record that is still there, or `end` when there is none. */
  readonly start: number
  /** The offset that lies past every committed record. New records get this offset or a later one. */
  readonly end: number
  /** The offset past everything that was appended, also what nobody may read yet, as a transaction before it is still open. */
  readonly written: number
}

/** What stands in the way of the log, mostly something that somebody else did to it: something waits, or may be lost, until a person puts it right. */
export interface LogTrouble {
  readonly kind: 'topic' | 'open transaction' | 'unserved partition' | 'contracts'
  /** The topic of the port; null where the port knows none. */
  readonly topic: Topic | null
  /** Null where all of the topic is concerned. */
  readonly partition: number | null
  /** When it was first seen here. */
  readonly sinceMs: number
  /** What it is, what follows, and what to do. */
  readonly message: string
}

/** Looks at the log again and again, until it is closed. */
export interface LogWatch {
  /** As of the last look, which is seconds old. */
  readonly troubles: readonly LogTrouble[]
  /** Intents on partitions that this log does not have, as somebody added them: nobody decides those. By partition. */
  readonly unserved: ReadonlyMap<number, number>
  close(): Promise<void>
}

export interface ReadFrom {
  readonly topic: Topic
  readonly partition: number
  /**
   * First offset wanted; a record at a later offset is the first answer where there is a gap. `'end'` means only what is
   * appended after the cursor was opened (after `cursor()` resolved).
   */
  readonly fromOffset: number | 'end'
}

export interface Bounds {
  readonly maxRecords: number
  /** At least one record is delivered even when it alone is larger. */
  readonly maxBytes: number
  /** How long to wait for a first record. 0 asks for what is there at once. */
  readonly waitMs: number
}

/** Reads one topic of one partition in order. Holds a bounded number of prefetched records. */
export interface Cursor {
  /**
   * The next records in offset order, at least one unless `waitMs` ran out first: an empty answer says nothing about
   * the end of the log. One call at a time.
   * Errors: OFFSET_OUT_OF_RANGE (the log starts after, or ends before, the wanted offset), CORRUPT, TRANSIENT, CLOSED
   * (also for the call that is waiting when the cursor is closed). An error does not move the cursor: after TRANSIENT the
   * same call may go through.
   */
  next(bounds: Bounds): Promise<readonly LogRecord[]>
  /**
   * Every record before this offset has been delivered, as far as the last call saw. It moves past gaps too, so that a
   * reader knows when it has all that lay before an end: a transaction's marker may be the last thing there.
   */
  readonly position: number
  /** Safe to call twice. */
  close(): Promise<void>
}

/** Writes the events and dead letters of one partition, as its only owner. */
export interface PartitionWriter {
  readonly partition: number
  /**
   * Appends a batch atomically and resolves once it is durable and visible to readers. Calls may overlap: batches become
   * visible in the order of the calls, and when one fails, every later one fails too.
   * Resolves to the offset of the first and of the last event; a batch has at least one event.
   * Errors: FENCED (another owner has opened the partition; give it up), FULL (no space; nothing was written),
   * TOO_LARGE (nothing was written; the owner keeps batches within bounds, so this is a bug of the owner),
   * OUTCOME_UNKNOWN (the batch may or may not be there: open the partition anew and read), TRANSIENT, CORRUPT, CLOSED.
   * After any error the writer is of no further use: close it.
   */
  append(batch: Batch): Promise<AppendedBatch>
  /** Waits for appends under way, bounded by the adapter's own timeout. Safe to call twice. */
  close(): Promise<void>
}

export interface Batch {
  readonly events: readonly RecordToAppend[]
  readonly deadLetters: readonly RecordToAppend[]
}

export interface AppendedBatch {
  readonly firstOffset: number
  readonly lastOffset: number
}

/** A partition that this process is to own from now on. */
export interface Assignment {
  readonly partition: number
  /** Rises each time the partition is assigned anew, so that a fenced owner can tell a new order from the old one. */
  readonly generation: number
  /**
   * Aborted when the assignment ends (a rebalance, a lost lock, `Membership.leave`): after `revoked` has resolved or taken
   * too long, so that the owner can still finish what is under way.
   */
  readonly signal: AbortSignal
}

export interface AssignmentListener {
  /** Must return at once; the owner does its work elsewhere. */
  assigned(assignment: Assignment): void
  /**
   * The partition goes to somebody else. The log waits for the promise, within the adapter's bound, before it lets go,
   * so that a batch under way can finish.
   */
  revoked(assignment: Assignment): Promise<void>
  /** The membership is over and cannot recover by itself; the process should end. */
  lost(error: Error): void
}

export interface Membership {
  /**
   * Whether the group has dealt its partitions with this member among them, be it with none for it, and has not been lost
   * since: what is assigned is all there is to wait for.
   */
  readonly hasJoined: boolean
  /**
   * This member can never own the partition: it gives it back, and the group deals it to others from now on. A log that deals partitions
   * in fixed groups gives back the group. Left out where there are no others.
   */
  refuse?(partition: number): void
  /** Gives back every partition (each `revoked` is awaited) and resolves. Safe to call twice. */
  leave(): Promise<void>
}

/** What anybody may do: read. A log that was opened for reading has no way to write. */
export interface LogReader {
  /** The adapter's name for messages: `memory`, `sqlite`, `kafka`. */
  readonly name: string
  /**
   * Names this log and no other: the same for every handle on it, as long as it lives. A restored copy is another log. Letters,
   * digits and `._-`, at most 320.
   */
  readonly id: string
  readonly partitionCount: number
  /** Null where the adapter keeps none. */
  readonly index: EventIndex | null
  cursor(from: ReadFrom): Promise<Cursor>
  offsets(topic: Topic, partition: number): Promise<Offsets>
  /** Closes every cursor, writer and membership. Safe to call twice. */
  close(): Promise<void>
}

export interface Log extends LogReader {
  /** Null where the adapter keeps none. */
  readonly snapshots: SnapshotStore | null
  /** Why nothing can be appended now, in a sentence; null while it can. Left out where the adapter learns of it by appending alone. */
  readonly trouble?: () => string | null
  /**
   * Appends an agent's intent and resolves once it is durable. The caller names the partition (see `partitionOf` in
   * `@signalbox/contract`): the sequencer rejects an intent that lies on the wrong one.
   * Errors: FULL, TOO_LARGE, MISCONFIGURED, OUTCOME_UNKNOWN, TRANSIENT, CLOSED. After OUTCOME_UNKNOWN or TRANSIENT it is safe to append
   * the same intent again: its id makes the second one a duplicate.
   */
  append(partition: number, intent: RecordToAppend): Promise<Position & { readonly timestampMs: number }>
  /**
   * Appends to a topic beside the log and resolves once it is durable. Errors as of `append`; after OUTCOME_UNKNOWN it may be
   * there: who reads it must bear to find it twice.
   */
  appendAside(topic: SideTopic, partition: number, record: RecordToAppend): Promise<Position & { readonly timestampMs: number }>
  /** Joins the owners of this log. Partitions arrive through the listener; a second membership at a time is MISCONFIGURED. */
  join(listener: AssignmentListener): Promise<Membership>
  /** Left out where nobody else can change the log. `changed` is told each time that troubles come or go. */
  watch?(changed: (troubles: readonly LogTrouble[]) => void): LogWatch
  /** The partitions that somebody added to the topic of intents; a cursor reads them. Left out where nobody can. Errors: TRANSIENT, CLOSED. */
  unserved?(): Promise<readonly (Offsets & { readonly partition: number })[]>
  /** Takes ownership of an assigned partition as its fenced writer (invariant 3). Errors: FENCED, TRANSIENT, CLOSED. */
  open(assignment: Assignment): Promise<PartitionWriter>
}
