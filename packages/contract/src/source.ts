/** Systems of record: records of a topic become intents of an authoritative agent, each once and in its source's order. */
import type { JsonValue } from './canonical.ts'
import { sourceShape } from './config-shape.ts'
import { agentNameText, isAgentName } from './identifiers.ts'
import type { FollowUp } from './reaction.ts'
import { ConfigError, checkShape } from './shape.ts'

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

/** Throws ConfigError for what cannot be a source. */
export function defineSource(source: Source): Source {
  const where = `source ${JSON.stringify(source?.name ?? null)}`
  checkShape(sourceShape, source, (path, message) => {
    throw new ConfigError(`${where}${path === '' ? '' : `, ${path}`}: ${message}`)
  })
  if (!isAgentName(source.agent)) throw new ConfigError(`${where}: ${JSON.stringify(source.agent)} is no agent name; give ${agentNameText}`)
  return source
}

/** A change of one row, as Debezium tells it. */
export interface RowChange {
  readonly operation: 'create' | 'update' | 'delete' | 'read'
  readonly before: { readonly [column: string]: JsonValue } | null
  readonly after: { readonly [column: string]: JsonValue } | null
  /** Its place in the order of its source: the log sequence number where the connector gives one, else the time of the change. */
  readonly version: number
  readonly key: JsonValue
}

const operations: Readonly<Record<string, RowChange['operation']>> = { c: 'create', u: 'update', d: 'delete', r: 'read' }

type Row = { readonly [column: string]: JsonValue }

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Reads Debezium change events (with or without the schema beside the payload) and hands each to `map`. Tombstones say
 * nothing. Throws RangeError for what is no change event.
 */
export function debezium(map: (change: RowChange) => FollowUp | null): Source['map'] {
  return ({ key, value }) => {
    if (value === null) return null
    const envelope = isRow(value) && isRow(value.payload) ? value.payload : value
    if (!isRow(envelope) || typeof envelope.op !== 'string' || operations[envelope.op] === undefined)
      throw new RangeError('the record is no Debezium change event: it has no op of c, u, d or r')
    const { after = null, before = null, source = null } = envelope
    const { lsn = null, ts_ms = null } = isRow(source) ? source : {}
    const version = lsn ?? ts_ms ?? envelope.ts_ms ?? null
    if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0)
      throw new RangeError('the change event has neither source.lsn nor ts_ms as a whole number, so its place in order is not known')
    const plainKey = isRow(key) && key.payload !== undefined ? key.payload : key
    return map({
      operation: operations[envelope.op]!,
      before: isRow(before) ? before : null,
      after: isRow(after) ? after : null,
      version,
      key: plainKey,
    })
  }
}
