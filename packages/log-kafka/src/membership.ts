import { type Assignment, type AssignmentListener, isLogError, LogError, type Membership } from '@signalbox/log'
import { isPassing } from './client.ts'
import { closedError, codeOf, toLogError } from './errors.ts'
import { GroupSession, type GroupSessionOptions, type Round } from './group-session.ts'
import { laneOf } from './lanes.ts'
import { Lifetime } from './lifetime.ts'
import { LONGEST_RETRY_MS, pause, retrying, withinMs } from './wait.ts'

interface Owned {
  readonly assignment: Assignment
  readonly controller: AbortController
}

export interface MembershipOptions extends GroupSessionOptions {
  readonly listener: AssignmentListener
  /** The last generation that this process has seen: a group that was forgotten by Kafka counts from 1 again. */
  readonly generationFloor: number
  readonly onGeneration: (generation: number) => void
  readonly onEnded: () => void
}

/** Why the partitions are let go. In good order the owner finishes first; otherwise they may be somebody else's already. */
type Ending = 'in good order' | 'already over'

export class KafkaMembership implements Membership {
  readonly #options: MembershipOptions
  readonly #session: GroupSession
  readonly #lifetime = new Lifetime('The membership')
  readonly #owned = new Map<number, Owned>()
  #held: readonly number[] = []
  /** Partitions that this member can never own, by lane. */
  readonly #refused = new Map<number, number>()
  #hasToRejoin = false
  #hasJoined = false
  #generation: number
  #running: Promise<void> | undefined
  #left: Promise<void> | undefined

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#session = new GroupSession(options)
    this.#generation = options.generationFloor
  }

  start(): void {
    this.#running = this.#run()
  }

  get hasJoined(): boolean {
    return this.#hasJoined
  }

  refuse(partition: number): void {
    const lane = laneOf(partition)
    // A group that deals the lane here again does not understand: asking once more would never end.
    if (this.#refused.has(lane)) return
    this.#refused.set(lane, partition)
    this.#hasToRejoin = true
  }

  leave(): Promise<void> {
    this.#left ??= this.#leave()
    return this.#left
  }

  /**
   * Asks the group whether the assignment still stands. Passes one that is over by its own signal, and those that are not of
   * this membership. Errors: FENCED, TRANSIENT.
   */
  async confirm(assignment: Assignment): Promise<void> {
    if (this.#owned.get(assignment.partition)?.assignment !== assignment) return
    try {
      const deadlineMs = performance.now() + this.#options.settings.connectionTimeoutMs
      const asking = { deadlineMs, signal: assignment.signal, retriable: isPassing }
      if ((await retrying(asking, () => this.#session.heartbeat())) !== 'expelled') return
    } catch (error) {
      if (assignment.signal.aborted) return
      throw toLogError(error, `The group could not confirm that partition ${assignment.partition} is still assigned here`, 'TRANSIENT')
    }
    const message = `The group has given partition ${assignment.partition} to somebody else. Wait until it is assigned again.`
    throw new LogError('FENCED', message)
  }

  async #leave(): Promise<void> {
    const { revokeTimeoutMs } = this.#options.settings
    this.#lifetime.end()
    // The loop ends after the request under way, whose answer holds the member's id, without which nobody can leave.
    await withinMs(revokeTimeoutMs, this.#running ?? Promise.resolve(), () => undefined)
    await this.#letGo('in good order')
    await withinMs(
      revokeTimeoutMs,
      // The session runs out by itself where the broker cannot be told.
      this.#session.leave().catch(() => undefined),
      () => undefined,
    )
    await this.#session.disconnect(closedError('The membership'))
    this.#options.onEnded()
  }

  async #run(): Promise<void> {
    const { signal } = this.#lifetime
    while (!this.#lifetime.ended) {
      try {
        this.#hasToRejoin = false
        const round = await this.#session.join(this.#held, [...this.#refused.values()])
        if (round === null || this.#lifetime.ended) continue
        if (!this.#assign(round)) return
        await this.#beat()
      } catch (error) {
        if (this.#lifetime.ended) return
        if (codeOf(error) !== 'TRANSIENT') return this.#lose(error)
        await pause(LONGEST_RETRY_MS, signal)
      }
    }
  }

  /** False when the listener threw, which is a fault of its own that joining again would not mend. */
  #assign({ generation, partitions }: Round): boolean {
    this.#generation = Math.max(generation, this.#generation + 1)
    this.#options.onGeneration(this.#generation)
    this.#held = partitions
    this.#hasJoined = true
    for (const partition of partitions) {
      const controller = new AbortController()
      const assignment: Assignment = { partition, generation: this.#generation, signal: controller.signal }
      this.#owned.set(partition, { assignment, controller })
      try {
        this.#options.listener.assigned(assignment)
      } catch (error) {
        void this.#lose(error)
        return false
      }
    }
    return true
  }

  /** Says that it is alive until the group is dealt anew, or has gone on without it. */
  async #beat(): Promise<void> {
    const { heartbeatIntervalMs, sessionTimeoutMs } = this.#options.settings
    let heardMs = performance.now()
    for (;;) {
      await pause(heartbeatIntervalMs, this.#lifetime.signal)
      if (this.#lifetime.ended) return
      if (this.#hasToRejoin) return await this.#letGo('in good order')
      try {
        const answer = await this.#session.heartbeat()
        if (answer !== 'member') return await this.#letGo(answer === 'rebalancing' ? 'in good order' : 'already over')
        heardMs = performance.now()
      } catch (error) {
        if (codeOf(error) !== 'TRANSIENT') throw error
        if (performance.now() - heardMs < sessionTimeoutMs) continue
        // By now the group has given the partitions to others, if anybody can reach it at all. The member's id is kept: where
        // the group has not missed it, a new member would have to wait for the old one's session to run out.
        return await this.#letGo('already over')
      }
    }
  }

  async #letGo(ending: Ending): Promise<void> {
    this.#hasJoined = false
    const owned = [...this.#owned.values()]
    this.#owned.clear()
    if (ending === 'already over') for (const { controller } of owned) controller.abort()
    const { listener, settings } = this.#options
    const revoked = owned.map(async ({ assignment }) => listener.revoked(assignment))
    await withinMs(settings.revokeTimeoutMs, Promise.allSettled(revoked), () => undefined)
    for (const { controller } of owned) controller.abort()
  }

  async #lose(error: unknown): Promise<void> {
    await this.#letGo('already over')
    const group = this.#options.group
    const reason = isLogError(error) ? error : toLogError(error, `The membership of group ${group} is over`)
    this.#options.listener.lost(reason)
  }
}
