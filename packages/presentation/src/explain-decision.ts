/** Explains a decision anew, from the log, beside what the log says of it. */
import {
  canonicalize,
  type Decision,
  decisionOutcome,
  type Event,
  type ExplainedDecision,
  type Intent,
  intentFromJson,
  isMarked,
  type JsonObject,
} from '@signalbox/contract'
import { explain, explainPending, type PartitionState, type Rules } from '@signalbox/core'
import type { LoggedEvent } from '@signalbox/event-log'
import { notAtHand, rulesAt, type Source, stateBefore } from '@signalbox/partition-state'
import { embeddedIntent, presentDecision, presentExplanation, presentResource } from './present.ts'

/**
 * Explains a decision: the same checks on the same state, by the contracts that decided then where they are at hand, and whether they come
 * out as recorded.
 */
export async function explainDecision(source: Source, rules: Rules, logged: LoggedEvent): Promise<ExplainedDecision> {
  return explainIn(await stateBefore(source, logged.event.partition, logged.logOffset), rules, logged)
}

/** The same, where the state just before the event is at hand. */
export function explainIn(
  state: PartitionState,
  rules: Rules,
  { event, logOffset }: Pick<LoggedEvent, 'event' | 'logOffset'>,
): ExplainedDecision {
  const rulesThen = rulesAt(rules, state.contracts)
  const decision = presentDecision(event, logOffset)
  if (decision === null)
    throw new Error(`the event at offset ${logOffset} of partition ${event.partition} is ${event.type}, which is no decision`)
  const intent = embeddedIntent(event)
  const record = {
    offset: event.offset,
    timestampMs: event.time,
    intent: intent === null ? null : intentFromJson(intent),
    problem: intent === null ? 'its bytes are kept in the dead letters' : null,
  }
  // What was pending was decided again, without a look at its identity; its record is long past.
  const verdict = event.type === 'IntentCommitted' ? event.payload.verdict : null
  const again =
    'settles' in event.payload && event.payload.settles !== null
      ? explainPending(state, decision.intentId!, event.time, rulesThen, verdict)
      : undefined
  const explanation = presentExplanation(again ?? explain(state, record, rulesThen))
  // What a human had done in place of an intent is an intent of its own, made by the verdict and asked by nobody.
  const isAmendment = event.type === 'IntentCommitted' && event.payload.settles !== null && again === undefined
  const agrees = intent === null || isAmendment || explanationAgrees(event, decision, explanation)
  const stoodOn = record.intent === null ? [] : readSetOf(state, record.intent)
  const types = new Set(record.intent?.actions.map(({ resource }) => resource.slice(0, resource.indexOf('/'))))
  return {
    decision,
    intent: intent as ExplainedDecision['intent'],
    explanation,
    stoodOn,
    agrees,
    notAtHand: [...notAtHand(rules, state.contracts, types)],
  }
}

/** The versions that an intent names, with those that there were. */
function readSetOf(state: PartitionState, { actions, reads, scope }: Intent): ExplainedDecision['stoodOn'] {
  const named = [
    ...actions.flatMap(({ expectedVersion, resource }) => (expectedVersion === null ? [] : [{ resource, version: expectedVersion }])),
    ...reads.filter(({ resource }) => !actions.some((action) => action.resource === resource && action.expectedVersion !== null)),
  ]
  return named.map(({ resource, version }) => {
    const { lastChange, version: actual } = presentResource(scope, resource, state.resourceIn(scope, resource))
    return { resource, version, actual, movedBy: actual > version ? lastChange : null }
  })
}

/** Whether every word of the decision comes out again: the outcome, why, who moved what, and every change. */
function explanationAgrees(event: Event, decision: Decision, explanation: ExplainedDecision['explanation']): boolean {
  if (event.type === 'IntentRejected' && event.payload.settles !== null && isMarked(event.payload.code, 'fromOutside')) return true
  const outcome = decisionOutcome(decision)
  if (explanation.outcome !== outcome) return false
  const { actualVersion, code, expectedVersion, message, missed, movedBy, owner } = explanation
  // Of what is pending or in shadow, an explanation tells more than its event keeps.
  const said = outcome === 'rejected' ? { code, message, expectedVersion, actualVersion, movedBy, missed, owner } : { code, message }
  const recorded = Object.fromEntries(Object.keys(said).map((name) => [name, decision[name as keyof typeof said]]))
  const changes = decision.shadow?.changes ?? decision.changes
  return isSameJson(said, recorded) && (outcome === 'pending' || isSameJson(explanation.changes, changes))
}

function isSameJson(a: unknown, b: unknown): boolean {
  const text = (value: unknown) => canonicalize(JSON.parse(JSON.stringify(value)) as JsonObject)
  return text(a) === text(b)
}
