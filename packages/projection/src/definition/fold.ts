/** Folds events into rows, in order; events that cannot be folded are parked with all that comes after them under their key. */
import { type Event, formatEventReference } from '@signalbox/contract'
import { changesOf } from './change.ts'
import { ProjectionError } from './errors.ts'
import { concerns, keyOf, type Projection } from './projection.ts'
import { Rows, type Table } from './rows.ts'

/** An event, and where it lies in the log. */
export interface PlacedEvent {
  readonly event: Event
  readonly logOffset: number
}

export interface ParkedEvent {
  readonly partition: number
  readonly logOffset: number
  /** PARTITION/OFFSET/INDEX of its source. */
  readonly reference: string
  readonly key: string
  readonly event: Event
  /** Why it could not be folded; of one that is held back, which event it is behind. */
  readonly cause: string
  readonly stack: string | null
  /** The first event that is parked under the key; null where this is it. */
  readonly behind: string | null
}

/** Reads rows that the fold asks for; null where there is none. */
export type LoadRows = (table: string, keys: readonly string[]) => Promise<ReadonlyMap<string, string>>

interface Failure {
  readonly cause: string
  readonly stack: string | null
}

const maxStackCharacters = 4_000

export class Fold {
  readonly #projection: Projection
  readonly #load: LoadRows
  readonly rows: Rows
  // By key: the first event parked under it, and how many are.
  #parked: Map<string, { readonly first: string; readonly count: number }>
  #parkedCount: number

  constructor(
    projection: Projection,
    options: { readonly load: LoadRows; readonly isEmpty: boolean; readonly parked: ReadonlyMap<string, { first: string; count: number }> },
  ) {
    this.#projection = projection
    this.#load = options.load
    this.rows = new Rows(projection, options.isEmpty)
    this.#parked = new Map(options.parked)
    this.#parkedCount = [...this.#parked.values()].reduce((sum, { count }) => sum + count, 0)
  }

  get parkedCount(): number {
    return this.#parkedCount
  }

  /**
   * Folds a batch of one partition and gives what it parked. What it makes of the rows is in `rows`, to be kept once it is in
   * the store. Errors: those of `load`; TOO_MANY_PARKED, after which everything is as before.
   */
  async take(partition: number, batch: readonly PlacedEvent[]): Promise<readonly ParkedEvent[]> {
    const parked: ParkedEvent[] = []
    const before = new Map(this.#parked)
    try {
      await this.#takeAll(partition, batch, parked)
    } catch (error) {
      this.rows.dropBatch()
      this.#parked = before
      this.#parkedCount -= parked.length
      throw error
    }
    return parked
  }

  async #takeAll(partition: number, batch: readonly PlacedEvent[], parked: ParkedEvent[]): Promise<void> {
    let hasLookedAhead = false
    for (const [index, { event, logOffset }] of batch.entries()) {
      if (!concerns(this.#projection, event)) continue
      const [key, badKey] = this.#keyOf(event)
      const held = this.#parked.get(key)
      if (held !== undefined) {
        this.#park(parked, { partition, logOffset, key, event, cause: `held back behind ${held.first}`, stack: null, behind: held.first })
        continue
      }
      let failure = badKey ?? this.#tryEvent(event)
      while (this.rows.isMissing) {
        if (!hasLookedAhead) this.#lookAhead(batch.slice(index + 1))
        hasLookedAhead = true
        await this.#loadMissing()
        failure = this.#tryEvent(event)
      }
      if (failure === null) this.rows.keepEvent()
      else {
        this.rows.dropEvent()
        this.#park(parked, { partition, logOffset, key, event, ...failure, behind: null })
      }
    }
  }

  /** Folds parked events of one key again, in order, up to the first that still cannot be. */
  async retry(events: readonly Event[]): Promise<{ readonly folded: number; readonly failure: Failure | null }> {
    for (const [folded, event] of events.entries()) {
      let failure = this.#tryEvent(event)
      while (this.rows.isMissing) {
        await this.#loadMissing()
        failure = this.#tryEvent(event)
      }
      if (failure !== null) {
        this.rows.dropEvent()
        return { folded, failure }
      }
      this.rows.keepEvent()
    }
    return { folded: events.length, failure: null }
  }

  /** So many parked events of a key have been folded; `first` is the next one, where it is known. */
  released(key: string, count: number, first: string | null): void {
    const held = this.#parked.get(key)
    if (held === undefined) return
    this.#parkedCount -= count
    if (held.count <= count) this.#parked.delete(key)
    else this.#parked.set(key, { first: first ?? held.first, count: held.count - count })
  }

  #keyOf(event: Event): readonly [string, Failure | null] {
    try {
      return [keyOf(this.#projection, event), null]
    } catch (error) {
      return [event.scope === '' ? `~partition ${event.partition}` : event.scope, failureOf(error)]
    }
  }

  #park(parked: ParkedEvent[], { event, ...rest }: Omit<ParkedEvent, 'reference'>): void {
    const { maxParked, name } = this.#projection
    const reference = formatEventReference(event)
    if (this.#parkedCount >= maxParked) {
      throw new ProjectionError(
        'TOO_MANY_PARKED',
        `projection ${name} has ${maxParked} events parked, as many as it may, and ${reference} would be one more: ${rest.cause}. Mend the handler, then signalbox projection retry ${name} --all; or rebuild it under a raised version`,
      )
    }
    const held = this.#parked.get(rest.key)
    this.#parked.set(rest.key, { first: held?.first ?? reference, count: (held?.count ?? 0) + 1 })
    this.#parkedCount++
    parked.push({ event, reference, ...rest })
  }

  /** Null where it was folded. What it asked for and is not known yet is in the tables' `missing`: then the result means nothing. */
  #tryEvent(event: Event): Failure | null {
    const { rows } = this
    rows.dropEvent()
    try {
      foldEvent(this.#projection, event, rows.views)
      return null
    } catch (error) {
      return failureOf(error)
    }
  }

  /** What the events after a first miss ask for is read in one go with it. */
  #lookAhead(rest: readonly PlacedEvent[]): void {
    const wanted = this.rows.tables.map(({ missing }) => [...missing])
    for (const { event } of rest) {
      this.#tryEvent(event)
      for (const [index, { missing }] of this.rows.tables.entries()) wanted[index]!.push(...missing)
    }
    this.rows.dropEvent()
    for (const [index, table] of this.rows.tables.entries()) for (const key of wanted[index]!) table.missing.add(key)
  }

  async #loadMissing(): Promise<void> {
    for (const table of this.rows.tables) {
      if (table.missing.size > 0) await this.#loadInto(table, [...table.missing])
      table.missing.clear()
    }
  }

  async #loadInto(table: Table, keys: readonly string[]): Promise<void> {
    const found = await this.#load(table.name, keys)
    for (const key of keys) this.rows.learn(table, key, found.get(key) ?? null)
  }
}

/** The fold of one event. Throws whatever a handler throws. */
function foldEvent(projection: Projection, event: Event, views: Rows['views']): void {
  projection.on[event.type]?.(event as never, views)
  for (const change of changesOf(event, projection.contracts)) (projection.changes[change.type] ?? projection.changes['*'])?.(change, views)
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { cause: `a handler threw ${String(error)}`, stack: null }
  return { cause: `${error.name}: ${error.message}`, stack: error.stack?.slice(0, maxStackCharacters) ?? null }
}
