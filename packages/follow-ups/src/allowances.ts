/** Carries loans of budgets over all scopes: questions to the agent's home scope, loans from it, and what comes back unspent. */
import { type AllowanceData, formatEventReference, homeScope, isHomeScope, type ResourceChange } from '@signalbox/contract'
import type { Changing, OwnFollowUp } from './own-follow-up.ts'

export function allowanceFollowUps(event: Changing): OwnFollowUp[] {
  return event.payload.changes.flatMap((change) => {
    if (!change.resource.startsWith('allowance/')) return []
    const data = JSON.parse(change.data) as AllowanceData
    return isHomeScope(event.scope) ? lent(change, data) : [...asked(event, change, data), ...returned(change, data)]
  })
}

/** A question is asked once; where more is needed meanwhile, once more. */
function asked(
  event: Changing,
  { action, fromState, resource, state }: ResourceChange,
  { agent, asked: asking }: AllowanceData,
): OwnFollowUp[] {
  if (state !== 'asking' || asking === null || (fromState === 'asking' && action !== 'ask')) return []
  const input = { scope: event.scope, grant: formatEventReference(event), need: asking.need, want: asking.want }
  return [{ scope: homeScope(agent), actions: [{ resource, action: 'grant', input }], cause: ['allowance', 'grant', resource] }]
}

function lent({ action, resource }: ResourceChange, { grants }: AllowanceData): OwnFollowUp[] {
  const last = grants.at(-1)
  if (action !== 'grant' || last === undefined) return []
  const { amount, expiresMs, id, scope } = last
  return [
    {
      scope,
      actions: [{ resource, action: 'receive', input: { grant: id, amount, expiresMs } }],
      cause: ['allowance', 'receive', resource],
    },
  ]
}

function returned({ action, resource }: ResourceChange, { agent, returned: back }: AllowanceData): OwnFollowUp[] {
  if (action !== 'lapse') return []
  return back.map(({ id, left }) => ({
    scope: homeScope(agent),
    actions: [{ resource, action: 'return', input: { grant: id, left } }],
    cause: ['allowance', 'return', resource, id],
  }))
}
