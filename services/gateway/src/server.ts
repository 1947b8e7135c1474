/** The gateway's HTTP server: routes, health, metrics, and who may reach it. */
import swagger from '@fastify/swagger'
import { readJson, type Status } from '@signalbox/contract'
import { addOperations, handleProblems, type ListenSettings, listenGuarded, RequestRefused } from '@signalbox/http'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Desk } from './desk.ts'
import { problemWords } from './problems.ts'
import { addRoutes } from './routes.ts'

export interface ServerSettings {
  readonly desk: Desk
  readonly registry: Registry
  readonly logger: Logger
  readonly version: string
  /** Null while everything is well; else what is not, in a sentence. */
  readonly notReady: () => string | null
  readonly status: () => Promise<Status>
  readonly intentBytes: number
}

export interface GatewayServer {
  readonly app: FastifyInstance
  /** Starts to listen; gives the address as a URL. */
  listen(settings: ListenSettings): Promise<string>
  close(): Promise<void>
}

const openness = {
  who: 'the gateway',
  why: 'the gateway does not authenticate yet',
  risk: 'may act as any agent',
} as const

export async function createServer(settings: ServerSettings): Promise<GatewayServer> {
  const { desk, intentBytes, logger, notReady, registry, status, version } = settings
  const closing = new AbortController()
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: intentBytes,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: true },
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  handleProblems(app as unknown as FastifyInstance, problemWords(intentBytes))
  useStrictJson(app as unknown as FastifyInstance)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Signalbox gateway', version, description: 'Submit intents, read decisions, follow the event log.' },
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  })
  addOperations(app as unknown as FastifyInstance, { notReady, registry })
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger())
  addRoutes(app as unknown as FastifyInstance, { desk, status, closing: closing.signal })
  return {
    app: app as unknown as FastifyInstance,
    listen: (where) => listenGuarded(app as unknown as FastifyInstance, where, openness, logger),
    async close() {
      closing.abort()
      await app.close()
    },
  }
}

/** JSON bodies are read as strictly as records: one text, one meaning. */
function useStrictJson(app: FastifyInstance): void {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    if (body.length === 0) return done(new RequestRefused('BODY_MALFORMED', 'the body is empty; send an intent as JSON'))
    let text: string
    try {
      text = decoder.decode(body as Buffer)
    } catch {
      return done(new RequestRefused('BODY_MALFORMED', 'the body is not UTF-8; encode it as UTF-8'))
    }
    try {
      done(null, readJson(text).value)
    } catch (error) {
      done(error as Error)
    }
  })
}
