/** Types and states that contracts name. A log may hold others, of contracts that were: say this only of what nothing was found of. */
import { type ContractSet, nearestOf, none, reservedTypes } from '@signalbox/contract'
import { builtIns } from '@signalbox/core'

const listed = 20

/** Why nothing can be of a type, as a sentence that follows it; null where a contract names it, or no contracts are at hand. */
export function unknownType(contracts: ContractSet, type: string): string | null {
  const own = contracts.all.map((contract) => contract.type)
  if (own.length === 0 || own.includes(type) || reservedTypes.some((each) => each === type)) return null
  return `is of no contract; ${nearestOf(type, [...own, ...reservedTypes], `there are ${some(own)}`)}`
}

/** The same of a state: of one type, or of any. */
export function unknownState(contracts: ContractSet, state: string, type?: string): string | null {
  const all = [...contracts.all.flatMap((each) => contracts.versions(each.type)), ...builtIns.map(({ contract }) => contract)]
  const states = [...new Set(all.filter((each) => type === undefined || each.type === type).flatMap((contract) => contract.states))]
  if (contracts.all.length === 0 || states.length === 0 || states.includes(state) || state === none) return null
  const of = type === undefined ? 'of no contract' : `no state of ${type}`
  return `is ${of}; ${nearestOf(state, states, `there are ${some(states)}`)}`
}

function some(names: readonly string[]): string {
  return names.length > listed ? `${names.slice(0, listed).join(', ')} and ${names.length - listed} more` : names.join(', ')
}
