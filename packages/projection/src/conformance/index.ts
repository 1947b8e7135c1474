/** What every store promises, as cases that any test runner can run; each on a store made for it alone. */
import type { ProjectionStore } from '../store/store.ts'
import { generationCases } from './generations.ts'
import { ownershipCases } from './ownership.ts'
import { readingCases } from './reading.ts'
import { writingCases } from './writing.ts'

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

export const conformanceCases: readonly ConformanceCase[] = [...writingCases, ...generationCases, ...ownershipCases, ...readingCases]
