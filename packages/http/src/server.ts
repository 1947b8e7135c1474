/** What every HTTP server of Signalbox is: whom it answers, what it reads, how it refuses, and how long anybody may take. */
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { Logger } from 'pino'
import { readJsonBodies } from './bodies.ts'
import { type ConnectionBounds, connectionBounds, refuseUnreadable } from './connections.ts'
import { checking } from './hooks.ts'
import { HostGuard } from './hosts.ts'
import { type ListenSettings, listenGuarded, type Openness } from './listen.ts'
import { answerUnknownRoutes } from './methods.ts'
import { answerProblem, handleProblems, type ProblemWords } from './problems.ts'
import { refuseUnknownQueries } from './query.ts'

export interface HttpServerSettings {
  readonly logger: Logger
  readonly words: ProblemWords
  /** Of a body, also when it is unpacked. */
  readonly bodyBytes: number
  /** Of a part of an address. Default 100. */
  readonly paramCharacters?: number
  readonly openness: Openness
  readonly bounds?: Partial<ConnectionBounds>
}

export interface HttpServer extends ListeningServer {
  readonly app: FastifyInstance
}

export interface ListeningServer {
  /** Starts to listen; gives the address as a URL. Errors: ListenError, for an address that others reach too. */
  listen(settings: ListenSettings): Promise<string>
  close(): Promise<void>
}

/** Listens on loopback alone, unless something else is said to guard the network. */
export function createHttpServer(settings: HttpServerSettings): HttpServer {
  return createUnguarded(settings)
}

/** Null for openness: whoever reaches it may, on any address. So this stays inside the package, which says what is served so. */
export function createUnguarded(settings: Omit<HttpServerSettings, 'openness'> & { readonly openness: Openness | null }): HttpServer {
  const { bodyBytes, logger, openness, paramCharacters, words } = settings
  const bounds = { ...connectionBounds, ...settings.bounds }
  const guard = new HostGuard()
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: bodyBytes,
    forceCloseConnections: true,
    requestTimeout: bounds.requestTimeoutMs,
    keepAliveTimeout: bounds.keepAliveTimeoutMs,
    http: { headersTimeout: bounds.headersTimeoutMs, connectionsCheckingInterval: bounds.checkEveryMs },
    routerOptions: { ignoreTrailingSlash: true, ...(paramCharacters === undefined ? {} : { maxParamLength: paramCharacters }) },
    clientErrorHandler: refuseUnreadable,
    frameworkErrors: (error, _request, reply) => void answerProblem(reply, error, words, bodyBytes),
  }) as unknown as FastifyInstance
  app.server.maxConnections = bounds.connections
  app.addHook(
    'onRequest',
    checking((request) => guard.check(request)),
  )
  answerUnknownRoutes(app, words.whatThereIs)
  refuseUnknownQueries(app)
  readJsonBodies(app, words.body, bodyBytes)
  handleProblems(app, words, bodyBytes)
  return {
    app,
    async listen(where) {
      guard.allow(where.allowedHosts ?? [])
      return await listenGuarded(app, where, openness, logger)
    },
    close: () => app.close(),
  }
}
