import type { AnyContext } from '@signalbox/contract'
import type { Check } from '../check.ts'
import { ActionContext } from '../contexts.ts'
import { ContractFault, runContractCode } from '../sandbox.ts'
import { exceeded } from './agent.ts'

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
      if (!(typeof said === 'number' && Number.isSafeInteger(said) && said >= 0))
        throw new ContractFault(`${where} returned ${String(said)}; return a whole number from 0`)
      sum = (sum ?? 0) + said
    }
    if (sum !== null && !Number.isSafeInteger(sum))
      throw new ContractFault('the declared amounts of one intent have no whole number for their sum')
    examination.amount = sum
    const limit = examination.budget?.amount
    if (sum === null || limit === undefined) return null
    const { intent, nowMs, state } = examination
    const { tallies } = state.coordination
    const tally = tallies.get(intent.scope, intent.agent, nowMs)
    const used = tallies.amount(tally, nowMs)
    if (used + sum <= limit) return null
    return exceeded(examination, 'amount', limit, used, tallies.roomInMs(tally.amountBefore, tally.amount, limit - sum + 1, nowMs))
  },
  seen: ({ amount: declared, budget }) => ({ declared, limit: budget?.amount ?? null }),
}
