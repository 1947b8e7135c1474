/** The projector's HTTP server: routes, health, metrics, and who may reach it. */
import { addOperations, createHttpServer, type HttpServer } from '@signalbox/http'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { problemWords } from './problems.ts'
import type { Projector } from './projector.ts'
import { addRoutes } from './routes.ts'

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
): HttpServer {
  const server = createHttpServer({ logger, words: problemWords, bodyBytes, paramCharacters: keyCharacters, openness })
  const { app } = server
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  app.addHook('preSerialization', async (_request, _reply, payload) => reveal(payload))
  app.get('/healthz', async () => 'ok\n')
  addOperations(app, { notReady: () => projector.notReady(), registry })
  addRoutes(app, projector)
  return server
}
