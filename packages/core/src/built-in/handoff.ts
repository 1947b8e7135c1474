import { type HandoffData, handoffData, handoffInputs, type TaskData } from '@signalbox/contract'
import { openEscalation } from '../decide/open-escalations.ts'
import type { Examination, Made, PlannedAs } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import type { Decisions } from '../record/decisions.ts'
import { applyRule } from '../record/rule.ts'
import type { ResourceState } from '../state/resource.ts'
import { defineBuiltIn, keep, refused } from './built-in.ts'
import { claimedBy, isHeld } from './task.ts'

/** `handoff/ID`: a piece of work and the packet that says what must be known of it, from one agent to another. */
export const handoff = defineBuiltIn({
  type: 'handoff',
  data: handoffData,
  states: ['offered', 'accepted', 'declined', 'expired'],
  actions: {
    offer: { from: ['none', 'declined', 'expired'], to: 'offered', input: handoffInputs.offer, check: checkOffer, apply: offer },
    accept: { from: ['offered'], to: 'accepted', input: handoffInputs.accept, check: checkAccept, apply: accept, follow: accepted },
    decline: { from: ['offered'], to: 'declined', input: handoffInputs.decline, check: checkReceiver, apply: decline, relief: 'release' },
    lapse: { from: ['offered'], to: 'expired', by: ['clock'], apply: keep('expired'), follow: lapsed },
  },
})

interface OfferInput {
  readonly to: string
  readonly task: string | null
  readonly seal: string
  readonly position: string
  readonly references: HandoffData['references']
  readonly withinMs: number
}

function taskOf(
  examination: Examination,
  name: string,
): { readonly state: string; readonly data: TaskData; readonly found: ResourceState } | undefined {
  examination.noteRead(name)
  const found = examination.state.resourceIn(examination.intent.scope, name)
  return found === undefined ? undefined : { state: found.state, data: JSON.parse(found.data) as TaskData, found }
}

function checkOffer(examination: Examination, planned: PlannedAs<unknown, OfferInput>): Rejection | null {
  const { position, references, task } = planned.input
  const { partition } = examination.state
  if (Number(position.slice(0, position.indexOf(':'))) !== partition)
    return refused(planned, 'POSITION_ELSEWHERE', `the packet is of position ${position}, and this scope lies on partition ${partition}`)
  for (const { resource, version } of references) {
    examination.noteRead(resource)
    const now = examination.current(resource)?.version ?? 0
    if (version > now)
      return refused(
        planned,
        'REFERENCE_UNKNOWN',
        `the packet relies on ${resource} at version ${version}, and it is at version ${now}; compile it anew`,
      )
  }
  if (task === null) return null
  const found = taskOf(examination, task)
  if (found === undefined || !task.startsWith('task/')) return refused(planned, 'TASK_UNKNOWN', `there is no ${task} in this scope`)
  if (found.state !== 'claimed' || found.data.claimedBy !== examination.intent.agent)
    return refused(
      planned,
      'NOT_YOURS',
      `${task} is ${found.state}${found.data.claimedBy === null ? '' : ` by ${found.data.claimedBy}`}; claim it before you hand it on`,
    )
  const { maxHops } = examination.rules.containment
  if (found.data.hops < maxHops) return null
  return refused(
    planned,
    'TOO_MANY_HOPS',
    `${task} was handed on ${found.data.hops} times, and ${maxHops} are let; finish it, or fail it with what is missing`,
  )
}

function offer({ intent, nowMs }: Examination, planned: PlannedAs<unknown, OfferInput>): Made {
  const { withinMs, ...input } = planned.input
  const data: HandoffData = { ...input, from: intent.agent, moved: [], expiresMs: nowMs + withinMs, reason: null }
  return { state: 'offered', data, timer: { due: data.expiresMs, action: 'lapse' } }
}

function checkReceiver({ intent }: Examination, planned: PlannedAs<HandoffData>): Rejection | null {
  const { to } = planned.data
  return to === intent.agent ? null : refused(planned, 'NOT_YOURS', `the handoff is to ${to}`)
}

function checkAccept(examination: Examination, planned: PlannedAs<HandoffData, { readback: string }>): Rejection | null {
  const wrong = checkReceiver(examination, planned)
  if (wrong !== null) return wrong
  const { from, seal, task } = planned.data
  const { readback } = planned.input
  if (examination.rules.sha256(readback) !== seal)
    return refused(planned, 'READBACK_WRONG', 'the digest read back is not that of the packet; read the packet itself and state its digest')
  if (task === null || isStillWith(examination, task, from)) return null
  return refused(planned, 'TASK_MOVED', `${task} is not ${from}'s to hand on any more; decline, and see what became of it`)
}

function isStillWith(examination: Examination, task: string, agent: string): boolean {
  const held = taskOf(examination, task)
  return held?.state === 'claimed' && held.data.claimedBy === agent && isHeld(examination, held.data, held.found)
}

/** Tells the receiver what of the packet is out of date: its references that have moved. */
function accept(examination: Examination, planned: PlannedAs<HandoffData>): Made {
  const data = planned.data
  const moved = data.references.flatMap(({ resource, version }) => {
    const now = examination.current(resource)?.version ?? 0
    return now === version ? [] : [{ resource, from: version, to: now }]
  })
  return { state: 'accepted', data: { ...data, moved } }
}

function accepted(decisions: Decisions, examination: Examination, planned: PlannedAs<HandoffData>): void {
  const { from, task } = planned.data
  // The same intent may have finished it.
  if (task === null || !isStillWith(examination, task, from)) return
  const { intent, nowMs } = examination
  const { data } = taskOf(examination, task)!
  const made = claimedBy({ ...data, hops: data.hops + 1 }, intent.agent, nowMs)
  applyRule(decisions, {
    rule: 'other',
    scope: intent.scope,
    cause: intent.intentId,
    message: `${task} goes over to ${intent.agent} with the handoff ${planned.id}`,
    changes: [{ resource: task, action: 'hand-on', ...made }],
  })
}

function decline(_examination: Examination, planned: PlannedAs<HandoffData, { reason: string }>): Made {
  const { reason } = planned.input
  return { state: 'declined', data: { ...planned.data, reason } }
}

function lapsed(decisions: Decisions, { intent }: Examination, planned: PlannedAs<HandoffData>): void {
  const { from, to } = planned.data
  openEscalation(decisions, {
    id: `handoff-${planned.id}`,
    scope: intent.scope,
    cause: 'HANDOFF_UNANSWERED',
    message: `${to} never answered the handoff ${planned.id} of ${from}: the work is still with ${from}`,
    agent: to,
    resource: planned.request.resource,
  })
}
