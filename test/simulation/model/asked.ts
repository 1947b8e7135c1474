/** What an action of Signalbox's own is asked with, and what it answers. */
import type { Containment } from '@signalbox/contract'
import type { Expected, Made, Refusal } from './expected.ts'
import type { ModelAction, ModelIntent } from './intent.ts'
import type { Ledger } from './ledger.ts'
import type { ModelResource } from './rules.ts'

export interface Asked {
  readonly intent: ModelIntent
  readonly action: ModelAction
  readonly before: ModelResource | undefined
  readonly ledger: Ledger
  readonly nowMs: number
  readonly containment: Containment
  readonly windowMs: number
  /** The scope in which this partition keeps what concerns all of it. */
  readonly systemScope: string
  /** What would become of an intent that is pending, humans having agreed to the world of these versions. */
  readonly decideAgain: (intent: ModelIntent, agreed: ReadonlyMap<string, number>) => Expected
}

export type BuiltInAnswer = Refusal | { readonly made: Made | null }

export const no = { code: 'GUARD_REFUSED' } as const
