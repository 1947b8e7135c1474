/** Systems of record: records of a topic become intents of an authoritative agent, each once and in its source's order. */
import type { JsonValue } from './canonical.ts'
import { agentNameText, isAgentName } from './identifiers.ts'
import type { FollowUp } from './reaction.ts'
import { ruleName } from './setting-shapes.ts'
import { ConfigError, checkShape, code, shapeOf, someText } from './shape.ts'

/** A record of a source's topic, decoded as JSON. */
export interface SourceRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since 1970, UTC. */
  readonly timestampMs: number
  /** JSON where it is, else the text itself; null where there is none. */
  readonly key: JsonValue
  /** Null for a tombstone. */
  readonly value: JsonValue
}

export interface Source {
  /** Part of the ids of its intents: another name makes other intents. Lower-case letters, digits, dashes. */
  readonly name: string
  readonly topic: string
  /** In whose name: the contract's `by` lets it state facts. */
  readonly agent: string
  /** What a record says, as an intent; null for one that says nothing. Must give the same for the same record, always. */
  readonly map: (record: SourceRecord) => FollowUp | null
}

export const sourceShape = shapeOf<Source>()({ name: ruleName, topic: someText, agent: someText, map: code })

/** Throws ConfigError for what cannot be a source. */
export function defineSource(source: Source): Source {
  const where = `source ${JSON.stringify(source?.name ?? null)}`
  checkShape(sourceShape, source, (path, message) => {
    throw new ConfigError(`${where}${path === '' ? '' : `, ${path}`}: ${message}`)
  })
  if (!isAgentName(source.agent)) throw new ConfigError(`${where}: ${JSON.stringify(source.agent)} is no agent name; give ${agentNameText}`)
  return source
}
