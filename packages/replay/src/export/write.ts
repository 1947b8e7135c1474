/** Writes an export: the events of some scopes, of a correlation or of a window, with what is needed to decide them again. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream, rmSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip, type Gzip } from 'node:zlib'
import { epochHeader, eventType, intentType } from '@signalbox/codec'
import { type ContractRecord, type Event, isSystemScope, partitionOf } from '@signalbox/contract'
import { evolve, type PartitionState, snapshotParts, stateFormatVersion } from '@signalbox/core'
import { readEvents } from '@signalbox/event-log'
import { fileErrorOf, partialName, putInPlace } from '@signalbox/files'
import { beginningOf, partText, type Source } from '@signalbox/partition-state'
import { trace } from '../trace.ts'
import { type EndLine, type EventLine, ExportError, type ExportHeader, exportFormat } from './format.ts'
import { Redactor } from './redact.ts'

export interface ExportRequest {
  /** Null: every scope. A scope's events come with those that concern its partition as a whole. */
  readonly scopes: readonly string[] | null
  /** Takes the scopes that it reached, up to its last event. */
  readonly correlation: string | null
  /** By partition; null: from the start, to the end. */
  readonly from: ((partition: number) => Promise<number>) | null
  readonly to: ((partition: number) => Promise<number>) | null
  /** Fields whose values are taken out. */
  readonly redact: readonly string[]
  readonly progress?: (written: { readonly partition: number; readonly events: number }) => void
}

export interface Exported {
  readonly events: number
  readonly partitions: readonly number[]
  readonly scopes: readonly string[] | null
  readonly sha256: string
}

interface Selection {
  readonly partitions: readonly { readonly partition: number; readonly from: number; readonly to: number }[]
  readonly scopes: readonly string[] | null
  readonly of: string
}

/** A name that ends in `.gz` is packed. The file is there whole, or not at all. Errors: ExportError, and as of the log. */
export async function exportLog(source: Source, file: string, request: ExportRequest): Promise<Exported> {
  const selection = await select(source, request)
  const lines = new Lines(file, file.endsWith('.gz'))
  const redactor = new Redactor(request.redact)
  let events = 0
  try {
    await lines.write(JSON.stringify(await headerOf(source, selection, request)))
    for (const { from, partition, to } of selection.partitions) {
      const wanted = wantedOf(selection.scopes)
      const state = beginningOf(source, partition)
      const isInTheMiddle = from > (await source.log.offsets('events', partition)).start
      let isBased = !isInTheMiddle
      for await (const { event, headers, logOffset, timestampMs } of readEvents(source, partition)) {
        if (logOffset >= to) break
        if (!wanted(event)) continue
        const told = redactor.event(event)
        if (logOffset < from) {
          evolve(state, told)
          continue
        }
        if (!isBased) await writeBase(lines, partition, state)
        isBased = true
        const line: EventLine = { partition, offset: logOffset, timestampMs, epoch: headers[epochHeader] ?? null, event: told }
        await lines.write(JSON.stringify(line))
        events++
        if (events % 4_096 === 0) request.progress?.({ partition, events })
      }
      if (!isBased) await writeBase(lines, partition, state)
    }
    const end: EndLine = { end: { events, sha256: lines.digest() } }
    await lines.write(JSON.stringify(end))
    await lines.close()
    return { events, partitions: selection.partitions.map(({ partition }) => partition), scopes: selection.scopes, sha256: end.end.sha256 }
  } catch (error) {
    await lines.abort()
    throw fileErrorOf(error, 'written', file) ?? error
  }
}

/** The state before the first event, of what is exported alone. */
async function writeBase(lines: Lines, partition: number, state: PartitionState): Promise<void> {
  for (const part of snapshotParts(state)) await lines.write(`{"partition":${partition},"base":${partText(part)}}`)
}

function wantedOf(scopes: readonly string[] | null): (event: Event) => boolean {
  if (scopes === null) return () => true
  const wanted = new Set(scopes)
  return ({ scope, type }) => type === 'PartitionOpened' || type === 'PartitionCarried' || wanted.has(scope) || isSystemScope(scope)
}

async function select(source: Source, { correlation, from, scopes: named, to }: ExportRequest): Promise<Selection> {
  const { log } = source
  const words: string[] = []
  let scopes = named
  const ends = new Map<number, number>()
  if (correlation !== null) {
    const found = await trace(source, correlation)
    if (found === null) throw new ExportError(`nothing has the correlation ${correlation}; signalbox trace shows what belongs together`)
    scopes = [...new Set([...(named ?? []), ...found.scopes])].sort()
    for (const { position } of found.intents) {
      const [partition, end] = position.split(':').map(Number) as [number, number]
      ends.set(partition, Math.max(ends.get(partition) ?? 0, end))
    }
    words.push(`correlation ${found.correlationId}`)
  }
  if (scopes !== null) words.push(`scopes ${scopes.join(', ')}`)
  const partitions =
    scopes === null
      ? all(log.partitionCount)
      : [...new Set(scopes.map((scope) => partitionOf(scope, log.partitionCount)))].sort((a, b) => a - b)
  const bounded = await Promise.all(
    partitions.map(async (partition) => {
      const { end, start } = await log.offsets('events', partition)
      const until = Math.min(end, (await to?.(partition)) ?? end, ends.get(partition) ?? end)
      return { partition, from: Math.max(start, (await from?.(partition)) ?? start), to: until }
    }),
  )
  if (from !== null || to !== null)
    words.push(
      `events ${bounded.map(({ from: first, partition, to: last }) => `${partition}:${first} to ${partition}:${last}`).join(', ')}`,
    )
  return { partitions: bounded, scopes, of: words.join('; ') || 'everything' }
}

function all(count: number): readonly number[] {
  return Array.from({ length: count }, (_, partition) => partition)
}

async function headerOf(source: Source, { of, partitions, scopes }: Selection, { redact }: ExportRequest): Promise<ExportHeader> {
  const { limits, log } = source
  return {
    format: exportFormat,
    log: log.name,
    partitionCount: log.partitionCount,
    of,
    isWhole: scopes === null,
    redacted: [...redact],
    bounds: [...partitions],
    stateFormat: stateFormatVersion,
    limits: { identityHorizonMs: limits.identityHorizonMs, missed: limits.missed, windowMs: limits.windowMs },
    contracts: [...(await contractsOf(source, partitions))],
    schemas: { Intent: JSON.parse(intentType.schemaText), Event: JSON.parse(eventType.schemaText) },
  }
}

/** Those that the last opening before the end recorded. */
async function contractsOf(source: Source, partitions: Selection['partitions']): Promise<readonly ContractRecord[]> {
  for (const { partition, to } of partitions) {
    let contracts: readonly ContractRecord[] | null = null
    for await (const { event, logOffset } of readEvents(source, partition)) {
      if (logOffset >= to) break
      if (event.type === 'PartitionOpened') contracts = event.payload.contracts
    }
    if (contracts !== null) return contracts
  }
  return []
}

/** Lines on their way to a file, counted into a digest. It has its name only when it is whole. */
class Lines {
  readonly #hash = createHash('sha256')
  readonly #file: string
  readonly #partial: string | null
  readonly #first: PassThrough | Gzip
  readonly #done: Promise<void>
  #failure: unknown

  constructor(file: string, isPacked: boolean) {
    this.#file = file
    this.#partial = partialName(file)
    this.#first = isPacked ? createGzip() : new PassThrough()
    this.#done = pipeline(this.#first, createWriteStream(this.#partial ?? file))
    // Told to whoever writes next, or waits for the end.
    this.#done.catch((error: unknown) => {
      this.#failure = error
    })
  }

  async write(line: string): Promise<void> {
    const text = `${line}\n`
    this.#hash.update(text)
    if (this.#failure !== undefined) throw this.#failure
    if (!this.#first.write(text)) await Promise.race([once(this.#first, 'drain'), this.#done])
  }

  /** Of everything written so far. */
  digest(): string {
    return this.#hash.copy().digest('base64url')
  }

  async close(): Promise<void> {
    this.#first.end()
    await this.#done
    if (this.#partial !== null) putInPlace(this.#partial, this.#file)
  }

  async abort(): Promise<void> {
    this.#first.destroy()
    await this.#done.catch(() => {})
    if (this.#partial !== null) rmSync(this.#partial, { force: true })
  }
}
