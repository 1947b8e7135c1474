/** Reads the change events of Debezium: what became of a row, and its place in the order of its source. */

import { bounds } from './bounds.ts'
import type { JsonValue } from './canonical.ts'
import type { FollowUp } from './reaction.ts'
import type { Source, SourceRecord } from './source.ts'

/** A change of one row, as Debezium tells it. */
export interface RowChange {
  readonly operation: 'create' | 'update' | 'delete' | 'read'
  readonly before: { readonly [column: string]: JsonValue } | null
  readonly after: { readonly [column: string]: JsonValue } | null
  /** Its place in the order of its source: a later change of a row has a higher one. */
  readonly version: number
  readonly key: JsonValue
}

export interface DebeziumOptions {
  /**
   * What tells a later change of a row from an earlier one. `source`: the position that the connector tells, of PostgreSQL and MySQL; of the
   * others the offset of the record in its topic. `offset`: that offset for every connector, as where a replica with positions of
   * its own may take over. Fixed once there are facts: the two are no common scale. Default `source`.
   */
  readonly order?: 'source' | 'offset'
}

const operations: Readonly<Record<string, RowChange['operation']>> = { c: 'create', u: 'update', d: 'delete', r: 'read' }

type Row = { readonly [column: string]: JsonValue }

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Reads Debezium change events (with or without the schema beside the payload) and hands each to `map`. Tombstones, heartbeats, messages,
 * changes of schemas and the bounds of transactions say nothing of a row. Throws RangeError for what is no change event, and for a
 * truncated table, of which no single change can be made.
 */
export function debezium(map: (change: RowChange) => FollowUp | null, { order = 'source' }: DebeziumOptions = {}): Source['map'] {
  if (order !== 'source' && order !== 'offset')
    throw new RangeError(`debezium: order is ${JSON.stringify(order)}; give 'source' or 'offset'`)
  return (record) => {
    const { key, value } = record
    if (value === null) return null
    const envelope = isRow(value) && isRow(value.payload) ? value.payload : value
    if (!isRow(envelope)) throw new RangeError('the record is no Debezium change event: it is no object')
    if (saysNothing(envelope)) return null
    if (envelope.op === 't')
      throw new RangeError(
        'the table was truncated: every row of it is gone, and the event names none. State the rows anew, or discard the dead letter',
      )
    const operation = typeof envelope.op === 'string' && Object.hasOwn(operations, envelope.op) ? operations[envelope.op] : undefined
    if (operation === undefined) throw new RangeError('the record is no Debezium change event: it has no op of c, u, d or r')
    const { after = null, before = null } = envelope
    return map({
      operation,
      before: isRow(before) ? before : null,
      after: isRow(after) ? after : null,
      version: order === 'offset' ? offsetPlace(record) : placeOf(envelope, record),
      key: isRow(key) && key.payload !== undefined ? key.payload : key,
    })
  }
}

/** Heartbeats, messages (`op: m`), changes of schemas, and BEGIN and END of transactions. */
function saysNothing(envelope: Row): boolean {
  if (envelope.op === 'm') return true
  if (envelope.op !== undefined) return false
  const isHeartbeat = typeof envelope.ts_ms === 'number' && Object.keys(envelope).every((name) => name === 'ts_ms')
  const isSchemaChange = Object.hasOwn(envelope, 'ddl') || Object.hasOwn(envelope, 'tableChanges')
  const isTransaction = (envelope.status === 'BEGIN' || envelope.status === 'END') && typeof envelope.id === 'string'
  return isHeartbeat || isSchemaChange || isTransaction
}

/** Above every time in milliseconds before 2033: what earlier releases ordered by the time of the change stays before what comes now. */
const base = 2_000_000_000_000
const positionsAFile = 2 ** 32

/** By one scale for each connector, so that snapshots and changes are told apart rightly too. */
function placeOf({ source }: Row, record: SourceRecord): number {
  const { connector = null, file = null, lsn = null, pos = null } = isRow(source) ? source : {}
  if (connector === 'postgresql' || (connector === null && lsn !== null)) return checked(wholeOf(lsn, 'source.lsn'), 'source.lsn')
  const isMysql = connector === 'mysql' || connector === 'mariadb'
  if (isMysql || (connector === null && typeof file === 'string')) return binlogPlace(file, pos)
  return offsetPlace(record)
}

/** Positions of one file are below 4 GiB; rows of one position are different rows. A snapshot that names no file comes before all. */
function binlogPlace(file: JsonValue, pos: JsonValue): number {
  if (file === null || file === '') return base
  const number = /\.(\d{1,10})$/.exec(typeof file === 'string' ? file : '')?.[1]
  if (number === undefined) throw new RangeError(`source.file is ${JSON.stringify(file)}, which has no number at its end; ${otherwise}`)
  const position = wholeOf(pos, 'source.pos')
  if (position >= positionsAFile) throw new RangeError(`source.pos is ${position}, beyond 4 GiB; ${otherwise}`)
  return checked(base + Number(number) * positionsAFile + position, 'the place in the binlog')
}

function offsetPlace({ offset }: SourceRecord): number {
  return checked(base + offset, 'the offset of the record')
}

const otherwise = "order by the offset in the topic instead: debezium(map, { order: 'offset' }), under another name of the source"

function wholeOf(value: JsonValue, what: string): number {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : value
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number
  throw new RangeError(`the change event has no ${what} as a whole number, so its place in order is not known; ${otherwise}`)
}

function checked(place: number, what: string): number {
  if (place <= bounds.factVersion.most) return place
  throw new RangeError(`${what} makes ${place}, and a version is at most ${bounds.factVersion.most}; ${otherwise}`)
}
