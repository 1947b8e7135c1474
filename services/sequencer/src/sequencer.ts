/** Owns the partitions that the log assigns to this process, each by a `PartitionOwner`. */
import { PartitionState } from '@signalbox/core'
import type { Assignment, Membership } from '@signalbox/log'
import { emptyBase } from '@signalbox/replay'
import type { Phase } from './metrics.ts'
import { PartitionOwner } from './partition-owner.ts'
import type { SequencerSettings } from './settings.ts'

export class Sequencer {
  readonly #settings: SequencerSettings
  readonly #owners = new Map<number, PartitionOwner>()
  #membership: Membership | null = null
  #fail: (error: Error) => void = () => {}
  /** Rejects when the process should end: the log is damaged or full, or an invariant of Signalbox is broken. */
  readonly failed: Promise<never>

  private constructor(settings: SequencerSettings) {
    this.#settings = settings
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    // Whoever runs the sequencer awaits it; until then it must not count as unhandled.
    this.failed.catch(() => {})
  }

  static async start(settings: SequencerSettings): Promise<Sequencer> {
    const sequencer = new Sequencer(settings)
    sequencer.#membership = await settings.log.join({
      assigned: (assignment) => sequencer.#assigned(assignment),
      revoked: (assignment) => sequencer.#revoked(assignment),
      lost: (error) => sequencer.#fail(error),
    })
    return sequencer
  }

  /** Finishes what is under way, gives every partition back, and leaves. */
  async stop(): Promise<void> {
    try {
      await this.#membership?.leave()
    } finally {
      // Also where the group could not be told: nobody decides any more once this has resolved.
      await Promise.allSettled([...this.#owners.values()].map((owner) => owner.stop()))
    }
  }

  /** The phase of every partition that is or was assigned to this process. */
  phases(): ReadonlyMap<number, Phase> {
    return new Map([...this.#owners].map(([partition, owner]) => [partition, owner.phase]))
  }

  /** The state of a partition that is active here; null otherwise. */
  state(partition: number): PartitionState | null {
    return this.#owners.get(partition)?.state ?? null
  }

  #assigned(assignment: Assignment): void {
    const before = this.#owners.get(assignment.partition)
    const owner = new PartitionOwner(this.#settings, assignment, async () => {
      // Nobody else may go on from what it knows.
      await before?.stop().catch(() => {})
      return before?.base ?? emptyBase(new PartitionState(assignment.partition, this.#settings.rules.limits))
    })
    this.#owners.set(assignment.partition, owner)
    void before?.stop().catch(() => {})
    owner.done.catch((error: unknown) => {
      this.#settings.logger.error(
        { partition: assignment.partition, err: error },
        `partition ${assignment.partition} failed for good: ${(error as Error).message}`,
      )
      this.#fail(error as Error)
    })
  }

  async #revoked(assignment: Assignment): Promise<void> {
    await this.#owners
      .get(assignment.partition)
      ?.stop()
      .catch(() => {})
  }
}
