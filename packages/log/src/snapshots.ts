/** The newest snapshot of a partition that is whole, as far as the store can tell. */
export interface StoredSnapshot {
  /** Written last; says what the chunks must be. Opaque to the store, like the chunks. */
  readonly manifest: Uint8Array
  /** In the order in which they were written. May throw LogError. */
  chunks(): AsyncIterable<Uint8Array>
}

export interface SnapshotToStore {
  /** The log offset of events that it is as of: of two snapshots, the one with the higher is the newer. */
  readonly position: number
  /** Each at most 512 KiB. */
  readonly chunks: Iterable<Uint8Array>
  /** Asked for after the last chunk was taken. */
  manifest(): Uint8Array
}

/**
 * Keeps snapshots of the states of partitions beside the log: a cache of what the events say. Whatever is lost of it costs
 * time, and nothing else. Several processes may write at once.
 */
export interface SnapshotStore {
  /** Null where there is none. Errors: TRANSIENT, CLOSED. */
  newest(partition: number): Promise<StoredSnapshot | null>
  /** Nobody sees it before the manifest is stored; then older ones are forgotten. Errors: FULL, TOO_LARGE, TRANSIENT, MISCONFIGURED, CLOSED. */
  write(partition: number, snapshot: SnapshotToStore): Promise<void>
}
