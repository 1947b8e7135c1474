/**
 * Follows the partitions that others own, so that this process takes over within moments: what it built of a partition is
 * handed to the owner that begins here, and comes back when that ends. Writes the snapshots, which the owner has no time for.
 */
import { isLogError } from '@signalbox/log'
import { type Base, Restore } from '@signalbox/partition-state'
import type { SequencerSettings } from './settings.ts'
import { disproves, firstBase, readSnapshot, SnapshotSchedule, snapshotDisproved } from './snapshots.ts'

const followMs = 1_000

export class Standby {
  readonly #settings: SequencerSettings
  readonly #followers = new Map<number, Follower>()

  constructor(settings: SequencerSettings) {
    this.#settings = settings
  }

  /** Follows the partition from `base` on; from its newest snapshot, or its first event, without. */
  follow(partition: number, base: Base | null): void {
    if (!this.#settings.standby || this.#followers.has(partition)) return
    this.#followers.set(partition, new Follower(this.#settings, partition, base))
  }

  /** Ends following the partition and gives what is known of it, or its newest snapshot; never null. */
  async take(partition: number, known: Base | null): Promise<Base> {
    const follower = this.#followers.get(partition)
    this.#followers.delete(partition)
    const followed = (await follower?.stop()) ?? null
    return followed ?? known ?? (await readSnapshot(this.#settings, partition)) ?? firstBase(this.#settings, partition)
  }

  /** Log offsets up to which partitions are followed. */
  positions(): ReadonlyMap<number, number> {
    return new Map([...this.#followers].map(([partition, follower]) => [partition, follower.position]))
  }

  async stop(): Promise<void> {
    const followers = [...this.#followers.values()]
    this.#followers.clear()
    await Promise.all(followers.map((follower) => follower.stop()))
  }
}

class Follower {
  readonly #settings: SequencerSettings
  readonly #partition: number
  readonly #abort = new AbortController()
  readonly #done: Promise<void>
  #base: Base | null
  #begunWith: Base | null = null

  constructor(settings: SequencerSettings, partition: number, base: Base | null) {
    this.#settings = settings
    this.#partition = partition
    this.#base = base
    this.#done = this.#run()
  }

  get position(): number {
    return this.#base?.position ?? 0
  }

  /** What was built so far; null where that is of no use. Ends within a read's wait. */
  async stop(): Promise<Base | null> {
    this.#abort.abort('over')
    await this.#done
    return this.#base
  }

  async #run(): Promise<void> {
    const { bounds, clock, logger } = this.#settings
    const partition = this.#partition
    let retryMs = bounds.firstRetryMs
    while (!this.#abort.signal.aborted) {
      try {
        this.#base ??= (await readSnapshot(this.#settings, partition)) ?? firstBase(this.#settings, partition)
        await this.#follow(() => {
          retryMs = bounds.firstRetryMs
        })
      } catch (cause) {
        if (this.#abort.signal.aborted) return
        const error = this.#lookInto(cause)
        if (!isLogError(error, 'TRANSIENT')) {
          // Whoever owns the partition, or comes to own it, meets the same and stands still; a standby need not.
          logger.error({ partition, err: error }, `partition ${partition} is not followed any more: ${(error as Error).message}`)
          this.#base = null
          return
        }
        await clock.sleep(retryMs, this.#abort.signal)
        retryMs = Math.min(2 * retryMs, bounds.lastRetryMs)
      }
    }
  }

  /** A snapshot that the events contradict is forgotten, and following begins anew. */
  #lookInto(error: unknown): unknown {
    const begunWith = this.#begunWith
    if (begunWith === null || !disproves(error, begunWith)) return error
    this.#base = firstBase(this.#settings, this.#partition)
    const disproved = snapshotDisproved(this.#partition, error)
    this.#settings.logger.warn({ partition: this.#partition, err: disproved }, disproved.message)
    return disproved
  }

  async #follow(progress: () => void): Promise<void> {
    const { bounds, clock, codec, log } = this.#settings
    const base = this.#base!
    this.#begunWith = base
    const { signal } = this.#abort
    const restore = await Restore.open({ log, codec, base, signal, patienceMs: bounds.restorePatienceMs, nowMs: () => clock.nowMs() })
    // Whatever becomes of the cursor, the read that waits on it ends.
    const stop = () => void restore.close().catch(() => {})
    signal.addEventListener('abort', stop, { once: true })
    const schedule = new SnapshotSchedule(this.#settings, base)
    try {
      while (!signal.aborted) {
        if ((await restore.follow(followMs)) > 0) progress()
        this.#base = restore.base
        if (this.#base !== null) await schedule.writeIfDue(this.#base)
      }
    } finally {
      this.#base = restore.base
      signal.removeEventListener('abort', stop)
      await restore.close().catch(() => {})
    }
  }
}
