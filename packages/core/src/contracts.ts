import type { ContractSet } from '@signalbox/contract'
import { builtIns } from './built-in/index.ts'
import { type PreparedContracts, prepareAll } from './rules/prepared.ts'

/** The contracts by which is decided: prepared once, with Signalbox's own. */
export function preparedContracts(contracts: ContractSet): PreparedContracts {
  return prepareAll(contracts, builtIns)
}
