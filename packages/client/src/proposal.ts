/** What an agent saw, and what it proposes on it. */
import type { Decision, IntentJson, Resource } from '@signalbox/contract'

/** What an agent has seen: resources of one scope as one consistent cut. */
export interface Seen {
  readonly scope: string
  /** partition:offset that the cut is as of. */
  readonly position: string
  readonly resources: readonly Resource[]
  get(resource: string): Resource
}

export interface ProposedAction {
  readonly resource: string
  readonly action: string
  readonly input?: Readonly<Record<string, unknown>>
}

export type ProposeOptions = Pick<
  IntentJson,
  'correlationId' | 'causationId' | 'causationDepth' | 'deadline' | 'confidence' | 'note' | 'onConflict' | 'priority' | 'reservation'
> & {
  readonly intentId?: string
  readonly waitMs?: number
  /** Without it nothing is tried again. */
  readonly retry?: Retry
}

/** What to do when what the agent had seen has moved. */
export interface Retry {
  /** How often to propose in all. */
  readonly attempts: number
  /** Given what moved and how it is now: what to propose instead, or null to let it be. It is the agent that thinks again. */
  readonly again: (moved: {
    readonly decision: Decision
    /** The commits that the agent missed, oldest first. */
    readonly missed: Decision['missed']
    readonly seen: Seen
  }) => readonly ProposedAction[] | null | Promise<readonly ProposedAction[] | null>
}
