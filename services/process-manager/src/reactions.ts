/** Which intents follow from an event. Nothing is decided here: a follow-up is an intent like any other. */
import {
  type Event,
  type FollowUp,
  formatEventReference,
  type Intent,
  intentFromJson,
  type JsonObject,
  type Reaction,
} from '@signalbox/contract'
import { derivedId } from './derived-id.ts'

/** Who asks, in every follow-up. */
export const processManagerAgent = 'process-manager'

/** A reaction that threw or asked for what no intent can be; the message names it and the event. */
export class ReactionFault extends Error {
  override readonly name = 'ReactionFault'
}

/** The intents that follow from an event, always the same. Throws ReactionFault. */
export function followUpsOf(event: Event, reactions: readonly Reaction[]): Intent[] {
  if (event.type !== 'IntentCommitted') return []
  const { agent, changes, intent: text, intentId } = event.payload
  const { correlationId = intentId } = JSON.parse(text) as { readonly correlationId?: string }
  const reference = formatEventReference(event)
  return changes.flatMap(({ action, data, fromState, resource, state, version }) =>
    reactions.flatMap((reaction) => {
      const change = {
        event: reference,
        timeMs: event.time,
        scope: event.scope,
        agent,
        intentId,
        resource,
        action,
        fromState,
        state,
        version,
      }
      try {
        const followUps = reaction.react({ ...change, data: JSON.parse(data) as JsonObject })
        return followUps.map((followUp, index) => {
          const id = derivedId(event.time, [reaction.name, reference, resource, `${index}`])
          return intentOf(followUp, { intentId: id, correlationId, causationId: intentId })
        })
      } catch (cause) {
        const what = `reaction ${reaction.name} to ${action} of ${resource} in event ${reference}`
        throw new ReactionFault(`${what}: ${(cause as Error).message}`, { cause })
      }
    }),
  )
}

interface Lineage {
  readonly intentId: string
  readonly correlationId: string
  readonly causationId: string
}

function intentOf({ actions, note, scope }: FollowUp, lineage: Lineage): Intent {
  return intentFromJson({
    ...lineage,
    scope,
    agent: processManagerAgent,
    actions: actions.map((action) => ({ ...action, input: action.input ?? {} })),
    ...(note === undefined ? {} : { note }),
  })
}
