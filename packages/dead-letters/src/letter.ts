/** A dead letter as it is read: where it lies, why it is there, and what it held. */
import type { ContractOwner, ContractRecord, DeadLetterTopic, Intent, JsonObject } from '@signalbox/contract'
import type { Headers } from '@signalbox/log'

export interface LetterAction {
  readonly resource: string
  readonly action: string
}

/** What became of an intent, as the log says it. */
export interface IntentOutcome {
  readonly outcome: 'committed' | 'rejected' | 'pending' | 'shadowed'
  readonly code: string | null
  readonly message: string | null
  /** PARTITION/OFFSET/INDEX */
  readonly event: string
  readonly timeMs: number
}

export interface OpenStanding {
  readonly state: 'open'
  /** Who reopened it, and why; null where nobody ever decided anything. */
  readonly by: string | null
  readonly reason: string | null
  readonly atMs: number | null
}

export interface RedrivenStanding {
  readonly state: 'redriven'
  readonly by: string
  readonly reason: string
  readonly atMs: number
  readonly batch: string | null
  readonly edited: boolean
  readonly fresh: boolean
  /** Null of what is no intent. */
  readonly intentId: string | null
  /** Null while its intent has no decision: the redrive was cut off, or is under way. Of a notification, what its target did. */
  readonly outcome: IntentOutcome | null
}

export interface DiscardedStanding {
  readonly state: 'discarded'
  readonly by: string
  readonly reason: string
  readonly atMs: number
}

export type Standing = OpenStanding | RedrivenStanding | DiscardedStanding

export interface DeadLetter {
  /** TOPIC:PARTITION:OFFSET */
  readonly id: string
  readonly topic: DeadLetterTopic
  readonly partition: number
  readonly offset: number
  /** When it became a dead letter: milliseconds since 1970, UTC. */
  readonly timestampMs: number
  readonly bytes: number
  readonly headers: Headers
  readonly code: string
  readonly cause: string
  readonly fingerprint: string
  /** The event that says so; null where a header is missing. */
  readonly event: string | null
  /** Where the record lay in its source, for the order in which letters were sent. */
  readonly sourceOffset: number
  /** As far as they can be told from the bytes, the event, or the key. */
  readonly scope: string | null
  readonly agent: string | null
  /** The id that its intent had. */
  readonly intentId: string | null
  readonly actions: readonly LetterAction[]
  readonly owner: ContractOwner | null
  /** Why its bytes are no intent (or no JSON); null where they are. */
  readonly undecodable: string | null
  /** Of a projector's: what to fold again. */
  readonly parked: { readonly projection: string; readonly key: string } | null
  /** Of a notification: where it did not arrive. */
  readonly target: string | null
  /** Of a reaction's or a source's: its name. */
  readonly subject: string | null
  readonly standing: Standing
  /** What became of the same intent where its agent sent it again by itself: then there is nothing left to redrive. */
  readonly sentAgain: IntentOutcome | null
  /** The contracts in force when it became a dead letter; null where its event is not in the log. */
  readonly contracts: readonly ContractRecord[] | null
}

/** With what it holds. */
export interface WholeLetter {
  readonly letter: DeadLetter
  readonly value: Uint8Array
  readonly decoded: Intent | JsonObject | null
}
