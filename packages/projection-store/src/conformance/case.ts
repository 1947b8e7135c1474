/** A case of the suite, and what it runs on. */
import type { ProjectionStore } from '../store.ts'

export interface ConformanceStore {
  readonly store: ProjectionStore
  /** Another process on the same data: its handle. */
  reopen(): Promise<ProjectionStore>
  /** As if another process had become the owner, which the one before does not know of. */
  overtake(projection: string, version: number): Promise<void>
  destroy(): Promise<void>
}

export interface ConformanceCase {
  readonly name: string
  /** Throws where the store does not keep the promise. */
  run(made: ConformanceStore): Promise<void>
}
