/** What the compiler makes. Everything here is covered by the digest. */
import type { HandoffTask, PartReference } from './input.ts'
import type { Size } from './packet-error.ts'

export const packetFormat = 'signalbox-packet/1'

/** Why a part is in, in the order of the ranks. */
export const inclusionReasons = [
  /** By contract, or by the wish of who hands over. */
  'REQUIRED',
  /** The task is about this resource. */
  'NAMED',
  /** A reservation or effect on a named or required resource. */
  'IN_FORCE',
  /** The decision that made a named or required resource what it is. */
  'LAST_CHANGE',
  /** A decision under the correlation id of the task; the newest first. */
  'SAME_CORRELATION',
  /** A reservation or effect on another resource. */
  'IN_FORCE_ELSEWHERE',
  'OTHER_RESOURCE',
  /** The newest first. */
  'NOTE',
  /** The newest first. */
  'OTHER_DECISION',
] as const
export type InclusionReason = (typeof inclusionReasons)[number]

/** Why a part is out. */
export const omissionReasons = [
  /** An included part says the same: the same reject of the same actions of an agent, the same note of an author. */
  'DUPLICATE',
  /** It had room in tokens, but not in bytes. */
  'OVER_BYTES',
  /** With it the packet would rely on more than 256 resources. */
  'OVER_REFERENCES',
  /** It had no room in tokens. */
  'OVER_TOKENS',
  /** A commit, or what a rule did: all that it changed is included in a later version. */
  'SUPERSEDED',
] as const
export type OmissionReason = (typeof omissionReasons)[number]

export interface Part extends Size {
  readonly reference: PartReference
  readonly reason: InclusionReason
  /** Its content in RFC 8785 form, uncut. */
  readonly json: string
}

export interface Omission extends Size {
  readonly reference: PartReference
  readonly reason: OmissionReason
  /** How to get it. */
  readonly fetch: string
}

/** The parts left out that are not named one by one. */
export interface OmissionSummary extends Size {
  readonly count: number
  readonly reasons: { readonly [Reason in OmissionReason]?: number }
}

export interface ResourceReference {
  readonly resource: string
  readonly version: number
}

export interface Packet {
  readonly format: typeof packetFormat
  readonly scope: string
  /** `partition:offset`. */
  readonly position: string
  /** Logical time, milliseconds since 1970, UTC. */
  readonly time: number
  readonly task: HandoffTask
  readonly tokenizer: string
  readonly budget: Size
  /** By rank. Their sizes are those of their blocks in the rendered text. */
  readonly parts: readonly Part[]
  /** The resources that the parts speak of, at their version at the position; by name. */
  readonly references: readonly ResourceReference[]
  readonly omitted: {
    /** By rank. */
    readonly named: readonly Omission[]
    /** Null where every part left out is named. */
    readonly more: OmissionSummary | null
    readonly fetch: { readonly part: string; readonly rest: string }
  }
  /** Of the rendered text, exactly; `parts` in, `omitted` out, named or not. */
  readonly totals: Size & { readonly parts: number; readonly omitted: number }
  /** SHA-256 of the RFC 8785 form of all other fields, base64url without padding. */
  readonly digest: string
}
