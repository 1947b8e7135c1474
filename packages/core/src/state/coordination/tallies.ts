/** What is counted of an agent in a scope: how much it asked, how much of it went wrong, what it spent, what waits. */
import { agentKey, mostWhole } from '@signalbox/contract'
import type { Journal } from './journal.ts'
import { sliding, windowOf } from './windows.ts'

export interface Tally {
  readonly window: number
  readonly asked: number
  readonly askedBefore: number
  readonly rejects: number
  readonly rejectsBefore: number
  readonly amount: number
  readonly amountBefore: number
  /** The code and resource of the last reject, and how often it came in a row. */
  readonly repeated: string
  readonly repeats: number
  /** Intents that wait or are escalated now. */
  readonly pending: number
  readonly breaker: 'closed' | 'open' | 'half-open'
}

const fresh: Tally = {
  window: 0,
  asked: 0,
  askedBefore: 0,
  rejects: 0,
  rejectsBefore: 0,
  amount: 0,
  amountBefore: 0,
  repeated: '',
  repeats: 0,
  pending: 0,
  breaker: 'closed',
}

export class Tallies {
  readonly #journal: Journal
  readonly #windowMs: number
  // By scope, then agent, as `agentKey` has it.
  readonly #scopes = new Map<string, Map<string, Tally>>()
  #lastScope: string | null = null
  #lastAgents: Map<string, Tally> | undefined = undefined

  constructor(journal: Journal, windowMs: number) {
    this.#journal = journal
    this.#windowMs = windowMs
  }

  /** As of `timeMs`: what lies before the window is gone. */
  get(scope: string, agent: string, timeMs: number): Tally {
    const tally = this.#agents(scope)?.get(agentKey(agent))
    const window = windowOf(timeMs, this.#windowMs)
    return tally === undefined ? { ...fresh, window } : rolled(tally, window)
  }

  set(scope: string, agent: string, tally: Tally): void {
    let agents = this.#agents(scope)
    if (agents === undefined) {
      agents = new Map()
      this.#scopes.set(scope, agents)
      this.#lastScope = null
    }
    this.#journal.set(agents, agentKey(agent), tally)
  }

  /** `isAsked` is false for what was pending: it was counted when it came. */
  commit(scope: string, agent: string, timeMs: number, amount: number, isAsked: boolean): void {
    const tally = this.get(scope, agent, timeMs)
    const window = windowOf(timeMs, this.#windowMs)
    this.set(scope, agent, {
      window,
      asked: tally.asked + (isAsked ? 1 : 0),
      askedBefore: tally.askedBefore,
      rejects: tally.rejects,
      rejectsBefore: tally.rejectsBefore,
      // Beyond the bound, more makes no difference: no budget is larger.
      amount: Math.min(mostWhole, tally.amount + amount),
      amountBefore: tally.amountBefore,
      repeated: '',
      repeats: 0,
      pending: tally.pending,
      breaker: tally.breaker,
    })
  }

  /** `isAsked` is false for what a budget turned away: it must not use the budget up. */
  reject(scope: string, agent: string, timeMs: number, what: string, isAsked: boolean): void {
    const tally = this.get(scope, agent, timeMs)
    this.set(scope, agent, {
      ...tally,
      window: windowOf(timeMs, this.#windowMs),
      asked: tally.asked + (isAsked ? 1 : 0),
      rejects: tally.rejects + (isAsked ? 1 : 0),
      repeated: what,
      repeats: tally.repeated === what ? tally.repeats + 1 : 1,
    })
  }

  asked(tally: Tally, timeMs: number): number {
    return sliding(tally.askedBefore, tally.asked, timeMs, this.#windowMs)
  }

  rejects(tally: Tally, timeMs: number): number {
    return sliding(tally.rejectsBefore, tally.rejects, timeMs, this.#windowMs)
  }

  amount(tally: Tally, timeMs: number): number {
    return sliding(tally.amountBefore, tally.amount, timeMs, this.#windowMs)
  }

  /** When a count that stands at its limit has room again, in milliseconds from `timeMs`; null: never, as the limit is 0. */
  roomInMs(before: number, now: number, limit: number, timeMs: number): number | null {
    if (limit <= 0) return null
    const restMs = this.#windowMs - (timeMs % this.#windowMs)
    if (now >= limit) {
      // Only in the next window does this one's count begin to fade.
      return restMs + Math.floor(((now - limit) / now) * this.#windowMs) + 1
    }
    const part = (before - (limit - now)) / Math.max(1, before)
    return Math.max(1, Math.min(restMs, Math.floor(part * this.#windowMs) + 1 - (timeMs % this.#windowMs)))
  }

  /** Forgets what says nothing any more. */
  tidy(timeMs: number): void {
    const window = windowOf(timeMs, this.#windowMs)
    for (const [scope, agents] of this.#scopes) {
      for (const [agent, tally] of agents) {
        if (tally.window < window - 1 && tally.pending === 0 && tally.breaker === 'closed') agents.delete(agent)
      }
      if (agents.size === 0) this.#scopes.delete(scope)
    }
    this.#lastScope = null
  }

  *all(): Generator<readonly [string, string, Tally]> {
    for (const [scope, agents] of this.#scopes) for (const [agent, tally] of agents) yield [scope, agent, tally]
  }

  #agents(scope: string): Map<string, Tally> | undefined {
    if (scope !== this.#lastScope) {
      this.#lastAgents = this.#scopes.get(scope)
      this.#lastScope = scope
    }
    return this.#lastAgents
  }
}

function rolled(tally: Tally, window: number): Tally {
  if (tally.window >= window) return tally
  const isNext = tally.window === window - 1
  return {
    ...tally,
    window,
    asked: 0,
    askedBefore: isNext ? tally.asked : 0,
    rejects: 0,
    rejectsBefore: isNext ? tally.rejects : 0,
    amount: 0,
    amountBefore: isNext ? tally.amount : 0,
    ...(isNext ? {} : { repeated: '', repeats: 0 }),
  }
}
