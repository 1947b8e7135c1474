/** Everything that humans did, and what was done under their verdicts, with their reasons, in the order of time. */
import { formatEventReference } from '@signalbox/contract'
import { z } from 'zod'
import { defineProjection, type TableView } from '../definition/projection.ts'
import { codeOf, embedded, type IntentEvent, messageOf, outcomeOf } from './intents.ts'

const entry = z.strictObject({
  kind: z.enum(['write', 'under-verdict', 'skip']),
  atMs: z.int(),
  event: z.string(),
  scope: z.string(),
  agent: z.string().nullable(),
  intentId: z.string().nullable(),
  outcome: z.enum(['committed', 'rejected', 'waiting', 'escalated', 'shadowed']),
  code: z.string().nullable(),
  message: z.string().nullable(),
  /** The escalation under whose verdict it was committed. */
  verdict: z.string().nullable(),
  actions: z.array(z.strictObject({ resource: z.string(), action: z.string(), reason: z.string().nullable() })),
  note: z.string().nullable(),
})
type Entry = z.output<typeof entry>

const humanPrefix = 'human:'
const timeDigits = 15

export const auditTrail = defineProjection({
  name: 'audit-trail',
  version: 1,
  description: 'Every write of a human and every verdict, with the reason; keys are TIME/EVENT, so rows come in the order of time',
  tables: { entries: entry },
  on: {
    IntentCommitted: (event, { entries }) => note(event, entries, event.payload.verdict),
    IntentRejected: (event, { entries }) => note(event, entries, null),
    IntentPending: (event, { entries }) => {
      if (event.payload.since === null) note(event, entries, null)
    },
    IntentShadowed: (event, { entries }) => note(event, entries, null),
  },
})

function note(event: IntentEvent, entries: TableView<Entry>, verdict: string | null): void {
  const { agent, intent, intentId } = event.payload
  const isHuman = agent?.startsWith(humanPrefix) === true
  const isSkip = codeOf(event) === 'SKIPPED'
  if (!isHuman && !isSkip && verdict === null) return
  const { actions, note: why } = embedded(intent)
  const reference = formatEventReference(event)
  entries.put(`${`${event.time}`.padStart(timeDigits, '0')}/${reference}`, {
    kind: isSkip ? 'skip' : isHuman ? 'write' : 'under-verdict',
    atMs: event.time,
    event: reference,
    scope: event.scope,
    agent,
    intentId,
    outcome: outcomeOf(event),
    code: codeOf(event),
    message: messageOf(event),
    verdict,
    actions: actions.map(({ action, input, resource }) => ({
      resource,
      action,
      reason: typeof input?.reason === 'string' ? input.reason : null,
    })),
    note: why,
  })
}
