/** What a contract is: the state machine of a resource type, as its author writes it and as the core runs it. */
import type { z } from 'zod'
import type { JsonObject } from './canonical.ts'
import type { Coordination, CoordinationParts } from './coordination.ts'
import type { ContractOwner } from './generated/records.ts'
import type { none } from './none.ts'
import type { DataSubject } from './personal.ts'
import type { Upcast } from './upcast.ts'

/** Why a guard said no. Made by `refuse`. */
export class Refusal {
  readonly reason: string
  readonly message: string | null

  constructor(reason: string, message: string | null) {
    this.reason = reason
    this.message = message
  }
}

/** A guard's no, with the contract's own reason (`MORE_THAN_REFUNDABLE`) and, if wanted, a sentence on what to do. */
export function refuse(reason: string, message?: string): Refusal {
  if (typeof reason !== 'string' || reason === '')
    throw new TypeError(
      `refuse takes a reason as text, like refuse('MORE_THAN_REFUNDABLE'), not ${reason === '' ? 'an empty text' : typeof reason}`,
    )
  if (message !== undefined && message !== null && typeof message !== 'string')
    throw new TypeError(`refuse takes a sentence as text behind its reason ${reason}, not ${typeof message}`)
  return new Refusal(reason, message ?? null)
}

export type GuardAnswer = boolean | Refusal

/** What a guard sees of a resource of its scope, as it was before the intent. */
export type ResourceView<State extends string = string, Data = JsonObject> =
  | { readonly exists: false; readonly version: 0; readonly state: typeof none; readonly data: undefined }
  | { readonly exists: true; readonly version: number; readonly state: State; readonly data: Data }

export interface ReadResource {
  /** Any resource of the same scope, as `type/id`. */
  (resource: string): ResourceView
  /** A resource of the same scope whose contract is at hand, with its types. */
  <State extends string, Data>(contract: ContractShape<State, Data>, id: string): ResourceView<State, Data>
}

/** What contract code may know. Nothing else: no clock, no chance, no input or output. */
export interface Context<Input> {
  readonly input: Input
  readonly scope: string
  /** The resource acted on, as `type/id`, and its id alone. */
  readonly resource: string
  readonly id: string
  readonly agent: string
  /** The agent's own confidence, from 0 to 1; null where it gave none. */
  readonly confidence: number | null
  /** Logical time, milliseconds since 1970, UTC. */
  readonly nowMs: number
  /** A resource of the scope as it was before this intent. */
  readonly read: ReadResource
  /** The input with which the same intent takes `action` on `resource`, or undefined where it does not. */
  readonly alongside: (resource: string, action: string) => JsonObject | undefined
}

export interface ExistingContext<State extends string, Data, Input> extends Context<Input> {
  readonly data: Data
  readonly state: State
  readonly version: number
}

/**
 * `version`: the first wins (the default). `commutative`: no version check, the invariants decide. `merge`: a resource that
 * moved on is no conflict while what moved are other top-level fields of the data than this action changes. `priority`: as
 * `version`, and an intent of higher priority ends another's reservation; it never undoes a commit.
 */
export type ConflictPolicy = 'version' | 'commutative' | 'merge' | 'priority'

/** Where an action starts: from nothing (it creates the resource), or from one or several states; that of a fact, from both. */
export type From<State extends string> = typeof none | State | readonly (State | typeof none)[]

/** What the code of an action sees: the data and state of the resource only where there is one. */
export type ContextFrom<State extends string, Data, Input, Start> = Start extends typeof none
  ? Context<Input>
  : Start extends readonly (infer Each)[]
    ? typeof none extends Each
      ? FactContext<State, Data, Input>
      : ExistingContext<State, Data, Input>
    : ExistingContext<State, Data, Input>

/** Of an action that starts from nothing or from what there is: only a fact does. */
export interface FactContext<State extends string, Data, Input> extends Context<Input> {
  readonly data: Data | undefined
  readonly state: State | typeof none
  readonly version: number
}

/** What code sees as input: the schema's output, or nothing where the action asks for none. */
export type InputFrom<Schema> = Schema extends z.ZodType ? z.output<Schema> : Readonly<Record<string, never>>

/** When a human must agree before the action is committed. */
export interface EscalationRule<Asked> {
  /** Shown to the human: what is special about it, in upper-case letters, digits and underscores. */
  readonly reason: string
  readonly when: (context: Asked) => boolean
  /** Whom to ask first: a name of the contract's `levels`, or any other. */
  readonly to: string
  /** How many humans must approve. Default 1. */
  readonly approvals?: number
}

/** What an agent does in the world after the commit, with `effectId` as idempotency key there. */
export interface EffectRule {
  /** By when it must be reported as done or failed. */
  readonly reportWithinMs: number
  /** Whether it may be tried again unseen. An effect that is not, and goes unreported, is put before a human. */
  readonly idempotent: boolean
  /** How often an idempotent one is asked for before a human is. Default 3. */
  readonly attempts?: number
}

export interface ActionRules<State extends string, Data, Input, Start> {
  /** `none`, a state, or several states. */
  readonly from: Start & From<NoInfer<State>>
  /** The state that follows; left out, the state stays. An action from `none` must name one. */
  readonly to?: NoInfer<State>
  /** Who may: agent names, `*` at the end stands for any rest. Left out: anyone. */
  readonly by?: readonly string[]
  readonly conflict?: ConflictPolicy
  readonly guard?: (context: ContextFrom<State, Data, InputFrom<Input>, Start>) => GuardAnswer
  /** The data that follows. Left out, the data stays; of an action from `none`, it is the input. */
  readonly apply?: (context: ContextFrom<State, Data, InputFrom<Input>, Start>) => Data
  readonly escalate?: readonly EscalationRule<ContextFrom<State, Data, InputFrom<Input>, Start>>[]
  readonly effect?: EffectRule
  /** The action of the same contract that takes this one back as far as it can be. */
  readonly undo?: string
  /** What the action uses up of its agent's budget: whole, from 0, in whatever unit the budget counts. */
  readonly amount?: (context: ContextFrom<State, Data, InputFrom<Input>, Start>) => number
  /**
   * The action states a fact from a system of record. `fields` are what it knows, top-level fields of input and data alike:
   * where they differ from what was committed, that is a drift. `version` gives the fact's place in its source's order.
   */
  readonly fact?: {
    readonly fields: readonly string[]
    readonly version: (context: { readonly input: InputFrom<Input> }) => number
    /** Whom a drift is put before; left out, it is an event and nobody is asked. */
    readonly escalateTo?: string
  }
}

/** What must hold of a resource after every commit that touches it. */
export type Invariant<State extends string, Data> = (context: {
  readonly data: Data
  readonly state: State
  readonly id: string
  /** A resource of the scope as it would be after this intent. */
  readonly read: ReadResource
}) => boolean

/** The types of a contract, for those who only name it. */
export interface ContractShape<State extends string = string, Data = unknown> {
  readonly type: string
  readonly version: number
  readonly owner: ContractOwner
  readonly states: readonly State[]
  readonly data: z.ZodType<Data>
}

export interface Contract<State extends string = string, Data = unknown, ActionName extends string = string>
  extends ContractShape<State, Data> {
  readonly actions: { readonly [Name in ActionName]: AnyAction }
  readonly invariants: { readonly [name: string]: AnyInvariant }
  readonly coordination: Coordination
  readonly upcast: Upcast
  readonly dataSubject: DataSubject | null
}

/** Any action, as the core runs it: its payloads were validated by its own schemas before. */
export interface AnyAction {
  readonly from: readonly string[]
  readonly to: string | null
  readonly by: readonly string[] | null
  readonly input: z.ZodType | null
  readonly conflict: ConflictPolicy
  readonly guard: ((context: AnyContext) => unknown) | null
  readonly apply: ((context: AnyContext) => unknown) | null
  readonly escalate: readonly EscalationRule<AnyContext>[]
  readonly effect: Required<EffectRule> | null
  readonly undo: string | null
  readonly amount: ((context: AnyContext) => unknown) | null
  readonly fact: {
    readonly fields: readonly string[]
    readonly version: (context: { readonly input: unknown }) => unknown
    readonly escalateTo?: string
  } | null
}

export type AnyContext = Context<unknown> & { readonly data: unknown; readonly state: string; readonly version: number }
export type AnyInvariant = (context: {
  readonly data: unknown
  readonly state: string
  readonly id: string
  readonly read: ReadResource
}) => unknown

export interface ContractDefinition<State extends string, DataSchema extends z.ZodType, InputOf, StartOf>
  extends Omit<CoordinationParts, 'after'> {
  /** The type of its resources: lower-case letters, digits and dashes. */
  readonly type: string
  /** Raised with every change of what the contract decides. */
  readonly version: number
  readonly owner: ContractOwner
  readonly data: DataSchema
  readonly states: readonly State[]
  // Two mapped types over one object, neither constrained (an action without input would undo the inference of all), so that the compiler infers an action's input and its start apart, and its code sees both.
  readonly actions: { readonly [Name in keyof InputOf]: { readonly input?: InputOf[Name] } } & {
    readonly [Name in keyof StartOf]: ActionRules<State, z.output<DataSchema>, InputOf[Name & keyof InputOf], StartOf[Name]>
  }
  readonly invariants?: { readonly [name: string]: Invariant<NoInfer<State>, z.output<NoInfer<DataSchema>>> }
  /** What older versions wrote, by the version from which a step leads to the next. */
  readonly upcast?: Upcast
  /** Whom the fields marked `personal()` are about: an id that stays, never a name or an address. */
  readonly dataSubject?: DataSubject
  /** Durable timers: a resource that has been in a state for `ms` is acted on by the agent `clock`. */
  readonly after?: { readonly [Name in NoInfer<State>]?: { readonly ms: number; readonly action: NoInfer<Extract<keyof StartOf, string>> } }
}
