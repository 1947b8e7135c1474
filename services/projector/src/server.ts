/** The projector's HTTP server: routes, health, metrics, and who may reach it. */
import { addOperations, handleProblems, type ListenSettings, listenGuarded } from '@signalbox/http'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { problemWords } from './problems.ts'
import type { Projector } from './projector.ts'
import { addRoutes } from './routes.ts'

export interface ProjectorServer {
  readonly app: FastifyInstance
  /** Starts to listen; gives the address as a URL. Errors: RequestRefused for an address that others reach. */
  listen(settings: ListenSettings): Promise<string>
  close(): Promise<void>
}

const openness = { who: 'the projector', why: 'the projector does not authenticate', risk: 'may read every row' } as const
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
  handleProblems(app, problemWords)
  app.addHook('preSerialization', async (_request, _reply, payload) => reveal(payload))
  app.get('/healthz', async () => 'ok\n')
  addOperations(app, { notReady: () => projector.notReady(), registry })
  addRoutes(app, projector)
  return {
    app,
    listen: (where) => listenGuarded(app, where, openness, logger),
    close: () => app.close(),
  }
}
