/**
 * The events of a log that goes on from others, with those of the others before them: what a read model has counted goes on
 * being counted. What the log carried over of resources is left out, as the events that made them come before.
 */
import type { Codec } from '@signalbox/codec'
import { type Event, isSystemScope } from '@signalbox/contract'
import { EventReader, type LoggedEvent } from '@signalbox/event-log'
import type { LogReader } from '@signalbox/log'
import { ProjectionError } from '@signalbox/projection'
import { beginning as atStart, type PartitionPosition } from '@signalbox/projection-store'
import { EventFeed } from './event-feed.ts'
import { areOf, type Chunk, type Feed, type Gate, type ReadBounds } from './feed.ts'

export interface HistoricLog {
  readonly name: string
  readonly log: LogReader
  readonly codec: Codec
}

const firstEventMs = 1_000
const carriedAtOnce = 2_000

interface Place {
  /** 0 is the log itself, 1 the one before. */
  readonly age: number
  readonly partition: number
}

export class HistoryFeed implements Feed {
  readonly #logs: readonly HistoricLog[]
  readonly #feeds: readonly EventFeed[]
  // By age: where a log ended once all of it was carried over. What it turns away from then on holds nobody up.
  readonly #gates = new Map<number, readonly Gate[]>()
  #hasBegun = false
  // What was carried over to a partition, as far as it is new; once all of it is there.
  readonly #beginnings = new Map<number, Chunk>()

  /** The newest first. */
  constructor(logs: readonly HistoricLog[]) {
    this.#logs = logs
    this.#feeds = logs.map(({ codec, log }) => new EventFeed(log, codec))
  }

  get partitionCount(): number {
    return this.#feeds.reduce((sum, feed) => sum + feed.partitionCount, 0)
  }

  get ownPartitionCount(): number {
    return this.#feeds[0]!.partitionCount
  }

  get stages(): readonly (readonly number[])[] {
    return this.#feeds
      .map((feed, age) => Array.from({ length: feed.partitionCount }, (_, partition) => this.#firstOf(age) + partition))
      .reverse()
  }

  nameOf(partition: number): string {
    const place = this.#placeOf(partition)
    return place.age === 0 ? `${partition}` : `${this.#logs[place.age]!.name}/${place.partition}`
  }

  async ends(): Promise<readonly number[]> {
    return (await Promise.all(this.#feeds.map((feed) => feed.ends()))).flat()
  }

  async read(partition: number, position: PartitionPosition, bounds: ReadBounds): Promise<Chunk> {
    const { age, partition: own } = this.#placeOf(partition)
    const feed = this.#feeds[age]!
    if (position.logOffset > 0 || age === this.#feeds.length - 1) return await feed.read(own, position, bounds)
    return (await this.#beginning(partition)) ?? { events: [], position }
  }

  async openAt(partition: number, fromOffset: number): Promise<EventReader> {
    const { age, partition: own } = this.#placeOf(partition)
    return await this.#feeds[age]!.openAt(own, fromOffset)
  }

  async before(partition: number): Promise<readonly Gate[] | null> {
    const older = this.#placeOf(partition).age + 1
    const feed = this.#feeds[older]
    if (feed === undefined) return (await this.#oldestHasBegun()) ? [] : null
    // Once all is carried over, nothing more is decided there: only then its ends are what lies before.
    if ((await this.#beginning(partition)) === null) return null
    const known = this.#gates.get(older)
    if (known !== undefined) return known
    const gates = (await feed.ends()).map((logOffset, of) => ({ partition: this.#firstOf(older) + of, logOffset }))
    this.#gates.set(older, gates)
    return gates
  }

  async partitionsInFrontOf(positions: readonly PartitionPosition[]): Promise<number | null> {
    for (let age = 0; age < this.#feeds.length; age++) {
      const inFront = this.#firstOf(age)
      if (positions.length === this.partitionCount - inFront && (await areOf(this, positions, inFront))) return inFront
    }
    return null
  }

  async hasLinkBefore(partition: number, position: PartitionPosition): Promise<boolean> {
    const { age, partition: own } = this.#placeOf(partition)
    return await this.#feeds[age]!.hasLinkBefore(own, position)
  }

  async close(): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.close()))
  }

  /** How many partitions lie in front of those of a log. */
  #firstOf(age: number): number {
    return this.#feeds.slice(0, age).reduce((sum, feed) => sum + feed.partitionCount, 0)
  }

  #placeOf(partition: number): Place {
    let age = 0
    let own = partition
    while (own >= this.#feeds[age]!.partitionCount) own -= this.#feeds[age++]!.partitionCount
    return { age, partition: own }
  }

  /** A log that is still empty may be one that another is just being moved to. Errors: MISCONFIGURED where it has turned out to be. */
  async #oldestHasBegun(): Promise<boolean> {
    if (this.#hasBegun) return true
    const { codec, log, name } = this.#logs.at(-1)!
    const partition = (await this.#feeds.at(-1)!.ends()).findIndex((end) => end > 0)
    const first = partition < 0 ? null : await firstEvent(log, codec, partition)
    if (first === null) return false
    if (first.type === 'PartitionCarried')
      throw new ProjectionError(
        'MISCONFIGURED',
        `${name} goes on from ${first.payload.from}, which it did not when this process began; start it again`,
      )
    this.#hasBegun = true
    return true
  }

  /** All that was carried over to a partition, in one chunk; null where some of it is not there yet. */
  async #beginning(partition: number): Promise<Chunk | null> {
    const known = this.#beginnings.get(partition)
    if (known !== undefined) return known
    const { age, partition: own } = this.#placeOf(partition)
    const feed = this.#feeds[age]!
    const events: LoggedEvent[] = []
    let position: PartitionPosition = atStart
    for (;;) {
      const chunk = await feed.read(own, position, { maxEvents: carriedAtOnce, waitMs: firstEventMs })
      if (chunk.events.length === 0) return null
      events.push(...chunk.events.filter(({ event }) => saysSomethingNew(event)))
      position = chunk.position
      if (!chunk.events.some(({ event }) => isLastCarried(event))) continue
      const beginning = { events, position }
      this.#beginnings.set(partition, beginning)
      return beginning
    }
  }
}

function isLastCarried(event: Event): boolean {
  return event.type === 'PartitionCarried' && event.payload.isLast
}

/**
 * Resources are as the events of the log before have made them, but in the scopes of its own partitions: how agents stand there is
 * new, and so is where intents are pending now.
 */
function saysSomethingNew({ payload, scope, type }: Event): boolean {
  if (type === 'ScopeCarried') return isSystemScope(scope)
  return type !== 'PartitionCarried' || payload.isLast || payload.lastQuarantines.length > 0
}

/** Where a log was before; null where it began as itself, or has not begun. Errors: LogError. */
export async function predecessorOf(log: LogReader, codec: Codec): Promise<string | null> {
  const first = await firstEvent(log, codec, 0)
  return first?.type === 'PartitionCarried' ? first.payload.from : null
}

async function firstEvent(log: LogReader, codec: Codec, partition: number): Promise<Event | null> {
  const reader = await EventReader.open({ log, codec, partition, fromOffset: 0 })
  try {
    const [first] = await reader.next(firstEventMs, 1)
    return first?.event ?? null
  } finally {
    await reader.close()
  }
}
