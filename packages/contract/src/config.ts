/** `signalbox.config.ts`: the contracts and settings that every command and service loads. */

import { configShape } from './config-shape.ts'
import { type Containment, type ContainmentSettings, containmentOf } from './containment.ts'
import type { ContractSet } from './contract-set.ts'
import { contractSet } from './contract-set.ts'
import type { Contract } from './define-contract.ts'
import type { EscalationSettings } from './escalation-settings.ts'
import type { ConfiguredProjection, ProjectorSettings } from './projector-settings.ts'
import type { Reaction } from './reaction.ts'
import { ConfigError, checkShape } from './shape.ts'
import type { Source } from './source.ts'

export interface SignalboxConfig {
  // biome-ignore lint/suspicious/noExplicitAny: contracts of any types; each was checked when it was defined.
  readonly contracts: readonly Contract<any, any, any>[]
  /** Who may act at all, `*` at the end stands for any rest. Left out: anyone whom a contract lets. */
  readonly agents?: readonly string[]
  /** Budgets, breakers, loops: what holds an agent's errors where they are. */
  readonly containment?: ContainmentSettings
  /** What follows from commits; the process manager sees to it. */
  readonly reactions?: readonly Reaction[]
  /** Topics of systems of record, whose records become intents; `signalbox ingest` sees to it. */
  readonly sources?: readonly Source[]
  /** Who is told of escalations, and how; the escalation consumer sees to it. */
  readonly escalation?: EscalationSettings
  /** Read models of your own, made by `defineProjection`; the projector keeps them beside the shipped ones. */
  readonly projections?: readonly ConfiguredProjection[]
  readonly projector?: ProjectorSettings
  /** Where the embedded log lies. Default `.signalbox`, beside where the command runs. */
  readonly dataDirectory?: string
  /** Which log. Default: Kafka where KAFKA_BROKERS is set, else the embedded one. */
  readonly log?: 'sqlite' | 'kafka'
  /** Partitions of an embedded log, fixed when it is made. Default 1. */
  readonly partitions?: number
  /** Where the keys of personal data lie: a directory apart from the log, with backups of its own. */
  readonly keys?: string
  /** Where the gateway listens, and where commands find it. Default http://127.0.0.1:7070. */
  readonly url?: string
}

/** Gives a config its type. Throws ConfigError or ContractError for what cannot be, or contracts that cannot work together. */
export function defineConfig(
  config: SignalboxConfig,
): SignalboxConfig & { readonly contractSet: ContractSet; readonly contained: Containment } {
  checkShape(configShape, config, (path, message) => {
    throw new ConfigError(`signalbox.config.ts${path === '' ? '' : `, ${path}`}: ${message}`)
  })
  for (const list of ['reactions', 'sources', 'projections'] as const) {
    const names = (config[list] ?? []).map(({ name }) => name)
    const again = names.find((name, index) => names.indexOf(name) !== index)
    if (again !== undefined) throw new ConfigError(`signalbox.config.ts, ${list}: two are called '${again}'; give each a name of its own`)
  }
  return { ...config, contractSet: contractSet(config.contracts), contained: containmentOf(config.containment) }
}
