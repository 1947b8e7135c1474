/**
 * Signalbox's own contracts: written as others are (states, actions, who, input), with code that sees the whole decision
 * where theirs sees a context.
 */
import type { AnyAction, Contract, ContractOwner } from '@signalbox/contract'
import { builtInVersion, coordinationOf } from '@signalbox/contract'
import type { z } from 'zod'
import type { BuiltInAction, PlannedAction } from '../examine/examination.ts'
import type { Rejection } from '../examine/rejection.ts'

interface ActionDefinition extends BuiltInAction {
  readonly from: readonly string[]
  /** As a diagram shows it; `apply` says what is. */
  readonly to: string | null
  readonly by?: readonly string[]
  readonly input?: z.ZodType
}

export interface BuiltIn {
  readonly contract: Contract
  readonly actions: { readonly [name: string]: BuiltInAction }
}

interface Definition {
  readonly type: string
  readonly data: z.ZodType
  readonly states: readonly string[]
  readonly actions: { readonly [name: string]: ActionDefinition }
}

const owner: ContractOwner = { team: 'signalbox', contact: 'the operators of this installation' }

export function defineBuiltIn({ actions, data, states, type }: Definition): BuiltIn {
  const plain: Record<string, AnyAction> = {}
  for (const [name, { by, from, input, to }] of Object.entries(actions)) {
    plain[name] = {
      from,
      to,
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
  return { contract, actions }
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
