import type { Assignment, AssignmentListener, Membership } from '@signalbox/log'

export interface MembershipOptions {
  readonly listener: AssignmentListener
  readonly partitionCount: number
  readonly generation: number
  readonly revokeTimeoutMs: number
  readonly onLeft: () => void
}

/** All partitions belong to the one process that owns the log. */
export class SqliteMembership implements Membership {
  readonly #options: MembershipOptions
  readonly #controller = new AbortController()
  readonly #assignments: readonly Assignment[]
  #left: Promise<void> | undefined
  #hasJoined = false

  constructor(options: MembershipOptions) {
    this.#options = options
    const { generation, listener, partitionCount } = options
    const { signal } = this.#controller
    this.#assignments = Array.from({ length: partitionCount }, (_, partition) => ({ partition, generation, signal }))
    queueMicrotask(() => {
      if (this.#left !== undefined) return
      this.#hasJoined = true
      for (const assignment of this.#assignments) listener.assigned(assignment)
    })
  }

  get hasJoined(): boolean {
    return this.#hasJoined && !this.#controller.signal.aborted
  }

  leave(): Promise<void> {
    this.#left ??= this.#leave()
    return this.#left
  }

  lose(error: Error): void {
    if (this.#left !== undefined) return
    this.#controller.abort()
    this.#options.listener.lost(error)
  }

  async #leave(): Promise<void> {
    const { listener, revokeTimeoutMs, onLeft } = this.#options
    if (!this.#controller.signal.aborted) {
      const revoked = Promise.allSettled(this.#assignments.map((assignment) => listener.revoked(assignment)))
      let timer: NodeJS.Timeout | undefined
      const expired = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, revokeTimeoutMs)
      })
      await Promise.race([revoked, expired])
      clearTimeout(timer)
      this.#controller.abort()
    }
    onLeft()
  }
}
