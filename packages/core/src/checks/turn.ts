import type { Check } from '../check.ts'
import { askKey, byArrival } from '../coordination/pending.ts'
import type { Examination, PlannedAction } from '../examination.ts'

/** Whether somebody has waited for the same action on the same resource, and was passed by as often as may be. */
export const turn: Check = {
  name: 'turn',
  run(examination) {
    if (examination.state.coordination.pending.size === 0) return null
    for (const planned of examination.planned) {
      const first = passedBy(examination, planned)
      if (first === null) continue
      const { contract, request } = planned
      return {
        code: 'BEHIND_WAITERS',
        message: `${first.agent} has waited for ${request.action} ${request.resource} and was passed by ${first.bypassed} times; it goes first. Send onConflict wait to queue behind it`,
        resource: request.resource,
        owner: contract.owner,
        details: { waits: first.intentId, passedBy: first.bypassed },
      }
    }
    return null
  },
}

function passedBy({ intent, state }: Examination, { contract, prepared, request }: PlannedAction) {
  if (prepared.builtIn !== null && contract.type !== 'reservation') return null
  const { pending } = state.coordination
  const mine = pending.get(intent.intentId)
  const asked = askKey(request.action, request.resource)
  for (const id of pending.waitersFor(intent.scope, request.resource)) {
    const waiter = pending.get(id)!
    if (waiter.intentId === intent.intentId || !waiter.asks.includes(asked)) continue
    if (mine !== undefined && byArrival(mine, waiter) < 0) continue
    if (waiter.bypassed >= contract.coordination.waiting.bypasses) return waiter
  }
  return null
}
