/**
 * The event stream over SSE. Each message's id is a cursor, so that a reader resumes with `Last-Event-ID` without loss or repetition.
 * What happens now is told to all readers as the gateway itself reads it. What a reader has missed is read from the log for it alone,
 * in turns with other readers.
 */
import { setImmediate } from 'node:timers/promises'
import { type Event, formatEventReference } from '@signalbox/contract'
import { EventReader, type LoggedEvent } from '@signalbox/event-log'
import type { ReadModel, Source } from '@signalbox/partition-state'
import type { PersonalData } from '@signalbox/personal'
import { type DecisionFilter, embeddedIntent, matches, presentDecision } from '@signalbox/presentation'
import { formatStreamCursor, type StreamCursor } from './stream-cursor.ts'
import type { Outlet } from './streams.ts'
import { Turns } from './turns.ts'

/** Events that are kept for a reader that is slower than they come; of more, it reads the log. */
const maxQueued = 1_024
/** Between two of these, whatever else this process has to do is done. */
const chunkEvents = 32
const turnEvents = 512
const turnsAtOnce = 2
const readMs = 1_000

export interface EventStreamsOptions {
  readonly source: Source
  readonly readModel: ReadModel
  readonly personal: PersonalData
}

export class EventStreams {
  readonly #options: EventStreamsOptions
  readonly #turns = new Turns(turnsAtOnce)
  /** What is told to many is written once. */
  readonly #texts = new WeakMap<LoggedEvent, string>()

  constructor(options: EventStreamsOptions) {
    this.#options = options
  }

  /** Sends events from the cursor on until the reader goes. Errors: LogError. */
  async send(outlet: Outlet, cursor: StreamCursor, filter: DecisionFilter): Promise<void> {
    const reader = new StreamReader(this.#options.readModel, outlet.signal)
    const { id } = this.#options.source.log
    const message = (partition: number, logged: LoggedEvent): string => {
      cursor[partition] = logged.logOffset + 1
      return isWanted(logged.event, filter) ? `id: ${formatStreamCursor(id, cursor)}\n${this.#text(logged)}` : ''
    }
    try {
      outlet.write(`id: ${formatStreamCursor(id, cursor)}\n\n`)
      while (!outlet.signal.aborted) {
        const behind = reader.partitionBehind(cursor)
        if (behind !== null) await this.#catchUp(outlet, reader, cursor, behind, message)
        else {
          await reader.wait()
          const texts = reader
            .take()
            .map(({ logged, partition }) => (logged.logOffset < cursor[partition]! ? '' : message(partition, logged)))
          outlet.write(texts.join(''))
        }
        await outlet.drained()
      }
    } finally {
      reader.close()
    }
  }

  async #catchUp(
    outlet: Outlet,
    reader: StreamReader,
    cursor: StreamCursor,
    partition: number,
    message: (partition: number, logged: LoggedEvent) => string,
  ): Promise<void> {
    const { source } = this.#options
    await this.#turns.run(outlet.signal, async () => {
      const events = await EventReader.open({ ...source, partition, fromOffset: cursor[partition]! })
      try {
        const mayGoOn = (read: number) => (read < turnEvents || !this.#turns.isWanted) && !outlet.isFull && !outlet.signal.aborted
        for (let read = 0; mayGoOn(read) && reader.isBehind(cursor, partition); ) {
          const chunk = await events.next(readMs, chunkEvents)
          if (chunk.length === 0) return
          outlet.write(chunk.map((logged) => message(partition, logged)).join(''))
          read += chunk.length
          await setImmediate()
        }
      } finally {
        await events.close()
      }
    })
  }

  #text(logged: LoggedEvent): string {
    let text = this.#texts.get(logged)
    if (text === undefined) {
      text = `event: ${logged.event.type}\ndata: ${JSON.stringify(this.#options.personal.reveal(presentEvent(logged)))}\n\n`
      this.#texts.set(logged, text)
    }
    return text
  }
}

interface Told {
  readonly partition: number
  readonly logged: LoggedEvent
}

/** What the gateway reads while a reader listens. Where it is more than a reader takes, it is forgotten, and lies in the log. */
class StreamReader {
  readonly #readModel: ReadModel
  /** By partition: everything from this log offset on is in the queue, or was taken out of it. */
  readonly #complete: number[]
  readonly #signal: AbortSignal
  readonly #unlisten: () => void
  #queue: Told[] = []
  #wake: () => void = () => {}

  constructor(readModel: ReadModel, signal: AbortSignal) {
    this.#readModel = readModel
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake(), { once: true })
    this.#complete = readModel.partitions.map((partition) => readModel.position(partition))
    this.#unlisten = readModel.listen((partition, logged) => this.#tell({ partition, logged }))
  }

  isBehind(cursor: StreamCursor, partition: number): boolean {
    return cursor[partition]! < this.#complete[partition]!
  }

  /** The one that lacks most. */
  partitionBehind(cursor: StreamCursor): number | null {
    const missing = this.#complete.map((complete, partition) => complete - cursor[partition]!)
    const most = Math.max(...missing)
    return most <= 0 ? null : missing.indexOf(most)
  }

  take(): readonly Told[] {
    return this.#queue.splice(0)
  }

  /** Resolves when something was told, or the signal is aborted. */
  async wait(): Promise<void> {
    if (this.#queue.length > 0 || this.#signal.aborted) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    // What comes together is sent together.
    await setImmediate()
  }

  close(): void {
    this.#unlisten()
  }

  #tell(told: Told): void {
    if (this.#queue.length >= maxQueued) {
      this.#queue = []
      for (const partition of this.#readModel.partitions) this.#complete[partition] = this.#readModel.position(partition)
    } else this.#queue.push(told)
    this.#wake()
  }
}

function isWanted(event: Event, filter: DecisionFilter): boolean {
  return Object.values(filter).every((value) => value === undefined) || matches(event, filter)
}

/** An event for readers: where it lies, what it is, and the decision and intent in it where it has them. */
export function presentEvent({ event, logOffset }: LoggedEvent) {
  const decision = presentDecision(event, logOffset)
  const common = { event: formatEventReference(event), logOffset, type: event.type, time: event.time, scope: event.scope }
  if (decision !== null) return { ...common, decision, intent: embeddedIntent(event) }
  return { ...common, payload: event.payload }
}
