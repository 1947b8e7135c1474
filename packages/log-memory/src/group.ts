import type { Assignment, AssignmentListener } from '@signalbox/log'
import type { LogClock } from './clock.ts'
import { Lifetime } from './lifetime.ts'

interface Owned {
  readonly assignment: Assignment
  readonly controller: AbortController
}

export interface Member {
  readonly listener: AssignmentListener
  readonly clock: LogClock
  readonly revokeTimeoutMs: number
  /** Ends when the group lets go of the member: it left, its process crashed, or its session ran out. */
  readonly lifetime: Lifetime
  readonly owned: Map<number, Owned>
  /** Whether the partitions were dealt with it among the members. */
  hasJoined: boolean
}

/** Deals the partitions to the members: partition p goes to member p modulo their count, in the order they joined. */
export class MemoryGroup {
  readonly #generations: number[]
  readonly #members: Member[] = []
  #rebalances: Promise<void> = Promise.resolve()

  constructor(partitionCount: number) {
    this.#generations = Array.from({ length: partitionCount }, () => 0)
  }

  join(process: string, listener: AssignmentListener, clock: LogClock, revokeTimeoutMs: number): Member {
    const lifetime = new Lifetime(`The membership of ${process}`)
    const member: Member = { listener, clock, revokeTimeoutMs, lifetime, owned: new Map(), hasJoined: false }
    this.#members.push(member)
    void this.#rebalance()
    return member
  }

  /** Gives back every partition in good order. */
  async leave(member: Member): Promise<void> {
    if (this.#forget(member)) {
      this.#rebalances = this.#rebalances.then(async () => {
        await Promise.all([...member.owned.keys()].map((partition) => this.#revoke(member, partition)))
        member.lifetime.end('closed')
      })
      await this.#rebalance()
    }
    await this.#rebalances
  }

  /** The member is dead to the group, and is not told: its process crashed, or its session ran out while it goes on. */
  expire(member: Member): void {
    const isMember = this.#forget(member)
    // Of a member that was leaving, this ends the wait for its answer; the rebalance is under way already.
    member.lifetime.end('crashed')
    if (isMember) void this.#rebalance()
  }

  #forget(member: Member): boolean {
    const index = this.#members.indexOf(member)
    if (index >= 0) this.#members.splice(index, 1)
    return index >= 0
  }

  #rebalance(): Promise<void> {
    this.#rebalances = this.#rebalances.then(() => this.#rebalanceNow())
    return this.#rebalances
  }

  async #rebalanceNow(): Promise<void> {
    const target = [...this.#members]
    const targetOf = (partition: number) => target[partition % target.length]
    const revocations = target.flatMap((member) =>
      [...member.owned.keys()].filter((partition) => targetOf(partition) !== member).map((partition) => this.#revoke(member, partition)),
    )
    await Promise.all(revocations)
    for (let partition = 0; partition < this.#generations.length; partition++) {
      const member = targetOf(partition)
      // A member that went meanwhile is followed by a rebalance of its own.
      if (member === undefined || !this.#members.includes(member) || member.owned.has(partition)) continue
      this.#assign(member, partition)
    }
    for (const member of target) member.hasJoined = this.#members.includes(member)
  }

  #assign(member: Member, partition: number): void {
    const controller = new AbortController()
    this.#generations[partition]! += 1
    const assignment: Assignment = { partition, generation: this.#generations[partition]!, signal: controller.signal }
    member.owned.set(partition, { assignment, controller })
    try {
      member.listener.assigned(assignment)
    } catch (error) {
      member.listener.lost(error instanceof Error ? error : new Error(String(error)))
    }
  }

  async #revoke(member: Member, partition: number): Promise<void> {
    const owned = member.owned.get(partition)!
    if (member.lifetime.state === 'open') {
      const waited = new AbortController()
      let forget = () => {}
      const ended = new Promise<void>((resolve) => {
        forget = member.lifetime.onEnd(resolve)
      })
      const finished = member.listener.revoked(owned.assignment).catch(() => undefined)
      await Promise.race([finished, ended, member.clock.sleep(member.revokeTimeoutMs, waited.signal)])
      waited.abort()
      forget()
    }
    member.owned.delete(partition)
    // A process that is gone, or that is not to know, hears nothing.
    if (member.lifetime.state !== 'crashed') owned.controller.abort()
  }
}
