import type { JsonObject } from '@signalbox/contract'
import type { Examination } from './examination.ts'
import type { Rejection } from './rejection.ts'

/** One step of a decision. `checks/index.ts` has them in their order; the first that fails names the reject. */
export interface Check {
  /** As `explain` shows it. */
  readonly name: string
  /** Null when it passes. May note what it found in the examination. */
  readonly run: (examination: Examination) => Rejection | null
  /** What the check saw, for `explain`; called after `run`. */
  readonly seen?: (examination: Examination) => JsonObject
}
