/**
 * Follow-ups that have no decision yet. The log takes none whose id is too old or too far ahead: such a follow-up is asked
 * again, as nothing else would ever ask for it. What was decided before is not: its id is known to be used up.
 */
import {
  changesIn,
  type Event,
  formatEventReference,
  generationResource,
  type Intent,
  type IntentRejectedEvent,
  isSystemScope,
  partitionOf,
} from '@signalbox/contract'
import { derivedId } from './derived-id.ts'
import { processManagerAgent } from './own-follow-up.ts'
import { followUpsOf, lineageOf, type ReactionSettings } from './reactions.ts'
import { isLeg, legAgain } from './transfers.ts'

/** Decisions that are remembered in case what they follow from is read later: partitions are read side by side. */
const mostEarly = 10_000

/** Intents whose depth is remembered for what rules make of them: that comes in the same record, or soon after. */
const mostDepths = 10_000

type Refusal = Pick<IntentRejectedEvent, 'index' | 'offset' | 'partition' | 'time'>

/** What an event said became of a follow-up. */
export interface DecidedFollowUp {
  readonly intentId: string
  /** Null where it was committed, or is pending. */
  readonly code: string | null
}

export class Undecided {
  readonly #settings: ReactionSettings
  readonly #intents = new Map<string, { readonly intent: Intent; isAppended: boolean }>()
  readonly #decidedEarly = new Set<string>()
  readonly #expiredEarly = new Map<string, Refusal>()
  // What was asked last of an agent for a whole partition: an older wish must not come after it.
  readonly #newest = new Map<string, string>()
  readonly #depths = new Map<string, number>()
  // Partitions whose log is closed: it decides nothing until it is opened again.
  readonly #closed = new Set<number>()
  /** While the log is read to its end, everything that is early is remembered. */
  isCatchingUp = true

  constructor(settings: ReactionSettings) {
    this.#settings = { ...settings, depthOf: (intentId) => this.#depths.get(intentId) ?? null }
  }

  get size(): number {
    return this.#intents.size
  }

  /** Everything that has no decision, whether it was appended or not. */
  all(): readonly Intent[] {
    return [...this.#intents.values()].map(({ intent }) => intent)
  }

  /** Takes in what an event says of follow-ups, and what follows from it. */
  take(event: Event): DecidedFollowUp | null {
    this.#noteGeneration(event)
    this.#noteDepth(event)
    const decided = this.#noteDecision(event)
    for (const intent of followUpsOf(event, this.#settings)) this.add(intent)
    return decided
  }

  #noteDepth(event: Event): void {
    if (this.#settings.reactions.length === 0 || event.type !== 'IntentCommitted') return
    const { causationDepth, causationId } = lineageOf(event) ?? { causationDepth: null, causationId: '' }
    if (causationDepth === null || causationDepth === 0) return
    this.#depths.set(causationId, causationDepth)
    if (this.#depths.size > mostDepths) this.#depths.delete(this.#depths.keys().next().value!)
  }

  #noteGeneration(event: Event): void {
    if (!isSystemScope(event.scope)) return
    const changed = changesIn(event).find(({ resource }) => resource === generationResource)
    if (changed?.state === 'closed') this.#closed.add(event.partition)
    else if (changed !== undefined) this.#closed.delete(event.partition)
  }

  #noteDecision(event: Event): DecidedFollowUp | null {
    if (event.type === 'IntentDuplicated') this.duplicated(event.payload.intentId)
    if (event.type !== 'IntentCommitted' && event.type !== 'IntentRejected' && event.type !== 'IntentPending') return null
    const { agent, intent, intentId } = event.payload
    if (intentId === null || (agent !== processManagerAgent && !isLeg(intent))) return null
    const code = event.type === 'IntentRejected' ? event.payload.code : null
    if (code === 'INTENT_EXPIRED') this.expired(intentId, event as IntentRejectedEvent)
    else if (code === 'GENERATION_CLOSED') this.#turnedAway(intentId)
    else if (code !== 'INTENT_FROM_THE_FUTURE') this.decided(intentId)
    return { intentId, code }
  }

  /** The log was closed when it came: it is appended once more when it is open, or goes along to where the log goes on. */
  #turnedAway(intentId: string): void {
    const found = this.#intents.get(intentId)
    if (found !== undefined) found.isAppended = false
  }

  add(intent: Intent): void {
    const { intentId } = intent
    const key = placeOf(intent)
    if (key !== null) this.#newest.set(key, intentId)
    if (this.#decidedEarly.has(intentId)) return
    const expired = this.#expiredEarly.get(intentId)
    if (expired !== undefined) this.#askAgain(intent, expired)
    else this.#intents.set(intentId, { intent, isAppended: false })
  }

  /** It was committed, rejected for good, or is pending: it is in the core's hands. */
  decided(intentId: string): void {
    if (!this.#intents.delete(intentId)) this.#remember(this.#decidedEarly, intentId)
  }

  /** The same came twice. */
  duplicated(intentId: string): void {
    this.#intents.delete(intentId)
  }

  /** It came when its id was too old to tell whether it had been decided before. */
  expired(intentId: string, refusal: Refusal): void {
    const found = this.#intents.get(intentId)
    if (found !== undefined) {
      this.#intents.delete(intentId)
      this.#askAgain(found.intent, refusal)
    } else if (!this.#decidedEarly.has(intentId) && !this.#expiredEarly.has(intentId)) {
      this.#expiredEarly.set(intentId, refusal)
      this.#trim(this.#expiredEarly)
    }
  }

  find(intentId: string): Intent | undefined {
    return this.#intents.get(intentId)?.intent
  }

  /** Whether it is still to be appended again; where something newer was asked in its place, it is dropped. */
  isWanted(intent: Intent): boolean {
    const { intentId } = intent
    const key = placeOf(intent)
    if (key !== null && this.#newest.get(key) !== intentId) this.#intents.delete(intentId)
    return this.#intents.has(intentId)
  }

  /** Those that were not appended yet, from now on taken to be. Those for a closed log stay. */
  takeNew(): readonly Intent[] {
    const taken: Intent[] = []
    const { partitionCount } = this.#settings
    for (const each of this.#intents.values()) {
      if (each.isAppended) continue
      if (this.#closed.size > 0 && this.#closed.has(partitionOf(each.intent.scope, partitionCount))) continue
      each.isAppended = true
      taken.push(each.intent)
    }
    return taken
  }

  #askAgain(intent: Intent, refusal: Refusal): void {
    const key = placeOf(intent)
    if (key !== null && this.#newest.get(key) !== intent.intentId) return
    this.add(askedAgain(intent, formatEventReference(refusal), refusal.time))
  }

  #remember(early: Set<string>, intentId: string): void {
    early.add(intentId)
    this.#trim(early)
  }

  #trim(early: Set<string> | Map<string, unknown>): void {
    if (this.isCatchingUp || early.size <= mostEarly) return
    for (const intentId of early.keys()) {
      if (early.size <= mostEarly) return
      early.delete(intentId)
    }
  }
}

/** The same with an id of another time, as `why` has it: the name of an event, or of a log that it came from. */
export function askedAgain(intent: Intent, why: string, timeMs: number): Intent {
  return legAgain(intent, { event: why, timeMs }) ?? { ...intent, intentId: derivedId(timeMs, ['again', intent.intentId, why]) }
}

/** Where only the last wish counts: an agent, on a whole partition. */
function placeOf({ actions, scope }: Intent): string | null {
  return isSystemScope(scope) ? `${scope}\u0000${actions[0]!.resource}` : null
}
