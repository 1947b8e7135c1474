import type { ContractRecord, ContractSet } from '@signalbox/contract'
import type { PartitionState } from '@signalbox/core'
import { problemsWith } from '@signalbox/partition-state'

/** The contracts of this process cannot decide the log; the message says why, and what to do. */
export class ContractsRefused extends Error {
  override readonly name = 'ContractsRefused'
}

/**
 * Why this process may not decide a partition whose last owner recorded `last`, or null. An owner with older contracts,
 * or with others of the same version, would make a rolling deploy flip decisions back and forth.
 */
export function contractsMisfit(last: readonly ContractRecord[], ours: readonly ContractRecord[]): string | null {
  for (const before of last) {
    const now = ours.find(({ type }) => type === before.type)
    const name = `${before.type}@${before.version}`
    if (now === undefined)
      return `the log was decided by contract ${name}, which this process does not have; list it in signalbox.config.ts`
    if (now.version < before.version)
      return `the log was decided by contract ${name}, and this process has ${before.type}@${now.version}; deploy the newer one`
    if (now.version === before.version && now.digest !== before.digest) {
      return `contract ${name} was changed without raising its version: the log records digest ${before.digest}, this process has ${now.digest}; raise the version`
    }
  }
  return null
}

export interface OurContracts {
  readonly contracts: ContractSet
  readonly records: readonly ContractRecord[]
  /** Whoever runs the process means it, though resources do not fit. */
  readonly acceptIncompatible: boolean
}

/** Why this process may not decide the partition as it stands, or null. Once newer versions are recorded there is no way back to the last ones. */
export function refusalOf(state: PartitionState, { acceptIncompatible, contracts, records }: OurContracts): string | null {
  const misfit = contractsMisfit(state.contracts, records)
  if (misfit !== null) return misfit
  const isRaised = state.contracts.some(({ type, version }) => records.some((now) => now.type === type && now.version > version))
  if (acceptIncompatible || !isRaised) return null
  // An intent that waits and no longer fits is rejected when its turn comes: that needs no way back.
  const [problem, ...more] = problemsWith(state, contracts).filter(({ code }) => code !== 'PENDING_UNFIT')
  if (problem === undefined) return null
  const { code, contract, count, message, named } = problem
  const others = more.length === 0 ? '' : ` There is more: ${more.map((each) => `${each.code} ${each.contract}`).join(', ')}.`
  return (
    `${code}: ${contract} does not fit what partition ${state.partition} holds: ${message}. It concerns ${count}, the first of them ${named[0]}.${others} ` +
    'Nothing was recorded. Mend the contract (an upcast takes old data and states along), and look with signalbox contract check; whoever means it starts with --accept-incompatible'
  )
}
