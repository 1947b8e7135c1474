/** An exported log as a log that can be read: in memory, checked whole before anything is said of it. */
import { createHash } from 'node:crypto'
import { Chain, type Codec, chainHeader, createCodec, epochHeader } from '@signalbox/codec'
import { defaultLimits, type Event } from '@signalbox/contract'
import { type PartitionState, StateBuilder, stateFormatVersion } from '@signalbox/core'
import { indexKeysOf } from '@signalbox/event-log'
import { fileErrorOf, readLines } from '@signalbox/files'
import {
  type Bounds,
  type Cursor,
  type EventIndex,
  LogError,
  type LogReader,
  type LogRecord,
  type Offsets,
  type ReadFrom,
  type Topic,
} from '@signalbox/log'
import { type PartText, partOf, type Source } from '@signalbox/partition-state'
import { type BaseLine, type EndLine, type EventLine, ExportError, type ExportHeader, headerSchema } from './format.ts'

interface Loaded {
  readonly records: LogRecord[]
  readonly base: PartText[]
  readonly names: Map<string, number[]>
  readonly chain: Chain
  /** Behind the highest source offset. */
  intentsEnd: number
  from: number
  to: number
}

export interface ExportedSource extends Source {
  readonly header: ExportHeader
}

/** Errors: ExportError for a file that is no export, is cut off or was changed. */
export async function openExport(file: string): Promise<ExportedSource> {
  const codec = createCodec({ limits: defaultLimits })
  let header: ExportHeader | null = null
  const partitions = new Map<number, Loaded>()
  const hash = createHash('sha256')
  let end: EndLine['end'] | null = null
  let events = 0
  for await (const line of linesOf(file)) {
    if (end !== null) throw new ExportError(`${file} goes on behind its end; it was put together by hand`)
    const value = parse(file, line)
    if (header === null) {
      header = headerOf(file, value)
      for (const { from, partition, to } of header.bounds) partitions.set(partition, newPartition(from, to))
    } else if ('end' in value) end = checkedEnd(file, value as EndLine, hash.copy().digest('base64url'), events)
    else if ('base' in value && header.stateFormat !== stateFormatVersion)
      throw new ExportError(
        `${file} begins in the middle of the log, with a state in format ${header.stateFormat}; this program reads ${stateFormatVersion}. Export it again, or read it with the version that wrote it`,
      )
    else if ('base' in value) loaded(file, partitions, value as BaseLine).base.push((value as BaseLine).base)
    else {
      take(loaded(file, partitions, value as EventLine), value as EventLine, codec)
      events++
    }
    hash.update(`${line}\n`)
  }
  if (header === null || end === null) throw new ExportError(`${file} is cut off; copy it again, and compare its size`)
  const { limits } = header
  return {
    header,
    log: new FileLog(header, partitions, end.sha256),
    codec,
    limits: { ...defaultLimits, ...limits },
    beginning: (partition) => beginningOf(partitions.get(partition), partition, { ...defaultLimits, ...limits }),
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  try {
    for await (const line of readLines(file, { isPacked: file.endsWith('.gz') })) yield line
  } catch (cause) {
    throw new ExportError(fileErrorOf(cause, 'read', file)?.message ?? `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function parse(file: string, line: string): object {
  try {
    return JSON.parse(line) as object
  } catch (cause) {
    throw new ExportError(`${file} holds a line that is no JSON; it is no export, or was changed`, { cause })
  }
}

function headerOf(file: string, value: object): ExportHeader {
  const read = headerSchema.safeParse(value)
  if (read.success) return read.data
  throw new ExportError(`${file} does not begin as an export does; signalbox replay export writes one`, { cause: read.error })
}

function checkedEnd(file: string, { end }: EndLine, sha256: string, events: number): EndLine['end'] {
  if (end.sha256 !== sha256 || end.events !== events)
    throw new ExportError(`${file} is not what was exported: its digest does not fit; it was changed`)
  return end
}

function newPartition(from: number, to: number): Loaded {
  return { records: [], base: [], names: new Map(), chain: new Chain(), intentsEnd: 0, from, to }
}

function loaded(file: string, partitions: ReadonlyMap<number, Loaded>, { partition }: { readonly partition: number }): Loaded {
  const found = partitions.get(partition)
  if (found === undefined) throw new ExportError(`${file} has a line of partition ${partition}, which its header does not name`)
  return found
}

/** Each event is a batch of its own: what closed one in the log may not be in the export. */
function take(into: Loaded, { epoch, event, offset, timestampMs }: EventLine, codec: Codec): void {
  const value = codec.encodeEvent(event as Event)
  const headers: Record<string, string> = {}
  if (epoch !== null) headers[epochHeader] = epoch
  into.chain.add(value)
  if (event.type !== 'PartitionOpened') headers[chainHeader] = into.chain.close()
  into.records.push({ offset, timestampMs, key: event.scope || `partition-${event.partition}`, value, headers })
  for (const key of indexKeysOf(event)) {
    const offsets = into.names.get(key)
    if (offsets === undefined) into.names.set(key, [offset])
    else offsets.push(offset)
  }
  into.intentsEnd = Math.max(into.intentsEnd, event.offset + 1)
}

function beginningOf(loadedPartition: Loaded | undefined, partition: number, limits: Source['limits']): PartitionState {
  const builder = new StateBuilder(limits)
  if (loadedPartition === undefined || loadedPartition.base.length === 0)
    builder.add({ kind: 'partition', partition, time: 0, nextOffset: 0, contracts: [], codes: [], origin: null })
  for (const part of loadedPartition?.base ?? []) builder.add(partOf(part))
  return builder.state
}

const nothing: Offsets = { start: 0, end: 0, written: 0 }

class FileLog implements LogReader {
  readonly name = 'export'
  readonly id: string
  readonly partitionCount: number
  readonly index: EventIndex
  readonly #partitions: ReadonlyMap<number, Loaded>

  constructor({ partitionCount }: ExportHeader, partitions: ReadonlyMap<number, Loaded>, sha256: string) {
    this.id = `export-${sha256}`
    this.partitionCount = partitionCount
    this.#partitions = partitions
    this.index = {
      lastWith: async (partition, key, before) => ({
        offset:
          partitions
            .get(partition)
            ?.names.get(key)
            ?.findLast((offset) => offset < before) ?? null,
        since: 0,
      }),
      // Made from the events that were just read.
      prove: async () => {},
    }
  }

  async offsets(topic: Topic, partition: number): Promise<Offsets> {
    const found = this.#partitions.get(partition)
    if (found === undefined) return nothing
    // The events have their intents in them; the topic itself was not exported.
    if (topic === 'intents') return { start: found.intentsEnd, end: found.intentsEnd, written: found.intentsEnd }
    return topic === 'events' ? { start: found.from, end: found.to, written: found.to } : nothing
  }

  async cursor({ fromOffset, partition, topic }: ReadFrom): Promise<Cursor> {
    const { end, start } = await this.offsets(topic, partition)
    const records = topic === 'events' ? (this.#partitions.get(partition)?.records ?? []) : []
    // Who reads from the beginning reads from where the export begins.
    const from = fromOffset === 'end' ? end : Math.max(fromOffset, start)
    if (from > end)
      throw new LogError('OFFSET_OUT_OF_RANGE', `offset ${from} of ${topic}/${partition} lies behind the end of the export, ${end}`)
    return new FileCursor(records, from, end)
  }

  async close(): Promise<void> {}
}

class FileCursor implements Cursor {
  readonly #records: readonly LogRecord[]
  readonly #end: number
  #at: number
  #position: number
  #isClosed = false

  constructor(records: readonly LogRecord[], from: number, end: number) {
    this.#records = records
    this.#end = end
    this.#position = from
    const at = records.findIndex(({ offset }) => offset >= from)
    this.#at = at < 0 ? records.length : at
  }

  /** Nothing ever comes: who waits is answered at once. */
  async next({ maxBytes, maxRecords }: Bounds): Promise<readonly LogRecord[]> {
    if (this.#isClosed) throw new LogError('CLOSED', 'the cursor is closed; open a new one to go on')
    const taken: LogRecord[] = []
    for (let bytes = 0; this.#at < this.#records.length && taken.length < maxRecords; this.#at++) {
      const record = this.#records[this.#at]!
      bytes += record.value?.length ?? 0
      if (taken.length > 0 && bytes > maxBytes) break
      taken.push(record)
    }
    this.#position = this.#at === this.#records.length ? this.#end : taken.at(-1)!.offset + 1
    return taken
  }

  get position(): number {
    return this.#position
  }

  async close(): Promise<void> {
    this.#isClosed = true
  }
}
