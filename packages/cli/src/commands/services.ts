/** `signalbox sequencer`, `gateway`, `process-manager`, `escalations`, `projector` and `ingest`: each service as a process of its own, on Kafka. */
import { runEscalation } from '@signalbox/escalation'
import { runGateway } from '@signalbox/gateway'
import { runIngest } from '@signalbox/ingest'
import { runProcessManager } from '@signalbox/process-manager'
import { runSequencer } from '@signalbox/sequencer'
import type { RunningService, ServiceContext } from '@signalbox/service'
import { software } from '@signalbox/signalbox/version'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { environment } from '../environment.ts'
import { CommandError } from '../exit-codes.ts'
import { listenAddress, maxStreams, type ServiceFlags } from '../listening.ts'
import { openEngine } from '../logs.ts'
import { say } from '../output.ts'
import { personalOf } from '../personal.ts'
import { defaultProjectorUrl } from '../projections.ts'
import { agentsOf, readerRules } from '../rules.ts'
import { serviceLogger } from '../service-logger.ts'
import { contractsOf, type Settings } from '../settings.ts'
import { signalled, started } from '../signals.ts'
import { openProjector } from './projector.ts'

interface Starting extends ServiceContext {
  readonly settings: Settings
  readonly flags: ServiceFlags
}

const services = {
  sequencer: ({ flags: { acceptIncompatible = false }, settings, ...context }: Starting) =>
    runSequencer({ ...context, contracts: contractsOf(settings), software, acceptIncompatible, ...agentsOf(settings) }),
  async gateway({ settings, ...context }: Starting) {
    const rules = readerRules(settings, context.log.partitionCount)
    return await runGateway({ ...context, rules, software, personal: personalOf(settings), maxStreams: maxStreams() })
  },
  'process-manager': ({ settings, ...context }: Starting) =>
    runProcessManager({ ...context, reactions: settings.config?.reactions ?? [], containment: agentsOf(settings).containment }),
  escalations: ({ settings, ...context }: Starting) => runEscalation({ ...context, escalation: settings.config?.escalation }),
  projector: openProjector,
  ingest: openIngest,
} as const satisfies Readonly<Record<string, (starting: Starting) => Promise<RunningService>>>

export type ServiceName = keyof typeof services

/** Where a service without agents listens for orchestrators and Prometheus, unless it is told. */
const operationsUrls: Readonly<Record<ServiceName, string | null>> = {
  sequencer: 'http://127.0.0.1:7071',
  gateway: null,
  'process-manager': 'http://127.0.0.1:7072',
  ingest: 'http://127.0.0.1:7073',
  escalations: 'http://127.0.0.1:7074',
  projector: defaultProjectorUrl,
}

/** Runs until SIGINT or SIGTERM, or until something fails for good. */
export async function runService(name: ServiceName, settings: Settings, flags: ServiceFlags): Promise<void> {
  if (settings.log !== 'kafka') {
    const message = `a ${name} of its own needs a log that several processes share; set KAFKA_BROKERS, or run all in one with signalbox up`
    throw new CommandError('usage', message)
  }
  const stop = signalled()
  const logger = serviceLogger()
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const engine = await started(openEngine(settings, logger), stop)
  const url = (name === 'projector' ? settings.config?.projector?.url : undefined) ?? operationsUrls[name] ?? settings.url
  try {
    const service = await started(services[name]({ ...engine, settings, flags, logger, registry }), stop)
    try {
      const address = await service.listen(listenAddress({ url }, flags))
      say(`signalbox ${name} is up: ${address} (${engine.log.partitionCount} partitions). Stop with Ctrl-C.`)
      await Promise.race([service.failed, stop])
      say(`signalbox ${name} stops: finishing what is under way`)
    } finally {
      await service.stop()
    }
  } finally {
    await engine.log.close()
  }
}

async function openIngest({ settings, ...context }: Starting): Promise<RunningService> {
  const sources = settings.config?.sources ?? []
  if (sources.length === 0)
    throw new CommandError('usage', "there is nothing to ingest: list topics of systems of record as 'sources' in signalbox.config.ts")
  const { followSourceTopic, ingestGroupPrefix, kafkaOptionsFromEnvironment } = await import('@signalbox/log-kafka')
  const { kafka } = kafkaOptionsFromEnvironment(environment())
  return await runIngest({
    ...context,
    sources,
    protect: personalOf(settings).protect,
    follow: ({ name, topic }, take) => followSourceTopic({ ...kafka!, topic, groupId: `${ingestGroupPrefix}${name}`, take }),
  })
}
