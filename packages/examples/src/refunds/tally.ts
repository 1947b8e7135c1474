/** What became of a run: counted from the log, and from the ledgers of the bank and the mail server against it. Nothing is assumed. */
import { type AgentData, type EffectData, type Event, isSystemScope, partitionOf, type ResourceChange } from '@signalbox/contract'
import type { LedgerEntry } from './stub.ts'

export interface Tally {
  /** Bookings of a refund beyond its first. */
  readonly refundedTwice: number
  readonly mailedTwice: number
  /** Bookings by an agent while it was in quarantine on the partition of their scope. */
  readonly effectsAfterQuarantine: number
  /** Bookings that no commit of the log asks for. */
  readonly effectsUnknown: number
  /** Effects of the log that nobody reported. */
  readonly effectsUnreported: number
  readonly escalationsOpen: number
  readonly escalationsSettled: number
  /** Escalations that were settled when they were settled already. */
  readonly escalationsSettledTwice: number
  readonly verdictsRefused: number
  /** Intents of the agent gone wrong that were not committed, by code and the contract's own reason. */
  readonly contained: ReadonlyMap<string, number>
  /** What followed by rule, by rule. */
  readonly rules: ReadonlyMap<string, number>
  /** What those intents would have done in the world. */
  readonly wouldHave: { readonly refunds: number; readonly mails: number }
  /** The last of them: something to look at afterwards. */
  readonly stopped: { readonly intentId: string; readonly scope: string } | null
  readonly agents: ReadonlyMap<string, { committed: number; rejected: number; asked: number }>
}

interface Barred {
  readonly fromMs: number
  toMs: number
}

export interface Ledgers {
  readonly bank: readonly LedgerEntry[]
  readonly mail: readonly LedgerEntry[]
}

export class Counter {
  readonly #wrong: string
  readonly #partitionCount: number
  readonly #effects = new Map<string, { agent: string; state: string }>()
  readonly #open = new Set<string>()
  readonly #barred = new Map<string, Barred[]>()
  readonly #contained = new Map<string, number>()
  readonly #rules = new Map<string, number>()
  readonly #agents = new Map<string, { committed: number; rejected: number; asked: number }>()
  readonly #wouldHave = { refunds: 0, mails: 0 }
  #settled = 0
  #settledTwice = 0
  #verdictsRefused = 0
  #stopped: Tally['stopped'] = null

  constructor(wrong: string, partitionCount: number) {
    this.#wrong = wrong
    this.#partitionCount = partitionCount
  }

  /** Events of a partition in the order of the log. */
  add(event: Event): void {
    if (event.type === 'IntentRejected') this.#reject(event)
    if (event.type === 'IntentPending') this.#agent(event.payload.agent).asked++
    if (event.type === 'RuleApplied') this.#rules.set(event.payload.rule, (this.#rules.get(event.payload.rule) ?? 0) + 1)
    if (event.type === 'IntentCommitted') this.#agent(event.payload.agent).committed++
    if (event.type === 'IntentCommitted' || event.type === 'RuleApplied')
      for (const change of event.payload.changes) this.#change(event, change)
  }

  #agent(name: string): { committed: number; rejected: number; asked: number } {
    const found = this.#agents.get(name) ?? { committed: 0, rejected: 0, asked: 0 }
    this.#agents.set(name, found)
    return found
  }

  #reject({ payload, scope }: Event & { readonly type: 'IntentRejected' }): void {
    const { agent, code, details, intent, intentId } = payload
    if (agent !== null) this.#agent(agent).rejected++
    if (code === 'VERDICT_REFUSED') this.#verdictsRefused++
    // A human's no is no containment.
    if (agent !== this.#wrong || code.startsWith('ESCALATION_')) return
    const { reason } = JSON.parse(details ?? '{}') as { reason?: string }
    const name = code === 'GUARD_REFUSED' ? `${code} ${reason}` : code
    this.#contained.set(name, (this.#contained.get(name) ?? 0) + 1)
    if (intentId !== null) this.#stopped = { intentId, scope }
    const { actions } = JSON.parse(intent ?? '{"actions":[]}') as { actions: { resource: string; action: string }[] }
    for (const { action, resource } of actions) {
      if (action === 'pay' && resource.startsWith('refund/')) this.#wouldHave.refunds++
      if (action === 'send' && resource.startsWith('mail/')) this.#wouldHave.mails++
    }
  }

  #change({ partition, scope, time }: Event, { data, resource, state }: ResourceChange): void {
    const [type] = resource.split('/')
    if (type === 'effect') this.#effects.set(resource.slice('effect/'.length), { agent: (JSON.parse(data) as EffectData).agent, state })
    if (type === 'escalation') this.#escalation(`${scope} ${resource}`, state)
    if (type === 'agent' && isSystemScope(scope)) this.#bar(`${partition} ${(JSON.parse(data) as AgentData).agent}`, state, time)
  }

  #escalation(name: string, state: string): void {
    if (state === 'triggered' || state === 'acknowledged') this.#open.add(name)
    else if (this.#open.delete(name)) this.#settled++
    else this.#settledTwice++
  }

  #bar(key: string, state: string, timeMs: number): void {
    const spans = this.#barred.get(key) ?? []
    this.#barred.set(key, spans)
    const last = spans.at(-1)
    const isBarred = last !== undefined && last.toMs === Number.POSITIVE_INFINITY
    if (state === 'quarantined' && !isBarred) spans.push({ fromMs: timeMs, toMs: Number.POSITIVE_INFINITY })
    if (state !== 'quarantined' && isBarred) last.toMs = timeMs
  }

  #isAfterQuarantine({ agent, atMs, scope }: LedgerEntry): boolean {
    const spans = this.#barred.get(`${partitionOf(scope, this.#partitionCount)} ${agent}`) ?? []
    return spans.some(({ fromMs, toMs }) => atMs > fromMs && atMs < toMs)
  }

  tally({ bank, mail }: Ledgers): Tally {
    const all = [...bank, ...mail]
    return {
      refundedTwice: beyondFirst(bank),
      mailedTwice: beyondFirst(mail),
      effectsAfterQuarantine: all.filter((entry) => this.#isAfterQuarantine(entry)).length,
      effectsUnknown: all.filter(({ agent, key }) => this.#effects.get(key)?.agent !== agent).length,
      effectsUnreported: [...this.#effects.values()].filter(({ state }) => state === 'pending' || state === 'unreported').length,
      escalationsOpen: this.#open.size,
      escalationsSettled: this.#settled,
      escalationsSettledTwice: this.#settledTwice,
      verdictsRefused: this.#verdictsRefused,
      contained: this.#contained,
      rules: this.#rules,
      wouldHave: this.#wouldHave,
      stopped: this.#stopped,
      agents: this.#agents,
    }
  }
}

/** Bookings of a thing beyond its first. */
export function beyondFirst(entries: readonly LedgerEntry[]): number {
  return entries.length - new Set(entries.map(({ about, scope }) => `${scope} ${about}`)).size
}
