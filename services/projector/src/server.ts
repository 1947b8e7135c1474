/** The projector's HTTP server: routes, health, metrics, and who may reach it. */
import { isIP } from 'node:net'
import type { Problem } from '@signalbox/contract'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { handleProblems, RequestRefused } from './problems.ts'
import type { Projector } from './projector.ts'
import { addRoutes } from './routes.ts'

export interface ListenSettings {
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
  /** Whoever reaches any address may read every row, and that was said to be wanted: something else guards the network. */
  readonly trustNetwork?: boolean
}

export interface ProjectorServer {
  readonly app: FastifyInstance
  /** Starts to listen; gives the address as a URL. Errors: RequestRefused for an address that others reach. */
  listen(settings: ListenSettings): Promise<string>
  close(): Promise<void>
}

const bodyBytes = 64 * 1024
/** A key has up to 2,000 bytes, each of which may be written as %XX. */
const keyCharacters = 6_000

/** `reveal` shows personal data in what is answered, to a projector that holds the keys. */
export function createProjectorServer(
  projector: Projector,
  registry: Registry,
  logger: Logger,
  reveal: <Value>(value: Value) => Value = (value) => value,
): ProjectorServer {
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytes,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: keyCharacters },
  }) as unknown as FastifyInstance
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  handleProblems(app)
  app.addHook('preSerialization', async (_request, _reply, payload) => reveal(payload))
  addOperations(app, projector, registry)
  addRoutes(app, projector)
  return {
    app,
    async listen({ host, port, trustNetwork }) {
      const isLocal = isLoopback(host)
      if (!isLocal && trustNetwork !== true) {
        throw new RequestRefused(
          'NOT_READY',
          `the projector does not authenticate, so it listens on loopback only; bind it to 127.0.0.1 and reach it through a proxy that authenticates, instead of ${host}. Where nothing but such a proxy can reach ${host}, set SIGNALBOX_TRUST_NETWORK=true`,
        )
      }
      const address = await app.listen({ host, port })
      const whoever = isLocal ? 'every program on this machine' : 'whoever reaches this address'
      logger.warn({ address }, `the projector listens without authentication: ${whoever} may read every row`)
      return address
    },
    close: () => app.close(),
  }
}

/** Whether an address reaches this machine alone. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function addOperations(app: FastifyInstance, projector: Projector, registry: Registry): void {
  for (const path of ['/livez', '/healthz']) app.get(path, async () => 'ok\n')
  app.get('/readyz', async (_request, reply) => {
    const reason = projector.notReady()
    if (reason === null) return 'ok\n'
    return await reply.code(503).send({ code: 'NOT_READY', message: reason } satisfies Problem)
  })
  app.get('/metrics', async (_request, reply) => await reply.type(registry.contentType).send(await registry.metrics()))
}
