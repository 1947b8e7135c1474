/** `signalbox up`: sequencer and gateway in one process on one log. The one place that may import services. */
import { type Codec, createCodec } from '@signalbox/codec'
import { type ContractSet, defaultLimits } from '@signalbox/contract'
import { type Gateway, startGateway } from '@signalbox/gateway'
import type { Log } from '@signalbox/log'
import { rulesOf, type Sequencer, sequencerMetrics, startSequencer } from '@signalbox/sequencer'
import pino, { type Logger } from 'pino'
import { Registry } from 'prom-client'
import { CommandError } from '../exit-codes.ts'
import { openLog } from '../logs.ts'
import { say } from '../output.ts'
import { contractsOf, rememberConfig, type Settings } from '../settings.ts'
import { signalled } from '../signals.ts'
import { software } from '../version.ts'

export interface RunningSignalbox {
  readonly log: Log
  readonly codec: Codec
  readonly sequencer: Sequencer
  readonly gateway: Gateway
  /** Rejects when the process should end. */
  readonly failed: Promise<never>
  /** Finishes what is under way and lets go of everything, the log included. */
  stop(): Promise<void>
}

export interface StartOptions {
  readonly log: Log
  readonly contracts: ContractSet
  readonly agents?: readonly string[]
  readonly logger: Logger
}

/** Starts a sequencer and a gateway (not listening yet) on a log; closes the log when it cannot. */
export async function startSignalbox({ agents, contracts, log, logger }: StartOptions): Promise<RunningSignalbox> {
  const codec = createCodec({ limits: defaultLimits })
  const registry = new Registry()
  const common = { log, codec, contracts, agents: agents ?? null, logger, software }
  const sequencer = await startSequencer({ ...common, metrics: sequencerMetrics(registry) })
  const phase = (partition: number) => sequencer.phases().get(partition) ?? null
  const gateway = await startGateway({ ...common, rules: rulesOf(common), registry, phase }).catch(async (error: unknown) => {
    // Nobody gets anything to stop: what was started must not keep the process.
    await sequencer.stop()
    await log.close()
    throw error
  })
  const failed = Promise.race([sequencer.failed, gateway.failed])
  failed.catch(() => {})
  return {
    log,
    codec,
    sequencer,
    gateway,
    failed,
    async stop() {
      await gateway.close()
      await sequencer.stop()
      await log.close()
    },
  }
}

export function serviceLogger(level = process.env.SIGNALBOX_LOG_LEVEL ?? 'info'): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }))
}

export interface UpFlags {
  readonly host?: string
  readonly port?: string
}

/** Runs until SIGINT or SIGTERM, or until something fails for good. */
export async function up(settings: Settings, flags: UpFlags): Promise<void> {
  const contracts = contractsOf(settings)
  const { host, port } = listenAddress(settings, flags)
  const log = await openLog(settings)
  if (settings.log === 'sqlite') rememberConfig(settings.dataDirectory, settings.configFile!)
  const signalbox = await startSignalbox({
    log,
    contracts,
    logger: serviceLogger(),
    ...(settings.config?.agents === undefined ? {} : { agents: settings.config.agents }),
  })
  try {
    const address = await signalbox.gateway.server.listen({ host, port })
    say(
      `signalbox is up: ${address} (${log.name} log${settings.log === 'sqlite' ? ` in ${settings.dataDirectory}` : ''}; ${contracts.all.map(({ type, version }) => `${type}@${version}`).join(', ')}). Stop with Ctrl-C.`,
    )
    await Promise.race([signalbox.failed, signalled()])
    say('signalbox stops: finishing what is under way')
  } finally {
    await signalbox.stop()
  }
}

function listenAddress(settings: Settings, flags: UpFlags): { host: string; port: number } {
  const url = new URL(settings.url)
  const port = flags.port === undefined ? Number(url.port || 80) : Number(flags.port)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new CommandError('usage', `--port takes a number from 0 to 65535, not ${flags.port}`)
  return { host: flags.host ?? url.hostname, port }
}
