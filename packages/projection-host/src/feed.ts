/** Where the events of projections come from: one log, or one with the logs that it goes on from. */
import type { EventReader, LoggedEvent } from '@signalbox/event-log'
import type { PartitionPosition } from '@signalbox/projection-store'

export interface Chunk {
  /** From the position that was asked for on; empty where none came in time. */
  readonly events: readonly LoggedEvent[]
  /** Behind them, and behind gaps. */
  readonly position: PartitionPosition
}

export interface ReadBounds {
  readonly maxEvents: number
  readonly waitMs: number
}

/** What has to be folded before something else is. */
export interface Gate {
  readonly partition: number
  readonly logOffset: number
}

export interface Feed {
  /** Those of the log come first, under their own numbers; behind them those of the log before, and so on. */
  readonly partitionCount: number
  /** Of the log itself. */
  readonly ownPartitionCount: number
  /** By log, the oldest first. */
  readonly stages: readonly (readonly number[])[]
  /** `3`; of a log before, `NAME/3`. */
  nameOf(partition: number): string
  /** By partition, the log offset behind everything that is there. */
  ends(): Promise<readonly number[]>
  /** The next events behind a position. Errors: LogError; MISCONFIGURED where the log does not reach to the position. */
  read(partition: number, position: PartitionPosition, bounds: ReadBounds): Promise<Chunk>
  /** A reader of the caller's own, without the chain: for what was read and checked before. */
  openAt(partition: number, fromOffset: number): Promise<EventReader>
  /** What has to be folded before the first event of a partition is; null while that cannot be told yet. */
  before(partition: number): Promise<readonly Gate[] | null>
  /**
   * How many partitions have come in front of those that positions are of, since the log goes on from theirs; null where they
   * are positions in none of these logs.
   */
  partitionsInFrontOf(positions: readonly PartitionPosition[]): Promise<number | null>
  /** Whether the log has the last link before the position just there. One without a link says nothing. */
  hasLinkBefore(partition: number, position: PartitionPosition): Promise<boolean>
  /** Closes readers; logs are closed by whoever opened them. */
  close(): Promise<void>
}

/** Whether these are positions in a feed, partition by partition from the first one on: what the chain was there, it still is. */
export async function areOf(feed: Pick<Feed, 'hasLinkBefore'>, positions: readonly PartitionPosition[], first = 0): Promise<boolean> {
  const known = await Promise.all(positions.map((position, index) => feed.hasLinkBefore(first + index, position)))
  return known.every(Boolean)
}
