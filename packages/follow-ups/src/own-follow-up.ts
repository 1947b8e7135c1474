/** What Signalbox itself asks for, and in whose name. */
import type { Event, FollowUp } from '@signalbox/contract'

/** Who asks, in every follow-up that is not in an agent's name. */
export const processManagerAgent = 'process-manager'

/** An event that changes resources in the course of decisions. */
export type Changing = Extract<Event, { readonly type: 'IntentCommitted' | 'RuleApplied' }>

/** A follow-up of Signalbox's own, with what makes its id. */
export interface OwnFollowUp extends FollowUp {
  /** In whose name; the process manager's own where left out. */
  readonly agent?: string
  /** With the event, what makes its id: the same cause gives the same id. */
  readonly cause: readonly string[]
}
