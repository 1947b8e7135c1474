/** A resource that an older version of its contract wrote, as the contract of now understands it. */
import { type Contract, type ContractSet, type JsonObject, upcastResource } from '@signalbox/contract'
import type { ResourceState } from '../state/resource.ts'
import { jsonTextOf } from './kept-data.ts'
import { ContractFault, described, runContractCode } from './sandbox.ts'

/** What a contract's version wrote of a resource. */
type Written = Pick<ResourceState, 'contractVersion' | 'data' | 'state'>

interface Understood {
  readonly contract: Contract
  readonly resource: Written
}

// A resource is looked at by several checks of several intents: contract code is asked once.
const understood = new WeakMap<Written, Understood>()

/** The same where the contract has nothing to say of it. Throws ContractFault. */
export function asUnderstoodBy<Old extends Written>(contract: Contract, old: Old): Old {
  if (old.contractVersion >= contract.version || Object.keys(contract.upcast).length === 0) return old
  const known = understood.get(old)
  if (known?.contract === contract) return known.resource as Old
  const where = `contract ${contract.type}@${contract.version}, upcast from ${old.contractVersion}`
  const { data, state } = runContractCode(
    where,
    (value) => upcastResource(contract, old.contractVersion, value),
    { state: old.state, data: JSON.parse(old.data) as JsonObject },
    (made) => {
      const { state: name } = made
      if (!contract.states.includes(name)) {
        const given = typeof name === 'string' ? `'${name}'` : described(name)
        throw new ContractFault(`${where} leads to the state ${given}, which is none of ${contract.states.join(', ')}`)
      }
      return { state: name, data: jsonTextOf(where, made.data) }
    },
  )
  const resource: Old = { ...old, state, data }
  understood.set(old, { contract, resource })
  return resource
}

/** For who only looks at it: what guards see. A fault of contract code is told, and what was written is given. */
export function asGuardsSee<Old extends Written>(
  contracts: ContractSet,
  resource: string,
  old: Old,
): { readonly seen: Old; readonly fault: string | null } {
  const contract = contracts.hasUpcasts ? contracts.get(resource.slice(0, resource.indexOf('/'))) : undefined
  if (contract === undefined) return { seen: old, fault: null }
  try {
    return { seen: asUnderstoodBy(contract, old), fault: null }
  } catch (error) {
    if (!(error instanceof ContractFault)) throw error
    return { seen: old, fault: error.message }
  }
}
