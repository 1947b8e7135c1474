/**
 * Signalbox's own contracts: written as others are (states, actions, who, input), with code that sees the whole decision
 * where theirs sees a context.
 */
import { type AnyAction, builtInVersion, type Contract, type ContractOwner, coordinationOf, type JsonObject } from '@signalbox/contract'
import type { z } from 'zod'
import type { BuiltInAction, Examination, Made, PlannedAction, PlannedAs } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'

/** Where an action leads: to one state; from each state to one of several; null: the resource stays where it is. */
type Leading = string | Readonly<Record<string, readonly string[]>> | null

interface Change {
  readonly from: readonly string[]
  readonly to: Leading
}

interface ActionDefinition extends BuiltInAction, Change {
  readonly by?: readonly string[]
  /** Whom `check` lets, where that is not said by `by`. */
  readonly who?: readonly string[]
  readonly input?: z.ZodType
}

/** One way that a resource can go, and the name of the change, for those who read about it. */
export interface Way {
  readonly action: string
  readonly from: string
  readonly to: string
}

export interface BuiltIn {
  readonly contract: Contract
  readonly actions: { readonly [name: string]: BuiltInAction }
  /** Every way that a resource can go, with those that nobody asks for. */
  readonly ways: readonly Way[]
  /** By action; null: anyone. */
  readonly who: { readonly [name: string]: readonly string[] | null }
}

interface Definition {
  readonly type: string
  readonly data: z.ZodType
  readonly states: readonly string[]
  readonly actions: { readonly [name: string]: ActionDefinition }
  /** Changes that follow from something else, and that nobody can ask for. */
  readonly following?: { readonly [name: string]: Change }
}

const owner: ContractOwner = { team: 'signalbox', contact: 'the operators of this installation' }

export function defineBuiltIn({ actions, data, following = {}, states, type }: Definition): BuiltIn {
  const plain: Record<string, AnyAction> = {}
  for (const [name, { by, from, input, to }] of Object.entries(actions)) {
    plain[name] = {
      from,
      to: typeof to === 'string' ? to : null,
      by: by ?? null,
      input: input ?? null,
      conflict: 'commutative',
      guard: null,
      apply: null,
      escalate: [],
      effect: null,
      undo: null,
      amount: null,
      fact: null,
    }
  }
  const contract: Contract = {
    type,
    version: builtInVersion,
    owner,
    states,
    data,
    actions: plain,
    invariants: {},
    coordination: coordinationOf({}),
    dataSubject: null,
    upcast: {},
  }
  const ways = Object.entries({ ...actions, ...following }).flatMap(([action, change]) => waysOf(action, change))
  const who = Object.fromEntries(Object.entries(actions).map(([name, { by = null, who: whoMay = by }]) => [name, whoMay]))
  return { contract, actions, ways, who }
}

function waysOf(action: string, { from, to }: Change): Way[] {
  return from.flatMap((state) => {
    const led = to === null ? [state] : typeof to === 'string' ? [to] : to[state]!
    return led.map((each) => ({ action, from: state, to: each }))
  })
}

/** Leaves the data as it is: of changes that a rule makes, which brings their data, and of ends. */
export function keep(state: string) {
  return (_examination: Examination, planned: PlannedAs<JsonObject>): Made => ({ state, data: planned.data })
}

/** A no with a reason of its own, as a guard says it. */
export function refused(planned: PlannedAction, reason: string, message: string): Rejection {
  const { before, contract, request } = planned
  return {
    code: 'GUARD_REFUSED',
    message: `${request.action} ${request.resource} was refused with ${reason}: ${message}`,
    resource: request.resource,
    owner: contract.owner,
    details: { reason, message },
    ...(before === undefined ? {} : { actualVersion: before.version, current: before }),
  }
}
