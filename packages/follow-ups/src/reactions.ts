/** Which intents follow from an event. Nothing is decided here: a follow-up is an intent like any other. */
import {
  type CommittedChange,
  defaultLimits,
  type Event,
  type FollowUp,
  FollowUpError,
  formatEventReference,
  type Intent,
  intentFromJson,
  type JsonObject,
  messageOf,
  type Reaction,
  readFollowUps,
} from '@signalbox/contract'
import { allowanceFollowUps } from './allowances.ts'
import { correlationFollowUps } from './correlations.ts'
import { derivedId } from './derived-id.ts'
import { type Changing, type OwnFollowUp, processManagerAgent } from './own-follow-up.ts'
import { quarantineFollowUps } from './quarantine.ts'
import { transferFollowUps, transferReport } from './transfers.ts'

/** A reaction threw, or asked for what no intent can be, each time that it was asked about this change. */
export interface ReactionFault {
  readonly reaction: string
  readonly change: CommittedChange
  /** What makes the ids and the lineage of what follows, so that it can be asked later and gives the same. */
  readonly lineage: Lineage
  readonly cause: string
  readonly stack: string | null
}

/** Where containment sets no limit: a reaction that leads back to itself would fill the log. */
export const mostSteps = 1_000

/** A pure function says the same again; code that is not quite pure may not. */
const tries = 3
/** An intent with room for what is added to it. */
const mostBytes = defaultLimits.intentBytes - 16 * 1024

export interface ReactionSettings {
  readonly reactions: readonly Reaction[]
  readonly partitionCount: number
  /** How many steps from the first of its chain a follow-up of a reaction may be. Null, or left out: `mostSteps`. */
  readonly maxDepth?: number | null
  /** How far an intent is from the first of its chain, as far as that is known. */
  readonly depthOf?: (intentId: string) => number | null
  /** Told of what a reaction could not answer; everything else goes on. */
  readonly faulted?: (fault: ReactionFault) => void
  /** Whether what a reaction could not answer is kept already, by `faultKey`: it is not asked again. */
  readonly isParked?: (key: string) => boolean
}

/** Names what a reaction was asked: one change of one event. */
export function faultKey({
  change: { event, resource },
  reaction,
}: Pick<ReactionFault, 'reaction'> & { readonly change: Pick<CommittedChange, 'event' | 'resource'> }): string {
  return `${reaction} ${event} ${resource}`
}

/** The intents that follow from an event, always the same. Never throws for what a reaction does. */
export function followUpsOf(event: Event, settings: ReactionSettings): Intent[] {
  const own = ownFollowUps(event, settings.partitionCount)
  const isAsked = settings.reactions.length > 0 && (event.type === 'IntentCommitted' || event.type === 'RuleApplied')
  // Nearly every event ends here, its intent unread.
  if (own.length === 0 && !isAsked) return []
  const lineage = lineageOf(event, settings.depthOf)
  if (lineage === null) return []
  const intents = own.map((each) => ownIntent(event, each, lineage))
  return isAsked ? [...intents, ...asked(event, settings, lineage)] : intents
}

function ownFollowUps(event: Event, partitionCount: number): readonly OwnFollowUp[] {
  const report = transferReport(event)
  if (event.type !== 'IntentCommitted' && event.type !== 'RuleApplied') return report === null ? [] : [report]
  const carried = [
    ...quarantineFollowUps(event, partitionCount),
    ...transferFollowUps(event),
    ...allowanceFollowUps(event),
    ...correlationFollowUps(event, partitionCount),
  ]
  return report === null ? carried : [report, ...carried]
}

export interface Lineage {
  readonly correlationId: string
  readonly causationId: string
  /** How far the cause is from the first of its chain: what follows may lie on another partition, which does not know. */
  readonly causationDepth: number | null
}

/** What an event continues; null for one that nothing follows from. */
export function lineageOf(event: Event, depthOf?: ReactionSettings['depthOf']): Lineage | null {
  if (event.type === 'RuleApplied') {
    const causationId = event.payload.cause ?? formatEventReference(event)
    return { correlationId: causationId, causationId, causationDepth: depthOf?.(causationId) ?? null }
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
function asked(event: Changing, { faulted, isParked, maxDepth, reactions }: ReactionSettings, lineage: Lineage): Intent[] {
  const reference = formatEventReference(event)
  const agent = event.type === 'IntentCommitted' ? event.payload.agent : 'signalbox'
  return event.payload.changes.flatMap(({ action, data, fromState, resource, state, version }) => {
    const change: CommittedChange = {
      event: reference,
      timeMs: event.time,
      scope: event.scope,
      agent,
      intentId: lineage.causationId,
      resource,
      action,
      fromState,
      state,
      version,
      data: JSON.parse(data) as JsonObject,
    }
    return reactions.flatMap((reaction) => {
      if (isParked?.(faultKey({ reaction: reaction.name, change })) === true) return []
      for (let left = tries; ; left--) {
        try {
          return withinChain(askReaction(reaction, change, lineage), lineage, maxDepth ?? mostSteps)
        } catch (thrown) {
          if (left > 1) continue
          const stack = thrown instanceof Error && typeof thrown.stack === 'string' ? thrown.stack : null
          faulted?.({ reaction: reaction.name, change, lineage, cause: messageOf(thrown), stack })
          return []
        }
      }
    })
  })
}

/** A reaction that its own follow-ups come back to would go on for ever: nothing else looks at the chain of the process manager. */
function withinChain(intents: readonly Intent[], { causationDepth, correlationId }: Lineage, most: number): readonly Intent[] {
  const depth = (causationDepth ?? 0) + 1
  if (intents.length === 0 || depth <= most) return intents
  throw new FollowUpError(
    `what follows would be ${depth} steps from the first of its chain, and ${most} are let: the reaction leads back to itself, or to another that does (signalbox trace ${correlationId}). Let it end, or raise maxDepth of the containment`,
  )
}

/** The intents that one reaction asks for. Throws whatever the reaction throws; FollowUpError, JsonError for what no intent can be. */
export function askReaction(reaction: Reaction, change: CommittedChange, lineage: Lineage): readonly Intent[] {
  // A copy for each: what one does to the data, no other sees.
  const followUps = readFollowUps(reaction.react(structuredClone(change)))
  return followUps.map((followUp, index) => {
    const intentId = derivedId(change.timeMs, [reaction.name, change.event, change.resource, `${index}`])
    const bytes = Buffer.byteLength(JSON.stringify(followUp))
    if (bytes > mostBytes) throw new FollowUpError(`[${index}]: it has ${bytes} bytes as JSON; give at most ${mostBytes}`)
    return intentOf(followUp, { ...lineage, intentId, agent: processManagerAgent })
  })
}

function intentOf({ actions, note, scope }: FollowUp, lineage: Lineage & { readonly intentId: string; readonly agent: string }): Intent {
  return intentFromJson({
    ...lineage,
    scope,
    actions: actions.map((action) => ({ ...action, input: action.input ?? {} })),
    ...(note === undefined ? {} : { note }),
  })
}
