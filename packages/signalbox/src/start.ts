/** Every service in one process on one log, for a program that runs Signalbox inside it; `signalbox up` is one. */
import { type Codec, createCodec } from '@signalbox/codec'
import {
  type Containment,
  type ContractSet,
  defaultContainment,
  defaultLimits,
  type EscalationSettings,
  type Reaction,
} from '@signalbox/contract'
import { type EscalationService, startEscalation } from '@signalbox/escalation'
import { type Gateway, startGateway } from '@signalbox/gateway'
import type { Log } from '@signalbox/log'
import type { PersonalData } from '@signalbox/personal'
import { startProcessManager } from '@signalbox/process-manager'
import { rulesOf, type Sequencer, type SequencerWiring, sequencerMetrics, startSequencer, watchLag } from '@signalbox/sequencer'
import { watchedLog } from '@signalbox/service'
import type { Logger } from 'pino'
import { Registry } from 'prom-client'
import { software } from './version.ts'

export interface RunningSignalbox {
  readonly log: Log
  readonly codec: Codec
  /** Null where sequencers run as processes of their own. */
  readonly sequencer: Sequencer | null
  readonly gateway: Gateway
  readonly escalation: EscalationService
  /** Rejects when the process should end. */
  readonly failed: Promise<never>
  /** Finishes what is under way and lets go of everything, the log included. */
  stop(): Promise<void>
}

export interface StartOptions {
  readonly log: Log
  /** Default: without a schema registry. */
  readonly codec?: Codec
  readonly contracts: ContractSet
  readonly agents?: readonly string[] | null
  readonly containment?: Containment
  readonly reactions?: readonly Reaction[]
  /** Whom to tell of escalations. */
  readonly escalation?: EscalationSettings
  /** Encrypts personal data before it is in the log. Left out: it is refused. */
  readonly personal?: PersonalData
  readonly logger: Logger
  /** False where sequencers run as processes of their own. Default true. */
  readonly sequencer?: boolean
  /** As of the gateway. */
  readonly maxStreams?: number | undefined
  /** Decides also where resources do not fit the contracts. Default false. */
  readonly acceptIncompatible?: boolean | undefined
}

/** Starts all services on a log (the gateway does not listen yet); closes the log when it cannot. Throws ContractsRefused. */
export async function startSignalbox(options: StartOptions): Promise<RunningSignalbox> {
  const { acceptIncompatible = false, agents, codec: given, containment = defaultContainment, contracts, log, logger, reactions } = options
  const codec = given ?? createCodec({ limits: defaultLimits })
  const registry = new Registry()
  const common = { log, codec, contracts, containment, agents: agents ?? null, logger, software, registry }
  const sequencer =
    options.sequencer === false ? null : await startDeciding({ ...common, metrics: sequencerMetrics(registry), acceptIncompatible })
  const watched = watchedLog({ log, logger, registry }, (troubles) => sequencer?.heldBack(troubles))
  if (sequencer !== null) watchLag(registry, log, sequencer)
  const troubles = () => [...watched.troubles(), ...(sequencer?.refusals() ?? [])]
  // What the group has dealt to others is theirs.
  const isOthers = (partition: number) =>
    sequencer?.phases().get(partition) === 'given up' && !sequencer.refusals().some((refused) => refused.partition === partition)
  const phase = (partition: number) => (isOthers(partition) ? null : (sequencer?.phases().get(partition) ?? null))
  const gateway = await startGateway({
    ...common,
    rules: rulesOf(common),
    phase,
    troubles,
    personal: options.personal,
    maxStreams: options.maxStreams,
  }).catch(async (error: unknown) => {
    // Nobody gets anything to stop: what was started must not keep the process.
    await watched.close()
    await sequencer?.stop()
    await log.close()
    throw error
  })
  const processManager = startProcessManager({ ...common, reactions: reactions ?? [] })
  const escalation = startEscalation({ ...common, escalation: options.escalation })
  const failed = Promise.race(
    [sequencer, gateway, processManager, escalation].flatMap((service) => (service === null ? [] : [service.failed])),
  )
  failed.catch(() => {})
  return {
    log,
    codec,
    sequencer,
    gateway,
    escalation,
    failed,
    async stop() {
      await watched.close()
      await gateway.close()
      await escalation.stop()
      await processManager.stop()
      await sequencer?.stop()
      await log.close()
    },
  }
}

/** A sequencer that has looked first whether its contracts can decide what the log holds. Closes the log where they cannot. */
async function startDeciding(wiring: Omit<SequencerWiring, 'checkFirst'>): Promise<Sequencer> {
  try {
    return await startSequencer({ ...wiring, checkFirst: true })
  } catch (error) {
    await wiring.log.close()
    throw error
  }
}
