/** The scratch of one decision: what the checks found out so far, in the order in which they run. */
import { type ActionRequest, type AnyAction, type Contract, type Intent, type IntentCommitted, resourceType } from '@signalbox/contract'
import type { RememberedDecision } from './identity.ts'
import type { IntentRecord } from './intent-record.ts'
import type { PreparedAction } from './prepared.ts'
import type { Rules } from './rules.ts'
import type { PartitionState, ResourceState } from './state.ts'

/** One action of the intent on its way through the checks. */
export interface PlannedAction {
  readonly request: ActionRequest
  readonly prepared: PreparedAction
  readonly id: string
  readonly contract: Contract
  readonly action: AnyAction
  readonly before: ResourceState | undefined
  /** Parsed and validated. */
  readonly input: unknown
  /** A copy for this decision alone, so that contract code may do with it what it likes. */
  readonly data: unknown
  /** Set by the check that applies. */
  after: { readonly state: string; readonly data: unknown; readonly text: string } | null
}

const none: PlannedAction[] = []
const noChanges: IntentCommitted['changes'] = []

export class Examination {
  readonly rules: Rules
  readonly state: PartitionState
  readonly record: IntentRecord
  readonly intent: Intent
  readonly nowMs: number
  /** The canonical intent and its digest; set by the identity check. */
  canonical = ''
  digest = ''
  duplicateOf: RememberedDecision | undefined = undefined
  planned: PlannedAction[] = none
  changes: IntentCommitted['changes'] = noChanges
  /** Set when the decision has been made: contract code must not look at the state any more. */
  isOver = false

  constructor(rules: Rules, state: PartitionState, record: IntentRecord, intent: Intent, nowMs: number) {
    this.rules = rules
    this.state = state
    this.record = record
    this.intent = intent
    this.nowMs = nowMs
  }

  get scope(): string {
    return this.intent.scope
  }

  current(resource: string): ResourceState | undefined {
    return this.state.resourceIn(this.intent.scope, resource)
  }

  plannedFor(resource: string): PlannedAction | undefined {
    // Intents are short; a map would cost more than it saves, but for long ones.
    if (this.planned.length > 8) return this.#index().get(resource)
    for (let index = 0; index < this.planned.length; index++) {
      const planned = this.planned[index]!
      if (planned.request.resource === resource) return planned
    }
    return undefined
  }

  #byResource: Map<string, PlannedAction> | null = null

  #index(): Map<string, PlannedAction> {
    if (this.#byResource === null || this.#byResource.size !== this.planned.length) {
      this.#byResource = new Map(this.planned.map((planned) => [planned.request.resource, planned]))
    }
    return this.#byResource
  }
}

export function contractOf(examination: Examination, resource: string): Contract | undefined {
  const type = resourceType(resource)
  return type === null ? undefined : examination.rules.contracts.get(type)
}
