/** Reads the events of partitions for several readers at once: those that stand at the same place share what is read. */
import { Chain, type Codec, chainHeader } from '@signalbox/codec'
import { EventReader, type LoggedEvent } from '@signalbox/event-log'
import { isLogError, LogError, type LogReader } from '@signalbox/log'
import { ProjectionError } from '@signalbox/projection'
import type { PartitionPosition } from '@signalbox/projection-store'
import { areOf, type Chunk, type Feed, type Gate, type ReadBounds } from './feed.ts'

interface Reader {
  readonly events: EventReader
  position: PartitionPosition
}

const idleReaders = 4
const keptChunks = 16
const keptEvents = 20_000
/** Records looked at for the last link before a position, at first. */
const linkWindow = 100
const linkReadBytes = 4 * 1024 * 1024
const linkReadMs = 500
const linkReads = 20
/** Where a chain stands before its first link. */
const noLink = new Chain().position.link

/** The events of one log. */
export class EventFeed implements Feed {
  readonly #log: LogReader
  readonly #codec: Codec
  readonly #idle = new Map<number, Reader[]>()
  readonly #underWay = new Map<string, Promise<Chunk>>()
  // What was read last, for those that come to it a moment later.
  readonly #kept = new Map<string, Chunk>()
  #keptEvents = 0
  #isClosed = false

  constructor(log: LogReader, codec: Codec) {
    this.#log = log
    this.#codec = codec
  }

  get partitionCount(): number {
    return this.#log.partitionCount
  }

  get ownPartitionCount(): number {
    return this.#log.partitionCount
  }

  get stages(): readonly (readonly number[])[] {
    return [Array.from({ length: this.#log.partitionCount }, (_, partition) => partition)]
  }

  nameOf(partition: number): string {
    return `${partition}`
  }

  async before(): Promise<readonly Gate[]> {
    return []
  }

  async partitionsInFrontOf(positions: readonly PartitionPosition[]): Promise<number | null> {
    return positions.length === this.partitionCount && (await areOf(this, positions)) ? 0 : null
  }

  async ends(): Promise<readonly number[]> {
    return await Promise.all(
      Array.from({ length: this.#log.partitionCount }, async (_, partition) => (await this.#log.offsets('events', partition)).end),
    )
  }

  async read(partition: number, position: PartitionPosition, { maxEvents, waitMs }: ReadBounds): Promise<Chunk> {
    // With the link: rows that are of another log must not be spared the check of the chain.
    const key = `${partition}:${position.logOffset}:${position.chainOffset}:${position.link}:${maxEvents}`
    const known = this.#kept.get(key) ?? this.#underWay.get(key)
    if (known !== undefined) return known
    const reading = this.#read(partition, position, maxEvents, waitMs)
    this.#underWay.set(key, reading)
    try {
      const chunk = await reading
      if (chunk.events.length > 0) this.#keep(key, chunk)
      return chunk
    } finally {
      this.#underWay.delete(key)
    }
  }

  async hasLinkBefore(partition: number, { chainOffset, link }: PartitionPosition): Promise<boolean> {
    if (link === null || link === noLink) return true
    const { end, start } = await this.#log.offsets('events', partition)
    if (end < chainOffset) return false
    for (let window = linkWindow; ; window *= 10) {
      const from = Math.max(start, chainOffset - window)
      const found = await this.#lastLinkIn(partition, from, chainOffset)
      if (found !== null) return found === link
      if (from === start) return false
    }
  }

  async openAt(partition: number, fromOffset: number): Promise<EventReader> {
    return await EventReader.open({ log: this.#log, codec: this.#codec, partition, fromOffset })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const readers = [...this.#idle.values()].flat()
    this.#idle.clear()
    await Promise.all(readers.map(({ events }) => events.close().catch(() => {})))
  }

  async #lastLinkIn(partition: number, from: number, to: number): Promise<string | null> {
    const cursor = await this.#log.cursor({ topic: 'events', partition, fromOffset: from })
    let last: string | null = null
    try {
      // Bounded: what lies before an offset that the log has is there, and gaps are passed with the next read.
      for (let idle = 0; cursor.position < to && idle < linkReads; ) {
        const records = await cursor.next({ maxRecords: to - cursor.position, maxBytes: linkReadBytes, waitMs: linkReadMs })
        idle = records.length === 0 ? idle + 1 : 0
        for (const { headers, offset } of records) if (offset < to) last = headers[chainHeader] ?? last
      }
      if (cursor.position < to)
        throw new LogError('TRANSIENT', `the events of partition ${partition} before offset ${to} did not come in time; look at the broker`)
      return last
    } finally {
      await cursor.close()
    }
  }

  async #read(partition: number, from: PartitionPosition, maxEvents: number, waitMs: number): Promise<Chunk> {
    const reader = this.#takeIdle(partition, from) ?? (await this.#open(partition, from))
    let read: readonly LoggedEvent[]
    try {
      read = await reader.events.next(waitMs, maxEvents)
    } catch (error) {
      await reader.events.close().catch(() => {})
      throw this.#explained(error, partition, from)
    }
    reader.position = positionBehind(reader, read)
    await this.#putBack(partition, reader)
    return { events: read.filter(({ logOffset }) => logOffset >= from.logOffset), position: reader.position }
  }

  async #open(partition: number, from: PartitionPosition): Promise<Reader> {
    // From the last link on, so that the chain is checked without a gap; what was folded already is left out.
    const chain = { link: from.link, open: [] }
    try {
      const events = await EventReader.open({ log: this.#log, codec: this.#codec, partition, fromOffset: from.chainOffset, chain })
      return { events, position: from }
    } catch (error) {
      throw this.#explained(error, partition, from)
    }
  }

  #explained(error: unknown, partition: number, { logOffset }: PartitionPosition): unknown {
    if (!isLogError(error, 'OFFSET_OUT_OF_RANGE')) return error
    return new ProjectionError(
      'MISCONFIGURED',
      `the log does not reach to offset ${logOffset} of partition ${partition}, which rows are of: the store belongs to another log. Use a store of its own for each log, or rebuild`,
      { cause: error },
    )
  }

  #takeIdle(partition: number, { chainOffset, link, logOffset }: PartitionPosition): Reader | undefined {
    const idle = this.#idle.get(partition) ?? []
    const index = idle.findIndex(
      ({ position }) => position.logOffset === logOffset && position.chainOffset === chainOffset && position.link === link,
    )
    return index < 0 ? undefined : idle.splice(index, 1)[0]
  }

  async #putBack(partition: number, reader: Reader): Promise<void> {
    if (this.#isClosed) return await reader.events.close()
    const idle = this.#idle.get(partition) ?? []
    this.#idle.set(partition, idle)
    idle.push(reader)
    if (idle.length > idleReaders) await idle.shift()!.events.close()
  }

  #keep(key: string, chunk: Chunk): void {
    this.#kept.set(key, chunk)
    this.#keptEvents += chunk.events.length
    for (const [oldest, { events }] of this.#kept) {
      if (this.#kept.size <= keptChunks && this.#keptEvents <= keptEvents) break
      this.#kept.delete(oldest)
      this.#keptEvents -= events.length
    }
  }
}

function positionBehind({ events, position }: Reader, read: readonly LoggedEvent[]): PartitionPosition {
  const logOffset = Math.max(position.logOffset, events.position)
  // The reader was opened with a chain, so it has one.
  const { link, open } = events.chain!.position
  if (open.length === 0) return { logOffset, chainOffset: Math.max(position.chainOffset, events.position), link }
  const first = read[read.length - open.length]
  // Begun before this chunk: the last link is where it was.
  return first === undefined ? { ...position, logOffset } : { logOffset, chainOffset: first.logOffset, link }
}
