/** The scratch of one decision: what the checks found out so far, in the order in which they run. */
import {
  type ActionRequest,
  type AnyAction,
  type Budget,
  type BudgetAcross,
  type Contract,
  type Intent,
  type IntentCommitted,
  type JsonObject,
  resourceType,
  type Timer,
} from '@signalbox/contract'
import type { Decisions } from '../record/decisions.ts'
import type { PreparedAction } from '../rules/prepared.ts'
import type { Rules } from '../rules/rules.ts'
import { asUnderstoodBy } from '../rules/upcast.ts'
import type { RememberedDecision } from '../state/identity.ts'
import type { ResourceState } from '../state/resource.ts'
import { shadowScope } from '../state/shadow-scope.ts'
import type { PartitionState } from '../state/state.ts'
import type { IntentRecord } from './intent-record.ts'
import type { Rejection } from './rejection.ts'

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
  after: { readonly state: string; readonly data: unknown; readonly text: string; readonly timer: Timer | null } | null
  /** Of a fact: its place in the order of its source. Set by the first who asks. */
  factVersion: number | null
  /** Of an action of Signalbox's own: roughly how much follows from it in the same record, in characters. Set by its check. */
  followingLength: number
  /** Of a verdict: the pending intent, or what stands in its place, as it will be committed. Set by its check. */
  agreedTo: Examination | null
}

/** A planned action of a contract that says what its data and its input are. */
export type PlannedAs<Data, Input = unknown> = Omit<PlannedAction, 'data' | 'input'> & { readonly data: Data; readonly input: Input }

/** What an action of Signalbox's own makes of its resource. */
export interface Made {
  readonly state: string
  readonly data: JsonObject
  readonly timer?: Timer | null
}

/** Methods, so that each may say what its data and input are: its own schemas have read them. */
export interface BuiltInAction {
  /** Besides state, input and `by`. */
  check?(examination: Examination, planned: PlannedAction): Rejection | null
  /** What the resource becomes; null where the action leaves none behind. */
  apply(examination: Examination, planned: PlannedAction): Made | null
  /** What follows once it is committed, in the same record. */
  follow?(decisions: Decisions, examination: Examination, planned: PlannedAction): void
  /** `report`: tells what happened in the world. `release`: gives back. Neither is held back by a breaker or budget. */
  readonly relief?: 'report' | 'release'
}

/** The code of an action of Signalbox's own; null where a contract of others governs. */
export function builtInOf({ builtIn }: PreparedAction): BuiltInAction | null {
  // What is prepared is made before anything is examined, and knows nothing of examinations.
  return builtIn as BuiltInAction | null
}

/** What an intent takes of what its scope was lent. */
export interface Spending {
  readonly cost: number
  readonly across: BudgetAcross
}

/** An escalation of an intent, to be opened. */
export interface NewEscalation {
  readonly cause: string
  readonly message: string
  readonly resource: string | null
  /** Whom to ask first; null: the first level of the contract. */
  readonly to: string | null
  readonly approvals: number
}

/** A fact that contradicts what was committed. */
export interface Drift {
  readonly resource: string
  readonly version: number
  readonly fields: readonly { readonly field: string; readonly committed: string; readonly stated: string }[]
}

const none: PlannedAction[] = []
const noChanges: IntentCommitted['changes'] = []
const noNames: readonly string[] = []
const noDrifts: readonly Drift[] = []

/** Where the intent is known from. */
export interface Duplicate extends RememberedDecision {
  readonly isPending: boolean
}

export class Examination {
  readonly rules: Rules
  readonly state: PartitionState
  readonly record: IntentRecord
  readonly intent: Intent
  readonly nowMs: number
  /** The canonical intent and its digest; set by the identity check. */
  canonical = ''
  digest = ''
  duplicateOf: Duplicate | undefined = undefined
  /** Set when everything that follows concerns the intent itself, and not only how it came. */
  passedDoor = false
  planned: PlannedAction[] = none
  changes: IntentCommitted['changes'] = noChanges
  /** What the intent would use up of its agent's budget; null where no action says so. */
  amount: number | null = null
  /** Set by the check of budgets: the one that the agent has. */
  budget: Budget | null = null
  /** What it takes of the agent's budget over all scopes; set by the check of amounts. */
  spending: Spending | null = null
  /** A human must agree, as a contract says. */
  escalation: NewEscalation | null = null
  /** It was let in before, and is decided again. */
  wasPending = false
  /** Set where a human has agreed: the versions that were agreed on, by resource. */
  agreed: ReadonlyMap<string, number> | null = null
  /** Reservations of others that the intent ends, by its priority. */
  preempted: readonly string[] = noNames
  /** Where its facts contradict what was committed; seen before the commit, as the facts are known after it. */
  drifts: readonly Drift[] = noDrifts
  /** What the code of contracts looked at, Signalbox's own among them, where that must be known. */
  readByCode: Set<string> | null = null
  /** What follows from a reject, where a check says so. */
  afterReject: ((decisions: Decisions) => void) | null = null
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

  /** A resource of the scope; one whose contract is in shadow, in the world of shadow. */
  current(resource: string): ResourceState | undefined {
    const found = this.state.resourceIn(this.worldOf(resource), resource)
    if (found === undefined || !this.rules.contracts.hasUpcasts) return found
    const contract = this.rules.contracts.governing(resource, resource.indexOf('/'))?.contract
    return contract === undefined ? found : asUnderstoodBy(contract, found)
  }

  /** The data of a resource as `current` has it, as a value of the caller's own. */
  dataOf(resource: string, current: ResourceState): unknown {
    const world = this.worldOf(resource)
    return this.state.resourceIn(world, resource) === current ? this.state.dataIn(world, resource) : JSON.parse(current.data)
  }

  /** The scope under which the state has a resource. */
  worldOf(resource: string): string {
    const { scope } = this.intent
    if (!this.rules.contracts.hasShadow) return scope
    const contract = this.rules.contracts.governing(resource, resource.indexOf('/'))?.contract
    return contract?.coordination.shadow === true ? shadowScope(scope) : scope
  }

  /** Code looks at a resource that the intent does not name: where it waits, it is decided again when that moves. */
  noteRead(resource: string): void {
    if (this.intent.onConflict !== 'wait') return
    this.readByCode ??= new Set()
    this.readByCode.add(resource)
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
