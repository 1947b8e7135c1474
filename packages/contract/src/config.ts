/** `signalbox.config.ts`: the contracts and settings that every command and service loads. */
import { z } from 'zod'
import { longestMs } from './bounds.ts'
import { type Containment, type ContainmentSettings, containmentOf, containmentShape } from './containment.ts'
import type { Contract } from './contract.ts'
import { type ContractSet, contractSet } from './contract-set.ts'
import { isContract } from './define-contract.ts'
import type { EscalationSettings, WebhookTargetSettings } from './escalation-settings.ts'
import type { ConfiguredProjection, ProjectorSettings } from './projector-settings.ts'
import { type Reaction, reactionShape } from './reaction.ts'
import { address, whole } from './setting-shapes.ts'
import { agentPatterns, ConfigError, checkShape, kindOf, shapeOf, someText } from './shape.ts'
import { type Source, sourceShape } from './source.ts'

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

// What each may be, the escalation consumer checks when it makes its targets.
const target = shapeOf<WebhookTargetSettings>()({
  name: someText,
  url: someText,
  secrets: z.array(z.string()),
  allowPrivate: z.boolean().optional(),
  allowPlain: z.boolean().optional(),
  ports: z.array(whole(1, 65_535)).optional(),
  certificateAuthorities: z.array(z.string()).optional(),
  concurrency: whole(1).optional(),
  queueLimit: whole(1).optional(),
  timeoutMs: whole(1, longestMs).optional(),
  attempts: whole(1).optional(),
})

const escalation = shapeOf<EscalationSettings>()({
  targets: z.array(target).optional(),
  routes: z.record(z.string(), z.array(someText)).optional(),
})

const projector = shapeOf<ProjectorSettings>()({
  store: z.enum(['sqlite', 'postgres']).optional(),
  schema: someText.optional(),
  shipped: z.array(someText).optional(),
  history: z.boolean().optional(),
  url: address.optional(),
})

const contract = z.custom<unknown>(isContract, {
  error: (issue) => `it is ${kindOf(issue.input)}; give a contract that defineContract made`,
})

// A package of their own makes them, and checks them then.
const projection = z.custom<ConfiguredProjection>(
  (value) =>
    typeof value === 'object' && value !== null && ['name', 'version', 'tables', 'maxParked'].every((key) => Object.hasOwn(value, key)),
  { error: (issue) => `it is ${kindOf(issue.input)}; give a projection that defineProjection made` },
)

const configShape = shapeOf<SignalboxConfig & { readonly contractSet?: unknown; readonly contained?: unknown }>()({
  contracts: z.array(contract),
  agents: agentPatterns.optional(),
  containment: containmentShape.optional(),
  reactions: z.array(reactionShape).optional(),
  sources: z.array(sourceShape).optional(),
  escalation: escalation.optional(),
  projections: z.array(projection).optional(),
  projector: projector.optional(),
  dataDirectory: someText.optional(),
  log: z.enum(['sqlite', 'kafka']).optional(),
  partitions: whole(1, 1_000).optional(),
  keys: someText.optional(),
  url: address.optional(),
  // What `defineConfig` adds, so that what it made may be given to it again.
  contractSet: z.unknown().optional(),
  contained: z.unknown().optional(),
})

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
