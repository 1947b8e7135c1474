/** What an audit may find. Each names the first place where a promise does not hold. */
export const auditChecks = {
  decided: 'every intent below the watermark has exactly one decision',
  'decided again': 'decisions equal decide run again',
  order: 'source positions rise',
  carried: 'what came from other topics came whole, and first',
  chain: 'the chain holds',
  epochs: 'one epoch writes at a time',
  snapshot: 'the snapshot and its tail equal the full fold',
  readable: 'every event can be decoded',
  index: 'the index of names is whole',
} as const

export type AuditCheck = keyof typeof auditChecks

export interface Finding {
  readonly check: AuditCheck
  readonly partition: number
  /** Log offset of the event concerned; null where it is an intent, or a snapshot. */
  readonly logOffset: number | null
  /** Source offset of the intent concerned; null where there is none. */
  readonly intentOffset: number | null
  readonly message: string
}

export interface PartitionAudit {
  readonly partition: number
  readonly events: number
  /** Intents with a decision, by the events. */
  readonly decisions: number
  /** Decisions that were computed anew and compared. */
  readonly decidedAgain: number
  /** Decisions that could not be. */
  readonly notDecidedAgain: number
  /** How many of them for which reason. */
  readonly whyNot: Readonly<Record<string, number>>
  /** Intents that lie past the watermark and have no decision yet. */
  readonly undecided: number
  /** The source offset below which everything is decided. */
  readonly watermark: number
  /** Where the newest snapshot that was compared reaches to; null where there is none. */
  readonly snapshotPosition: number | null
  /** Whether the log keeps an index of names, which was proven. */
  readonly hasIndex: boolean
  /** The first break of each check. */
  readonly findings: readonly Finding[]
}
