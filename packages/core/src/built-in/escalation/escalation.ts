import { type EscalationData, escalationData, escalationInputs } from '@signalbox/contract'
import { levelTimer } from '../../decide/open-escalations.ts'
import { rejectPending } from '../../decide/recorder.ts'
import type { Examination, Made, PlannedAs } from '../../examine/examination.ts'
import type { Decisions } from '../../record/decisions.ts'
import { defineBuiltIn, keep } from '../built-in.ts'
import { checkHuman, checkVerdict, followVerdict } from './verdict.ts'

const open = ['triggered', 'acknowledged']
const people = ['human:*']

/** `escalation/ID`: what a human is asked. Nobody having answered on any level, it expires, and that denies. */
export const escalation = defineBuiltIn({
  type: 'escalation',
  data: escalationData,
  states: ['triggered', 'acknowledged', 'resolved', 'expired'],
  actions: {
    trigger: { from: ['none', 'resolved', 'expired'], to: 'triggered', by: [], apply: keep('triggered') },
    acknowledge: {
      from: open,
      who: people,
      to: 'acknowledged',
      input: escalationInputs.acknowledge,
      check: checkHuman,
      apply: acknowledge,
    },
    assign: { from: open, who: people, to: 'acknowledged', input: escalationInputs.assign, check: checkHuman, apply: assign },
    approve: {
      from: open,
      // The last that is needed resolves it.
      to: { triggered: ['triggered', 'resolved'], acknowledged: ['acknowledged', 'resolved'] },
      who: people,
      input: escalationInputs.approve,
      check: checkVerdict,
      apply: approve,
      follow: followVerdict,
    },
    reject: {
      from: open,
      who: people,
      to: 'resolved',
      input: escalationInputs.reject,
      check: checkHuman,
      apply: verdict('rejected'),
      follow: denied,
    },
    amend: {
      from: open,
      who: people,
      to: 'resolved',
      input: escalationInputs.amend,
      check: checkVerdict,
      apply: verdict('amended'),
      follow: followVerdict,
    },
    lapse: {
      from: open,
      // The next level is asked, or it is over.
      to: { triggered: ['triggered', 'expired'], acknowledged: ['triggered', 'expired'] },
      by: ['clock'],
      apply: lapse,
      follow: lapsed,
    },
    again: { from: open, to: null, by: [], apply: keep('triggered') },
    renew: { from: open, to: null, by: [], apply: keep('triggered') },
    close: { from: open, to: 'resolved', by: [], apply: keep('resolved') },
  },
})

function acknowledge({ intent }: Examination, planned: PlannedAs<EscalationData>): Made {
  // The clock of the level runs on: to have seen it is not to have answered.
  return {
    state: 'acknowledged',
    data: { ...planned.data, acknowledgedBy: intent.agent },
    timer: planned.before!.timer,
  }
}

function assign({ intent }: Examination, planned: PlannedAs<EscalationData, { assignee: string }>): Made {
  const { assignee } = planned.input
  const data = planned.data
  return {
    state: 'acknowledged',
    data: { ...data, acknowledgedBy: data.acknowledgedBy ?? intent.agent, assignee },
    timer: planned.before!.timer,
  }
}

/** The last approval that is needed resolves it. */
function approve({ intent }: Examination, planned: PlannedAs<EscalationData, { reason: string }>): Made {
  const { reason } = planned.input
  const data = planned.data
  const approvals = [...data.approvals, { by: intent.agent, reason }]
  if (approvals.length < data.approvalsNeeded)
    return { state: planned.before!.state, data: { ...data, approvals }, timer: planned.before!.timer }
  return { state: 'resolved', data: { ...data, approvals, verdict: 'approved', verdictBy: intent.agent, verdictReason: reason } }
}

function verdict(said: 'rejected' | 'amended') {
  return ({ intent }: Examination, planned: PlannedAs<EscalationData, { reason: string }>): Made => {
    const { reason } = planned.input
    const data: EscalationData = { ...planned.data, verdict: said, verdictBy: intent.agent, verdictReason: reason }
    return { state: 'resolved', data }
  }
}

function denied(decisions: Decisions, { intent }: Examination, planned: PlannedAs<EscalationData, { reason: string }>): void {
  const { intentId } = planned.data
  const { reason } = planned.input
  if (intentId !== null)
    rejectPending(decisions, intentId, {
      code: 'ESCALATION_DENIED',
      message: `${intent.agent} said no: ${reason}`,
      resource: planned.request.resource,
      details: { by: intent.agent, reason },
    })
}

/**
 * The next level is asked; after the last it is over. Each level has its own time from when it is asked, also where the log stood still
 * for longer than all of them: only the deadline of the intent cuts it short.
 */
function lapse({ nowMs }: Examination, planned: PlannedAs<EscalationData>): Made {
  const data = planned.data
  // Escalations of earlier versions do not say which of the two ended them.
  const untilMs = data.untilMs === undefined ? data.expiresMs : (data.untilMs ?? Number.MAX_SAFE_INTEGER)
  const level = data.level + 1
  if (nowMs >= untilMs || level >= data.levels.length)
    return { state: 'expired', data: { ...data, verdict: 'expired', verdictReason: 'nobody answered in time' } }
  const restMs = data.levels.slice(level).reduce((sum, { withinMs }) => sum + withinMs, 0)
  const expiresMs = Math.min(untilMs, Math.max(data.expiresMs, nowMs + restMs))
  const next: EscalationData = { ...data, level, to: data.levels[level]!.to, expiresMs }
  return { state: 'triggered', data: next, timer: levelTimer(next, nowMs) }
}

function lapsed(decisions: Decisions, _examination: Examination, planned: PlannedAs<EscalationData>): void {
  if (planned.after!.state !== 'expired') return
  const { intentId, levels } = planned.data
  if (intentId === null) return
  rejectPending(decisions, intentId, {
    code: 'ESCALATION_EXPIRED',
    message: `nobody of ${levels.map(({ to }) => to).join(', ')} answered in time, and that denies; if it still makes sense, ask again`,
    resource: planned.request.resource,
  })
}
