/** The rows that a fold sees: what the store has, what the batch made of it, and what the event under way makes of that. */
import { canonicalize, type JsonObject } from '@signalbox/contract'
import type { z } from 'zod'
import { checkKey, type Projection, type TableView } from './projection.ts'

/** A row, or that there is none. */
export interface Entry {
  readonly row: JsonObject | null
  /** Its RFC 8785 form: what is stored. */
  readonly text: string | null
}

const none: Entry = { row: null, text: null }
const maxCachedRows = 200_000
const maxCachedCharacters = 32 * 1024 * 1024

export function entryOf(text: string | null): Entry {
  return text === null ? none : { row: freeze(JSON.parse(text)) as JsonObject, text }
}

/** Handlers share rows with the cache: one that changes a row in place is told so at once. */
function freeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) freeze(member)
  return Object.freeze(value)
}

export class Table implements TableView {
  readonly name: string
  readonly #schema: z.ZodType<JsonObject>
  readonly #rows: Rows
  /** Known to be in the store. */
  readonly cached = new Map<string, Entry>()
  /** Of the batch under way. */
  readonly batch = new Map<string, Entry>()
  /** Of the event under way. */
  readonly #event = new Map<string, Entry>()
  /** Asked for, and not known. */
  readonly missing = new Set<string>()

  constructor(name: string, schema: z.ZodType<JsonObject>, rows: Rows) {
    this.name = name
    this.#schema = schema
    this.#rows = rows
  }

  get(key: string): JsonObject | undefined {
    const found = this.#event.get(key) ?? this.batch.get(key) ?? this.cached.get(key)
    if (found !== undefined) return found.row ?? undefined
    checkKey(key, `a key of table ${this.name}`)
    if (!this.#rows.isComplete) this.missing.add(key)
    return undefined
  }

  put(key: string, row: JsonObject): void {
    checkKey(key, `a key of table ${this.name}`)
    const checked = this.#schema.safeParse(row)
    if (!checked.success) {
      const issues = checked.error.issues.map(({ message, path }) => `${path.length === 0 ? 'the row' : path.join('.')}: ${message}`)
      throw new TypeError(`row ${JSON.stringify(key)} of table ${this.name} does not fit its schema: ${issues.join('; ')}`)
    }
    this.#event.set(key, { row: freeze(checked.data) as JsonObject, text: canonicalize(checked.data) })
  }

  delete(key: string): void {
    checkKey(key, `a key of table ${this.name}`)
    this.#event.set(key, none)
  }

  update(key: string, initial: JsonObject, change: (row: JsonObject) => JsonObject): void {
    this.put(key, change(this.get(key) ?? initial))
  }

  /** The event under way was folded. */
  keepEvent(): void {
    for (const [key, entry] of this.#event) this.batch.set(key, entry)
    this.#event.clear()
  }

  dropEvent(): void {
    if (this.#event.size > 0) this.#event.clear()
    if (this.missing.size > 0) this.missing.clear()
  }
}

/** The tables of one generation, as its only owner sees them. */
export class Rows {
  readonly tables: readonly Table[]
  readonly views: Readonly<Record<string, Table>>
  #isComplete: boolean
  #characters = 0

  /** `isEmpty`: the store has no row yet, so what is not known here is nowhere. */
  constructor(projection: Projection, isEmpty: boolean) {
    this.tables = Object.entries(projection.tables).map(([name, schema]) => new Table(name, schema, this))
    this.views = Object.fromEntries(this.tables.map((table) => [table.name, table]))
    this.#isComplete = isEmpty
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  get isMissing(): boolean {
    return this.tables.some(({ missing }) => missing.size > 0)
  }

  keepEvent(): void {
    for (const table of this.tables) table.keepEvent()
  }

  dropEvent(): void {
    for (const table of this.tables) table.dropEvent()
  }

  /** What was read from the store. */
  learn(table: Table, key: string, text: string | null): void {
    this.#remember(table, key, entryOf(text))
  }

  /** The batch is in the store. */
  keepBatch(): void {
    for (const table of this.tables) {
      for (const [key, entry] of table.batch) this.#remember(table, key, entry)
      table.batch.clear()
    }
    this.#forgetOldest()
  }

  dropBatch(): void {
    this.dropEvent()
    for (const { batch } of this.tables) batch.clear()
  }

  #remember(table: Table, key: string, entry: Entry): void {
    this.#forget(table, key)
    table.cached.set(key, entry)
    this.#characters += key.length + (entry.text?.length ?? 0)
  }

  #forget(table: Table, key: string): void {
    const known = table.cached.get(key)
    if (known === undefined) return
    table.cached.delete(key)
    this.#characters -= key.length + (known.text?.length ?? 0)
  }

  #forgetOldest(): void {
    for (const table of this.tables) {
      for (const key of table.cached.keys()) {
        if (table.cached.size <= maxCachedRows / this.tables.length && this.#characters <= maxCachedCharacters) break
        this.#forget(table, key)
        this.#isComplete = false
      }
    }
  }
}
