/** What a commit or a rule made of one resource, as a projection gets to see it. */
import { type Event, formatEventReference, type JsonObject, type ResourceChange, type Rule } from '@signalbox/contract'

export interface ProjectedChange {
  /** The event's identity: PARTITION/OFFSET/INDEX of its source. */
  readonly event: string
  /** Logical time: milliseconds since 1970, UTC. */
  readonly timeMs: number
  readonly scope: string
  /** type/id */
  readonly resource: string
  readonly type: string
  readonly id: string
  readonly action: string
  /** Null where the resource did not exist before. */
  readonly fromState: string | null
  readonly state: string
  readonly fromVersion: number
  readonly version: number
  readonly contractVersion: number
  readonly data: JsonObject
  /** What happens by itself if nothing happens before; `due` in milliseconds since 1970, UTC. */
  readonly timer: { readonly due: number; readonly action: string } | null
  /** Who committed it; null where a rule did. */
  readonly agent: string | null
  /** The intent that was committed, or at whose decision the rule applied; null where time alone caused it. */
  readonly intentId: string | null
  /** The rule that did it; null where an agent did. */
  readonly rule: Rule | null
}

/** The changes of an event, in its order. What was only decided in shadow has changed nothing. */
export function changesOf(event: Event): readonly ProjectedChange[] {
  if (event.type !== 'IntentCommitted' && event.type !== 'RuleApplied') return []
  return event.payload.changes.map((change) => new EventChange(event, change))
}

type ChangingEvent = Extract<Event, { type: 'IntentCommitted' | 'RuleApplied' }>

class EventChange implements ProjectedChange {
  readonly #event: ChangingEvent
  readonly #change: ResourceChange
  #data: JsonObject | undefined

  constructor(event: ChangingEvent, change: ResourceChange) {
    this.#event = event
    this.#change = change
  }

  // Most handlers need a few of these, so none is computed before it is asked for.
  get data(): JsonObject {
    this.#data ??= JSON.parse(this.#change.data) as JsonObject
    return this.#data
  }

  get event(): string {
    return formatEventReference(this.#event)
  }

  get timeMs(): number {
    return this.#event.time
  }

  get scope(): string {
    return this.#event.scope
  }

  get resource(): string {
    return this.#change.resource
  }

  get type(): string {
    return typeOf(this.#change.resource)
  }

  get id(): string {
    return this.#change.resource.slice(this.#change.resource.indexOf('/') + 1)
  }

  get action(): string {
    return this.#change.action
  }

  get fromState(): string | null {
    return this.#change.fromState
  }

  get state(): string {
    return this.#change.state
  }

  get fromVersion(): number {
    return this.#change.fromVersion
  }

  get version(): number {
    return this.#change.version
  }

  get contractVersion(): number {
    return this.#change.contractVersion
  }

  get timer(): ProjectedChange['timer'] {
    return this.#change.timer
  }

  get agent(): string | null {
    return this.#event.type === 'IntentCommitted' ? this.#event.payload.agent : null
  }

  get intentId(): string | null {
    return this.#event.type === 'IntentCommitted' ? this.#event.payload.intentId : this.#event.payload.cause
  }

  get rule(): Rule | null {
    return this.#event.type === 'RuleApplied' ? this.#event.payload.rule : null
  }
}

/** `refund` of `refund/7-1`. */
export function typeOf(resource: string): string {
  return resource.slice(0, resource.indexOf('/'))
}
