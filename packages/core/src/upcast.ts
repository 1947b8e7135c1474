/** A resource that an older version of its contract wrote, as the contract of now understands it. */
import { type Contract, type JsonObject, upcastResource } from '@signalbox/contract'
import { ContractFault, described, jsonTextOf, runContractCode } from './sandbox.ts'
import type { ResourceState } from './state.ts'

interface Understood {
  readonly contract: Contract
  readonly resource: ResourceState
}

// A resource is looked at by several checks of several intents: contract code is asked once.
const understood = new WeakMap<ResourceState, Understood>()

/** The same where the contract has nothing to say of it. Throws ContractFault. */
export function asUnderstoodBy(contract: Contract, old: ResourceState): ResourceState {
  if (old.contractVersion >= contract.version || Object.keys(contract.upcast).length === 0) return old
  const known = understood.get(old)
  if (known?.contract === contract) return known.resource
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
  const resource: ResourceState = { ...old, state, data }
  understood.set(old, { contract, resource })
  return resource
}
