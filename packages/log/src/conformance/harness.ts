import type { Log, LogReader, Topic } from '../port.ts'

/** What an adapter brings along so that the suite can run on it. */
export interface LogHarness {
  /** A new and empty log. `partitionCount` is what the suite needs; every handle must report just that. */
  createStore(options: { readonly partitionCount: number }): Promise<ConformanceStore>
  /** Whether two handles may have the log open for writing at once. Where not, the second `open` fails with OWNED. */
  readonly manyProcesses: boolean
  /** A record of this many bytes is refused with TOO_LARGE. */
  readonly tooLargeBytes: number
  /** Whether the log has `snapshots`. */
  readonly keepsSnapshots: boolean
  /** Whether the log has an `index`. */
  readonly keepsIndex: boolean
  /** Whether a store has `openReader`. */
  readonly hasReader: boolean
  /** Whether a store has `deleteRecordsBefore`. */
  readonly deletesRecords: boolean
  /** The bound of every single wait in the suite. Default 5,000. */
  readonly patienceMs?: number
}

/** One log's storage, which outlives the handles on it. */
export interface ConformanceStore {
  open(): Promise<Log>
  /** For an adapter that has handles which can only read. */
  openReader?(): Promise<LogReader>
  /** For an adapter whose log can forget its oldest records: the oldest one left is at `offset`. */
  deleteRecordsBefore?(topic: Topic, partition: number, offset: number): Promise<void>
  /** Removes everything. After a case that failed, handles may still be open: close them first. */
  destroy(): Promise<void>
}

export interface CaseContext {
  readonly harness: LogHarness
  readonly store: ConformanceStore
  /** Open, and shared with other cases: a case closes only what it opened itself. */
  readonly log: Log
  /** Used by no other case. */
  readonly partition: number
  /** Used by no other case. */
  readonly otherPartition: number
  readonly patienceMs: number
}

export type OwnStoreContext = Omit<CaseContext, 'log' | 'partition' | 'otherPartition'>

interface CaseCommon {
  readonly name: string
  /** Whether the case means anything for this adapter. Default: it does. */
  appliesTo?(harness: LogHarness): boolean
}

/** Runs on two partitions of its own, on a store and handle that it shares. */
export interface SharedStoreCase extends CaseCommon {
  run(context: CaseContext): Promise<void>
}

/** Opens and closes handles as it likes, on a store of its own. */
export interface OwnStoreCase extends CaseCommon {
  readonly partitionCount: number
  runOnOwnStore(context: OwnStoreContext): Promise<void>
}

export type ConformanceCase = SharedStoreCase | OwnStoreCase
