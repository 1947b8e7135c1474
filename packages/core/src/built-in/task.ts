import { type AgentData, agentResource, type TaskData, taskData, taskInputs } from '@signalbox/contract'
import { closeEscalation, openEscalation } from '../decide/open-escalations.ts'
import type { Examination, Made, PlannedAction, PlannedAs } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'
import type { Decisions } from '../record/decisions.ts'
import type { ResourceState } from '../state/resource.ts'
import { defineBuiltIn, refused } from './built-in.ts'

/** `task/ID`: work that is offered, claimed by one agent at a time under a lease, and offered again when the lease runs out. */
export const task = defineBuiltIn({
  type: 'task',
  data: taskData,
  states: ['offered', 'claimed', 'done', 'failed', 'cancelled', 'unclaimed'],
  actions: {
    offer: { from: ['none', 'failed', 'cancelled', 'unclaimed'], to: 'offered', input: taskInputs.offer, apply: offer, follow: offered },
    claim: { from: ['offered', 'claimed', 'unclaimed'], to: 'claimed', check: checkClaim, apply: claim, follow: offered },
    renew: { from: ['claimed'], to: 'claimed', check: checkClaimer, apply: renew },
    done: { from: ['claimed'], to: 'done', input: taskInputs.done, check: checkClaimer, apply: finish('done') },
    fail: { from: ['claimed'], to: 'failed', input: taskInputs.fail, check: checkClaimer, apply: finish('failed'), relief: 'release' },
    cancel: {
      from: ['offered', 'claimed', 'unclaimed'],
      to: 'cancelled',
      input: taskInputs.cancel,
      check: checkOfferer,
      apply: finish('cancelled'),
      follow: offered,
    },
    lapse: {
      from: ['offered', 'claimed'],
      to: { offered: ['unclaimed'], claimed: ['offered', 'unclaimed'] },
      by: ['clock'],
      apply: lapse,
      follow: lapsed,
    },
  },
  // With a handoff that is accepted.
  following: { 'hand-on': { from: ['claimed'], to: 'claimed' } },
})

function offer(
  { intent, nowMs }: Examination,
  planned: PlannedAs<TaskData | undefined, Pick<TaskData, 'title' | 'needs' | 'payload' | 'leaseMs' | 'claimWithinMs'>>,
): Made {
  const input = planned.input
  const before = planned.data
  const data: TaskData = {
    ...input,
    offeredBy: intent.agent,
    claimedBy: null,
    token: before?.token ?? 0,
    expiresMs: null,
    offers: 1,
    hops: before?.hops ?? 0,
    result: null,
  }
  return offeredAs(data, nowMs)
}

function offeredAs(data: TaskData, nowMs: number): Made {
  const { claimWithinMs } = data
  return { state: 'offered', data, timer: claimWithinMs === null ? null : { due: nowMs + claimWithinMs, action: 'lapse' } }
}

/** Whether the claim of a task still holds, by logical time: a lease that has run out ends it, and so does a quarantine. */
export function isHeld({ nowMs, state }: Examination, { claimedBy, expiresMs }: TaskData, { lastChange }: ResourceState): boolean {
  return claimedBy !== null && expiresMs !== null && expiresMs > nowMs && !state.coordination.isForfeit(claimedBy, lastChange)
}

function checkClaim(examination: Examination, planned: PlannedAs<TaskData>): Rejection | null {
  const data = planned.data
  const { intent } = examination
  if (planned.before!.state === 'claimed' && isHeld(examination, data, planned.before!)) {
    const leftMs = data.expiresMs! - examination.nowMs
    return {
      ...refused(planned, 'CLAIMED', `${data.claimedBy} has claimed it for another ${leftMs} ms at most; take another task`),
      retryAfterMs: leftMs,
    }
  }
  const missing = data.needs.filter((need) => !capabilitiesOf(examination).includes(need))
  if (missing.length === 0) return null
  return refused(
    planned,
    'NOT_CAPABLE',
    `the task needs ${missing.join(', ')}, which ${intent.agent} has not declared in this scope (declare ${agentResource(intent.agent)})`,
  )
}

function capabilitiesOf(examination: Examination): readonly string[] {
  const { intent, state } = examination
  const name = agentResource(intent.agent)
  examination.noteRead(name)
  const found = state.resourceIn(intent.scope, name)
  return found === undefined ? [] : (JSON.parse(found.data) as AgentData).capabilities
}

function claim({ intent, nowMs }: Examination, planned: PlannedAs<TaskData>): Made {
  return claimedBy(planned.data, intent.agent, nowMs)
}

/** A task in the hands of an agent, under a lease that begins now. */
export function claimedBy(task: TaskData, agent: string, nowMs: number): Made {
  const data = { ...task, claimedBy: agent, token: task.token + 1, expiresMs: nowMs + task.leaseMs }
  return { state: 'claimed', data, timer: { due: data.expiresMs, action: 'lapse' } }
}

function checkClaimer(examination: Examination, planned: PlannedAs<TaskData>): Rejection | null {
  const data = planned.data
  if (data.claimedBy !== examination.intent.agent) return refused(planned, 'NOT_YOURS', `the task is claimed by ${data.claimedBy}`)
  if (!isHeld(examination, data, planned.before!)) return refused(planned, 'LEASE_EXPIRED', 'your lease has run out; claim the task again')
  return null
}

function renew({ nowMs }: Examination, planned: PlannedAs<TaskData>): Made {
  const data = planned.data
  const expiresMs = nowMs + data.leaseMs
  return { state: 'claimed', data: { ...data, expiresMs }, timer: { due: expiresMs, action: 'lapse' } }
}

function finish(state: 'done' | 'failed' | 'cancelled') {
  return (_examination: Examination, planned: PlannedAs<TaskData, { result?: string; reason?: string }>): Made => {
    const { reason, result = reason ?? null } = planned.input
    return { state, data: { ...planned.data, expiresMs: null, result } }
  }
}

function checkOfferer({ intent }: Examination, planned: PlannedAs<TaskData>): Rejection | null {
  const { offeredBy } = planned.data
  if (offeredBy === intent.agent || intent.agent.startsWith('human:')) return null
  return refused(planned, 'NOT_YOURS', `the task was offered by ${offeredBy}, who may cancel it; so may a human`)
}

function lapse({ nowMs, rules }: Examination, planned: PlannedAs<TaskData>): Made {
  const data = planned.data
  const free = { ...data, claimedBy: null, expiresMs: null }
  // Offered long enough, or given back often enough: a human must look.
  if (planned.before!.state === 'offered' || data.offers >= rules.containment.maxOffers) return { state: 'unclaimed', data: free }
  return offeredAs({ ...free, offers: data.offers + 1 }, nowMs)
}

function lapsed(decisions: Decisions, { intent }: Examination, planned: PlannedAs<TaskData>): void {
  if (planned.after!.state !== 'unclaimed') return
  const { offeredBy, offers, title } = planned.data
  openEscalation(decisions, {
    id: `task-${planned.id}`,
    scope: intent.scope,
    cause: 'TASK_UNCLAIMED',
    message: `nobody finished the task ${planned.id} (${title}), offered ${offers} times: find out why, and offer or cancel it`,
    agent: offeredBy,
    resource: planned.request.resource,
  })
}

function offered(decisions: Decisions, { intent }: Examination, planned: PlannedAction): void {
  closeEscalation(
    decisions,
    intent.scope,
    `escalation/task-${planned.id}`,
    'moot',
    `the task was ${planned.after!.state} by ${intent.agent}`,
  )
}
