import { type TransferData, type TransferLeg, transferData, transferInputs } from '@signalbox/contract'
import { openEscalation } from '../decide/open-escalations.ts'
import type { Examination, Made, PlannedAction, PlannedAs } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import type { Decisions } from '../record/decisions.ts'
import { defineBuiltIn, refused } from './built-in.ts'

type Status = TransferLeg['status']

const reporters = ['process-manager']
const reported = { by: reporters, input: transferInputs.report, check: checkReport, follow: reportStuck }

/**
 * `transfer/ID`: one thing done in several scopes, or in none. The process manager asks the legs in their scopes and
 * reports here how each went: all of it is in the log, so that it goes on after the crash of anyone.
 */
export const transfer = defineBuiltIn({
  type: 'transfer',
  data: transferData,
  states: ['preparing', 'confirming', 'releasing', 'done', 'undone', 'stuck'],
  actions: {
    begin: { from: ['none'], to: 'preparing', input: transferInputs.begin, apply: begin },
    prepared: {
      ...reported,
      from: ['preparing', 'releasing'],
      to: { preparing: ['preparing', 'confirming'], releasing: ['releasing'] },
      apply: report('prepared'),
    },
    refused: {
      ...reported,
      from: ['preparing', 'releasing'],
      to: { preparing: ['releasing', 'undone'], releasing: ['releasing', 'undone'] },
      apply: report('refused'),
    },
    confirmed: {
      ...reported,
      from: ['confirming', 'stuck'],
      to: { confirming: ['confirming', 'done'], stuck: ['stuck', 'done'] },
      apply: report('confirmed'),
    },
    released: {
      ...reported,
      from: ['releasing', 'stuck'],
      to: { releasing: ['releasing', 'undone'], stuck: ['stuck', 'undone'] },
      apply: report('released'),
    },
    stuck: { ...reported, from: ['confirming', 'releasing', 'stuck'], to: 'stuck', apply: report('stuck') },
    cancel: {
      from: ['preparing'],
      to: 'releasing',
      input: transferInputs.cancel,
      check: checkOwner,
      apply: giveUp,
      relief: 'release',
    },
    lapse: { from: ['preparing'], to: 'releasing', by: ['clock'], apply: giveUp },
  },
})

function begin(
  { intent, nowMs }: Examination,
  planned: PlannedAs<unknown, { legs: readonly Omit<TransferLeg, 'status' | 'why'>[]; withinMs: number }>,
): Made {
  const { legs, withinMs } = planned.input
  const expiresMs = nowMs + withinMs
  const data: TransferData = {
    agent: intent.agent,
    legs: legs.map((leg) => ({ ...leg, status: 'reserving', why: null })),
    expiresMs,
    beganMs: nowMs,
  }
  return { state: 'preparing', data, timer: { due: expiresMs, action: 'lapse' } }
}

function checkOwner({ intent }: Examination, planned: PlannedAs<TransferData>): Rejection | null {
  const { agent } = planned.data
  if (agent === intent.agent || intent.agent.startsWith('human:')) return null
  return refused(planned, 'NOT_YOURS', `the transfer is ${agent}'s; only it, or a human, cancels it`)
}

function checkReport(_examination: Examination, planned: PlannedAs<TransferData, { leg: number }>): Rejection | null {
  const { legs } = planned.data
  const { leg } = planned.input
  return legs[leg] === undefined ? refused(planned, 'NO_SUCH_LEG', `it has ${legs.length} legs, and no leg ${leg}`) : null
}

function report(status: Status) {
  return (_examination: Examination, planned: PlannedAs<TransferData, { leg: number; why?: string | null }>): Made => {
    const { leg, why = null } = planned.input
    const before = planned.data
    const legs = before.legs.map((each, index) => (index === leg ? { ...each, status, why } : each))
    const state = next(planned.before!.state, legs)
    return { state, data: { ...before, legs }, timer: state === 'preparing' ? planned.before!.timer : null }
  }
}

/** The state that the legs come to. */
function next(state: string, legs: readonly TransferLeg[]): string {
  const all = (...statuses: readonly Status[]) => legs.every(({ status }) => statuses.includes(status))
  const some = (status: Status) => legs.some((leg) => leg.status === status)
  if (some('stuck')) return 'stuck'
  if (state === 'preparing' && some('refused')) return all('refused') ? 'undone' : 'releasing'
  if (state === 'preparing') return all('prepared') ? 'confirming' : 'preparing'
  if (all('refused', 'released')) return 'undone'
  if (all('confirmed')) return 'done'
  return state
}

/** A leg that is still being reserved is released once it is known to be. */
function giveUp(_examination: Examination, planned: PlannedAs<TransferData>): Made {
  const data = planned.data
  return { state: data.legs.every(({ status }) => status === 'refused') ? 'undone' : 'releasing', data }
}

function reportStuck(decisions: Decisions, { intent }: Examination, planned: PlannedAction): void {
  if (planned.after!.state !== 'stuck' || planned.before!.state === 'stuck') return
  const { agent, legs } = planned.after!.data as TransferData
  const stuck = legs.findIndex(({ status }) => status === 'stuck')
  openEscalation(decisions, {
    id: `transfer-${planned.id}`,
    scope: intent.scope,
    cause: 'TRANSFER_STUCK',
    message: `leg ${stuck} of transfer ${planned.id} could not be finished in scope ${legs[stuck]!.scope}: ${legs[stuck]!.why}. The other legs stand as the transfer shows: see what holds in each scope, and finish or undo it there`,
    agent,
    resource: planned.request.resource,
  })
}
