/** What a projection is: tables, a pure fold over events, and how an event is keyed. */
import {
  anySchema,
  type Contract,
  changesIn,
  checkShape,
  code,
  type Event,
  type EventType,
  type JsonObject,
  shapeOf,
  someText,
  utf8Length,
} from '@signalbox/contract'
import { z } from 'zod'
import { type ProjectedChange, typeOf, type Understanding } from './change.ts'
import { ProjectionError } from './errors.ts'

export type Tables = Readonly<Record<string, z.ZodType<JsonObject>>>

/** A table inside a handler: what was put is there for the next event. */
export interface TableView<Row extends JsonObject = JsonObject> {
  /** Undefined where there is none. Not to be changed in place: put a new one. */
  get(key: string): Row | undefined
  /** The row is checked against the table's schema. */
  put(key: string, row: Row): void
  delete(key: string): void
  /** Puts what `change` makes of the row, or of `initial` where there is none. */
  update(key: string, initial: Row, change: (row: Row) => Row): void
}

export type TableViews<T extends Tables> = { readonly [Name in keyof T]: TableView<z.output<T[Name]> & JsonObject> }

type EventOf<Type extends EventType> = Extract<Event, { type: Type }>

export interface Reacted {
  readonly event: Event
  /** What the event changed, as in `changes`. */
  readonly changes: readonly ProjectedChange[]
  /** Aborted when the process stops. */
  readonly signal: AbortSignal
}

export interface ProjectionDefinition<T extends Tables> {
  /** Lower-case letters, digits and dashes, a letter first, at most 24. */
  readonly name: string
  /** To be raised with every change of what the fold makes: the rows are built anew, beside those of the version before. */
  readonly version: number
  readonly description?: string
  /** By name, the schema of a row. Rows are JSON objects under text keys. */
  readonly tables: T
  /**
   * What is folded from an event. Pure: it knows the event and the tables, nothing else. Events of one partition come in
   * their order; between partitions there is none, so a row that several partitions feed must not depend on it.
   */
  readonly on?: { readonly [Type in EventType]?: (event: EventOf<Type>, tables: TableViews<T>) => void }
  /** What is folded from a change of a resource, by its type; `*` for those that have no handler of their own. */
  readonly changes?: { readonly [type: string]: (change: ProjectedChange, tables: TableViews<T>) => void }
  /**
   * Contracts with upcasts: what older versions of them wrote comes to `changes` as the version given here reads it. To be raised with
   * `version`, as the rows change.
   */
  readonly contracts?: readonly Pick<Contract, 'type' | 'version' | 'upcast'>[]
  /**
   * Events that are held back together when one of them cannot be folded. Default: the scope. It must be one that all events
   * which touch a row in an order that matters share.
   */
  readonly key?: (event: Event) => string
  /** So many events may be held back before the projection stops. Default 1,000. */
  readonly maxParked?: number
  /**
   * Called for every event of the log that came after the projection was first made, at least once, in the order of its
   * partition, once the live rows that it led to are durable; never by a rebuild. Tried again where it rejects.
   */
  readonly react?: (reacted: Reacted) => Promise<void>
}

/** A projection whose types are not known to who hosts it. */
export type Projection = Omit<ProjectionDefinition<Tables>, 'on' | 'changes' | 'contracts'> & {
  readonly contracts: Understanding
  readonly on: Readonly<Record<string, (event: never, tables: TableViews<Tables>) => void>>
  readonly changes: Readonly<Record<string, (change: ProjectedChange, tables: TableViews<Tables>) => void>>
  readonly maxParked: number
}

const namePattern = /^[a-z][a-z0-9-]{0,23}$/
const eventTypes: ReadonlySet<string> = new Set<EventType>([
  'IntentCommitted',
  'IntentRejected',
  'IntentDuplicated',
  'IntentPending',
  'IntentShadowed',
  'WaitersExamined',
  'RuleApplied',
  'PartitionOpened',
  'ScopeCarried',
  'PartitionCarried',
])
const maxParkedLimit = 100_000

const shape = shapeOf<ProjectionDefinition<Tables>>()({
  name: someText,
  version: z.number(),
  description: z.string().optional(),
  tables: z.record(z.string(), anySchema),
  on: z.record(z.string(), code).optional(),
  changes: z.record(z.string(), code).optional(),
  contracts: z.array(z.looseObject({ type: someText, version: z.number(), upcast: z.looseObject({}) })).optional(),
  key: code.optional(),
  maxParked: z.number().optional(),
  react: code.optional(),
})

/** Errors: DEFINITION_INVALID, with a sentence that says where. */
export function defineProjection<const T extends Tables>(definition: ProjectionDefinition<T>): Projection {
  const refuse = (what: string): never => {
    throw new ProjectionError('DEFINITION_INVALID', `projection ${JSON.stringify(definition?.name ?? null)}: ${what}`)
  }
  checkShape(shape, definition, (path, message) => refuse(path === '' ? message : `${path}: ${message}`))
  const { changes = {}, contracts = [], maxParked = 1_000, name, on = {}, tables, version } = definition
  if (!namePattern.test(name)) refuse('a name is 1 to 24 lower-case letters, digits and dashes, a letter first')
  if (!Number.isInteger(version) || version < 1 || version > 1_000_000) refuse(`version must be a whole number from 1, not ${version}`)
  if (Object.keys(tables).length === 0) refuse('it has no table; name at least one, with the schema of its rows')
  for (const table of Object.keys(tables)) if (!namePattern.test(table)) refuse(`table ${JSON.stringify(table)} has no name like its own`)
  for (const type of Object.keys(on))
    if (!eventTypes.has(type)) refuse(`there is no event ${type}; there are ${[...eventTypes].join(', ')}`)
  for (const type of Object.keys(changes))
    if (type !== '*' && !/^[a-z][a-z0-9-]{0,63}$/.test(type))
      refuse(`changes of ${JSON.stringify(type)}: a resource type has other letters`)
  if (Object.keys(on).length === 0 && Object.keys(changes).length === 0) refuse('it folds nothing; give it handlers in on or changes')
  if (!Number.isInteger(maxParked) || maxParked < 1 || maxParked > maxParkedLimit) refuse(`maxParked must be 1 to ${maxParkedLimit}`)
  const understanding = new Map(contracts.map((contract) => [contract.type, contract]))
  return { ...definition, on, changes, contracts: understanding, maxParked } as unknown as Projection
}

/** UTF-8 bytes: PostgreSQL's index takes no more than about 2,700. */
const maxKeyBytes = 2_000
const controlCharacter = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/** Errors: RangeError for a key that no store takes. */
export function checkKey(key: unknown, what: string): string {
  if (typeof key !== 'string' || key === '' || utf8Length(key) > maxKeyBytes || controlCharacter.test(key) || !key.isWellFormed())
    throw new RangeError(`${what} must be a text of 1 to ${maxKeyBytes} bytes without control characters, not ${JSON.stringify(key)}`)
  return key
}

/** By what an event is held back. Errors: whatever the projection's own `key` throws. */
export function keyOf(projection: Projection, event: Event): string {
  // What concerns a whole partition, or could not be decoded, has no scope.
  const key = projection.key === undefined ? event.scope : projection.key(event)
  return key === '' ? `~partition ${event.partition}` : checkKey(key, `the key of an event of projection ${projection.name}`)
}

/** Whether the fold of a projection has a handler for anything in an event. */
export function concerns({ changes, on }: Projection, event: Event): boolean {
  if (on[event.type] !== undefined) return true
  return changesIn(event).some(({ resource }) => changes['*'] !== undefined || changes[typeOf(resource)] !== undefined)
}
