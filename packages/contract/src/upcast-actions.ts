/** The actions of an intent that is older than the contracts. */
import type { JsonObject } from './canonical.ts'
import type { ContractSet } from './contract-set.ts'
import type { ContractRecord } from './generated/records.ts'
import { resourceType } from './identifiers.ts'
import { upcastAction } from './upcast.ts'

/** Actions as the contracts of now take them, of an intent that was made when others were in force. */
export function upcastActions<Action extends { readonly resource: string; readonly action: string; readonly input: string }>(
  contracts: ContractSet,
  recorded: readonly ContractRecord[],
  actions: readonly Action[],
): readonly Action[] {
  return actions.map((asked) => {
    const type = resourceType(asked.resource)
    const contract = type === null ? undefined : contracts.get(type)
    const from = recorded.find((each) => each.type === type)?.version
    if (contract === undefined || from === undefined || from >= contract.version) return asked
    const { action, input } = upcastAction(contract, from, { action: asked.action, input: JSON.parse(asked.input) as JsonObject })
    return { ...asked, action, input: JSON.stringify(input) }
  })
}
