/** What a commit or a rule made of one resource, as a projection gets to see it. */
import {
  type Contract,
  type Event,
  formatEventReference,
  type JsonObject,
  type ResourceChange,
  type Rule,
  type UpcastResource,
  upcastResource,
} from '@signalbox/contract'

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

/** Contracts by type, as whom a projection understands what older versions of them wrote. */
export type Understanding = ReadonlyMap<string, Pick<Contract, 'version' | 'upcast'>>

const asWritten: Understanding = new Map()

/** The changes of an event, in its order. What was only decided in shadow has changed nothing. */
export function changesOf(event: Event, contracts: Understanding = asWritten): readonly ProjectedChange[] {
  if (event.type !== 'IntentCommitted' && event.type !== 'RuleApplied') return []
  return event.payload.changes.map((change) => new EventChange(event, change, contracts.get(typeOf(change.resource))))
}

type ChangingEvent = Extract<Event, { type: 'IntentCommitted' | 'RuleApplied' }>

class EventChange implements ProjectedChange {
  readonly #event: ChangingEvent
  readonly #change: ResourceChange
  readonly #contract: Pick<Contract, 'version' | 'upcast'> | undefined
  #understood: UpcastResource | undefined

  constructor(event: ChangingEvent, change: ResourceChange, contract: Pick<Contract, 'version' | 'upcast'> | undefined) {
    this.#event = event
    this.#change = change
    this.#contract = contract
  }

  /** What an older version of the contract wrote, as the newer one reads it. Throws what its upcast throws. */
  #resource(): UpcastResource {
    const { contractVersion, data, state } = this.#change
    const written = { state, data: JSON.parse(data) as JsonObject }
    this.#understood ??= this.#contract === undefined ? written : upcastResource(this.#contract, contractVersion, written)
    return this.#understood
  }

  // Most handlers need a few of these, so none is computed before it is asked for.
  get data(): JsonObject {
    return this.#resource().data
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
    return this.#contract === undefined ? this.#change.state : this.#resource().state
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
