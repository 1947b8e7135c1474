/** What a packet is compiled from: plain values, read from the log at one position. */
import type { EventReference } from '@signalbox/contract'
import type { Size } from './packet-error.ts'

/** A resource as it is at the position of the packet. */
export interface ResourceCandidate {
  readonly kind: 'resource'
  /** `type/id`. */
  readonly resource: string
  /** 0 where it does not exist. */
  readonly version: number
  /** Null where it does not exist. */
  readonly state: string | null
  /** Its data as the text of a JSON object; null where it does not exist. */
  readonly data: string | null
}

/** `rule`: it followed by a rule (a timer, an escalation) and no intent asked for it. */
export type DecisionOutcome = 'committed' | 'rejected' | 'pending' | 'shadowed' | 'rule'

export interface DecisionAction {
  readonly resource: string
  readonly action: string
  /** Its input as the text of a JSON object; null where it took none. */
  readonly input: string | null
}

/** What became of an intent, or what a rule did. */
export interface DecisionCandidate {
  readonly kind: 'decision'
  readonly event: EventReference
  /** Null where a rule acted, or the record could not be decoded. */
  readonly intentId: string | null
  readonly agent: string | null
  readonly outcome: DecisionOutcome
  readonly actions: readonly DecisionAction[]
  /** The resources that it changed, with the version it led to; empty where it changed none. */
  readonly changes: readonly { readonly resource: string; readonly version: number }[]
  /** The code of a reject, of what a pending intent waits for, or of the rule. */
  readonly code: string | null
  readonly message: string | null
  /** Logical time, milliseconds since 1970, UTC. */
  readonly time: number
  readonly correlationId: string | null
  /** Why, in the agent's words. */
  readonly note: string | null
}

/** A lease that somebody holds on a resource. */
export interface ReservationCandidate {
  readonly kind: 'reservation'
  readonly resource: string
  readonly holder: string
  readonly fencingToken: number
  /** When it ends in logical time, milliseconds since 1970, UTC. */
  readonly expires: number
}

/** What an agent does, or was to do, in the world after a commit. */
export interface EffectCandidate {
  readonly kind: 'effect'
  readonly effectId: string
  readonly resource: string
  readonly action: string
  readonly agent: string
  readonly status: 'awaited' | 'done' | 'failed' | 'unreported'
  /** By when it is to be reported in logical time, milliseconds since 1970, UTC; null where there is no deadline. */
  readonly reportBy: number | null
}

/** What an agent or a person wrote down for whoever comes next. */
export interface NoteCandidate {
  readonly kind: 'note'
  /** Unique among the notes of the scope. */
  readonly id: string
  readonly author: string
  /** Logical time, milliseconds since 1970, UTC. */
  readonly time: number
  readonly text: string
}

export type Candidate = ResourceCandidate | DecisionCandidate | ReservationCandidate | EffectCandidate | NoteCandidate

/** `kind:id`: `resource:refund/7-1`, `decision:3/41822/0`, `reservation:refund/7-1`, `effect:…`, `note:…`. */
export type PartReference = string

/** The piece of work that is handed over. */
export interface HandoffTask {
  readonly purpose: string
  readonly from: string
  /** Null where whoever is able may take it. */
  readonly to: string | null
  readonly correlationId: string | null
  /** The resources that the work is about, as `type/id`: each must be a candidate. A set. */
  readonly resources: readonly string[]
}

/** How a reader gets what the packet leaves out; told in the packet as it stands here. */
export interface FetchInstructions {
  /** One part; `{reference}` stands for its reference. */
  readonly part: string
  /** Everything that was left out. */
  readonly rest: string
}

export interface PacketInput {
  readonly scope: string
  /** `partition:offset` of the log that every candidate is as of. */
  readonly position: string
  /** Logical time there, milliseconds since 1970, UTC. */
  readonly time: number
  readonly task: HandoffTask
  /** In any order: the packet is the same. */
  readonly candidates: readonly Candidate[]
  /** What may never be left out: by contract, or by the wish of who hands over. A set. */
  readonly required: readonly PartReference[]
  /** What the rendered text may have. */
  readonly budget: Size
  readonly fetch: FetchInstructions
}

/** What one packet is compiled from at most. */
export const packetLimits = {
  candidates: 10_000,
  /** Of all candidates, as JSON in UTF-8. */
  candidateBytes: 4 * 1024 * 1024,
  /** Of the purpose and of each fetch instruction, in UTF-16 units. */
  textLength: 4096,
  /** Resources that a packet relies on: as many as a handoff may name. */
  references: 256,
  /** Parts left out that are named; the others are counted. */
  namedOmissions: 20,
} as const
