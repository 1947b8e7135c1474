/**
 * A read model over all partitions: the state that the events give, and where the decision of each intent lies. Follows
 * the log as it grows. Nothing is ever written.
 */
import type { Codec } from '@signalbox/codec'
import { isRemembered, type Limits } from '@signalbox/contract'
import { evolve, IdIndex, PartitionState } from '@signalbox/core'
import { EventReader, type LoggedEvent } from '@signalbox/event-log'
import { type Clock, isLogError, type LogReader } from '@signalbox/log'

export type EventListener = (partition: number, logged: LoggedEvent) => void

export interface ReadModelOptions {
  readonly log: LogReader
  readonly codec: Codec
  readonly limits: Limits
  readonly clock: Clock
  /** Called when following failed for good: a log that starts later than it should, or is damaged in every partition. */
  readonly failed: (error: Error) => void
}

const waitMs = 1_000
const retryMs = 500

export class ReadModel {
  readonly #options: ReadModelOptions
  readonly #states: PartitionState[] = []
  // The log offset behind the last event applied.
  readonly #positions: number[] = []
  // The log offset up to which there is nothing more: past the last event, and past a transaction's marker behind it.
  readonly #seen: number[] = []
  // One a partition: an id may have been used in scopes of several. Decisions that use an id up lie apart from refusals at the door.
  readonly #decisions: IdIndex[] = []
  readonly #refusals: IdIndex[] = []
  // Why the last read of a partition failed; null once one has gone through.
  readonly #troubles: (string | null)[] = []
  // Partitions that cannot be read on, by what is damaged. What is known of them stays.
  readonly #damaged = new Map<number, Error>()
  readonly #listeners = new Set<EventListener>()
  readonly #abort = new AbortController()
  readonly #waiters = new Set<() => void>()
  #following: Promise<unknown> = Promise.resolve()
  #failure: Error | null = null

  constructor(options: ReadModelOptions) {
    this.#options = options
    for (let partition = 0; partition < options.log.partitionCount; partition++) {
      this.#states.push(new PartitionState(partition, options.limits))
      this.#positions.push(0)
      this.#seen.push(0)
      this.#troubles.push(null)
      this.#decisions.push(new IdIndex())
      this.#refusals.push(new IdIndex())
    }
  }

  /**
   * Reads what is there, then follows; resolves when every partition has reached the end that it had at the call. Rejects
   * with what `failed` is told where that cannot be.
   */
  async start(): Promise<void> {
    const ends = await Promise.all(this.#states.map(async ({ partition }) => (await this.#options.log.offsets('events', partition)).end))
    this.#following = Promise.all(this.#states.map((state) => this.#follow(state)))
    const isReached = (end: number, partition: number) => this.#seen[partition]! >= end || this.#damaged.has(partition)
    await this.#until(() => ends.every(isReached) || this.#failure !== null || this.#abort.signal.aborted)
    if (this.#failure === null && this.#damaged.size === this.#states.length) {
      this.#failure = this.#damaged.get(0)!
      this.#options.failed(this.#failure)
    }
    if (this.#failure !== null) throw this.#failure
  }

  async close(): Promise<void> {
    this.#abort.abort()
    this.#wake()
    await this.#following
  }

  get partitions(): readonly number[] {
    return [...this.#states.keys()]
  }

  state(partition: number): PartitionState {
    return this.#states[partition]!
  }

  /** The log offset after the last event applied. */
  position(partition: number): number {
    return this.#positions[partition]!
  }

  /** Why partitions cannot be read now, in a sentence; null while all can. What is known of them stays, and grows old. */
  trouble(): string | null {
    const partition = this.#troubles.findIndex((trouble) => trouble !== null)
    return partition < 0 ? null : `partition ${partition} cannot be read: ${this.#troubles[partition]}`
  }

  /**
   * Where the decision of an intent lies: in `only` if that is given, else in any partition, where a decision that used the
   * id up goes before a refusal that left it free.
   */
  decisionOf(intentId: string, only?: number): { readonly partition: number; readonly logOffset: number } | undefined {
    for (const indexes of [this.#decisions, this.#refusals]) {
      for (const [partition, index] of indexes.entries()) {
        const found = only === undefined || only === partition ? index.find(intentId) : undefined
        if (found !== undefined) return found
      }
    }
    return undefined
  }

  listen(listener: EventListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Resolves to true once everything before `logOffset` is applied, to false when `boundMs` ran out first, or at `signal`. */
  async reached(partition: number, logOffset: number, boundMs: number, signal?: AbortSignal): Promise<boolean> {
    const isReached = () => Math.max(this.#positions[partition]!, this.#seen[partition]!) >= logOffset
    if (isReached()) return true
    const timeout = new AbortController()
    let expired = false
    void this.#options.clock.sleep(boundMs, timeout.signal).then(() => {
      expired = true
      this.#wake()
    })
    const stop = () => this.#wake()
    signal?.addEventListener('abort', stop, { once: true })
    await this.#until(() => isReached() || expired || this.#abort.signal.aborted || signal?.aborted === true)
    signal?.removeEventListener('abort', stop)
    // With a reason, or an error with its stack is made for nobody.
    timeout.abort('over')
    return isReached()
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiters.add(resolve))
  }

  #wake(): void {
    const waiters = [...this.#waiters]
    this.#waiters.clear()
    for (const wake of waiters) wake()
  }

  async #follow(state: PartitionState): Promise<void> {
    const { clock, codec, failed, log } = this.#options
    const { partition } = state
    while (!this.#abort.signal.aborted) {
      let reader: EventReader | undefined
      // Whatever becomes of the cursor, the read that waits on it ends; a failed close must not end the process.
      const stop = () => void reader?.close().catch(() => {})
      this.#abort.signal.addEventListener('abort', stop, { once: true })
      try {
        reader = await EventReader.open({ log, codec, partition, fromOffset: this.#positions[partition]! })
        while (!this.#abort.signal.aborted) {
          const chunk = await reader.next(waitMs)
          this.#troubles[partition] = null
          this.#take(state, chunk, reader.position)
        }
      } catch (error) {
        if (this.#abort.signal.aborted) return
        if (isLogError(error, 'CORRUPT')) {
          this.#troubles[partition] = error.message
          this.#damaged.set(partition, error)
          this.#wake()
          return
        }
        if (!isLogError(error, 'TRANSIENT')) {
          this.#failure = error as Error
          this.#wake()
          failed(this.#failure)
          return
        }
        this.#troubles[partition] = (error as Error).message
        await clock.sleep(retryMs, this.#abort.signal)
      } finally {
        this.#abort.signal.removeEventListener('abort', stop)
        await reader?.close().catch(() => {})
      }
    }
  }

  #take(state: PartitionState, chunk: readonly LoggedEvent[], position: number): void {
    const { partition } = state
    for (const logged of chunk) {
      evolve(state, logged.event)
      this.#index(partition, logged)
      this.#positions[partition] = logged.logOffset + 1
      for (const listener of this.#listeners) listener(partition, logged)
    }
    this.#seen[partition] = position
    this.#wake()
  }

  #index(partition: number, { event, logOffset }: LoggedEvent): void {
    if (event.type === 'IntentCommitted' || event.type === 'IntentShadowed')
      this.#decisions[partition]!.add(event.payload.intentId, partition, logOffset, true)
    else if (event.type === 'IntentRejected' && event.payload.intentId !== null) {
      const indexes = isRemembered(event.payload.code) ? this.#decisions : this.#refusals
      indexes[partition]!.add(event.payload.intentId, partition, logOffset, false)
    }
  }
}
