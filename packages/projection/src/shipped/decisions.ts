/** What became of every intent. */
import { type Event, formatEventReference, isMarked, isOfRecord } from '@signalbox/contract'
import { z } from 'zod'
import { defineProjection, type TableView } from '../definition/projection.ts'
import { rowKey } from '../definition/row-key.ts'
import { codeOf, embedded, type IntentEvent, messageOf, outcomeOf } from './intents.ts'

const decision = z.strictObject({
  intentId: z.string(),
  scope: z.string(),
  agent: z.string().nullable(),
  outcome: z.enum(['committed', 'rejected', 'waiting', 'escalated', 'shadowed']),
  code: z.string().nullable(),
  message: z.string().nullable(),
  resources: z.array(z.string()),
  correlationId: z.string().nullable(),
  note: z.string().nullable(),
  verdict: z.string().nullable(),
  event: z.string(),
  decidedMs: z.int(),
})

type Decision = z.output<typeof decision>

export const decisions = defineProjection({
  name: 'decisions',
  version: 2,
  description: 'What became of every intent; keys are INTENT/SCOPE, as another scope may know the same id',
  tables: { decisions: decision },
  on: {
    IntentCommitted: (event, { decisions }) => put(event, decisions),
    IntentPending: (event, { decisions }) => {
      // Carried over from the log before, where that was said already.
      const isKnown = !isOfRecord(event) && decisions.get(rowKey(event.payload.intentId, event.scope)) !== undefined
      if (!isKnown) put(event, decisions)
    },
    IntentShadowed: (event, { decisions }) => put(event, decisions),
    IntentRejected: (event, { decisions }) => {
      const { intentId } = event.payload
      if (intentId !== null && isLastWord(event, decisions.get(rowKey(intentId, event.scope)))) put(event, decisions)
    },
  },
})

/**
 * Whether a reject is what became of an intent, of which a row may be known. That it was sent back as it is, partitions say in any
 * order to each other, so that nothing must depend on it.
 */
function isLastWord(event: Extract<Event, { type: 'IntentRejected' }>, known: Decision | undefined): boolean {
  if (known === undefined) return true
  const { code, settles } = event.payload
  const isNewer = event.time > known.decidedMs || (event.time === known.decidedMs && formatEventReference(event) > known.event)
  if (isMarked(code, 'elsewhere')) return isMarked(known.code ?? '', 'elsewhere') && isNewer
  // Another body under an id that is used up is refused; what became of the first stays.
  if (known.outcome === 'committed' || known.outcome === 'shadowed') return false
  return known.outcome === 'rejected' || settles !== null
}

/** Of what was carried over: the event in the log before. */
function firstSaid(event: IntentEvent): Parameters<typeof formatEventReference>[0] {
  return (event.type === 'IntentPending' ? event.payload.since : null) ?? event
}

function put(event: IntentEvent, decisions: TableView<Decision>): void {
  const { agent, intent, intentId } = event.payload
  if (intentId === null) return
  const { actions, correlationId, note } = embedded(intent)
  decisions.put(rowKey(intentId, event.scope), {
    intentId,
    scope: event.scope,
    agent,
    outcome: outcomeOf(event),
    code: codeOf(event),
    message: messageOf(event),
    resources: [...new Set(actions.map(({ resource }) => resource))],
    correlationId,
    note,
    verdict: event.type === 'IntentCommitted' ? event.payload.verdict : null,
    event: formatEventReference(isOfRecord(event) ? event : firstSaid(event)),
    decidedMs: event.time,
  })
}
