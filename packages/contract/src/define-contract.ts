/**
 * `defineContract`: the explicit state machine of a resource type, with zod payloads and full inference. What a contract
 * says is checked when it is defined (`check-contract.ts`): one that cannot work never starts.
 */
import type { z } from 'zod'
import { bare } from './bare.ts'
import { checkContract } from './check-contract.ts'
import type { ActionRules, AnyAction, AnyInvariant, Contract, ContractDefinition, From } from './contract.ts'
import { ContractError } from './contract-error.ts'
import { contractShape } from './contract-shape.ts'
import { coordinationOf } from './coordination.ts'
import { checkShape } from './shape.ts'

/**
 * Defines a contract. Throws ContractError, with a sentence that says where, when it cannot work.
 */
export function defineContract<const State extends string, DataSchema extends z.ZodType, InputOf, const StartOf>(
  definition: ContractDefinition<State, DataSchema, InputOf, StartOf>,
): Contract<State, z.output<DataSchema>, Extract<keyof StartOf, string>> {
  type AnyRules = ActionRules<State, z.output<DataSchema>, z.ZodType, From<State>> & { readonly input?: z.ZodType }
  checkDefinition(definition)
  const actions: Record<string, AnyAction> = bare({})
  for (const [name, action] of Object.entries(definition.actions as Record<string, AnyRules>)) {
    actions[name] = {
      from: typeof action.from === 'string' ? [action.from] : action.from,
      to: action.to ?? null,
      by: action.by ?? null,
      input: action.input ?? null,
      conflict: action.conflict ?? 'version',
      guard: (action.guard as AnyAction['guard'] | undefined) ?? null,
      apply: (action.apply as AnyAction['apply'] | undefined) ?? null,
      escalate: (action.escalate ?? []) as AnyAction['escalate'],
      effect: action.effect === undefined ? null : { attempts: 3, ...action.effect },
      undo: action.undo ?? null,
      amount: (action.amount as AnyAction['amount'] | undefined) ?? null,
      fact: (action.fact as AnyAction['fact'] | undefined) ?? null,
    }
  }
  const contract = {
    type: definition.type,
    version: definition.version,
    owner: definition.owner,
    states: definition.states,
    data: definition.data as z.ZodType<z.output<DataSchema>>,
    actions: actions as Contract<State, z.output<DataSchema>, Extract<keyof StartOf, string>>['actions'],
    invariants: bare(definition.invariants ?? {}) as { readonly [name: string]: AnyInvariant },
    coordination: coordinationOf(definition),
    upcast: definition.upcast ?? {},
    dataSubject: definition.dataSubject ?? null,
  }
  checkContract(contract)
  return Object.freeze(Object.defineProperty(contract, contractMark, { value: true }))
}

// The same in every copy of this package, as a command and its user's project may each have one.
const contractMark = Symbol.for('signalbox.contract')

/** Whether a value was made by `defineContract`, so that it was checked. */
export function isContract(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, contractMark)
}

function checkDefinition(definition: unknown): void {
  const { type, version } = (typeof definition === 'object' && definition !== null ? definition : {}) as {
    readonly type?: unknown
    readonly version?: unknown
  }
  const where = typeof type === 'string' ? `${type}@${String(version)}` : '(without a type)'
  checkShape(contractShape, definition, (path, message) => {
    throw new ContractError(path === '' ? where : `${where}, ${path}`, message)
  })
}
