/** `signalbox up`: every service in one process on one log. The one place that may import services. */
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
import { isHostName, type ListenSettings } from '@signalbox/http'
import type { Log } from '@signalbox/log'
import type { PersonalData } from '@signalbox/personal'
import { startProcessManager } from '@signalbox/process-manager'
import {
  ContractsRefused,
  rulesOf,
  type Sequencer,
  type SequencerWiring,
  sequencerMetrics,
  startSequencer,
  watchLag,
} from '@signalbox/sequencer'
import pino, { type Logger } from 'pino'
import { Registry } from 'prom-client'
import { rememberConfig } from '../data-directory.ts'
import { environment, logLevel } from '../environment.ts'
import { CommandError } from '../exit-codes.ts'
import { watchedLog } from '../log-watch.ts'
import { openEngine } from '../logs.ts'
import { wholeNumber } from '../numbers.ts'
import { say, sayJsonLine } from '../output.ts'
import { personalOf } from '../personal.ts'
import { defaultProjectorUrl } from '../projections.ts'
import { agentsOf } from '../rules.ts'
import { contractsOf, type Settings } from '../settings.ts'
import { signalled, started } from '../signals.ts'
import { software } from '../version.ts'
import { openProjector } from './projector.ts'

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
export async function startDeciding(wiring: Omit<SequencerWiring, 'checkFirst'>): Promise<Sequencer> {
  try {
    return await startSequencer({ ...wiring, checkFirst: true })
  } catch (error) {
    await wiring.log.close()
    throw error
  }
}

/** What a user can mend is no bug. */
export function explainRefusal(error: unknown): never {
  if (error instanceof ContractsRefused) throw new CommandError('usage', error.message, { cause: error })
  throw error
}

export function serviceLogger(level = logLevel('info')): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write: sayJsonLine })
}

export interface UpFlags {
  readonly host?: string
  readonly port?: string
  readonly allowedHost?: readonly string[]
  readonly acceptIncompatible?: boolean
}

/** Runs until SIGINT or SIGTERM, or until something fails for good. */
export async function up(settings: Settings, flags: UpFlags): Promise<void> {
  const stop = signalled()
  const contracts = contractsOf(settings)
  const address = listenAddress(settings, flags)
  const streams = maxStreams()
  const logger = serviceLogger()
  const personal = personalOf(settings)
  const { codec, log } = await started(openEngine(settings, logger), stop)
  if (settings.log === 'sqlite') rememberConfig(settings.dataDirectory, settings.configFile!)
  const starting = startSignalbox({
    log,
    codec,
    contracts,
    logger,
    personal,
    maxStreams: streams,
    acceptIncompatible: flags.acceptIncompatible,
    ...agentsOf(settings),
    ...(settings.config?.reactions === undefined ? {} : { reactions: settings.config.reactions }),
    ...(settings.config?.escalation === undefined ? {} : { escalation: settings.config.escalation }),
  })
  const signalbox = await started(starting.catch(explainRefusal), stop)
  try {
    say(
      `signalbox is up: ${await signalbox.gateway.server.listen(address)} (${log.name} log${settings.log === 'sqlite' ? ` in ${settings.dataDirectory}` : ''}; ${contracts.all.map(({ type, version }) => `${type}@${version}`).join(', ')}). Stop with Ctrl-C.`,
    )
    const projector = await started(openProjector({ log, codec, settings, logger, registry: new Registry() }), stop)
    try {
      say(`projections: ${await projector.listen(projectorAddress(settings, flags))}/v1/projections`)
      await Promise.race([signalbox.failed, projector.failed, stop])
      say('signalbox stops: finishing what is under way')
    } finally {
      await projector.stop()
    }
  } finally {
    await signalbox.stop()
  }
}

/** Beside the gateway: on a port of its own, which is a free one where the gateway's was chosen for this run. */
function projectorAddress(settings: Settings, flags: UpFlags): ListenSettings {
  const url = settings.config?.projector?.url
  const isChosen = flags.port !== undefined || environment().SIGNALBOX_PORT !== undefined
  const port = environment().SIGNALBOX_PROJECTOR_PORT ?? (isChosen && url === undefined ? '0' : new URL(url ?? defaultProjectorUrl).port)
  return listenAddress({ url: url ?? defaultProjectorUrl }, { ...flags, port })
}

/** Where to listen, by flag, else as the gateway's address says. */
export function listenAddress(settings: Pick<Settings, 'url'>, flags: UpFlags): ListenSettings {
  const url = new URL(settings.url)
  const givenPort = flags.port ?? environment().SIGNALBOX_PORT
  const ofFlag = flags.port === undefined ? 'SIGNALBOX_PORT' : '--port'
  const port = givenPort === undefined ? Number(url.port || 80) : wholeNumber(ofFlag, givenPort, { most: 65_535 })
  // An address of IPv6 stands in brackets in a URL alone.
  const host = (flags.host ?? environment().SIGNALBOX_HOST ?? url.hostname).replace(/^\[(.*)\]$/, '$1')
  return { host, port, trustNetwork: isNetworkTrusted(), allowedHosts: allowedHosts(flags) }
}

function isNetworkTrusted(): boolean {
  const given = environment().SIGNALBOX_TRUST_NETWORK ?? 'false'
  if (given === 'true' || given === 'false') return given === 'true'
  throw new CommandError('usage', `SIGNALBOX_TRUST_NETWORK takes true or false, not ${given}`)
}

/** As of the gateway; undefined where the environment says nothing of it. */
export function maxStreams(): number | undefined {
  const text = environment().SIGNALBOX_MAX_STREAMS
  return text === undefined ? undefined : wholeNumber('SIGNALBOX_MAX_STREAMS', text, { most: 999_999 })
}

function allowedHosts({ allowedHost }: UpFlags): readonly string[] {
  const names = (allowedHost ?? environment().SIGNALBOX_ALLOWED_HOSTS?.replace(/,\s*$/, '').split(',') ?? []).map((name) => name.trim())
  const wrong = names.find((name) => !isHostName(name))
  if (wrong === undefined) return names
  throw new CommandError(
    'usage',
    `${allowedHost === undefined ? 'SIGNALBOX_ALLOWED_HOSTS' : '--allowed-host'} takes names as a browser has them in its address, without scheme and port, like signalbox.example.com, not ${wrong === '' ? 'an empty one' : wrong}`,
  )
}
