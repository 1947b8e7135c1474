import { isReservedType, type ReservationData, reservationData, reservationInputs, resourceType } from '@signalbox/contract'
import { priorityOf, reservationIn, reserved } from '../examine/checks/reservations.ts'
import type { Examination, Made, PlannedAction, PlannedAs } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import { defineBuiltIn, refused } from './built-in.ts'

/** `reservation/TYPE/ID`: a lease on TYPE/ID, taken before minutes of thinking. Only who holds it may act on the resource. */
export const reservation = defineBuiltIn({
  type: 'reservation',
  data: reservationData,
  states: ['held', 'ended'],
  actions: {
    take: { from: ['none', 'ended', 'held'], to: 'held', input: reservationInputs.take, check: checkTake, apply: take },
    renew: { from: ['held'], to: 'held', input: reservationInputs.renew, check: checkRenew, apply: renew },
    delegate: { from: ['held'], to: 'held', input: reservationInputs.delegate, check: checkHolder, apply: delegate },
    release: { from: ['held'], to: 'ended', check: checkHolder, apply: end, relief: 'release' },
    lapse: { from: ['held'], to: 'ended', by: ['clock'], apply: end },
    preempt: { from: ['held'], to: 'ended', by: [], apply: end },
  },
})

/** The contract of what is reserved. Nobody reserves what is Signalbox's own. */
function governed({ rules }: Examination, { id }: PlannedAction) {
  const type = resourceType(id)
  return type === null || isReservedType(type) ? undefined : rules.contracts.governing(id, type.length)
}

function checkTake(examination: Examination, planned: PlannedAs<unknown, { forMs: number }>): Rejection | null {
  const governing = governed(examination, planned)
  if (governing === undefined)
    return refused(planned, 'NOTHING_TO_RESERVE', `no contract governs ${planned.id}; reserve a resource as reservation/TYPE/ID`)
  const { contract } = governing
  const { forMs } = planned.input
  const tooLong = checkLength(planned, contract.coordination.reservation.maxMs, forMs)
  if (tooLong !== null) return tooLong
  const held = reservationIn(examination, planned.id)
  if (held === undefined || !held.isInForce) return null
  if (held.holder === examination.intent.agent)
    return refused(planned, 'HELD_ALREADY', `you hold it until ${held.expiresMs}, with the lease ${held.lease}; renew it`)
  if (priorityOf(examination, { contract }) > held.priority) return null
  return reserved(examination, { contract, request: planned.request }, held)
}

function checkLength(planned: PlannedAction, maxMs: number, forMs: number): Rejection | null {
  if (forMs <= maxMs) return null
  return refused(
    planned,
    'TOO_LONG',
    `${forMs} ms are asked, and the contract of ${planned.id} lets ${maxMs} at a time; renew it when you need longer`,
  )
}

function take(examination: Examination, planned: PlannedAs<unknown, { forMs: number }>): Made {
  const { intent, nowMs } = examination
  const { forMs } = planned.input
  const data: ReservationData = {
    holder: intent.agent,
    lease: intent.intentId,
    // Versions of a resource never go back, whatever becomes of it.
    token: (planned.before?.version ?? 0) + 1,
    expiresMs: nowMs + forMs,
    priority: priorityOf(examination, governed(examination, planned)!),
    delegates: [],
  }
  return { state: 'held', data, timer: { due: data.expiresMs, action: 'lapse' } }
}

function checkHolder(examination: Examination, planned: PlannedAs<ReservationData>): Rejection | null {
  const { intent, nowMs, state } = examination
  const { expiresMs, holder } = planned.data
  if (expiresMs <= nowMs || state.coordination.isForfeit(holder, planned.before!.lastChange))
    return { code: 'RESERVATION_EXPIRED', message: `the reservation of ${planned.id} has ended; take a new one`, resource: planned.id }
  // A human may end what an agent holds.
  if (holder === intent.agent || intent.agent.startsWith('human:')) return null
  return refused(planned, 'NOT_YOURS', `${planned.id} is reserved by ${holder}`)
}

function checkRenew(examination: Examination, planned: PlannedAs<ReservationData, { forMs: number }>): Rejection | null {
  const { forMs } = planned.input
  const contract = governed(examination, planned)?.contract
  const tooLong = contract === undefined ? null : checkLength(planned, contract.coordination.reservation.maxMs, forMs)
  return tooLong ?? checkHolder(examination, planned)
}

function delegate(_examination: Examination, planned: PlannedAs<ReservationData, { to: string[] }>): Made {
  const { to } = planned.input
  return { state: 'held', data: { ...planned.data, delegates: to }, timer: planned.before!.timer }
}

function renew({ nowMs }: Examination, planned: PlannedAs<ReservationData, { forMs: number }>): Made {
  const { forMs } = planned.input
  const data = { ...planned.data, expiresMs: nowMs + forMs }
  return { state: 'held', data, timer: { due: data.expiresMs, action: 'lapse' } }
}

function end({ nowMs }: Examination, planned: PlannedAs<ReservationData>): Made {
  const data = planned.data
  return { state: 'ended', data: { ...data, expiresMs: Math.min(data.expiresMs, nowMs) } }
}
