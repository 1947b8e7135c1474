/** What the events of one partition say is so: plain maps, filled from after-images alone. */
import type { Event, ResourceChange } from '@signalbox/contract'
import { type ModelIntent, type PlainObject, toModel } from './intent.ts'
import type { ModelResource } from './rules.ts'

export interface ModelPending {
  readonly intent: ModelIntent
  readonly offset: number
  readonly index: number
  readonly sinceMs: number
  readonly isEscalated: boolean
  readonly code: string
  readonly resources: readonly string[]
  readonly untilMs: number
  readonly bypassed: number
}

export type Written = Event & { readonly type: 'IntentCommitted' | 'RuleApplied' }

const own = new Set(['clock', 'process-manager', 'signalbox'])

export function isOwn(agent: string): boolean {
  return own.has(agent)
}

export class Ledger {
  time = 0
  /** By `scope\nresource`. */
  readonly resources = new Map<string, ModelResource>()
  readonly pending = new Map<string, ModelPending>()
  readonly quarantined = new Set<string>()

  find(scope: string, resource: string): ModelResource | undefined {
    return this.resources.get(`${scope}\n${resource}`)
  }

  /** Those that wait with a resource in view, in the order in which they came. */
  waitersFor(scope: string, resource: string): readonly ModelPending[] {
    return [...this.pending.values()]
      .filter(({ intent, resources }) => intent.scope === scope && resources.includes(resource))
      .sort((a, b) => a.offset - b.offset || a.index - b.index)
  }

  apply(event: Event): void {
    this.time = Math.max(this.time, event.time)
    switch (event.type) {
      case 'IntentCommitted': {
        const { agent, changes, intentId, settles } = event.payload
        this.#write(event, changes, agent, intentId)
        const before = settles === null ? undefined : this.pending.get(intentId)
        if (settles !== null) this.pending.delete(intentId)
        for (const change of changes) this.#bypass(event.scope, change, before)
        break
      }
      case 'RuleApplied':
        this.#ruled(event)
        break
      case 'IntentRejected':
        if (event.payload.settles !== null) this.pending.delete(event.payload.intentId!)
        break
      case 'IntentPending':
        this.#note(event)
        break
      case 'WaitersExamined':
        for (const { code, intentId, resources } of event.payload.waiting) {
          const waiter = this.pending.get(intentId)
          if (waiter !== undefined) this.pending.set(intentId, { ...waiter, code, resources })
        }
    }
  }

  #ruled(event: Event & { readonly type: 'RuleApplied' }): void {
    const { cause, changes, resource, rule } = event.payload
    this.#write(event, changes, rule === 'timer' ? 'clock' : 'signalbox', cause ?? '')
    if (rule !== 'timer' || changes.length > 0 || resource === null) return
    const spent = this.find(event.scope, resource)
    if (spent !== undefined) this.resources.set(`${event.scope}\n${resource}`, { ...spent, timer: null })
  }

  #note({ index, offset, payload, time }: Event & { readonly type: 'IntentPending' }): void {
    const { code, intent, intentId, reason, resources, until } = payload
    const before = this.pending.get(intentId)
    this.pending.set(intentId, {
      intent: before?.intent ?? toModel(JSON.parse(intent) as PlainObject),
      offset: before?.offset ?? offset,
      index: before?.index ?? index,
      sinceMs: before?.sinceMs ?? time,
      isEscalated: reason === 'escalated',
      code,
      resources,
      untilMs: until,
      bypassed: before?.bypassed ?? 0,
    })
  }

  #bypass(scope: string, { action, resource }: ResourceChange, committed: ModelPending | undefined): void {
    for (const waiter of this.waitersFor(scope, resource)) {
      const asksTheSame = waiter.intent.actions.some((asked) => asked.action === action && asked.resource === resource)
      const isLease = resource.startsWith('reservation/') && (action === 'take' || action === 'renew')
      if (!asksTheSame && !(waiter.code === 'RESERVED' && isLease)) continue
      const isEarlier =
        committed !== undefined &&
        (committed.offset < waiter.offset || (committed.offset === waiter.offset && committed.index <= waiter.index))
      if (!isEarlier) this.pending.set(waiter.intent.intentId, { ...waiter, bypassed: waiter.bypassed + 1 })
    }
  }

  #write({ scope }: Written, changes: readonly ResourceChange[], agent: string, intentId: string): void {
    for (const { data, resource, state, timer, version } of changes) {
      const key = `${scope}\n${resource}`
      const history = [...(this.resources.get(key)?.history ?? []), { version, intentId, agent }]
      this.resources.set(key, { version, state, data: JSON.parse(data) as PlainObject, timer, history })
      if (!resource.startsWith('agent/') || !scope.startsWith('~partition/')) continue
      if (state === 'quarantined') this.quarantined.add(resource.slice(6))
      else this.quarantined.delete(resource.slice(6))
    }
  }
}
