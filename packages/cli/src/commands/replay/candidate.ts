/** Contracts that are tried: those of a file, in place of those that are. */
import { resolve } from 'node:path'
import { type Contract, type ContractSet, containmentOf, contractSet, type SignalboxConfig } from '@signalbox/contract'
import { preparedContracts, type Rules } from '@signalbox/core'
import { CommandError } from '../../exit-codes.ts'
import { configIn, loadModule } from '../../load-module.ts'
import { readerRules } from '../../rules.ts'
import type { Settings } from '../../settings.ts'

export interface Candidate {
  readonly contracts: readonly Contract[]
  readonly config: SignalboxConfig | null
  readonly names: readonly string[]
}

/** A file whose exports are contracts, or a config: its contracts and containment. */
export async function loadCandidate(file: string): Promise<Candidate> {
  const module = await loadModule(resolve(file))
  const given = module.default
  const config = typeof given === 'object' && given !== null && 'contracts' in given ? configIn(file, given) : null
  const exported = config === null ? Object.values(module).flat() : config.contracts
  const contracts = exported.filter(isContract)
  if (contracts.length === 0)
    throw new CommandError('usage', `${file} exports no contract; export one (export default defineContract({ ... })), or a config`)
  return { contracts, config, names: contracts.map(({ type, version }) => `${type}@${version}`) }
}

function isContract(value: unknown): value is Contract {
  return (
    typeof value === 'object' && value !== null && 'type' in value && 'actions' in value && 'states' in value && 'coordination' in value
  )
}

/** Contracts of the same type are replaced; a config replaces all, and containment where it says so. */
export function candidateRules(rules: Rules, candidate: Candidate | null): Rules {
  if (candidate === null) return rules
  const { config, contracts } = candidate
  const types = new Set(contracts.map(({ type }) => type))
  const kept = config === null ? rules.contracts.all.filter(({ type }) => !types.has(type)) : []
  return {
    ...rules,
    contracts: preparedContracts(contractSet([...kept, ...contracts])),
    ...(config === null ? {} : { containment: containmentOf(config.containment), agents: config.agents ?? null }),
  }
}

/** The contracts of the settings with those of a file in their place. Errors: CommandError usage. */
export async function candidateContracts(settings: Settings, file: string): Promise<ContractSet> {
  const candidate = await loadCandidate(file)
  return candidate.config !== null ? contractSet(candidate.contracts) : candidateRules(readerRules(settings, 1), candidate).contracts
}
