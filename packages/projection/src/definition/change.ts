/** What a commit or a rule made of one resource, as a projection gets to see it. */
import {
  type Contract,
  changesIn,
  clockAgent,
  type Event,
  formatEventReference,
  type JsonObject,
  type PastChange,
  type ResourceChange,
  type Rule,
  type UpcastResource,
  upcastResource,
} from '@signalbox/contract'

export interface ProjectedChange {
  /** The event's identity: PARTITION/OFFSET/INDEX of its source. Of what was carried over, that of the last change in the other topics. */
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
  /**
   * Whether it is what a log begins with that goes on from other topics: nothing new happened, and the resource is as its last change
   * there had left it. Time, event, agent and rule are of that change (of a rule but `timer`, `other`).
   */
  readonly isCarried: boolean
}

/** Contracts by type, as whom a projection understands what older versions of them wrote. */
export type Understanding = ReadonlyMap<string, Pick<Contract, 'version' | 'upcast'>>

const asWritten: Understanding = new Map()

/** The changes of an event, in its order, and what it carried over. What was only decided in shadow has changed nothing. */
export function changesOf(event: Event, contracts: Understanding = asWritten): readonly ProjectedChange[] {
  if (event.type !== 'IntentCommitted' && event.type !== 'RuleApplied' && event.type !== 'ScopeCarried') return []
  return changesIn(event).map(
    (change, index) => new EventChange(event, change, madeBy(event, index), contracts.get(typeOf(change.resource))),
  )
}

type ChangingEvent = Extract<Event, { type: 'IntentCommitted' | 'RuleApplied' | 'ScopeCarried' }>

/** Who made a change, when, and where that is said. */
type Made = Pick<ProjectedChange, 'timeMs' | 'agent' | 'intentId' | 'rule'> & {
  readonly reference: Parameters<typeof formatEventReference>[0]
}

function madeBy(event: ChangingEvent, index: number): Made {
  const { time: timeMs } = event
  switch (event.type) {
    case 'IntentCommitted': {
      const { agent, intentId } = event.payload
      return { timeMs, agent, intentId, rule: null, reference: event }
    }
    case 'RuleApplied': {
      const { cause, rule } = event.payload
      return { timeMs, agent: null, intentId: cause, rule, reference: event }
    }
    case 'ScopeCarried':
      return lastMade(event.payload.histories[index]!.changes.at(-1)!)
  }
}

function lastMade({ agent, event: reference, intentId, time: timeMs }: PastChange): Made {
  if (agent === clockAgent) return { timeMs, agent: null, intentId: null, rule: 'timer', reference }
  if (agent === 'signalbox') return { timeMs, agent: null, intentId: intentId === '' ? null : intentId, rule: 'other', reference }
  return { timeMs, agent, intentId, rule: null, reference }
}

class EventChange implements ProjectedChange {
  readonly #event: ChangingEvent
  readonly #change: ResourceChange
  readonly #made: Made
  readonly #contract: Pick<Contract, 'version' | 'upcast'> | undefined
  #understood: UpcastResource | undefined

  constructor(event: ChangingEvent, change: ResourceChange, made: Made, contract: Pick<Contract, 'version' | 'upcast'> | undefined) {
    this.#event = event
    this.#change = change
    this.#made = made
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
    return formatEventReference(this.#made.reference)
  }

  get timeMs(): number {
    return this.#made.timeMs
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
    return this.#made.agent
  }

  get intentId(): string | null {
    return this.#made.intentId
  }

  get rule(): Rule | null {
    return this.#made.rule
  }

  get isCarried(): boolean {
    return this.#event.type === 'ScopeCarried'
  }
}

/** `refund` of `refund/7-1`. */
export function typeOf(resource: string): string {
  return resource.slice(0, resource.indexOf('/'))
}
