/** What goes into the model, and what comes out of it. */
import type { Containment } from '@signalbox/contract'
import type { ModelIntent, PlainObject } from './intent.ts'
import type { ModelResource, ModelTimer } from './rules.ts'

export interface ModelRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly intent: ModelIntent | null
}

/** What becomes of a resource. */
export interface Made {
  readonly state: string
  readonly data: PlainObject
  readonly timer: ModelTimer | null
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
  /** The fields that it changes; null where its contract does not merge. */
  readonly fields: readonly string[] | null
}

/** A human is asked: why, about what, whom first (null: the contract's first level), and how many must agree. */
export interface Question {
  readonly cause: string
  readonly resource: string | null
  readonly to: string | null
  readonly approvals: number
}

/** Why not, as far as the reject tells. */
export type Refusal = Partial<Pick<Expected, 'resource' | 'expectedVersion' | 'actualVersion' | 'movedBy' | 'missed' | 'isRenewed'>> & {
  readonly code: string
}

/** What must have become of a record. */
export interface Expected {
  readonly outcome: 'committed' | 'rejected' | 'duplicate' | 'pending' | 'shadowed'
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
  /** What it uses up of a budget; null where nothing of it says so. */
  readonly amount: number | null
  /** Source offset of the first decision, of a duplicate. */
  readonly duplicateOf: number | null
  /** When a pending intent is over at the latest; null where it is not pending. */
  readonly untilMs: number | null
  /** What a human is asked, or has agreed to. */
  readonly question: Question | null
  /** The facts in it that contradict what was committed, each with whom to ask. */
  readonly drifts: readonly { readonly resource: string; readonly to: string }[]
  /** A verdict on a world that has moved: it is asked anew. */
  readonly isRenewed: boolean
  /** What is in shadow. */
  readonly by: string | null
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
  readonly windowMs: number
  readonly pendingAnAgent: number
  readonly containment: Containment
}

/** The after-image of a change. */
export function changeOf(
  resource: string,
  action: string,
  before: ModelResource | undefined,
  { data, state, timer }: Made,
  fields: readonly string[] | null = null,
): ModelChange {
  const fromVersion = before?.version ?? 0
  return { resource, action, fromVersion, version: fromVersion + 1, fromState: before?.state ?? null, state, data, timer, fields }
}
