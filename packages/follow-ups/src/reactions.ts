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
import { allowanceFollowUps } from './allowances.ts'
import { derivedId } from './derived-id.ts'
import { quarantineFollowUps } from './quarantine.ts'
import { transferFollowUps, transferReport } from './transfers.ts'

/** Who asks, in every follow-up that is not in an agent's name. */
export const processManagerAgent = 'process-manager'

/** A reaction that threw or asked for what no intent can be; the message names it and the event. */
export class ReactionFault extends Error {
  override readonly name = 'ReactionFault'
}

/** A follow-up of Signalbox's own, with what makes its id. */
export interface OwnFollowUp extends FollowUp {
  /** In whose name; the process manager's own where left out. */
  readonly agent?: string
  /** With the event, what makes its id: the same cause gives the same id. */
  readonly cause: readonly string[]
}

export interface ReactionSettings {
  readonly reactions: readonly Reaction[]
  readonly partitionCount: number
}

type Changing = Extract<Event, { readonly type: 'IntentCommitted' | 'RuleApplied' }>

/** The intents that follow from an event, always the same. Throws ReactionFault. */
export function followUpsOf(event: Event, settings: ReactionSettings): Intent[] {
  const own = ownFollowUps(event, settings.partitionCount)
  const isAsked = settings.reactions.length > 0 && (event.type === 'IntentCommitted' || event.type === 'RuleApplied')
  // Nearly every event ends here, its intent unread.
  if (own.length === 0 && !isAsked) return []
  const lineage = lineageOf(event)
  if (lineage === null) return []
  const intents = own.map((each) => ownIntent(event, each, lineage))
  return isAsked ? [...intents, ...asked(event, settings.reactions, lineage)] : intents
}

function ownFollowUps(event: Event, partitionCount: number): readonly OwnFollowUp[] {
  const report = transferReport(event)
  if (event.type !== 'IntentCommitted' && event.type !== 'RuleApplied') return report === null ? [] : [report]
  const carried = [...quarantineFollowUps(event, partitionCount), ...transferFollowUps(event), ...allowanceFollowUps(event)]
  return report === null ? carried : [report, ...carried]
}

interface Lineage {
  readonly correlationId: string
  readonly causationId: string
  /** How far the cause is from the first of its chain: what follows may lie on another partition, which does not know. */
  readonly causationDepth: number | null
}

/** What an event continues; null for one that nothing follows from. */
function lineageOf(event: Event): Lineage | null {
  if (event.type === 'RuleApplied') {
    const causationId = event.payload.cause ?? formatEventReference(event)
    return { correlationId: causationId, causationId, causationDepth: null }
  }
  if (event.type !== 'IntentCommitted' && event.type !== 'IntentRejected') return null
  const { intent, intentId } = event.payload
  if (intentId === null) return null
  const {
    causationDepth = 0,
    causationId,
    correlationId = intentId,
  } = (intent === null ? {} : JSON.parse(intent)) as {
    readonly causationDepth?: number
    readonly causationId?: string
    readonly correlationId?: string
  }
  return { correlationId, causationId: intentId, causationDepth: causationId === undefined ? 0 : causationDepth + 1 }
}

function ownIntent(event: Event, { agent = processManagerAgent, cause, ...followUp }: OwnFollowUp, lineage: Lineage): Intent {
  const intentId = derivedId(event.time, [...cause, formatEventReference(event)])
  return intentOf(followUp, { ...lineage, intentId, agent })
}

/** What the settings' reactions ask for. */
function asked(event: Changing, reactions: readonly Reaction[], lineage: Lineage): Intent[] {
  const reference = formatEventReference(event)
  const agent = event.type === 'IntentCommitted' ? event.payload.agent : 'signalbox'
  return event.payload.changes.flatMap(({ action, data, fromState, resource, state, version }) =>
    reactions.flatMap((reaction) => {
      const { causationId: intentId } = lineage
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
          return intentOf(followUp, { ...lineage, intentId: id, agent: processManagerAgent })
        })
      } catch (cause) {
        const what = `reaction ${reaction.name} to ${action} of ${resource} in event ${reference}`
        throw new ReactionFault(`${what}: ${(cause as Error).message}`, { cause })
      }
    }),
  )
}

function intentOf({ actions, note, scope }: FollowUp, lineage: Lineage & { readonly intentId: string; readonly agent: string }): Intent {
  return intentFromJson({
    ...lineage,
    scope,
    actions: actions.map((action) => ({ ...action, input: action.input ?? {} })),
    ...(note === undefined ? {} : { note }),
  })
}
