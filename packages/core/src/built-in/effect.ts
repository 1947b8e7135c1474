import { type EffectData, effectData, effectInputs } from '@signalbox/contract'
import { closeEscalation, openEscalation } from '../decide/open-escalations.ts'
import type { Examination, Made, PlannedAction, PlannedAs } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import type { Decisions } from '../record/decisions.ts'
import { defineBuiltIn, refused } from './built-in.ts'

/** `effect/ID`: what an agent does in the world after a commit. Made by the commit; its agent reports how it went. */
export const effect = defineBuiltIn({
  type: 'effect',
  data: effectData,
  states: ['pending', 'done', 'failed', 'unreported'],
  actions: {
    done: {
      from: ['pending', 'unreported'],
      to: 'done',
      input: effectInputs.done,
      check: checkAgent,
      apply: report('done'),
      follow: settled,
      relief: 'report',
    },
    failed: {
      from: ['pending', 'unreported'],
      to: 'failed',
      input: effectInputs.failed,
      check: checkAgent,
      apply: report('failed'),
      follow: failed,
      relief: 'report',
    },
    // Tried again, where it may be.
    lapse: { from: ['pending'], to: { pending: ['pending', 'unreported'] }, by: ['clock'], apply: lapse, follow: lapsed },
  },
  // With the commit of an action that has one.
  following: { start: { from: ['none'], to: 'pending' } },
})

function checkAgent({ intent }: Examination, planned: PlannedAs<EffectData>): Rejection | null {
  const { agent } = planned.data
  if (agent === intent.agent || intent.agent.startsWith('human:')) return null
  return refused(planned, 'NOT_YOURS', `the effect is ${agent}'s to report`)
}

function report(state: 'done' | 'failed') {
  return (_examination: Examination, planned: PlannedAs<EffectData, { result?: string; reason?: string }>): Made => {
    const { reason, result = reason ?? null } = planned.input
    return { state, data: { ...planned.data, result } }
  }
}

/** An idempotent effect is asked for again; any other may have happened, and only a human can tell. */
function lapse({ nowMs }: Examination, planned: PlannedAs<EffectData>): Made {
  const data = planned.data
  if (!data.idempotent || data.attempt >= data.attempts) return { state: 'unreported', data }
  return { state: 'pending', data: { ...data, attempt: data.attempt + 1 }, timer: { due: nowMs + data.reportWithinMs, action: 'lapse' } }
}

function lapsed(decisions: Decisions, { intent }: Examination, planned: PlannedAs<EffectData>): void {
  if (planned.after!.state !== 'unreported') return
  const { action, agent, resource } = planned.data
  openEscalation(decisions, {
    id: `effect-${planned.id}`,
    scope: intent.scope,
    cause: 'EFFECT_UNREPORTED',
    message: `${agent} committed ${action} ${resource} and never reported whether its effect ${planned.id} took place: look in the system that it concerns, and report it done or failed`,
    agent,
    resource: planned.request.resource,
  })
}

function settled(decisions: Decisions, { intent }: Examination, planned: PlannedAction): void {
  closeEscalation(
    decisions,
    intent.scope,
    `escalation/effect-${planned.id}`,
    'moot',
    `the effect was reported ${planned.after!.state} by ${intent.agent}`,
  )
}

function failed(decisions: Decisions, examination: Examination, planned: PlannedAs<EffectData, { reason: string }>): void {
  settled(decisions, examination, planned)
  const { action, agent, resource, undo } = planned.data
  const { reason } = planned.input
  openEscalation(decisions, {
    id: `effect-failed-${planned.id}`,
    scope: examination.intent.scope,
    cause: 'EFFECT_FAILED',
    message: `the effect of ${action} ${resource} failed: ${reason}. What was committed does not hold in the world${undo === null ? '' : `; ${undo} takes it back`}`,
    agent,
    resource: planned.request.resource,
  })
}
