/**
 * What a human's verdict does to the pending intent. It is decided again at that moment, with the versions that the human
 * saw in place of those that the agent had read: an approval of a world that has moved is refused, says what moved, and
 * leaves the escalation open with a new digest.
 */
import { agentKey, bareIntent, canonicalize, derivedId, type EscalationData, type Intent } from '@signalbox/contract'
import { askedOf, digestOf } from '../../decide/asked.ts'
import { examinationOfPending, outcomeOfPending } from '../../decide/outcome.ts'
import { versionsOf } from '../../decide/pending-intents.ts'
import { record, rejectPending } from '../../decide/recorder.ts'
import { canonicalIntent } from '../../examine/canonical-intent.ts'
import type { Examination, PlannedAction, PlannedAs } from '../../examine/examination.ts'
import type { Rejection } from '../../examine/rejection.ts'
import type { Decisions } from '../../record/decisions.ts'
import { applyRule } from '../../record/rule.ts'
import type { PendingIntent } from '../../state/coordination/pending.ts'
import { refused } from '../built-in.ts'

interface VerdictInput {
  readonly reason: string
  readonly digest: string
  readonly actions?: readonly { readonly resource: string; readonly action: string; readonly input: unknown }[]
}

/** An agent does not decide what a human is asked; nor who asked, where duties are separate. */
export function checkHuman({ intent }: Examination, planned: PlannedAction): Rejection | null {
  if (intent.actions.length > 1) return refused(planned, 'NOT_ALONE', 'a verdict is an intent of its own; send it without other actions')
  if (!intent.agent.startsWith('human:'))
    return refused(planned, 'NOT_HUMAN', `an escalation is for a human: an agent whose name begins with human: (this is ${intent.agent})`)
  return null
}

export function checkVerdict(examination: Examination, planned: PlannedAs<EscalationData, VerdictInput>): Rejection | null {
  const wrong = checkHuman(examination, planned) ?? checkVoter(examination, planned)
  if (wrong !== null) return wrong
  const { nowMs, rules, state } = examination
  const data = planned.data
  const input = planned.input
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
  const asked = input.actions === undefined ? pending : amended(examination, pending, input)
  const again = examinationOfPending(state, rules, asked, nowMs, data.versions)
  const outcome = outcomeOfPending(again)
  if (outcome.kind !== 'rejected') return checkQuorum(examination, planned, again, pending)
  const { rejection } = outcome
  // What the checks want done about it, such as asking for more of a budget.
  examination.afterReject = again.afterReject
  if (rejection.code === 'STALE_READ' || rejection.code === 'STALE_VERSION')
    examination.afterReject = (decisions) => renew(decisions, examination, planned, pending)
  return verdictRefused(
    planned,
    `decided again now, it would be rejected with ${rejection.code}: ${rejection.message}`,
    { code: rejection.code },
    rejection,
  )
}

/** Whether the human may vote, and votes on what is asked now. */
function checkVoter({ intent }: Examination, planned: PlannedAs<EscalationData, VerdictInput>): Rejection | null {
  const data = planned.data
  const input = planned.input
  if (data.separationOfDuties && agentKey(data.agent) === agentKey(intent.agent))
    return refused(planned, 'SEPARATION_OF_DUTIES', `${intent.agent} asked for it, and somebody else must agree`)
  if (data.approvals.some(({ by }) => agentKey(by) === agentKey(intent.agent)))
    return refused(planned, 'APPROVED_ALREADY', `${intent.agent} has approved it; ${data.approvalsNeeded} different people must`)
  if (input.digest !== data.digest)
    return verdictRefused(planned, 'the digest is not that of what is asked now: look at the escalation again', { digest: data.digest })
  return input.actions !== undefined && data.approvalsNeeded > 1 ? quorumNeeded(planned, data.approvalsNeeded) : null
}

/** Whether as many have agreed as must, as the world is now: then it will be committed. */
function checkQuorum(
  examination: Examination,
  planned: PlannedAs<EscalationData, VerdictInput>,
  again: Examination,
  pending: PendingIntent,
): Rejection | null {
  const needed = again.escalation?.approvals ?? 1
  if (needed <= planned.data.approvalsNeeded) {
    planned.agreedTo = again
    planned.followingLength = lengthOf(again) + pending.intent.length
    return null
  }
  if (planned.input.actions !== undefined) return quorumNeeded(planned, needed)
  examination.afterReject = (decisions) => renew(decisions, examination, planned, pending)
  return verdictRefused(planned, `as the world is now, ${needed} people must agree`, { approvals: needed })
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
function renew(decisions: Decisions, { intent, nowMs }: Examination, planned: PlannedAs<EscalationData>, pending: PendingIntent): void {
  const { rules, state } = decisions
  const first = examinationOfPending(state, rules, pending, nowMs)
  // Planned, so that it is known which of the resources are commutative.
  outcomeOfPending(first)
  const versions = [...versionsOf(first)]
  // Once more, as if that had been agreed on: what would become of it, and how many must agree to that.
  const again = examinationOfPending(state, rules, pending, nowMs, versions)
  outcomeOfPending(again)
  const before = planned.data
  const approvalsNeeded = Math.max(before.approvalsNeeded, again.escalation?.approvals ?? 1)
  const asked = askedOf(again)
  const digest = digestOf(versions, asked, rules.sha256)
  const data: EscalationData = { ...before, versions, asked, digest, approvals: [], approvalsNeeded }
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
  { intent: verdict, nowMs, rules }: Examination,
  { agent, intent: text, intentId: original, scope, since }: PendingIntent,
  { actions, reason }: VerdictInput,
): Pick<PendingIntent, 'digest' | 'intent' | 'since'> {
  const { correlationId } = JSON.parse(text) as { readonly correlationId: string }
  const inPlace: Intent = {
    ...bareIntent({
      intentId: derivedId(nowMs, ['amend', original, verdict.intentId], rules.sha256),
      scope,
      agent,
      actions: actions!.map(({ action, input, resource }) => ({ resource, action, input: canonicalize(input), expectedVersion: null })),
    }),
    correlationId,
    causationId: original,
    note: reason,
  }
  const intent = canonicalIntent(inPlace)
  return { intent, digest: rules.sha256(intent), since }
}

export function followVerdict(decisions: Decisions, { intent }: Examination, planned: PlannedAs<EscalationData, VerdictInput>): void {
  const { agreedTo: examination } = planned
  if (examination === null) return
  const pending = decisions.state.coordination.pending.get(planned.data.intentId!)!
  const { resource } = planned.request
  const { intentId } = examination.intent
  if (intentId !== pending.intentId) {
    const { reason } = planned.input
    rejectPending(decisions, pending.intentId, {
      code: 'ESCALATION_AMENDED',
      message: `${intent.agent} had something else done in its place (intent ${intentId}): ${reason}`,
      resource,
      details: { intentId, by: intent.agent, reason },
    })
  }
  record(decisions, { examination, outcome: { kind: 'committed' } }, { pending, verdict: resource })
}
