/** What the benchmark and the engines that it measures say to each other. Each engine is a process of its own. */

/** `signalbox`: a sequencer; `standby`: one that follows others too; `raw`: the loop of the ceiling. */
export type EngineKind = 'signalbox' | 'standby' | 'raw'

export interface EngineSettings {
  readonly kind: EngineKind
  readonly brokers: string
  readonly topicPrefix: string
  readonly partitions: number
  /** Bytes of an event's value: the raw loop writes as many. */
  readonly eventBytes: number
  /** Records decided into one transaction at most. */
  readonly batchRecords: number
  readonly sessionTimeoutMs: number
}

export type EngineMessage =
  /** The partitions that it decides now; sent whenever they change. */
  | { readonly kind: 'active'; readonly partitions: readonly number[] }
  /** The partitions of others, and up to which log offset it has followed each. */
  | { readonly kind: 'followed'; readonly positions: readonly (readonly [number, number])[] }
  | { readonly kind: 'failed'; readonly message: string }
