/** The inbox over HTTP: `/v1/inbox`, with `?to=` for the people of one level, beside what orchestrators and Prometheus ask. */
import { lookupProblem } from '@signalbox/contract'
import { addOperations, createHttpServer, type HttpServer, type ProblemWords, RequestRefused } from '@signalbox/http'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { EscalationService } from './wiring.ts'

const openness = {
  who: 'the escalation consumer',
  why: 'the escalation consumer does not authenticate',
  risk: 'may read the inbox',
} as const

const words: ProblemWords = {
  who: 'this process',
  body: 'the body',
  whatThereIs: 'there are /v1/inbox, /livez, /readyz and /metrics',
  own: () => null,
}
/** It takes no bodies. */
const bodyBytes = 1_024
const settledShown = 100

export function createInboxServer(
  { inbox, notReady }: Pick<EscalationService, 'inbox' | 'notReady'>,
  { logger, registry }: { readonly logger: Logger; readonly registry: Registry },
): HttpServer {
  const server = createHttpServer({ logger, words, bodyBytes, openness })
  addOperations(server.app, { registry, notReady })
  server.app.get('/v1/inbox', { schema: { querystring: { type: 'object', properties: { to: {} } } } }, async ({ query }) => {
    return { open: inbox.openCount, groups: inbox.groups(inboxOf(query)), settled: inbox.settled(settledShown) }
  })
  return server
}

/** Whose inbox is asked for; undefined for everybody's. Throws RequestRefused. */
function inboxOf(query: unknown): string | undefined {
  const { to } = query as { readonly to?: unknown }
  if (to === undefined) return undefined
  const problem = typeof to === 'string' ? lookupProblem.traceId(to) : 'is given more than once; ask once for each'
  if (problem === null) return to as string
  throw new RequestRefused('QUERY_INVALID', `the query: to ${problem}`, { path: 'to' })
}
