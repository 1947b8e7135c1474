/** `signalbox sequencer`, `gateway`, `process-manager`, `escalations`, `projector` and `ingest`: each service as a process of its own, on Kafka. */
import { lookupProblem } from '@signalbox/contract'
import { startEscalation } from '@signalbox/escalation'
import { startGateway } from '@signalbox/gateway'
import { createOperationsServer, type HttpServer, RequestRefused } from '@signalbox/http'
import { ingest } from '@signalbox/ingest'
import { systemClock } from '@signalbox/log'
import { startProcessManager } from '@signalbox/process-manager'
import { rulesOf, sequencerMetrics, watchLag } from '@signalbox/sequencer'
import type { Logger } from 'pino'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { environment } from '../environment.ts'
import { CommandError } from '../exit-codes.ts'
import { watchedLog } from '../log-watch.ts'
import { type Engine, openEngine } from '../logs.ts'
import { say } from '../output.ts'
import { personalOf } from '../personal.ts'
import { defaultProjectorUrl } from '../projections.ts'
import { agentsOf } from '../rules.ts'
import { contractsOf, type Settings } from '../settings.ts'
import { signalled, started } from '../signals.ts'
import { software } from '../version.ts'
import { openProjector } from './projector.ts'
import { explainRefusal, listenAddress, maxStreams, serviceLogger, startDeciding, type UpFlags } from './up.ts'

export type ServiceName = 'sequencer' | 'gateway' | 'process-manager' | 'escalations' | 'projector' | 'ingest'

interface RunningService {
  /** Rejects when the process should end. */
  readonly failed: Promise<never>
  /** Starts to listen; gives the address as a URL. */
  listen(): Promise<string>
  /** Finishes what is under way; the log is closed afterwards. */
  stop(): Promise<void>
}

interface ServiceContext extends Engine {
  readonly settings: Settings
  readonly flags: UpFlags
  readonly logger: Logger
  readonly registry: Registry
}

const services: Readonly<Record<ServiceName, (context: ServiceContext) => Promise<RunningService>>> = {
  sequencer: runSequencer,
  gateway: runGateway,
  'process-manager': runProcessManager,
  escalations: runEscalations,
  projector: runProjector,
  ingest: runIngest,
}
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
export async function runService(name: ServiceName, settings: Settings, flags: UpFlags): Promise<void> {
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
    const service = await started(services[name]({ ...engine, settings: { ...settings, url }, flags, logger, registry }), stop)
    try {
      say(`signalbox ${name} is up: ${await service.listen()} (${engine.log.partitionCount} partitions). Stop with Ctrl-C.`)
      await Promise.race([service.failed, stop])
      say(`signalbox ${name} stops: finishing what is under way`)
    } finally {
      await service.stop()
    }
  } finally {
    await engine.log.close()
  }
}

async function runSequencer(context: ServiceContext): Promise<RunningService> {
  const { codec, flags, log, logger, registry, settings } = context
  const metrics = sequencerMetrics(registry)
  const { acceptIncompatible = false } = flags
  const wiring = { log, codec, contracts: contractsOf(settings), logger, software, metrics, acceptIncompatible, ...agentsOf(settings) }
  const sequencer = await startDeciding(wiring).catch(explainRefusal)
  watchLag(registry, log, sequencer)
  const watched = watchedLog({ log, logger, registry }, (troubles) => sequencer.heldBack(troubles))
  const notReady = () => {
    if (!sequencer.hasJoined()) return 'the group of sequencers has not answered yet; see the log of this process'
    const trouble = watched.notReady()
    if (trouble !== null) return trouble
    const [refused] = sequencer.refusals()
    if (refused !== undefined) return refused.message
    const [found] = [...sequencer.phases()].filter(([, phase]) => phase !== 'active' && phase !== 'given up')
    return found === undefined ? null : `partition ${found[0]} is ${found[1]}; see the log of this process`
  }
  const server = createOperationsServer({ registry, notReady }, logger)
  return {
    failed: sequencer.failed,
    listen: () => listenTo(server, context),
    async stop() {
      await server.close()
      await watched.close()
      await sequencer.stop()
    },
  }
}

async function runGateway({ codec, flags, log, logger, registry, settings }: ServiceContext): Promise<RunningService> {
  const rules = rulesOf({ contracts: contractsOf(settings), log, ...agentsOf(settings) })
  const watched = watchedLog({ log, logger, registry })
  const gateway = await startGateway({
    log,
    codec,
    rules,
    logger,
    registry,
    software,
    troubles: () => watched.troubles(),
    personal: personalOf(settings),
    maxStreams: maxStreams(),
  })
  return {
    failed: gateway.failed,
    listen: () => gateway.server.listen(listenAddress(settings, flags)),
    async stop() {
      await watched.close()
      await gateway.close()
    },
  }
}

async function runProcessManager(context: ServiceContext): Promise<RunningService> {
  const { codec, log, logger, registry, settings } = context
  const { containment } = agentsOf(settings)
  const processManager = startProcessManager({ log, codec, reactions: settings.config?.reactions ?? [], containment, logger, registry })
  const server = createOperationsServer({ registry, notReady: () => processManager.notReady() }, logger)
  return {
    failed: processManager.failed,
    listen: () => listenTo(server, context),
    async stop() {
      await server.close()
      await processManager.stop()
    },
  }
}

/** Serves the inbox beside what orchestrators ask: `/v1/inbox`, with `?to=` for one level's people. */
async function runEscalations(context: ServiceContext): Promise<RunningService> {
  const { codec, log, logger, registry, settings } = context
  const escalation = startEscalation({ log, codec, escalation: settings.config?.escalation, logger, registry })
  const server = createOperationsServer({ registry, notReady: () => escalation.notReady() }, logger)
  server.app.get('/v1/inbox', { schema: { querystring: { type: 'object', properties: { to: {} } } } }, async ({ query }) => {
    const { inbox } = escalation
    return { open: inbox.openCount, groups: inbox.groups(inboxOf(query)), settled: inbox.settled(100) }
  })
  return {
    failed: escalation.failed,
    listen: () => listenTo(server, context),
    async stop() {
      await server.close()
      await escalation.stop()
    },
  }
}

/** Several share nothing: one owns each projection, the others stand by. */
async function runProjector(context: ServiceContext): Promise<RunningService> {
  const running = await openProjector(context)
  return {
    failed: running.failed,
    listen: () => running.listen(listenAddress(context.settings, context.flags)),
    stop: () => running.stop(),
  }
}

/** One consumer group for each source: each goes on where it was, whatever becomes of the others. */
async function runIngest(context: ServiceContext): Promise<RunningService> {
  const { codec, log, logger, registry, settings } = context
  const sources = settings.config?.sources ?? []
  if (sources.length === 0)
    throw new CommandError('usage', "there is nothing to ingest: list topics of systems of record as 'sources' in signalbox.config.ts")
  const { followSourceTopic, ingestGroupPrefix, kafkaOptionsFromEnvironment } = await import('@signalbox/log-kafka')
  const { kafka } = kafkaOptionsFromEnvironment(environment())
  const wired = { log, codec, clock: systemClock, logger, registry, protect: personalOf(settings).protect }
  const topics = await Promise.all(
    sources.map(async (source) =>
      followSourceTopic({ ...kafka!, topic: source.topic, groupId: `${ingestGroupPrefix}${source.name}`, take: ingest(source, wired) }),
    ),
  )
  const server = createOperationsServer({ registry, notReady: () => null }, logger)
  return {
    failed: Promise.race(topics.map(({ failed }) => failed)),
    listen: () => listenTo(server, context),
    async stop() {
      await server.close()
      await Promise.all(topics.map((topic) => topic.stop()))
    },
  }
}

/** Whose inbox is asked for; undefined for everybody's. Throws RequestRefused. */
function inboxOf(query: unknown): string | undefined {
  const { to } = query as { readonly to?: unknown }
  if (to === undefined) return undefined
  const problem = typeof to === 'string' ? lookupProblem.traceId(to) : 'is given more than once; ask once for each'
  if (problem === null) return to as string
  throw new RequestRefused('QUERY_INVALID', `the query: to ${problem}`, { path: 'to' })
}

function listenTo(server: HttpServer, { flags, settings }: ServiceContext): Promise<string> {
  return server.listen(listenAddress(settings, flags))
}
