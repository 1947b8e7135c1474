import type { Codec } from '@signalbox/codec'
import type { Event } from '@signalbox/contract'
import type { Rules } from '@signalbox/core'
import type { Clock, Log } from '@signalbox/log'
import type { Logger } from 'pino'
import type { OurContracts } from './contracts-fit.ts'
import type { SequencerMetrics } from './metrics.ts'

/** What the sequencer needs; `wiring.ts` puts it together. */
export interface SequencerSettings {
  readonly log: Log
  readonly codec: Codec
  readonly rules: Rules
  /** As `PartitionOpened` records them, and as what a partition holds is held against. */
  readonly ours: OurContracts
  /** Restores every partition before it joins the owners of the log, and does not join where its contracts cannot decide one of them. */
  readonly checkFirst: boolean
  readonly clock: Clock
  readonly logger: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly metrics: SequencerMetrics
  /** Name and version of the program, as `PartitionOpened` records it. */
  readonly software: string
  readonly bounds: SequencerBounds
  /** Whether to follow the partitions of others, so as to take over within moments. Costs the memory of their states. */
  readonly standby: boolean
  /** Told that nothing more is decided in a partition, as what lies in it is damaged. Must return at once. */
  readonly damaged?: (partition: number, error: Error) => void
  /** Told of events once they are durable, in log order. Must return at once. */
  readonly published?: (partition: number, events: readonly Event[]) => void
}

export interface SequencerBounds {
  /** Intents decided into one batch. */
  readonly batchRecords: number
  /** Intents decided into a batch that goes to an idle log. */
  readonly firstBatchRecords: number
  /** Bytes of events and dead letters in one batch; a single intent's may exceed it. */
  readonly batchBytes: number
  /** Batches on their way to the log while the next is decided. */
  readonly batchesUnderWay: number
  /** How long a read of intents waits before the owner looks around. */
  readonly readWaitMs: number
  /** First and longest pause before a partition that failed transiently is opened anew. */
  readonly firstRetryMs: number
  readonly lastRetryMs: number
  /** How long a fenced owner gives its heir before it asks whether the partition is still assigned to it. */
  readonly fencedRetryMs: number
  /** How long a restore may go without an event. */
  readonly restorePatienceMs: number
  /** A standby writes a snapshot of a partition after so many log offsets of events. */
  readonly snapshotEvents: number
}

export const defaultBounds: SequencerBounds = {
  batchRecords: 512,
  firstBatchRecords: 32,
  batchBytes: 4 * 1024 * 1024,
  batchesUnderWay: 2,
  readWaitMs: 1_000,
  firstRetryMs: 100,
  lastRetryMs: 5_000,
  fencedRetryMs: 10_000,
  restorePatienceMs: 30_000,
  snapshotEvents: 100_000,
}
