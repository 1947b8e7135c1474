/** What became of every intent. */
import { type Event, formatEventReference } from '@signalbox/contract'
import { z } from 'zod'
import { defineProjection, type TableView } from '../definition/projection.ts'
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
type IntentPendingEvent = Extract<Event, { type: 'IntentPending' }>

export const decisions = defineProjection({
  name: 'decisions',
  version: 2,
  description: 'What became of every intent; keys are INTENT/PARTITION, as another scope may know the same id',
  tables: { decisions: decision },
  on: {
    IntentCommitted: (event, { decisions }) => put(event, decisions),
    IntentPending: (event, { decisions }) => {
      forgetBefore(event, decisions)
      put(event, decisions)
    },
    IntentShadowed: (event, { decisions }) => put(event, decisions),
    IntentRejected: (event, { decisions }) => {
      const { intentId, settles } = event.payload
      const known = intentId === null ? undefined : decisions.get(`${intentId}/${event.partition}`)
      // Another body under an id that is used up is refused; what became of the first stays.
      const isDecided = known !== undefined && (known.outcome === 'committed' || known.outcome === 'shadowed')
      if (!isDecided && (known === undefined || known.outcome === 'rejected' || settles !== null)) put(event, decisions)
    },
  },
})

/** An intent that was pending when its log moved is, from then on, of another partition. */
function forgetBefore({ partition, payload, scope }: IntentPendingEvent, decisions: TableView<Decision>): void {
  const { intentId, since } = payload
  if (since === null || since.partition === partition) return
  const known = decisions.get(`${intentId}/${since.partition}`)
  if (known?.scope === scope && known.outcome === payload.reason) decisions.delete(`${intentId}/${since.partition}`)
}

function put(event: IntentEvent, decisions: TableView<Decision>): void {
  const { agent, intent, intentId } = event.payload
  if (intentId === null) return
  const { actions, correlationId, note } = embedded(intent)
  decisions.put(`${intentId}/${event.partition}`, {
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
    event: formatEventReference(event),
    decidedMs: event.time,
  })
}
