import type { Bounds, Cursor, LogRecord, ReadFrom } from '@signalbox/log'
import type { LogClock } from './clock.ts'
import type { FaultGate } from './faults.ts'
import { Lifetime } from './lifetime.ts'
import type { MemoryTopic } from './topic.ts'

interface Answer {
  readonly records: readonly LogRecord[]
  readonly position: number
}

export class MemoryCursor implements Cursor {
  readonly #topic: MemoryTopic
  readonly #from: ReadFrom
  readonly #gate: FaultGate
  readonly #clock: LogClock
  readonly #lifetime: Lifetime
  #nextOffset: number

  constructor(topic: MemoryTopic, from: ReadFrom, gate: FaultGate, clock: LogClock, handle: Lifetime) {
    this.#topic = topic
    this.#from = from
    this.#gate = gate
    this.#clock = clock
    this.#lifetime = new Lifetime(`The cursor of ${from.topic}/${from.partition}`, handle)
    this.#nextOffset = from.fromOffset === 'end' ? topic.offsets.end : from.fromOffset
    topic.checkRange(this.#nextOffset)
  }

  async next(bounds: Bounds): Promise<readonly LogRecord[]> {
    const { topic, partition } = this.#from
    // The position moves only when the records reach the caller, so a lost answer is asked for again.
    const { position, records } = await this.#gate.run({ operation: 'cursor.next', topic, partition }, this.#lifetime, () =>
      this.#read(bounds),
    )
    this.#nextOffset = position
    return records
  }

  get position(): number {
    return this.#nextOffset
  }

  async close(): Promise<void> {
    if (this.#lifetime.state === 'closed') return
    const { topic, partition } = this.#from
    await this.#gate.run({ operation: 'cursor.close', topic, partition }, this.#lifetime, () => this.#lifetime.end('closed'))
  }

  async #read(bounds: Bounds): Promise<Answer> {
    const ready = this.#answer(bounds)
    if (ready.records.length > 0 || bounds.waitMs <= 0) return ready
    await this.#waitForAppend(bounds.waitMs)
    await this.#lifetime.checkOpen()
    return this.#answer(bounds)
  }

  #answer(bounds: Bounds): Answer {
    const records = this.#topic.read(this.#nextOffset, bounds)
    return { records, position: records.length > 0 ? records.at(-1)!.offset + 1 : Math.max(this.#nextOffset, this.#topic.offsets.end) }
  }

  async #waitForAppend(waitMs: number): Promise<void> {
    const waited = new AbortController()
    await new Promise<void>((resolve) => {
      const forgetAppend = this.#topic.onAppend(finish)
      const forgetEnd = this.#lifetime.onEnd(finish)
      void this.#clock.sleep(waitMs, waited.signal).then(finish)
      function finish() {
        forgetAppend()
        forgetEnd()
        // With a reason, or an error with its stack is made for nobody.
        waited.abort('over')
        resolve()
      }
    })
  }
}
