/** What the events of one partition say is so: plain maps, filled from after-images alone. */
import type { Event, IntentCommitted, ResourceChange } from '@signalbox/contract'
import { KeyedCounts, ModelTally } from './counts.ts'
import { type ModelIntent, type Plain, type PlainObject, toModel } from './intent.ts'
import type { ModelMoment, ModelResource } from './rules.ts'
import { countsResource, Works } from './works.ts'

export interface ModelPending {
  readonly intent: ModelIntent
  readonly offset: number
  readonly index: number
  readonly sinceMs: number
  readonly isEscalated: boolean
  readonly escalation: string | null
  readonly code: string
  readonly resources: readonly string[]
  readonly untilMs: number
  readonly bypassed: number
}

const own = new Set(['clock', 'process-manager', 'signalbox'])
const turnedAway = new Set(['BUDGET_EXCEEDED', 'BREAKER_OPEN', 'AGENT_QUARANTINED', 'CORRELATION_EXHAUSTED'])
const chainMs = 3_600_000

export function isOwn(agent: string): boolean {
  return own.has(agent)
}

/** What a limit turned away at once is not counted against it. */
export function isTurnedAway(code: string): boolean {
  return turnedAway.has(code)
}

/** These leave the id free for the mended intent. */
export const atTheDoor: ReadonlySet<string> = new Set([
  'DEAD_LETTERED',
  'WRONG_PARTITION',
  'INTENT_MALFORMED',
  'INTENT_ID_INVALID',
  'INTENT_EXPIRED',
  'INTENT_FROM_THE_FUTURE',
  'INTENT_ID_REUSED',
  'GENERATION_CLOSED',
])

/** Whether a reject counts as something that its piece of work asked for. */
export function isTakenUp({ payload: { agent, code } }: Event & { readonly type: 'IntentRejected' }): boolean {
  return agent !== null && !isOwn(agent) && !atTheDoor.has(code) && !isTurnedAway(code)
}

/** The world of what is in shadow, beside that of a scope. */
export function shadowOf(scope: string): string {
  return `\u0001shadow\u0001${scope}`
}

/** Of two partitions of one log, neither is later. */
function isLater(one: ModelMoment, than: ModelMoment): boolean {
  return one.log === than.log ? one.partition === than.partition && one.order > than.order : one.log > than.log
}

/** Of a key, which begins with a scope or the shadow of one. */
function scopeOf(key: string): string {
  const world = key.slice(0, key.indexOf('\n'))
  return world.startsWith(shadowOf('')) ? world.slice(shadowOf('').length) : world
}

export class Ledger {
  readonly #windowMs: number
  readonly #place: Pick<ModelMoment, 'log' | 'partition'>
  /** How many events were applied: orders what happened at one time. */
  #events = 0
  time = 0
  /** By `scope\nresource`. */
  readonly resources = new Map<string, ModelResource>()
  readonly pending = new Map<string, ModelPending>()
  /** Since when what an agent in quarantine wrote is not to be trusted; null: it is. */
  readonly quarantined = new Map<string, number | null>()
  /** What put an agent into quarantine last; before this log, on each partition that something came from. */
  readonly lastQuarantine = new Map<string, readonly ModelMoment[]>()
  readonly contradictions: KeyedCounts
  /** By piece of work, in all scopes of the partition. */
  readonly correlations: KeyedCounts
  readonly works = new Works()
  readonly #tallies = new Map<string, ModelTally>()
  readonly #links = new Map<string, { readonly depth: number; readonly timeMs: number }>()

  constructor(windowMs: number, place: Pick<ModelMoment, 'log' | 'partition'>) {
    this.#windowMs = windowMs
    this.#place = place
    this.contradictions = new KeyedCounts(windowMs)
    this.correlations = new KeyedCounts(windowMs)
  }

  get partition(): number {
    return this.#place.partition
  }

  find(scope: string, resource: string): ModelResource | undefined {
    return this.resources.get(`${scope}\n${resource}`)
  }

  tally(scope: string, agent: string): ModelTally {
    const key = `${scope}\n${agent}`
    const tally = this.#tallies.get(key) ?? new ModelTally(this.#windowMs)
    this.#tallies.set(key, tally)
    return tally
  }

  breaker(scope: string, agent: string): 'closed' | 'open' | 'half-open' {
    const state = scope.startsWith('~partition/') ? undefined : this.find(scope, `agent/${agent}`)?.state
    return state === 'open' || state === 'half-open' ? state : 'closed'
  }

  /** How many steps lie between an intent and the first of its chain; 0 where nothing is known of it. */
  depthOf(intentId: string): number {
    const link = this.#links.get(intentId)
    const oldest = Math.floor((this.time - chainMs) / this.#windowMs)
    return link === undefined || Math.floor(link.timeMs / this.#windowMs) < oldest ? 0 : link.depth
  }

  pendingOf(scope: string, agent: string): number {
    return [...this.pending.values()].filter(({ intent }) => intent.scope === scope && intent.agent === agent).length
  }

  /** Those that wait with a resource in view, in the order in which they came. */
  waitersFor(scope: string, resource: string): readonly ModelPending[] {
    if (this.pending.size === 0) return []
    return [...this.pending.values()]
      .filter(({ intent, resources }) => intent.scope === scope && resources.includes(resource))
      .sort((a, b) => a.offset - b.offset || a.index - b.index)
  }

  /** Whether what an agent got hold of (a lease, a claim) by the last change of a resource was taken from it by a quarantine. */
  isForfeit(agent: string, { history }: ModelResource): boolean {
    const held = history.at(-1)!.moment
    return this.quarantined.has(agent) || (this.lastQuarantine.get(agent) ?? []).some((last) => isLater(last, held))
  }

  get #moment(): ModelMoment {
    return { ...this.#place, order: this.#events }
  }

  /** From a log before this one: what is of scopes that are here now. */
  takeOver(from: Ledger, isHere: (scope: string) => boolean): void {
    const isOfHere = (key: string) => isHere(scopeOf(key))
    for (const [key, resource] of from.resources) if (isOfHere(key)) this.resources.set(key, resource)
    for (const [id, pending] of from.pending) if (isHere(pending.intent.scope)) this.pending.set(id, pending)
    for (const [key, tally] of from.#tallies) if (isOfHere(key)) this.#tallies.set(key, tally)
    this.contradictions.takeOver(from.contradictions, isOfHere)
    // A piece of work may go on in any scope.
    this.correlations.takeOver(from.correlations, () => true)
    // Of no scope: every partition has them.
    for (const [id, link] of from.#links) this.#links.set(id, link)
    for (const [agent, last] of from.lastQuarantine) this.lastQuarantine.set(agent, [...(this.lastQuarantine.get(agent) ?? []), ...last])
  }

  /** From a log before this one: what held for an agent everywhere. */
  takeAgent(systemScope: string, name: string, resource: ModelResource): void {
    this.resources.set(`${systemScope}\n${name}`, resource)
    const agent = name.slice('agent/'.length)
    if (resource.state === 'quarantined') this.quarantined.set(agent, resource.data.taintedSinceMs as number | null)
  }

  /** What came when the log was closed is counted nowhere. */
  passOver({ time }: Event): void {
    this.#events++
    this.time = Math.max(this.time, time)
  }

  apply(event: Event): void {
    this.#events++
    this.time = Math.max(this.time, event.time)
    switch (event.type) {
      case 'IntentCommitted': {
        const { agent, amount, changes, intentId, settles } = event.payload
        this.#write(event.scope, changes, agent, intentId, this.#standsOn(event.scope, event.payload))
        const before = settles === null ? undefined : this.pending.get(intentId)
        if (settles !== null) this.#end(intentId)
        this.#commit(event.scope, agent, settles === null, amount ?? 0)
        if (settles === null) this.#link(event.scope, event.payload.intent)
        for (const change of changes) this.#bypass(event.scope, change, before)
        break
      }
      case 'IntentShadowed': {
        const { agent, by, changes, intent, intentId } = event.payload
        const timeless = changes.map((change) => ({ ...change, timer: null }))
        if (by.startsWith('contract ')) this.#write(shadowOf(event.scope), timeless, agent, intentId, new Map())
        this.#commit(event.scope, agent, true, 0)
        this.#link(event.scope, intent)
        break
      }
      case 'RuleApplied':
        this.#ruled(event)
        break
      case 'IntentRejected':
        this.#reject(event)
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

  #end(intentId: string): void {
    const ended = this.pending.get(intentId)
    this.pending.delete(intentId)
    if (ended !== undefined) this.tally(ended.intent.scope, ended.intent.agent).touch(this.time)
  }

  #commit(scope: string, agent: string, isAsked: boolean, amount: number): void {
    if (isOwn(agent)) return
    const tally = this.tally(scope, agent)
    tally.touch(this.time)
    tally.endRow()
    if (isAsked) tally.asked.add(this.time)
    tally.amount.add(this.time, amount)
  }

  #reject({ payload, scope }: Event & { readonly type: 'IntentRejected' }): void {
    const { agent, code, intent, intentId, movedBy, resource, settles } = payload
    if (settles !== null) this.#end(intentId!)
    // What lies in the wrong place is not of that scope.
    if (agent === null || scope === '' || isOwn(agent) || code === 'WRONG_PARTITION') return
    if (settles === null) {
      const tally = this.tally(scope, agent)
      tally.rejected(this.time, `${code} ${resource ?? ''}`)
      if (!isTurnedAway(code)) {
        tally.asked.add(this.time)
        tally.rejects.add(this.time)
      }
    }
    if (movedBy !== null && resource !== null && movedBy.agent !== agent && !isOwn(movedBy.agent))
      this.contradictions.add([scope, resource, agent, movedBy.agent].join('\n'), this.time)
    if (intent !== null && settles === null && !atTheDoor.has(code)) this.#link(scope, intent, !isTurnedAway(code))
  }

  #link(scope: string, text: string, isTakenUp = true): void {
    const {
      causationDepth = 0,
      causationId,
      correlationId,
      intentId,
    } = JSON.parse(text) as {
      readonly causationDepth?: number
      readonly causationId?: string
      readonly correlationId: string
      readonly intentId: string
    }
    if (causationId === undefined && correlationId === intentId) return
    if (causationId !== undefined)
      this.#links.set(intentId, { depth: Math.min(1_000_000, Math.max(this.depthOf(causationId), causationDepth) + 1), timeMs: this.time })
    if (isTakenUp && !scope.startsWith('~partition/')) this.correlations.add(correlationId, this.time)
  }

  #ruled(event: Event & { readonly type: 'RuleApplied' }): void {
    const { cause, changes, resource, rule } = event.payload
    this.#write(event.scope, changes, rule === 'timer' ? 'clock' : 'signalbox', cause ?? '', null)
    if (rule !== 'timer' || changes.length > 0 || resource === null) return
    const spent = this.find(event.scope, resource)
    if (spent !== undefined) this.resources.set(`${event.scope}\n${resource}`, { ...spent, timer: null })
  }

  #note({ index, offset, payload, scope, time }: Event & { readonly type: 'IntentPending' }): void {
    const { agent, code, escalation, intent, intentId, reason, resources, until } = payload
    const before = this.pending.get(intentId)
    this.pending.set(intentId, {
      intent: before?.intent ?? toModel(JSON.parse(intent) as PlainObject),
      offset: before?.offset ?? offset,
      index: before?.index ?? index,
      sinceMs: before?.sinceMs ?? time,
      isEscalated: reason === 'escalated',
      escalation,
      code,
      resources,
      untilMs: until,
      bypassed: before?.bypassed ?? 0,
    })
    if (before !== undefined) return
    const tally = this.tally(scope, agent)
    tally.touch(this.time)
    tally.asked.add(this.time)
    this.#link(scope, intent)
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

  #write(
    scope: string,
    changes: readonly ResourceChange[],
    agent: string,
    intentId: string,
    builtOn: ReadonlyMap<string, number> | null,
  ): void {
    for (const { action, data, fields, resource, state, timer, version } of changes) {
      const key = `${scope}\n${resource}`
      const before = resource.startsWith('agent/') ? this.breaker(scope, resource.slice(6)) : null
      const change = {
        version,
        action,
        intentId,
        agent,
        timeMs: this.time,
        moment: this.#moment,
        fields: fields as Plain as string[] | null,
      }
      const known = this.resources.get(key)
      const history = [...(known?.history ?? []), change]
      const stands = builtOn ?? this.#builtOn([known], agent)
      this.resources.set(key, { version, state, data: JSON.parse(data) as PlainObject, timer, history, builtOn: stands })
      if (resource === countsResource) this.works.note(action, JSON.parse(data) as PlainObject, this.time)
      if (before !== null) this.#agentMoved(scope, resource.slice(6), action, state, before)
    }
  }

  /** Whom what is written now stands on: who wrote the sources, and whom those stand on. */
  #builtOn(sources: readonly (ModelResource | undefined)[], agent: string): ReadonlyMap<string, number> {
    const found = new Map<string, number>()
    for (const source of sources) {
      const last = source?.history.at(-1)
      const all = last === undefined ? [] : [[last.agent, last.timeMs] as const, ...source!.builtOn]
      for (const [name, timeMs] of all)
        if (name !== agent && !isOwn(name) && timeMs >= this.time - 86_400_000) found.set(name, Math.max(timeMs, found.get(name) ?? 0))
    }
    return found
  }

  /** A human who was asked whether something can be trusted, and agreed, has cleared what came of it. */
  #standsOn(scope: string, { agent, changes, intent, verdict }: IntentCommitted): ReadonlyMap<string, number> {
    if (verdict !== null && this.find(scope, verdict)?.data.cause === 'TAINTED') return new Map()
    const { reads = [] } = JSON.parse(intent) as { readonly reads?: readonly { readonly resource: string }[] }
    return this.#builtOn(
      [...changes, ...reads].map(({ resource }) => this.find(scope, resource)),
      agent,
    )
  }

  #agentMoved(scope: string, agent: string, action: string, state: string, before: string): void {
    if (!scope.startsWith('~partition/')) {
      const after = this.breaker(scope, agent)
      if (after === before && action !== 'close') return
      const tally = this.tally(scope, agent)
      tally.touch(this.time)
      if (action !== 'close' && action !== 'release') return
      tally.rejects.clear()
      tally.endRow()
    } else if (state === 'quarantined') {
      this.quarantined.set(agent, this.find(scope, `agent/${agent}`)!.data.taintedSinceMs as number | null)
      this.lastQuarantine.set(agent, [this.#moment])
    } else this.quarantined.delete(agent)
  }
}
