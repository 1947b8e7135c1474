/** What an orchestrator and Prometheus ask of every process: is it alive, is it ready, how is it. */
import type { Problem } from '@signalbox/contract'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { ProblemWords } from './problems.ts'
import { createUnguarded, type ListeningServer } from './server.ts'

export interface Operations {
  readonly registry: Registry
  /** Null while everything is well; else what is not, in a sentence. */
  readonly notReady: () => string | null
}

export function addOperations(app: FastifyInstance, { notReady, registry }: Operations): void {
  app.get('/livez', { schema: { hide: true } as object }, async () => 'ok\n')
  app.get('/readyz', { schema: { hide: true } as object }, async (_request, reply) => {
    const reason = notReady()
    if (reason === null) return 'ok\n'
    const problem: Problem = { code: 'NOT_READY', message: reason }
    return await reply.code(503).send(problem)
  })
  app.get(
    '/metrics',
    { schema: { hide: true } as object },
    async (_request, reply) => await reply.type(registry.contentType).send(await registry.metrics()),
  )
}

const words: ProblemWords = {
  who: 'this process',
  body: 'the body',
  whatThereIs: 'there are /livez, /readyz and /metrics',
  own: () => null,
}
/** It takes no bodies. */
const bodyBytes = 1_024

/**
 * A server for a process that has nothing else to serve. It holds nothing of what is decided, and nobody can change anything through
 * it, so any address will do; it takes no further routes.
 */
export function createOperationsServer(operations: Operations, logger: Logger): ListeningServer {
  const server = createUnguarded({ logger, words, bodyBytes, openness: null })
  addOperations(server.app, operations)
  return { listen: (where) => server.listen(where), close: () => server.close() }
}
