/** What Signalbox takes at most. Every queue, record and list has one of these. */
export interface Limits {
  /** An intent record as it arrives. */
  readonly intentBytes: number
  /** Actions of one intent. */
  readonly actions: number
  /** Entries of one read set. */
  readonly reads: number
  /** The input of one action, as JSON in UTF-8. */
  readonly inputBytes: number
  /** The data of one resource, as JSON in UTF-8. */
  readonly dataBytes: number
  /** The note of an intent, in characters. */
  readonly noteLength: number
  /** All that one intent record may write, embedded intent included. Well below what a broker takes (1 MiB). */
  readonly resultBytes: number
  /** How long intent ids are remembered. */
  readonly identityHorizonMs: number
  /** How far an intent's id or a record's time may be ahead. */
  readonly clockSkewMs: number
  /** Commits named to an agent that missed them. */
  readonly missed: number
}

export const defaultLimits: Limits = {
  intentBytes: 256 * 1024,
  actions: 256,
  reads: 256,
  inputBytes: 64 * 1024,
  dataBytes: 64 * 1024,
  noteLength: 4096,
  resultBytes: 768 * 1024,
  identityHorizonMs: 24 * 3_600_000,
  clockSkewMs: 5 * 60_000,
  missed: 8,
}
