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
  /** What is counted of an agent (asked, rejected, spent) is counted over so long, sliding. */
  readonly windowMs: number
  /** Intents of one agent that may be pending in a scope at a time, where no budget says so. */
  readonly pendingAnAgent: number
  /** Timers that one record fires, besides those of what it touches; the rest fire with the next. */
  readonly timersARecord: number
  /** Waiting intents that one record decides again; the rest are decided with the next. */
  readonly waitersARecord: number
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
  windowMs: 60_000,
  pendingAnAgent: 256,
  timersARecord: 32,
  waitersARecord: 16,
}
