/** `signalbox up`: every service in one process on one log. */
import type { ListenSettings } from '@signalbox/http'
import { startSignalbox } from '@signalbox/signalbox'
import { Registry } from 'prom-client'
import { rememberConfig } from '../data-directory.ts'
import { environment } from '../environment.ts'
import { listenAddress, maxStreams, type ServiceFlags } from '../listening.ts'
import { openEngine } from '../logs.ts'
import { say } from '../output.ts'
import { personalOf } from '../personal.ts'
import { defaultProjectorUrl } from '../projections.ts'
import { agentsOf } from '../rules.ts'
import { serviceLogger } from '../service-logger.ts'
import { contractsOf, type Settings } from '../settings.ts'
import { signalled, started } from '../signals.ts'
import { openProjector } from './projector.ts'

/** Runs until SIGINT or SIGTERM, or until something fails for good. */
export async function up(settings: Settings, flags: ServiceFlags): Promise<void> {
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
  const signalbox = await started(starting, stop)
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
function projectorAddress(settings: Settings, flags: ServiceFlags): ListenSettings {
  const url = settings.config?.projector?.url
  const isChosen = flags.port !== undefined || environment().SIGNALBOX_PORT !== undefined
  const port = environment().SIGNALBOX_PROJECTOR_PORT ?? (isChosen && url === undefined ? '0' : new URL(url ?? defaultProjectorUrl).port)
  return listenAddress({ url: url ?? defaultProjectorUrl }, { ...flags, port })
}
