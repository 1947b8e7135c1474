import { type AnyContext, bounds, boundText, isWithin } from '@signalbox/contract'
import { ContractFault, described, runContractCode } from '../../rules/sandbox.ts'
import { allowanceIn, checkAllowance } from '../allowance.ts'
import type { Check } from '../check.ts'
import { ActionContext } from '../contexts.ts'
import type { Examination } from '../examination.ts'
import type { Rejection } from '../rejection.ts'
import { exceeded, isRelief } from './agent.ts'

/** What the actions use up, as their contracts say, and whether the agent's budget has so much left. */
export const amount: Check = {
  name: 'amount',
  run(examination) {
    let sum: number | null = null
    for (let index = 0; index < examination.planned.length; index++) {
      const planned = examination.planned[index]!
      const code = planned.action.amount
      if (code === null) continue
      const where = planned.prepared.whereAmount
      const said = runContractCode(where, code, new ActionContext(examination, planned) as AnyContext)
      if (!isWithin(bounds.amount, said))
        throw new ContractFault(`${where} returned ${described(said)}; return ${boundText(bounds.amount)}`)
      sum = (sum ?? 0) + said
    }
    if (sum !== null && !isWithin(bounds.amount, sum))
      throw new ContractFault(`the declared amounts of one intent have a sum of ${sum}; it must be ${boundText(bounds.amount)}`)
    examination.amount = sum
    return inScope(examination, sum) ?? checkAllowance(examination, costOf(examination, sum))
  },
  seen: ({ amount: declared, budget, intent, nowMs, state }) => ({
    declared,
    limit: budget?.amount ?? null,
    ...(budget?.across === undefined ? {} : { lent: allowanceIn(state, intent.scope, intent.agent, nowMs).left }),
  }),
}

/** What of a budget over all scopes the intent takes. */
function costOf(examination: Examination, sum: number | null): number {
  const across = examination.budget?.across
  if (across === undefined) return 0
  if (across.measure === 'amount') return sum ?? 0
  return isRelief(examination, 'any') ? 0 : 1
}

function inScope(examination: Examination, sum: number | null): Rejection | null {
  const limit = examination.budget?.amount
  if (sum === null || limit === undefined) return null
  const { intent, nowMs, state } = examination
  const { tallies } = state.coordination
  const tally = tallies.get(intent.scope, intent.agent, nowMs)
  const used = tallies.amount(tally, nowMs)
  if (used + sum <= limit) return null
  return exceeded(examination, 'amount', limit, used, tallies.roomInMs(tally.amountBefore, tally.amount, limit - sum + 1, nowMs))
}
