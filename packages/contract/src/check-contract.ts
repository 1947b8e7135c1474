/** Refuses a contract that cannot work, when it is defined, with a sentence that says where and what to do. */
import { lengths } from './bounds.ts'
import { checkActionCoordination, checkCoordination } from './check-coordination.ts'
import { checkFunction } from './check-function.ts'
import { checkSchema } from './check-schema.ts'
import type { AnyAction, ConflictPolicy, Contract } from './contract.ts'
import { ContractError } from './contract-error.ts'
import { isActionName, isResourceType } from './identifiers.ts'
import { textProblem } from './name-text.ts'
import { none } from './none.ts'
import { hasPersonalFields } from './personal-schema.ts'

const conflictPolicies: readonly ConflictPolicy[] = ['version', 'commutative', 'merge', 'priority']

type AnyContract = Pick<
  Contract,
  'type' | 'version' | 'owner' | 'states' | 'actions' | 'invariants' | 'coordination' | 'upcast' | 'dataSubject'
> & {
  readonly data: Contract['data']
}

export function checkContract(contract: AnyContract): void {
  const where = `${contract.type}@${contract.version}`
  checkHeading(contract, where)
  for (const [name, action] of Object.entries(contract.actions)) checkAction(contract, name, action, `${where}, action ${name}`)
  checkReachable(contract, where)
  checkCoordination(contract, where)
  checkSchema(contract.data, `${where}, data`, 'data')
  for (const [name, holds] of Object.entries(contract.invariants)) {
    if (name.trim() === '' || name.length > lengths.shown || textProblem(name) !== null)
      throw new ContractError(where, `the name of an invariant must be a text of 1 to ${lengths.shown} characters; rejects say it`)
    checkFunction(holds, `${where}, invariant ${name}`)
  }
  checkUpcast(contract, where)
  checkDataSubject(contract, where)
}

function checkDataSubject({ actions, dataSubject }: AnyContract, where: string): void {
  const asked = Object.entries(actions).find(([, { input }]) => hasPersonalFields(input))
  if (dataSubject !== null) checkFunction(dataSubject, `${where}, dataSubject`)
  if (asked !== undefined && dataSubject === null)
    throw new ContractError(where, `the input of ${asked[0]} has personal data, and nothing says whose it is; give 'dataSubject'`)
  if (asked === undefined && dataSubject !== null)
    throw new ContractError(where, "it names a 'dataSubject', and no action takes personal data; mark fields of inputs with personal()")
}

function checkUpcast({ upcast, version }: AnyContract, where: string): void {
  for (const [from, step] of Object.entries(upcast)) {
    const place = `${where}, upcast from ${from}`
    if (!(Number(from) >= 1 && Number(from) < version))
      throw new ContractError(
        place,
        `it leads from version ${from} to the next, and this is version ${version}; give versions from 1 to ${version - 1}`,
      )
    for (const code of [step.resource, step.action]) if (code !== undefined) checkFunction(code, place)
  }
}

function checkHeading(contract: AnyContract, where: string): void {
  if (!isResourceType(contract.type))
    throw new ContractError(where, 'the type must be lower-case letters, digits and dashes, starting with a letter')
  if (contract.states.length === 0) throw new ContractError(where, 'it has no states; list at least one')
  const seen = new Set<string>()
  for (const state of contract.states) {
    if (state === none)
      throw new ContractError(where, `a state cannot be called '${none}', which stands for a resource that does not exist`)
    if (!isActionName(state))
      throw new ContractError(where, `the state '${state}' must be letters, digits, dashes and underscores, starting with a letter`)
    if (seen.has(state)) throw new ContractError(where, `the state '${state}' is listed twice`)
    seen.add(state)
  }
}

function checkAction(contract: AnyContract, name: string, action: AnyAction, where: string): void {
  if (!isActionName(name))
    throw new ContractError(where, 'the name must be letters, digits, dashes and underscores, starting with a letter')
  if (action.from.length === 0) throw new ContractError(where, "it starts from no state; give 'from'")
  const creates = action.from.includes(none)
  if (creates && action.from.length > 1 && (action.fact === null || action.apply === null))
    throw new ContractError(
      where,
      "it starts both from 'none' and from a state; make two actions of it (only a fact with 'apply' may do both)",
    )
  for (const state of action.from) {
    if (state !== none && !contract.states.includes(state))
      throw new ContractError(where, `it starts from the state '${state}', which is not one of ${contract.states.join(', ')}`)
  }
  if (creates && action.to === null) throw new ContractError(where, "it creates the resource but does not say into which state; give 'to'")
  if (action.to !== null && !contract.states.includes(action.to))
    throw new ContractError(where, `it leads to the state '${action.to}', which is not one of ${contract.states.join(', ')}`)
  if (!conflictPolicies.includes(action.conflict))
    throw new ContractError(where, `the conflict policy '${action.conflict}' does not exist; there are ${conflictPolicies.join(', ')}`)
  if (action.by !== null && action.by.length === 0)
    throw new ContractError(where, "nobody may take it ('by' is empty); list agents, or leave 'by' out to let anyone")
  if (creates && action.apply === null && action.input === null)
    throw new ContractError(where, "it creates a resource without data; give 'input' or 'apply'")
  if (action.input !== null) checkSchema(action.input, `${where}, input`, 'input')
  if (action.guard !== null) checkFunction(action.guard, `${where}, guard`)
  if (action.apply !== null) checkFunction(action.apply, `${where}, apply`)
  checkActionCoordination(contract, action, where)
}

function checkReachable(contract: AnyContract, where: string): void {
  const actions = Object.values(contract.actions)
  const reached = new Set<string>([none])
  for (let size = 0; size !== reached.size; ) {
    size = reached.size
    for (const { from, to } of actions) if (to !== null && from.some((state) => reached.has(state))) reached.add(to)
  }
  if (reached.size === 1) throw new ContractError(where, "no action starts from 'none', so no resource can ever exist; add one")
  const unreachable = contract.states.filter((state) => !reached.has(state))
  if (unreachable.length > 0) {
    throw new ContractError(
      where,
      `no chain of actions leads to the state${unreachable.length > 1 ? 's' : ''} '${unreachable.join("', '")}'; add an action that does, or drop ${unreachable.length > 1 ? 'them' : 'it'}`,
    )
  }
}
