/** What goes into the model, and what comes out of it. */
import type { Made } from './built-in.ts'
import type { ModelIntent, PlainObject } from './intent.ts'
import type { ModelResource, ModelTimer } from './rules.ts'

export interface ModelRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly intent: ModelIntent | null
}

export interface ModelChange {
  readonly resource: string
  readonly action: string
  readonly fromVersion: number
  readonly version: number
  readonly fromState: string | null
  readonly state: string
  readonly data: PlainObject
  readonly timer: ModelTimer | null
}

/** What must have become of a record. */
export interface Expected {
  /** `followed`: the model does not say what comes of an intent with this action of Signalbox's own. */
  readonly outcome: 'committed' | 'rejected' | 'duplicate' | 'pending' | 'followed'
  readonly time: number
  /** Of a reject, or of the reject that a duplicate repeats. */
  readonly code: string | null
  readonly resource: string | null
  readonly expectedVersion: number | null
  readonly actualVersion: number | null
  /** The intent that moved the resource last, where the reject tells. */
  readonly movedBy: string | null
  readonly missed: readonly number[]
  readonly changes: readonly ModelChange[]
  /** Source offset of the first decision, of a duplicate. */
  readonly duplicateOf: number | null
  /** When a pending intent is over at the latest; null where it is not pending. */
  readonly untilMs: number | null
  /** The intent as the event must embed it; null where it must embed none. */
  readonly embedded: string | null
}

export interface ModelSettings {
  readonly partitionCount: number
  readonly agents: readonly string[]
  readonly maxActions: number
  readonly maxIntentBytes: number
  readonly horizonMs: number
  readonly skewMs: number
  readonly missed: number
}

/** The after-image of a change. */
export function changeOf(resource: string, action: string, before: ModelResource | undefined, { data, state, timer }: Made): ModelChange {
  const fromVersion = before?.version ?? 0
  return { resource, action, fromVersion, version: fromVersion + 1, fromState: before?.state ?? null, state, data, timer }
}
