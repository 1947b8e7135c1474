/** An exported incident in a test: its intents decided again, by the contracts as they are. */
import { fileURLToPath } from 'node:url'
import { sha256 } from '@signalbox/codec'
import { type ContainmentSettings, type Contract, containmentOf, contractSet } from '@signalbox/contract'
import { decide, evolve, preparedContracts, type Rules } from '@signalbox/core'
import { outcomesOf } from './diff/outcomes.ts'
import { decidedRecords, stateBeforeDecisions } from './diff/records.ts'
import { openExport } from './export/file-log.ts'
import { ExportError } from './export/format.ts'

/** As in signalbox.config.ts. */
export interface IncidentConfig {
  // biome-ignore lint/suspicious/noExplicitAny: contracts of any types; each was checked when it was defined.
  readonly contracts: readonly Contract<any, any, any>[]
  readonly agents?: readonly string[]
  readonly containment?: ContainmentSettings
}

export interface DecidedAgain {
  /** `committed`, `rejected`, `pending` or `shadowed`. */
  readonly outcome: string
  /** Null where it is committed. */
  readonly code: string | null
  readonly message: string | null
}

export interface Incident {
  /** Every intent of the export, in the order of their last decisions. */
  readonly decisions: ReadonlyMap<string, DecidedAgain>
  /** Throws ExportError where the export has no such intent. */
  decision(intentId: string): DecidedAgain
  /** What the log recorded. */
  readonly recorded: ReadonlyMap<string, DecidedAgain>
}

/** Decides each intent of an export again, on the state that the log records. Errors: ExportError, ContractError. */
export async function openIncident(file: string | URL, config: IncidentConfig): Promise<Incident> {
  const source = await openExport(typeof file === 'string' ? file : fileURLToPath(file))
  const { log } = source
  const rules: Rules = {
    contracts: preparedContracts(contractSet(config.contracts)),
    limits: source.limits,
    containment: containmentOf(config.containment),
    partitionCount: log.partitionCount,
    agents: config.agents ?? null,
    sha256,
  }
  const decisions = new Map<string, DecidedAgain>()
  const recorded = new Map<string, DecidedAgain>()
  for (let partition = 0; partition < log.partitionCount; partition++) {
    const state = await stateBeforeDecisions(source, partition)
    for await (const { events, intent } of decidedRecords(source, partition)) {
      for (const [into, said] of [
        [decisions, decide(state, intent, rules)],
        [recorded, events],
      ] as const) {
        for (const [intentId, { code, message, outcome }] of outcomesOf(said, rules.contracts))
          into.set(intentId, { outcome, code, message })
      }
      for (const event of events) evolve(state, event)
    }
  }
  return {
    decisions,
    recorded,
    decision(intentId) {
      const found = decisions.get(intentId)
      if (found !== undefined) return found
      throw new ExportError(`the export has no intent ${intentId}; signalbox intent list --file FILE lists those that it has`)
    },
  }
}
