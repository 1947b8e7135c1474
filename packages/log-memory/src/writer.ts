import { type AppendedBatch, type Batch, isLogError, LogError, type PartitionWriter } from '@signalbox/log'
import type { LogClock } from './clock.ts'
import type { FaultGate } from './faults.ts'
import { Lifetime } from './lifetime.ts'
import type { MemoryLogStore } from './store.ts'

export interface MemoryWriterOptions {
  readonly store: MemoryLogStore
  readonly partition: number
  readonly epoch: number
  readonly gate: FaultGate
  readonly clock: LogClock
  readonly handle: Lifetime
  readonly closeTimeoutMs: number
  readonly onClosed: () => void
}

export class MemoryWriter implements PartitionWriter {
  readonly partition: number
  readonly #options: MemoryWriterOptions
  readonly #lifetime: Lifetime
  #underWay: Promise<unknown> = Promise.resolve()
  #failure: LogError | undefined
  #closing = false

  constructor(options: MemoryWriterOptions) {
    this.partition = options.partition
    this.#options = options
    this.#lifetime = new Lifetime(`The writer of partition ${options.partition}`, options.handle)
  }

  append(batch: Batch): Promise<AppendedBatch> {
    if (this.#closing) return Promise.reject(this.#lifetime.closedError())
    const appended = this.#underWay.then(() => this.#appendNow(batch))
    this.#underWay = appended.catch(() => undefined)
    return appended
  }

  async close(): Promise<void> {
    if (this.#closing) return this.#lifetime.checkAlive()
    this.#closing = true
    const { gate, closeTimeoutMs } = this.#options
    await gate.run({ operation: 'writer.close', topic: 'events', partition: this.partition }, this.#lifetime, async () => {
      const waited = new Lifetime('The wait for appends under way', this.#lifetime)
      await Promise.race([this.#underWay, gate.sleep(closeTimeoutMs, waited)])
      waited.end('closed')
    })
    this.#lifetime.end('closed')
    this.#options.onClosed()
  }

  async #appendNow(batch: Batch): Promise<AppendedBatch> {
    if (this.#failure !== undefined) throw this.#failure
    const { store, epoch, gate, clock } = this.#options
    let effective = false
    try {
      return await gate.run({ operation: 'writer.append', topic: 'events', partition: this.partition }, this.#lifetime, () => {
        const appended = store.appendBatch(this.partition, epoch, batch, clock.nowMs())
        effective = true
        return appended
      })
    } catch (error) {
      this.#failure = laterFailure(error, this.partition)
      if (effective && isLogError(error, 'CLOSED')) throw outcomeUnknown(this.partition, error)
      throw error
    }
  }
}

function outcomeUnknown(partition: number, cause: unknown): LogError {
  return new LogError('OUTCOME_UNKNOWN', `A batch of partition ${partition} was under way when its writer closed. Open it anew and read.`, {
    cause,
  })
}

/** What every later append answers. It was certainly not written, whatever became of the first. */
function laterFailure(error: unknown, partition: number): LogError {
  if (isLogError(error, 'FENCED', 'FULL', 'CORRUPT', 'CLOSED')) return error
  return new LogError(
    'TRANSIENT',
    `Not written: an earlier batch of partition ${partition} failed. Close the writer and open the partition anew.`,
    {
      cause: error,
    },
  )
}
