import { askKey, byArrival, isLease } from '../../state/coordination/pending.ts'
import type { Check } from '../check.ts'
import type { Examination, PlannedAction } from '../examination.ts'
import { waitingBounds } from '../waiting-bounds.ts'
import { actsUnder, reservationIn } from './reservations.ts'

/**
 * Whether somebody has waited for the same action on the same resource, and was passed by as often as may be. To get or
 * keep a reservation passes by whoever waits for its end. Who holds one acts: it is the lease that others wait for.
 */
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

function passedBy(examination: Examination, planned: PlannedAction) {
  const { intent, state } = examination
  const { prepared, request } = planned
  if (prepared.builtIn !== null && planned.contract.type !== 'reservation') return null
  const { pending } = state.coordination
  const { bypasses } = waitingBounds(examination, planned)
  const mine = pending.get(intent.intentId)
  const asked = askKey(request.action, request.resource)
  for (const id of pending.waitersFor(intent.scope, request.resource)) {
    const waiter = pending.get(id)!
    if (waiter.intentId === intent.intentId) continue
    const isInItsWay = waiter.code === 'RESERVED' && waiter.agent !== intent.agent && isLease(request.action, request.resource)
    if (!waiter.asks.includes(asked) && !isInItsWay) continue
    if (mine !== undefined && byArrival(mine, waiter) < 0) continue
    if (waiter.bypassed >= bypasses && !holds(examination, planned)) return waiter
  }
  return null
}

function holds(examination: Examination, { prepared, request }: PlannedAction): boolean {
  if (prepared.builtIn !== null || examination.intent.reservation === null) return false
  const held = reservationIn(examination, request.resource)
  return held?.isInForce === true && actsUnder(held, examination.intent)
}
