/** The log that is moved: read whole, once, and followed until nothing more is decided in it. */
import type { Codec } from '@signalbox/codec'
import { changesIn, type Event, type Intent, isSystemScope, type Limits, type Reaction } from '@signalbox/contract'
import { PartitionState } from '@signalbox/core'
import { Undecided } from '@signalbox/follow-ups'
import type { Clock, LogReader } from '@signalbox/log'
import { emptyBase, Restore } from '@signalbox/partition-state'

const followMs = 500

export interface OldLogOptions {
  readonly log: LogReader
  readonly codec: Codec
  readonly limits: Limits
  /** Of the config that its process manager runs with. */
  readonly reactions: readonly Reaction[]
  /** Of the same config: what its process manager would not ask for does not go along. */
  readonly maxDepth?: number | null
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly progress?: (read: { readonly partition: number; readonly events: number }) => void
}

/** How long the log may give nothing while something must be there. */
const patienceMs = 30_000

export class OldLog {
  readonly states: readonly PartitionState[]
  readonly #options: OldLogOptions
  readonly #restores: readonly Restore[]
  readonly #undecided: Undecided
  #verdicts = 0
  // Codes and messages of rejected intents that somebody here asked about.
  readonly #watched = new Map<string, string | null>()

  private constructor(options: OldLogOptions, states: readonly PartitionState[], restores: readonly Restore[], undecided: Undecided) {
    this.#options = options
    this.states = states
    this.#restores = restores
    this.#undecided = undecided
  }

  /** Reads everything that is there. Memory: the states of all partitions. Errors: LogError. */
  static async open(options: OldLogOptions): Promise<OldLog> {
    const { clock, codec, limits, log, maxDepth = null, progress, reactions, signal } = options
    const partitions = Array.from({ length: log.partitionCount }, (_, partition) => partition)
    const states = partitions.map((partition) => new PartitionState(partition, limits))
    const undecided = new Undecided({ reactions, maxDepth, partitionCount: log.partitionCount })
    const restores: Restore[] = []
    let old: OldLog | undefined
    for (const partition of partitions) {
      const base = emptyBase(states[partition]!)
      restores.push(
        await Restore.open({
          log,
          codec,
          base,
          signal,
          patienceMs,
          nowMs: () => clock.nowMs(),
          visit: (logged) => old!.#visit(logged.event),
          ...(progress === undefined ? {} : { progress: ({ events }) => progress({ partition, events }) }),
        }),
      )
    }
    old = new OldLog(options, states, restores, undecided)
    await old.toEnd()
    return old
  }

  /** Up to where each partition ends now. */
  async toEnd(): Promise<void> {
    const { log } = this.#options
    for (const [partition, restore] of this.#restores.entries()) await restore.toEnd((await log.offsets('events', partition)).end)
  }

  /** Reads on until the partition says so; false where `boundMs` ran out first. */
  async until(partition: number, isReached: () => boolean, boundMs: number): Promise<boolean> {
    const { clock, signal } = this.#options
    const deadlineMs = clock.nowMs() + boundMs
    while (!isReached()) {
      if (clock.nowMs() >= deadlineMs || signal.aborted) return false
      await this.#restores[partition]!.follow(followMs)
    }
    return true
  }

  /** How often people have decided of dead letters. */
  get verdicts(): number {
    return this.#verdicts
  }

  /** From now on, whether an intent was rejected is known. */
  watch(intentId: string): void {
    this.#watched.set(intentId, null)
  }

  /** Why a watched intent was rejected; null where it was not. */
  refusalOf(intentId: string): string | null {
    return this.#watched.get(intentId) ?? null
  }

  /** What follows from its events and has no decision, in the order of what it follows from. */
  followUps(): readonly Intent[] {
    return [...this.#undecided.all()].sort((a, b) => (a.intentId.slice(0, 13) < b.intentId.slice(0, 13) ? -1 : 1))
  }

  async close(): Promise<void> {
    await Promise.all(this.#restores.map((restore) => restore.close()))
  }

  #visit(event: Event): void {
    this.#undecided.take(event)
    if (isSystemScope(event.scope) && changesIn(event).some(({ resource }) => resource.startsWith('dead-letter/'))) this.#verdicts++
    if (event.type !== 'IntentRejected') return
    const { code, intentId, message } = event.payload
    if (intentId !== null && this.#watched.has(intentId)) this.#watched.set(intentId, `${code}: ${message}`)
  }
}
