/** Owns the partitions that the log assigns to this process, each by a `PartitionOwner`. */
import type { PartitionState } from '@signalbox/core'
import type { Assignment, LogTrouble, Membership } from '@signalbox/log'
import type { Base } from '@signalbox/partition-state'
import { checkFirst } from './check-first.ts'
import type { Phase } from './metrics.ts'
import { PartitionOwner } from './partition-owner.ts'
import type { SequencerSettings } from './settings.ts'
import { Standby } from './standby.ts'

export class Sequencer {
  readonly #settings: SequencerSettings
  readonly #owners = new Map<number, PartitionOwner>()
  readonly #standby: Standby
  /** Restored before the start, until their owners take them. */
  readonly #bases = new Map<number, Base>()
  readonly #refusals = new Map<number, LogTrouble>()
  #membership: Membership | null = null
  #isStopping = false
  #troubles: readonly LogTrouble[] = []
  #fail: (error: Error) => void = () => {}
  /** Rejects when the process should end: the log is full, or an invariant of Signalbox is broken. */
  readonly failed: Promise<never>

  private constructor(settings: SequencerSettings) {
    this.#settings = settings
    this.#standby = new Standby(settings)
    this.failed = new Promise((_, reject) => {
      this.#fail = reject
    })
    // Whoever runs the sequencer awaits it; until then it must not count as unhandled.
    this.failed.catch(() => {})
  }

  /** Throws ContractsRefused. */
  static async start(settings: SequencerSettings): Promise<Sequencer> {
    const sequencer = new Sequencer(settings)
    const bases = settings.checkFirst ? await checkFirst(settings) : new Map<number, Base>()
    for (let partition = 0; partition < settings.log.partitionCount; partition++)
      sequencer.#standby.follow(partition, bases.get(partition) ?? null)
    if (!settings.standby) for (const [partition, base] of bases) sequencer.#bases.set(partition, base)
    sequencer.#membership = await settings.log.join({
      assigned: (assignment) => sequencer.#assigned(assignment),
      revoked: (assignment) => sequencer.#revoked(assignment),
      lost: (error) => sequencer.#fail(error),
    })
    return sequencer
  }

  /** Finishes what is under way, gives every partition back, and leaves. */
  async stop(): Promise<void> {
    this.#isStopping = true
    try {
      await this.#membership?.leave()
    } finally {
      // Also where the group could not be told: nobody decides any more once this has resolved.
      await Promise.allSettled([...this.#owners.values()].map((owner) => owner.stop()))
      await this.#standby.stop()
    }
  }

  /** Whether the group has dealt its partitions with this process among them. */
  hasJoined(): boolean {
    return this.#membership?.hasJoined ?? false
  }

  /** The phase of every partition that is or was assigned to this process. */
  phases(): ReadonlyMap<number, Phase> {
    return new Map([...this.#owners].map(([partition, owner]) => [partition, owner.phase]))
  }

  /** Partitions that this process cannot decide, by its contracts, and holds no longer. Unless a newer one runs, nobody decides them. */
  refusals(): readonly LogTrouble[] {
    return [...this.#refusals.values()]
  }

  #refuse(partition: number, why: string): void {
    const message = `partition ${partition} cannot be decided by this process: ${why}. Another sequencer decides it where one with fitting contracts runs; else nobody does`
    this.#refusals.set(partition, { kind: 'contracts', topic: null, partition, sinceMs: this.#settings.clock.nowMs(), message })
    this.#membership?.refuse?.(partition)
  }

  /** Tells the owners of partitions in which an open transaction hides what follows it; the others are told that none does. */
  heldBack(troubles: readonly LogTrouble[]): void {
    this.#troubles = troubles
    for (const [partition, owner] of this.#owners) owner.hold(this.#heldBackBy(partition))
  }

  #heldBackBy(partition: number): string | null {
    const found = this.#troubles.find((trouble) => trouble.kind === 'open transaction' && trouble.partition === partition)
    return found?.message ?? null
  }

  /** Log offsets of events up to which the partitions of others are followed here. */
  followed(): ReadonlyMap<number, number> {
    return this.#standby.positions()
  }

  /** The state of a partition that is active here; null otherwise. */
  state(partition: number): PartitionState | null {
    return this.#owners.get(partition)?.state ?? null
  }

  #assigned(assignment: Assignment): void {
    const { partition } = assignment
    const before = this.#owners.get(partition)
    const base = this.#bases.get(partition) ?? null
    this.#bases.delete(partition)
    this.#refusals.delete(partition)
    const owner = new PartitionOwner(this.#settings, assignment, async () => {
      // Nobody else may go on from what it knows.
      await before?.stop().catch(() => {})
      return await this.#standby.take(partition, before?.takeBase() ?? base)
    })
    owner.hold(this.#heldBackBy(partition))
    this.#owners.set(partition, owner)
    void before?.stop().catch(() => {})
    owner.done.then(
      () => this.#ended(owner),
      (error: unknown) => {
        this.#settings.logger.error({ partition, err: error }, `partition ${partition} failed for good: ${(error as Error).message}`)
        this.#fail(error as Error)
      },
    )
  }

  async #revoked({ partition }: Assignment): Promise<void> {
    await this.#owners
      .get(partition)
      ?.stop()
      .catch(() => {})
  }

  /** Whoever owns the partition next, this process goes on from what it knows of it. */
  #ended(owner: PartitionOwner): void {
    const isLast = this.#owners.get(owner.partition) === owner
    if (isLast && owner.refusal !== null) this.#refuse(owner.partition, owner.refusal)
    if (this.#settings.standby && isLast && !this.#isStopping) this.#standby.follow(owner.partition, owner.takeBase())
  }
}
