import { type AllowanceData, allowanceData, allowanceInputs, holdsAgent, homeScope } from '@signalbox/contract'
import { allowanceState, allowanceTimer, newAllowance } from '../examine/allowance.ts'
import type { Examination, Made, PlannedAs } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import { defineBuiltIn, refused } from './built-in.ts'

const carriers = ['process-manager']

/** Leases that are counted at home at a time, and that a scope may hold: more are not lent before some end. */
const mostGrants = 1_000
const mostLeases = 8

/**
 * `allowance/AGENT`: in the agent's home scope, what of its budget over all scopes is lent to which; in a scope, what it was lent
 * and has not spent. The process manager carries loans and what comes back.
 */
export const allowance = defineBuiltIn({
  type: 'allowance',
  data: allowanceData,
  states: ['empty', 'asking', 'held', 'lending'],
  actions: {
    ask: { from: ['none', 'empty', 'held', 'asking'], to: 'asking', by: [], apply: keep },
    grant: { from: ['none', 'lending'], to: 'lending', by: carriers, input: allowanceInputs.grant, check: checkGrant, apply: grant },
    receive: {
      from: ['none', 'empty', 'held', 'asking'],
      to: 'held',
      by: carriers,
      input: allowanceInputs.receive,
      check: checkReceive,
      apply: receive,
    },
    spend: { from: ['held', 'asking'], to: { held: ['held', 'asking', 'empty'], asking: ['asking'] }, by: [], apply: keep },
    lapse: { from: ['asking', 'held'], to: { asking: ['asking', 'held', 'empty'], held: ['held', 'empty'] }, by: ['clock'], apply: lapse },
    return: { from: ['lending'], to: 'lending', by: carriers, input: allowanceInputs.return, apply: takeBack },
  },
})

function keep(_examination: Examination, planned: PlannedAs<AllowanceData>): Made {
  return { state: planned.before!.state, data: planned.data }
}

interface GrantInput {
  readonly scope: string
  readonly grant: string
  readonly need: number
  readonly want: number
}

function budgetOf({ rules }: Examination, agent: string) {
  return rules.containment.budgets.find(({ agents }) => holdsAgent(agent, agents))?.across
}

/** What still counts, oldest first. */
function counting(planned: PlannedAs<AllowanceData | undefined>, nowMs: number): AllowanceData['grants'] {
  return (planned.data?.grants ?? []).filter(({ countsUntilMs }) => countsUntilMs > nowMs)
}

function roomFor(examination: Examination, planned: PlannedAs<AllowanceData | undefined>): number {
  const across = budgetOf(examination, planned.id)
  if (across === undefined) return 0
  return across.limit - counting(planned, examination.nowMs).reduce((sum, { amount }) => sum + amount, 0)
}

function checkGrant(examination: Examination, planned: PlannedAs<AllowanceData | undefined, GrantInput>): Rejection | null {
  const { intent, nowMs } = examination
  if (intent.scope !== homeScope(planned.id))
    return refused(planned, 'WRONG_SCOPE', `what of a budget is lent is kept in the scope ${homeScope(planned.id)}`)
  const { need } = planned.input
  const room = roomFor(examination, planned)
  if (room < need)
    return refused(
      planned,
      'BUDGET_USED_UP',
      `${Math.max(0, room)} of the budget of ${planned.id} are left over all scopes, and ${need} are needed`,
    )
  return counting(planned, nowMs).length < mostGrants
    ? null
    : refused(
        planned,
        'TOO_MANY_LEASES',
        `${mostGrants} leases count at a time; lend more at once (slice of the budget in signalbox.config.ts)`,
      )
}

function grant(examination: Examination, planned: PlannedAs<AllowanceData | undefined, GrantInput>): Made {
  const { nowMs } = examination
  const { grant: id, scope, want } = planned.input
  const { leaseMs, windowMs } = budgetOf(examination, planned.id)!
  const expiresMs = nowMs + leaseMs
  const amount = Math.min(want, roomFor(examination, planned))
  const grants = [...counting(planned, nowMs), { id, scope, amount, expiresMs, countsUntilMs: expiresMs + windowMs }]
  return { state: 'lending', data: { ...newAllowance(planned.id), grants } }
}

interface ReceiveInput {
  readonly grant: string
  readonly amount: number
  readonly expiresMs: number
}

/** One that comes too late is not taken: at home it counts until its time is over, and nothing of it is spent. */
function checkReceive({ nowMs }: Examination, planned: PlannedAs<AllowanceData | undefined, ReceiveInput>): Rejection | null {
  const { expiresMs } = planned.input
  if (expiresMs <= nowMs) return refused(planned, 'LEASE_OVER', `the lease ended ${nowMs - expiresMs} ms ago`)
  const leases = planned.data?.leases ?? []
  return leases.length < mostLeases ? null : refused(planned, 'TOO_MANY_LEASES', `the scope holds ${mostLeases} leases already`)
}

function receive(_examination: Examination, planned: PlannedAs<AllowanceData | undefined, ReceiveInput>): Made {
  const { amount, expiresMs, grant: id } = planned.input
  const before = planned.data ?? newAllowance(planned.id)
  const data: AllowanceData = { ...before, leases: [...before.leases, { id, left: amount, expiresMs }], asked: null, returned: [] }
  return { state: 'held', data, timer: allowanceTimer(data) }
}

/** Leases that are over go home with what is left of them; a question without an answer may be asked again. */
function lapse({ nowMs }: Examination, planned: PlannedAs<AllowanceData>): Made {
  const before = planned.data
  const data: AllowanceData = {
    ...before,
    leases: before.leases.filter(({ expiresMs }) => expiresMs > nowMs),
    returned: before.leases.filter(({ expiresMs, left }) => expiresMs <= nowMs && left > 0).map(({ id, left }) => ({ id, left })),
    asked: before.asked !== null && before.asked.untilMs <= nowMs ? null : before.asked,
  }
  return { state: allowanceState(data), data, timer: allowanceTimer(data) }
}

/** What was not spent counts no more. */
function takeBack({ nowMs }: Examination, planned: PlannedAs<AllowanceData, { grant: string; left: number }>): Made {
  const { grant: id, left } = planned.input
  const grants = counting(planned, nowMs).flatMap((each) => {
    const amount = each.id === id ? each.amount - left : each.amount
    return amount > 0 ? [{ ...each, amount }] : []
  })
  return { state: 'lending', data: { ...newAllowance(planned.id), grants } }
}
