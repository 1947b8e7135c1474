import { sha256 } from '@signalbox/codec'
import { type Containment, containmentOf, defaultLimits } from '@signalbox/contract'
import { preparedContracts, type Rules } from '@signalbox/core'
import { contractsOf, type Settings } from './settings.ts'

/** Who may act, and what holds errors back, as the settings say. */
export function agentsOf({ config }: Settings): { readonly agents: readonly string[] | null; readonly containment: Containment } {
  return { agents: config?.agents ?? null, containment: containmentOf(config?.containment) }
}

/** The rules by which a log was decided, for who reads it. Throws CommandError where there are no contracts. */
export function readerRules(settings: Settings, partitionCount: number): Rules {
  return { contracts: preparedContracts(contractsOf(settings)), limits: defaultLimits, partitionCount, ...agentsOf(settings), sha256 }
}
