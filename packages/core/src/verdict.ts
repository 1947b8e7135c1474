/**
 * What a human's verdict does to the pending intent. It is decided again at that moment, with the versions that the human
 * saw in place of those that the agent had read: an approval of a world that has moved is refused, says what moved, and
 * leaves the escalation open with a new digest.
 */
import { agentKey, bareIntent, canonicalize, derivedId, type EscalationData, type Intent } from '@signalbox/contract'
import { askedOf, digestOf } from './asked.ts'
import { refused } from './built-in/built-in.ts'
import { checkHuman } from './built-in/escalation.ts'
import { canonicalIntent } from './canonical-intent.ts'
import { decisionChecks } from './checks/index.ts'
import type { PendingIntent } from './coordination/pending.ts'
import type { Decisions } from './decisions.ts'
import { Examination, type PlannedAction } from './examination.ts'
import { followCommit } from './follow.ts'
import { runChecks } from './own.ts'
import { versionsOf } from './pend.ts'
import type { Rejection } from './rejection.ts'
import { applyRule } from './rule.ts'
import { commitPending, examinationOf, rejectPending } from './settle.ts'
import { nowInShadow } from './shadow.ts'

interface VerdictInput {
  readonly reason: string
  readonly digest: string
  readonly actions?: readonly { readonly resource: string; readonly action: string; readonly input: unknown }[]
}

/** What a verdict would do, kept from its check until it is committed: nothing but the escalation changes in between. */
const outcomes = new WeakMap<PlannedAction, Examination>()

export function checkVerdict(examination: Examination, planned: PlannedAction): Rejection | null {
  const wrong = checkHuman(examination, planned)
  if (wrong !== null) return wrong
  const { intent, rules, state } = examination
  const data = planned.data as EscalationData
  const input = planned.input as VerdictInput
  if (data.separationOfDuties && agentKey(data.agent) === agentKey(intent.agent))
    return refused(planned, 'SEPARATION_OF_DUTIES', `${intent.agent} asked for it, and somebody else must agree`)
  if (data.approvals.some(({ by }) => agentKey(by) === agentKey(intent.agent)))
    return refused(planned, 'APPROVED_ALREADY', `${intent.agent} has approved it; ${data.approvalsNeeded} different people must`)
  if (input.digest !== data.digest)
    return verdictRefused(planned, 'the digest is not that of what is asked now: look at the escalation again', { digest: data.digest })
  if (input.actions !== undefined && data.approvalsNeeded > 1) return quorumNeeded(planned, data.approvalsNeeded)
  if (data.approvals.length + 1 < data.approvalsNeeded) return null
  const pending = data.intentId === null ? undefined : state.coordination.pending.get(data.intentId)
  if (pending === undefined) {
    if (data.intentId === null && input.actions === undefined) return null
    return refused(planned, 'NOTHING_PENDING', 'no intent waits for this verdict; there is nothing to amend')
  }
  if (input.actions?.some(({ resource }) => resource.startsWith('escalation/') || resource.startsWith('intent/')))
    return refused(
      planned,
      'NOT_IN_PLACE',
      'a verdict, or a withdrawal, does not stand in place of what was asked; send it as an intent of its own',
    )
  const outcome =
    input.actions === undefined ? examinationOf(state, rules, pending, examination.nowMs) : amended(examination, pending, input)
  outcome.agreed = new Map(data.versions.map(({ resource, version }) => [resource, version]))
  const rejection = runChecks(decisionChecks, outcome) ?? nowInShadow(outcome)
  outcome.isOver = true
  if (rejection === null) {
    const needed = outcome.escalation?.approvals ?? 1
    if (needed > data.approvalsNeeded) {
      if (input.actions !== undefined) return quorumNeeded(planned, needed)
      examination.afterReject = (decisions) => renew(decisions, examination, planned, pending)
      return verdictRefused(planned, `as the world is now, ${needed} people must agree`, { approvals: needed })
    }
    outcomes.set(planned, outcome)
    planned.followingLength = lengthOf(outcome) + pending.intent.length
    return null
  }
  // What the checks want done about it, such as asking for more of a budget.
  examination.afterReject = outcome.afterReject
  if (rejection.code === 'STALE_READ' || rejection.code === 'STALE_VERSION')
    examination.afterReject = (decisions) => renew(decisions, examination, planned, pending)
  return verdictRefused(
    planned,
    `decided again now, it would be rejected with ${rejection.code}: ${rejection.message}`,
    { code: rejection.code },
    rejection,
  )
}

/** What several must agree on, one cannot have done by other words. */
function quorumNeeded(planned: PlannedAction, needed: number): Rejection {
  return refused(
    planned,
    'QUORUM_NEEDED',
    `${needed} people must agree, and an amendment is of one; reject it, and have it proposed as it should be`,
  )
}

function lengthOf({ canonical, changes }: Examination): number {
  return canonical.length + changes.reduce((sum, { data }) => sum + 512 + data.length, 0)
}

function verdictRefused(planned: PlannedAction, why: string, details: Rejection['details'] & object, because?: Rejection): Rejection {
  const { contract, request } = planned
  return {
    ...(because === undefined ? {} : pick(because)),
    code: 'VERDICT_REFUSED',
    message: `${request.action} ${request.resource} does not fit the world as it is: ${why}. The escalation stays open`,
    resource: because?.resource ?? request.resource,
    owner: contract.owner,
    details,
  }
}

/** What moved, and who moved it. */
function pick({ actualVersion, current, expectedVersion }: Rejection): Partial<Rejection> {
  return {
    ...(actualVersion === undefined ? {} : { actualVersion }),
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
    ...(current === undefined ? {} : { current }),
  }
}

/** The world has moved: whoever answers next sees it as it is, and approvals of how it was count no more. */
function renew(decisions: Decisions, { intent, nowMs }: Examination, planned: PlannedAction, pending: PendingIntent): void {
  const { rules, state } = decisions
  const first = examinationOf(state, rules, pending, nowMs)
  // Planned, so that it is known which of the resources are commutative.
  runChecks(decisionChecks, first)
  first.isOver = true
  const versions = [...versionsOf(first)]
  // Once more, as if that had been agreed on: what would become of it, and how many must agree to that.
  const again = examinationOf(state, rules, pending, nowMs)
  again.agreed = new Map(versions.map(({ resource, version }) => [resource, version]))
  runChecks(decisionChecks, again)
  again.isOver = true
  const before = planned.data as EscalationData
  const approvalsNeeded = Math.max(before.approvalsNeeded, again.escalation?.approvals ?? 1)
  const asked = askedOf(again)
  const data: EscalationData = {
    ...before,
    versions,
    asked,
    digest: digestOf(versions, asked, rules.sha256),
    approvals: [],
    approvalsNeeded,
  }
  const { resource } = planned.request
  const { state: name, timer } = state.resourceIn(intent.scope, resource)!
  applyRule(decisions, {
    rule: 'verdict',
    scope: intent.scope,
    cause: intent.intentId,
    message: `what ${resource} is about has moved; it is asked anew`,
    changes: [{ resource, action: 'renew', state: name, data, timer }],
  })
}

/** What the human has done in place of the intent, by the same agent. */
function amended(
  { intent: verdict, nowMs, rules, state }: Examination,
  pending: PendingIntent,
  { actions, reason }: VerdictInput,
): Examination {
  const original = JSON.parse(pending.intent) as { readonly correlationId: string }
  const intentId = derivedId(nowMs, ['amend', pending.intentId, verdict.intentId], rules.sha256)
  const intent: Intent = {
    ...bareIntent({
      intentId,
      scope: pending.scope,
      agent: pending.agent,
      actions: actions!.map(({ action, input, resource }) => ({ resource, action, input: canonicalize(input), expectedVersion: null })),
    }),
    correlationId: original.correlationId,
    causationId: pending.intentId,
    note: reason,
  }
  const examination = new Examination(
    rules,
    state,
    { offset: pending.since.offset, timestampMs: nowMs, intent, problem: null },
    intent,
    nowMs,
  )
  examination.wasPending = true
  examination.canonical = canonicalIntent(intent)
  examination.digest = rules.sha256(examination.canonical)
  examination.passedDoor = true
  return examination
}

export function followVerdict(decisions: Decisions, { intent }: Examination, planned: PlannedAction): void {
  const outcome = outcomes.get(planned)
  if (outcome === undefined) return
  const { intentId } = planned.data as EscalationData
  const pending = decisions.state.coordination.pending.get(intentId!)!
  const { resource } = planned.request
  if (outcome.intent.intentId === pending.intentId) {
    commitPending(decisions, pending, outcome, resource)
    return
  }
  const { reason } = planned.input as VerdictInput
  rejectPending(decisions, pending.intentId, {
    code: 'ESCALATION_AMENDED',
    message: `${intent.agent} had something else done in its place (intent ${outcome.intent.intentId}): ${reason}`,
    resource,
    details: { intentId: outcome.intent.intentId, by: intent.agent, reason },
  })
  const { amount, canonical, changes, digest } = outcome
  decisions.emit({
    type: 'IntentCommitted',
    scope: pending.scope,
    payload: {
      intentId: outcome.intent.intentId,
      agent: pending.agent,
      intent: canonical,
      digest,
      changes,
      settles: pending.since,
      verdict: resource,
      amount,
    },
  })
  followCommit(decisions, outcome, pending.agent)
}
