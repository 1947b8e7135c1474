/** The gateway's HTTP server: routes, health, metrics, and who may reach it. */
import type { Status } from '@signalbox/contract'
import { addOperations, createHttpServer, type HttpServer } from '@signalbox/http'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import { Gauge, type Registry } from 'prom-client'
import type { Desk } from './desk.ts'
import { addOpenApi } from './openapi.ts'
import { problemWords } from './problems.ts'
import { addRoutes } from './routes.ts'
import { Streams } from './streams.ts'

export interface ServerSettings {
  readonly desk: Desk
  readonly registry: Registry
  readonly logger: Logger
  readonly version: string
  /** Null while everything is well; else what is not, in a sentence. */
  readonly notReady: () => string | null
  readonly status: () => Promise<Status>
  readonly intentBytes: number
  /** Streams of events and moves at a time. */
  readonly maxStreams: number
}

const openness = {
  who: 'the gateway',
  why: 'the gateway does not authenticate yet',
  risk: 'may act as any agent',
} as const

export async function createServer(settings: ServerSettings): Promise<HttpServer> {
  const { desk, intentBytes, logger, maxStreams, notReady, registry, status, version } = settings
  const closing = new AbortController()
  const server = createHttpServer({ logger, words: problemWords, bodyBytes: intentBytes, openness })
  const { app } = server
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  await addOpenApi(app, version)
  addOperations(app, { notReady, registry })
  const streams = new Streams(maxStreams, closing.signal)
  new Gauge({
    name: 'signalbox_gateway_streams',
    help: 'Streams of events and moves that are open.',
    registers: [registry],
    collect() {
      this.set(streams.open)
    },
  })
  addRoutes(app, { desk, status, streams })
  return {
    ...server,
    async close() {
      closing.abort()
      await server.close()
    },
  }
}
