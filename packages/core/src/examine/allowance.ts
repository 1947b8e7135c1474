/**
 * Budgets over all scopes together. An agent's home scope lends parts of its budget to scopes, in leases; a scope spends what it was
 * lent, and asks for more when little is left. A lease counts at home for as long as it holds and a window longer, but for what
 * comes back unspent: so in any window as long, over all scopes, no more than the limit is spent, whatever crashes.
 */
import { type AllowanceData, agentKey, type BudgetAcross, isHomeScope, isSystemScope } from '@signalbox/contract'
import type { Decisions } from '../record/decisions.ts'
import { applyRule } from '../record/rule.ts'
import type { RuledChange } from '../record/ruled-change.ts'
import type { PartitionState } from '../state/state.ts'
import type { Examination, Spending } from './examination.ts'
import type { Rejection } from './rejection.ts'

export function allowanceOf(agent: string): string {
  return `allowance/${agentKey(agent)}`
}

interface Found {
  readonly state: string
  readonly data: AllowanceData
  /** Of the leases that hold. */
  readonly left: number
}

export function allowanceIn(state: PartitionState, scope: string, agent: string, nowMs: number): Found {
  const found = state.resourceIn(scope, allowanceOf(agent))
  const data = found === undefined ? newAllowance(agent) : (JSON.parse(found.data) as AllowanceData)
  return { state: found?.state ?? 'empty', data, left: leftOf(data, nowMs) }
}

export function newAllowance(agent: string): AllowanceData {
  return { agent, leases: [], asked: null, returned: [], grants: [] }
}

export function leftOf({ leases }: AllowanceData, nowMs: number): number {
  return leases.reduce((sum, { expiresMs, left }) => sum + (expiresMs > nowMs ? left : 0), 0)
}

/** When something of it changes by time alone; null: never. */
export function allowanceTimer({ asked, leases }: AllowanceData): { readonly due: number; readonly action: string } | null {
  const due = Math.min(asked?.untilMs ?? Number.MAX_SAFE_INTEGER, ...leases.map(({ expiresMs }) => expiresMs))
  return due === Number.MAX_SAFE_INTEGER ? null : { due, action: 'lapse' }
}

export function allowanceState({ asked, leases }: AllowanceData): 'asking' | 'held' | 'empty' {
  return asked !== null ? 'asking' : leases.length > 0 ? 'held' : 'empty'
}

/** Sees to what the intent costs of a budget over all scopes: null where its scope has it. */
export function checkAllowance(examination: Examination, cost: number): Rejection | null {
  const { budget, intent, nowMs, state } = examination
  const across = budget?.across
  // Where the budget itself is kept, nothing is asked of it.
  if (across === undefined || cost === 0 || isHomeScope(intent.scope) || isSystemScope(intent.scope)) return null
  const { agent, scope } = intent
  const { data, left } = allowanceIn(state, scope, agent, nowMs)
  if (left >= cost) {
    examination.spending = { cost, across }
    return null
  }
  const details = { budget: 'across', measure: across.measure, limit: across.limit, left, cost }
  if (cost > across.limit) {
    const message = `the intent alone takes ${cost} of the ${across.limit} that ${agent} may use up over all scopes in ${across.windowMs} ms; have the budget raised (containment in signalbox.config.ts)`
    return { code: 'BUDGET_EXCEEDED', message, details }
  }
  if (data.asked === null || data.asked.need < cost) examination.afterReject = (decisions) => ask(decisions, examination, cost, across)
  return {
    code: 'BUDGET_EXCEEDED',
    message: `scope ${scope} has ${left} left of what ${agent} was lent there of its budget over all scopes, and the intent takes ${cost}; more was asked for: ask again in a moment. Where that is refused too, the budget is used up (signalbox agent show ${agent})`,
    details,
    retryAfterMs: retryMs,
  }
}

/** A loan takes two more decisions, on two partitions. */
const retryMs = 250

function ask(decisions: Decisions, { intent }: Examination, need: number, across: BudgetAcross): void {
  const { agent, intentId, scope } = intent
  const { data } = allowanceIn(decisions.state, scope, agent, decisions.nowMs)
  const asking = asked(data, need, across, decisions.nowMs)
  applyRule(decisions, {
    rule: 'other',
    scope,
    cause: intentId,
    message: `scope ${scope} asks for ${asking.asked!.want} of the budget of ${agent} over all scopes`,
    changes: [{ resource: allowanceOf(agent), action: 'ask', state: 'asking', data: asking, timer: allowanceTimer(asking) }],
  })
}

function asked(data: AllowanceData, need: number, { leaseMs, limit, slice }: BudgetAcross, nowMs: number): AllowanceData {
  return { ...data, asked: { need, want: Math.min(limit, Math.max(slice, need)), untilMs: nowMs + leaseMs }, returned: [] }
}

/** What a commit spends: of the lease that ends first. Asks for more once less than half of what is lent at a time is left. */
export function spendingChange({ intent, nowMs, state }: Examination, { across, cost }: Spending): RuledChange {
  const { data } = allowanceIn(state, intent.scope, intent.agent, nowMs)
  let due = cost
  const leases = [...data.leases]
    .sort((a, b) => a.expiresMs - b.expiresMs)
    .map((lease) => {
      const taken = lease.expiresMs > nowMs ? Math.min(lease.left, due) : 0
      due -= taken
      return { ...lease, left: lease.left - taken }
    })
  const spent: AllowanceData = { ...data, leases: leases.filter(({ left }) => left > 0), returned: [] }
  const isLow = spent.asked === null && 2 * leftOf(spent, nowMs) < across.slice
  const after = isLow ? asked(spent, 1, across, nowMs) : spent
  return { resource: allowanceOf(intent.agent), action: 'spend', state: allowanceState(after), data: after, timer: allowanceTimer(after) }
}
