/** What follows from a commit: intents that the process manager appends on its own, once, whatever crashes. */
import type { JsonObject } from './canonical.ts'
import { ruleName } from './setting-shapes.ts'
import { ConfigError, checkShape, code, shapeOf } from './shape.ts'

/** One resource as a commit left it. */
export interface CommittedChange {
  /** The commit: PARTITION/OFFSET/INDEX of its source. */
  readonly event: string
  /** Logical time of the commit: milliseconds since 1970, UTC. */
  readonly timeMs: number
  readonly scope: string
  readonly agent: string
  readonly intentId: string
  /** type/id */
  readonly resource: string
  readonly action: string
  /** Null where the resource did not exist before. */
  readonly fromState: string | null
  readonly state: string
  readonly version: number
  readonly data: JsonObject
}

export interface FollowUp {
  readonly scope: string
  /** Applied together or not at all. */
  readonly actions: readonly {
    readonly resource: string
    readonly action: string
    readonly input?: JsonObject
    readonly expectedVersion?: number
  }[]
  readonly note?: string
}

export interface Reaction {
  /** Part of the ids of its intents: another name makes other intents. Lower-case letters, digits, dashes. */
  readonly name: string
  /** Must give the same for the same change, always: it is asked again after every restart. */
  readonly react: (change: CommittedChange) => readonly FollowUp[]
}

export const reactionShape = shapeOf<Reaction>()({ name: ruleName, react: code })

/** Throws ConfigError for what cannot be a reaction. */
export function defineReaction(reaction: Reaction): Reaction {
  checkShape(reactionShape, reaction, (path, message) => {
    throw new ConfigError(`reaction ${JSON.stringify(reaction?.name ?? null)}${path === '' ? '' : `, ${path}`}: ${message}`)
  })
  return reaction
}
