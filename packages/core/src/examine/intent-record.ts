import type { Intent } from '@signalbox/contract'

/** One record of the intents topic, as far as a decision depends on it. */
export interface IntentRecord {
  readonly offset: number
  /** When the log took it: milliseconds since 1970, UTC. */
  readonly timestampMs: number
  /** Null when the bytes could not be decoded; `problem` then says why. */
  readonly intent: Intent | null
  /** Beside an intent: what was decided of it could not be written, and why. */
  readonly problem: string | null
  /** Set where a person passes the record by, unread: deciding it, or only decoding it, kills whoever tries. */
  readonly skip?: Skip
}

/** A type, so that it can lie in the JSON of an event. */
export type Skip = {
  /** Who says so. */
  readonly by: string
  readonly reason: string
}
