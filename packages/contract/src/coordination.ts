/** What a contract says of waiting, reservations, timers and escalation, with the defaults of what it leaves out. */
import { bare } from './bare.ts'

export interface EscalationLevel {
  /** Who is asked: a team, a role, a person. */
  readonly to: string
  /** How long, before the next level is asked. After the last one the escalation expires, and that denies. */
  readonly withinMs: number
}

/**
 * Of a resource: itself, the decision that made it what it is, the lease that somebody holds on it, and what its agents do, or were to
 * do, in the world.
 */
export const handoffParts = ['resource', 'last-change', 'reservation', 'effects'] as const
export type HandoffPart = (typeof handoffParts)[number]

export interface Coordination {
  readonly after: { readonly [state: string]: { readonly ms: number; readonly action: string } }
  readonly waiting: {
    /** Intents that may wait for one resource. */
    readonly queue: number
    /** How often later intents may be committed to what one waits for, by the same action, before they must queue behind it. */
    readonly bypasses: number
    /** How long an intent without a deadline waits. */
    readonly deadlineMs: number
  }
  readonly reservation: {
    /** The longest that a reservation may be taken or renewed for at a time. */
    readonly maxMs: number
  }
  readonly maxPriority: number
  readonly escalation: {
    readonly levels: readonly EscalationLevel[]
    /** Whether who asked may not be who approves. */
    readonly separationOfDuties: boolean
  }
  /** One agent running into another's commits on one resource so often within the window is put before a human. */
  readonly contradictions: { readonly count: number; readonly to: string } | null
  /**
   * The same action taken on one resource so often within the time, with others in between, goes round though nothing is rejected (hold,
   * leave, hold, leave): the next one is put before a human.
   */
  readonly rounds: { readonly count: number; readonly withinMs: number; readonly to: string } | null
  readonly shadow: boolean
  readonly handoff: {
    /** What a packet must have of a resource of this type that its task names: never left out, whatever the budget. */
    readonly requires: readonly HandoffPart[]
  }
}

/** Who acts when a timer is due. */
export const clockAgent = 'clock'

/** As a contract's definition gives them. */
export interface CoordinationParts {
  readonly after?: { readonly [state: string]: { readonly ms: number; readonly action: string } | undefined }
  readonly waiting?: Partial<Coordination['waiting']>
  readonly reservation?: Partial<Coordination['reservation']>
  /** Intents may name a priority up to this. Default 0: none. */
  readonly maxPriority?: number
  readonly escalation?: Partial<Coordination['escalation']>
  readonly contradictions?: Coordination['contradictions']
  readonly rounds?: Coordination['rounds']
  /** Decided and logged as what would have been: nothing of it is in force. */
  readonly shadow?: boolean
  readonly handoff?: Partial<Coordination['handoff']>
}

export function coordinationOf(parts: CoordinationParts): Coordination {
  return {
    after: bare(parts.after ?? {}) as Coordination['after'],
    waiting: { queue: 64, bypasses: 16, deadlineMs: 60_000, ...parts.waiting },
    reservation: { maxMs: 600_000, ...parts.reservation },
    maxPriority: parts.maxPriority ?? 0,
    escalation: { levels: [{ to: 'operators', withinMs: 3_600_000 }], separationOfDuties: true, ...parts.escalation },
    contradictions: parts.contradictions ?? null,
    rounds: parts.rounds ?? null,
    shadow: parts.shadow ?? false,
    handoff: { requires: [], ...parts.handoff },
  }
}
