/** The intents that are not decided yet: who waits for what, and which of them are to be decided again. */
import type { EventReference, PendingReason } from '@signalbox/contract'
import type { Journal } from './journal.ts'

export interface PendingIntent {
  readonly intentId: string
  readonly scope: string
  readonly agent: string
  /** The canonical intent. */
  readonly intent: string
  readonly digest: string
  /** The first event that said so; its decision names it. */
  readonly since: EventReference
  readonly reason: PendingReason
  readonly code: string
  readonly message: string
  /** With whose change it is decided again. */
  readonly resources: readonly string[]
  readonly untilMs: number
  readonly escalation: string | null
  /** What it asks, as action and resource. */
  readonly asks: readonly string[]
  /** How often later intents were committed to the same action on what it waits for. */
  readonly bypassed: number
}

/** Waiting intents in the order in which they came. */
export function byArrival(a: PendingIntent, b: PendingIntent): number {
  return a.since.offset - b.since.offset || a.since.index - b.since.index || a.since.partition - b.since.partition
}

export function askKey(action: string, resource: string): string {
  return `${action}\u0000${resource}`
}

/** Whether an action gives somebody a lease, or makes it longer. */
export function isLease(action: string, resource: string): boolean {
  return (action === 'take' || action === 'renew') && resource.startsWith('reservation/')
}

const nobody: readonly string[] = []

export class PendingIntents {
  readonly #journal: Journal
  readonly #intents = new Map<string, PendingIntent>()
  // By scope, then resource; the ids in the order of arrival.
  readonly #waiters = new Map<string, Map<string, readonly string[]>>()
  readonly #ready = new Map<string, true>()

  constructor(journal: Journal) {
    this.#journal = journal
  }

  get size(): number {
    return this.#intents.size
  }

  get hasReady(): boolean {
    return this.#ready.size > 0
  }

  get(intentId: string): PendingIntent | undefined {
    return this.#intents.get(intentId)
  }

  all(): IterableIterator<PendingIntent> {
    return this.#intents.values()
  }

  isReady(intentId: string): boolean {
    return this.#ready.has(intentId)
  }

  /** Those to be decided again, oldest first. */
  ready(): readonly PendingIntent[] {
    return [...this.#ready.keys()].map((id) => this.#intents.get(id)!).sort(byArrival)
  }

  waitersFor(scope: string, resource: string): readonly string[] {
    return this.#waiters.get(scope)?.get(resource) ?? nobody
  }

  /** Adds one, or puts another in its place. */
  put(pending: PendingIntent, isReady = false): void {
    const before = this.#intents.get(pending.intentId)
    if (before !== undefined) this.#unlist(before)
    this.#journal.set(this.#intents, pending.intentId, pending)
    for (const resource of pending.resources) {
      const ids = [...this.waitersFor(pending.scope, resource), pending.intentId]
      ids.sort((a, b) => byArrival(this.#intents.get(a)!, this.#intents.get(b)!))
      this.#list(pending.scope, resource, ids)
    }
    this.#setReady(pending.intentId, isReady)
  }

  end(intentId: string): void {
    const pending = this.#intents.get(intentId)
    if (pending === undefined) return
    this.#unlist(pending)
    this.#journal.set(this.#intents, intentId, undefined)
    this.#setReady(intentId, false)
  }

  /** What waits for a resource is to be decided again. */
  wake(scope: string, resource: string): void {
    if (this.#intents.size === 0) return
    for (const id of this.waitersFor(scope, resource)) this.#setReady(id, true)
  }

  /** One that stood before others stands there no longer. */
  wakeBehind({ resources, scope }: PendingIntent): void {
    for (const resource of resources) {
      for (const id of this.waitersFor(scope, resource)) if (this.#intents.get(id)!.code === 'BEHIND_WAITERS') this.#setReady(id, true)
    }
  }

  wakeAll(): void {
    for (const { intentId, reason } of this.#intents.values()) if (reason === 'waiting') this.#setReady(intentId, true)
  }

  /** An intent that came later was committed to the same action; or somebody got or kept the reservation that is in its way. */
  bypass(scope: string, resource: string, action: string, since: EventReference | null): void {
    if (this.#intents.size === 0) return
    const asked = askKey(action, resource)
    for (const id of this.waitersFor(scope, resource)) {
      const waiter = this.#intents.get(id)!
      if (!waiter.asks.includes(asked) && !(waiter.code === 'RESERVED' && isLease(action, resource))) continue
      const isLater =
        since === null || since.offset > waiter.since.offset || (since.offset === waiter.since.offset && since.index > waiter.since.index)
      if (isLater) this.#journal.set(this.#intents, id, { ...waiter, bypassed: waiter.bypassed + 1 })
    }
  }

  #unlist({ intentId, resources, scope }: PendingIntent): void {
    for (const resource of resources) {
      const ids = this.waitersFor(scope, resource).filter((id) => id !== intentId)
      this.#list(scope, resource, ids.length === 0 ? undefined : ids)
    }
  }

  #list(scope: string, resource: string, ids: readonly string[] | undefined): void {
    let inScope = this.#waiters.get(scope)
    if (inScope === undefined) {
      inScope = new Map()
      this.#waiters.set(scope, inScope)
    }
    this.#journal.set(inScope, resource, ids)
  }

  #setReady(intentId: string, isReady: boolean): void {
    if (this.#ready.has(intentId) !== isReady) this.#journal.set(this.#ready, intentId, isReady ? true : undefined)
  }
}
