/** What humans are asked now, folded from the events; and what they were asked last. */
import { changesIn, type EscalationData, type Event } from '@signalbox/contract'

export interface InboxEntry {
  readonly escalation: string
  readonly scope: string
  readonly state: string
  readonly version: number
  readonly data: EscalationData
}

export interface InboxGroup {
  /** The cause that they have in common. */
  readonly group: string
  /** How often it happened, over all of them. */
  readonly count: number
  readonly escalations: readonly InboxEntry[]
}

const settledLimit = 1_000

export class Inbox {
  readonly #open = new Map<string, InboxEntry>()
  // The newest last.
  readonly #settled = new Map<string, InboxEntry>()

  take(event: Event): void {
    for (const { data, resource, state, version } of changesIn(event)) {
      if (!resource.startsWith('escalation/')) continue
      const key = `${event.scope}\u0000${resource}`
      const entry = {
        escalation: resource.slice('escalation/'.length),
        scope: event.scope,
        state,
        version,
        data: JSON.parse(data) as EscalationData,
      }
      this.#settled.delete(key)
      if (state === 'triggered' || state === 'acknowledged') this.#open.set(key, entry)
      else {
        this.#open.delete(key)
        this.#settled.set(key, entry)
        if (this.#settled.size > settledLimit) this.#settled.delete(this.#settled.keys().next().value!)
      }
    }
  }

  get openCount(): number {
    return this.#open.size
  }

  /** Open ones by cause, the cause that waits longest first; of one level's people alone where `to` is given. */
  groups(to?: string): readonly InboxGroup[] {
    const open = [...this.#open.values()]
      .filter(({ data }) => to === undefined || data.to === to)
      .sort((a, b) => a.data.openedMs - b.data.openedMs)
    return [...Map.groupBy(open, ({ data }) => data.group)].map(([group, escalations]) => ({
      group,
      count: escalations.reduce((sum, { data }) => sum + data.count, 0),
      escalations,
    }))
  }

  /** The last that were answered or expired, the newest first. */
  settled(limit: number): readonly InboxEntry[] {
    return [...this.#settled.values()].slice(-limit).reverse()
  }
}
