/** Who holds what the intent acts on. A reservation holds by logical time, whether or not its timer has fired. */
import type { Intent, ReservationData } from '@signalbox/contract'
import { isOwnAgent } from '../../state/own-agents.ts'
import type { Check } from '../check.ts'
import type { Examination, PlannedAction } from '../examination.ts'
import type { Rejection } from '../rejection.ts'

/** The reservation of a resource, in force or not; undefined where there never was one. */
export function reservationIn(examination: Examination, resource: string): (ReservationData & { readonly isInForce: boolean }) | undefined {
  const { intent, nowMs, state } = examination
  const found = state.resourceIn(intent.scope, `reservation/${resource}`)
  if (found === undefined) return undefined
  const data = JSON.parse(found.data) as ReservationData
  const isInForce = found.state === 'held' && data.expiresMs > nowMs && !state.coordination.isForfeit(data.holder, found.lastChange)
  return { ...data, isInForce }
}

/** Whether an intent acts under a lease: its id alone is no key, as everybody may read it. */
export function actsUnder({ delegates = [], holder, lease }: ReservationData, { agent, reservation }: Intent): boolean {
  return lease === reservation && (holder === agent || delegates.includes(agent))
}

export function priorityOf({ intent }: Examination, { contract }: Pick<PlannedAction, 'contract'>): number {
  return Math.min(intent.priority ?? 0, contract.coordination.maxPriority)
}

export const reservations: Check = {
  name: 'reservations',
  run(examination) {
    const { agreed, intent, state } = examination
    // Minutes lie between an intent and its verdict: a lease that has ended meanwhile is no obstacle, where nobody else holds the resource.
    const mustHold = intent.reservation !== null && agreed === null
    if (!state.coordination.reservedScopes.has(intent.scope)) return mustHold ? unknown(intent.reservation!) : null
    let isUnder = false
    let ended: string | null = null
    for (const planned of examination.planned) {
      if (planned.prepared.builtIn !== null) {
        // To renew or release a lease is to act under it.
        if (planned.contract.type === 'reservation' && (planned.data as ReservationData | undefined)?.lease === intent.reservation)
          isUnder = true
        continue
      }
      const { resource } = planned.request
      const held = reservationIn(examination, resource)
      if (held === undefined) continue
      if (actsUnder(held, intent)) {
        if (held.isInForce) isUnder = true
        else ended = resource
        continue
      }
      if (!held.isInForce) continue
      if (planned.action.conflict === 'priority' && priorityOf(examination, planned) > held.priority) {
        examination.preempted = [...examination.preempted, resource]
        continue
      }
      // The clock's actions are part of the contract: a lease does not stop time.
      if (!isOwnAgent(intent.agent)) return reserved(examination, planned, held)
    }
    if (!mustHold || isUnder) return null
    return ended === null ? unknown(intent.reservation!) : expired(intent.reservation!, ended)
  },
  seen: (examination) => ({
    reservations: examination.planned
      .filter(({ prepared }) => prepared.builtIn === null)
      .flatMap(({ request }) => {
        const held = reservationIn(examination, request.resource)
        return held === undefined
          ? []
          : [{ resource: request.resource, holder: held.holder, lease: held.lease, inForce: held.isInForce, expiresMs: held.expiresMs }]
      }),
  }),
}

function unknown(lease: string): Rejection {
  return {
    code: 'RESERVATION_UNKNOWN',
    message: `there is no reservation ${lease} on anything that the intent acts on; leave the field out, or take the reservation first`,
  }
}

function expired(lease: string, resource: string): Rejection {
  return {
    code: 'RESERVATION_EXPIRED',
    message: `the reservation ${lease} of ${resource} has ended; observe again, take a new one, and see whether the intent still makes sense`,
    resource,
  }
}

export function reserved(
  examination: Examination,
  { contract, request }: Pick<PlannedAction, 'contract' | 'request'>,
  held: ReservationData,
): Rejection {
  const resource = request.resource.replace(/^reservation\//, '')
  const leftMs = held.expiresMs - examination.nowMs
  return {
    code: 'RESERVED',
    message: `${resource} is reserved by ${held.holder} for another ${leftMs} ms at most; send onConflict wait, or propose again then`,
    resource,
    owner: contract.owner,
    retryAfterMs: leftMs,
    details: { holder: held.holder, token: held.token, expiresMs: held.expiresMs, priority: held.priority },
  }
}
