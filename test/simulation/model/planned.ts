/** An intent on its way through the checks of the model. */

import type { Made, Question, Refusal } from './expected.ts'
import type { ModelAction, ModelIntent, PlainObject } from './intent.ts'
import type { Ledger } from './ledger.ts'
import type { ModelResource, ModelRule } from './rules.ts'

export interface Planned {
  readonly action: ModelAction
  /** Null: an action of Signalbox's own. */
  readonly rule: ModelRule | null
  readonly input: PlainObject
  readonly before: ModelResource | undefined
}

export interface Result extends Planned {
  readonly made: Made | null
}

export interface Subject {
  readonly intent: ModelIntent
  readonly ledger: Ledger
  /** What humans have agreed to, in place of what the agent had read; null: nothing. */
  readonly agreed: ReadonlyMap<string, number> | null
  /** It was let in before. */
  readonly isKnown: boolean
  /** As far as it could be planned. */
  readonly planned: Planned[]
}

export type Answer =
  | Refusal
  | {
      readonly results: readonly Result[]
      readonly preempted: readonly string[]
      readonly amount: number | null
      readonly question: Question | null
    }
