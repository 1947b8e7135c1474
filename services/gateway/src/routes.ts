/** The HTTP interface. Every route says what it takes and answers as schemas; `/openapi.json` is made of them. */
import {
  decisionJson,
  explainedDecisionJson,
  explanationJson,
  intentJson,
  mostWhole,
  observationJson,
  problemJson,
  resourceJson,
  type Status,
  statusJson,
} from '@signalbox/contract'
import { goneSignal, nameText, RequestRefused, wholeNumberText } from '@signalbox/http'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import type { Desk } from './desk.ts'
import { EventStreams } from './event-stream.ts'
import { readIdempotencyKey, submitOverHttp, withAnyId } from './idempotency.ts'
import { checkFilter, checkFound, checkReadNames } from './known-names.ts'
import { checkAtLeast, checkReads } from './known-positions.ts'
import { overHttp } from './openapi.ts'
import { openStreamCursor } from './stream-cursor.ts'
import type { Streams } from './streams.ts'
import { sendMoves } from './watch.ts'

export interface RouteSettings {
  readonly desk: Desk
  readonly status: () => Promise<Status>
  readonly streams: Streams
}

const maxWaitMs = 60_000
const maxListed = 1_000
const waitMs = wholeNumberText(0, maxWaitMs)
const limit = wholeNumberText(1, maxListed).default(50)
const scope = nameText('scope')
const resources = z.preprocess((given) => (typeof given === 'string' ? [given] : given), z.array(nameText('resource')).min(1))
const decisionFilter = {
  scope: scope.optional(),
  agent: nameText('agent').optional(),
  resource: nameText('resource').optional(),
  code: nameText('code').optional(),
  outcome: z.enum(['committed', 'rejected'], { error: 'must be committed or rejected, given once' }).optional(),
}
const refused = (description: string) => ({ description, content: { 'application/json': { schema: problemJson } } })
const answered = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
})
const refusals = {
  400: refused('The request does not fit; path names the field'),
  403: refused('The request is for another host, or comes from a page of one'),
  503: refused('Not now; the same request may be sent again'),
}
const bodyRefusals = {
  ...refusals,
  413: refused('The body is too large'),
  415: refused('The body is not JSON'),
  507: refused('The log is full'),
}
const notFound = { 404: refused('There is none') }
const notInThisLog = { 410: refused('The log has no such position or version') }
/** Nobody need make an id: one is made for who sends none. */
const intentOverHttp = intentJson.partial({ intentId: true }).meta({
  id: overHttp('Intent'),
  description: "An agent's request to apply one or more actions, all or nothing, to resources of one scope",
})
const idempotencyHeader = z.looseObject({
  'idempotency-key': z
    .string()
    .optional()
    .describe('In place of intentId: the same key, scope and agent find the first decision again, for a day at least'),
})
const stream = (description: string) => ({ 200: { description, content: { 'text/event-stream': { schema: z.string() } } } })

export function addRoutes(instance: FastifyInstance, settings: RouteSettings): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  addIntentRoutes(app, settings)
  addResourceRoutes(app, settings)
  addEventRoute(app, settings)
  addWatchRoute(app, settings)
  app.get(
    '/v1/status',
    {
      schema: {
        operationId: 'status',
        tags: ['state'],
        summary: 'Partitions, positions and contracts',
        response: { 200: answered('What the gateway says of itself', statusJson), ...refusals },
      },
    },
    async () => await settings.status(),
  )
}

type App = ReturnType<FastifyInstance['withTypeProvider']> & FastifyInstance

function addIntentRoutes(instance: App, { desk }: RouteSettings): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  app.post(
    '/v1/intents',
    {
      schema: {
        operationId: 'submitIntent',
        tags: ['intents'],
        summary: 'Submit an intent and wait for its decision',
        description:
          'A decision is answered with 200, committed or rejected. 202 says that none came within waitMs: it still will; sending the same intent again is safe. An intent without intentId gets one made for it; to repeat it safely, send it with an Idempotency-Key.',
        querystring: z.strictObject({ waitMs: waitMs.default(10_000).describe('How long to wait for the decision; 0 does not wait') }),
        headers: idempotencyHeader,
        body: intentOverHttp,
        response: {
          200: answered('The decision, or that the intent is pending', decisionJson),
          202: answered('No decision yet', z.object({ intentId: z.string(), pending: z.literal(true) })),
          ...bodyRefusals,
          ...notInThisLog,
          422: refused('The Idempotency-Key was used with another body'),
        },
      },
    },
    async (request, reply) => {
      const { decision, intentId } = await submitOverHttp(desk, request.body, readIdempotencyKey(request.raw.rawHeaders), {
        waitMs: request.query.waitMs,
        headers: traceHeaders(request.headers),
        signal: goneSignal(reply),
      })
      if (decision === null) return await reply.code(202).send({ intentId, pending: true as const })
      return decision
    },
  )
  app.post(
    '/v1/intents/dry-run',
    {
      schema: {
        operationId: 'dryRunIntent',
        tags: ['intents'],
        summary: 'What would be decided now, and why; writes nothing',
        body: intentOverHttp,
        response: { 200: answered('Every check, and what would become of the intent', explanationJson), ...bodyRefusals },
      },
    },
    async ({ body }) => await desk.dryRun(withAnyId(desk, body)),
  )
  app.get(
    '/v1/intents',
    {
      schema: {
        operationId: 'listDecisions',
        tags: ['intents'],
        summary: 'The newest decisions, oldest first',
        querystring: z.strictObject({ ...decisionFilter, limit }),
        response: { 200: answered('Decisions', z.object({ decisions: z.array(decisionJson) })), ...refusals },
      },
    },
    async (request) => ({ decisions: [...(await desk.decisions(request.query))] }),
  )
  const intentId = z.object({ intentId: nameText('intentId') })
  const notDecided = (id: string) =>
    new RequestRefused('NOT_FOUND', `there is no decision on intent ${id}; it was never sent, or waits for its decision`)
  app.get(
    '/v1/intents/:intentId',
    {
      schema: {
        operationId: 'getDecision',
        tags: ['intents'],
        summary: 'The decision on an intent, or that it is pending',
        params: intentId,
        querystring: z.strictObject({ waitMs: waitMs.default(0).describe('How long to wait for the decision of a pending intent') }),
        response: { 200: answered('The decision, or that the intent is pending', decisionJson), ...refusals, ...notFound },
      },
    },
    async ({ params, query }, reply) => {
      const decision = await desk.decision(params.intentId, { waitMs: query.waitMs, signal: goneSignal(reply) })
      if (decision === null) throw notDecided(params.intentId)
      return decision
    },
  )
  app.get(
    '/v1/intents/:intentId/explanation',
    {
      schema: {
        operationId: 'explainDecision',
        tags: ['intents'],
        summary: 'Every check of a decision with the values it saw, computed anew',
        params: intentId,
        response: { 200: answered('The decision and its checks', explainedDecisionJson), ...refusals, ...notFound },
      },
    },
    async ({ params }) => {
      const explained = await desk.explain(params.intentId)
      if (explained === null) throw notDecided(params.intentId)
      return explained
    },
  )
}

function addResourceRoutes(instance: App, { desk }: RouteSettings): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/v1/observe',
    {
      schema: {
        operationId: 'observe',
        tags: ['state'],
        summary: 'Resources of a scope as one consistent cut',
        querystring: z.strictObject({
          scope,
          resource: resources.describe('type/id; may be given more than once'),
          atLeast: wholeNumberText(0, mostWhole)
            .optional()
            .describe('Log offset that the cut must include, as in the position of a decision'),
          waitMs: waitMs.default(10_000),
        }),
        response: {
          200: answered('The cut', observationJson),
          202: answered('Not as new as that yet', z.object({ pending: z.literal(true) })),
          ...refusals,
          ...notInThisLog,
        },
      },
    },
    async ({ query: { atLeast, resource, scope, waitMs } }, reply) => {
      if (atLeast !== undefined) await checkAtLeast(desk, scope, atLeast)
      const observation = await desk.observe(scope, resource, {
        waitMs,
        signal: goneSignal(reply),
        ...(atLeast === undefined ? {} : { atLeast }),
      })
      if (observation === null) return await reply.code(202).send({ pending: true as const })
      checkFound(desk, observation)
      return observation
    },
  )
  app.get(
    '/v1/resources',
    {
      schema: {
        operationId: 'listResources',
        tags: ['state'],
        summary: 'Resources, by scope and name',
        querystring: z.strictObject({
          scope: scope.optional(),
          type: nameText('type').optional(),
          state: nameText('state').optional(),
          limit,
        }),
        response: { 200: answered('Resources', z.object({ resources: z.array(resourceJson) })), ...refusals },
      },
    },
    async ({ query: { limit, ...filter } }) => {
      const found = desk.resources(filter, limit)
      if (found.length === 0) checkFilter(desk, filter)
      return { resources: [...found] }
    },
  )
}

function addEventRoute(instance: App, { desk, streams }: RouteSettings): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const events = new EventStreams(desk)
  app.get(
    '/v1/events',
    {
      schema: {
        operationId: 'followEvents',
        tags: ['state'],
        summary: 'The event stream (SSE)',
        description:
          'The id of each message is a cursor; Last-Event-ID or from resume behind it. from=start reads everything, from=end (the default) only what comes.',
        querystring: z.strictObject({ from: z.string().default('end'), ...decisionFilter }),
        response: { ...stream('Events, each with its cursor as id'), ...refusals, ...notInThisLog },
      },
    },
    async (request, reply) => {
      const { from, ...filter } = request.query
      // Who comes back with an id goes on there, whatever the address says.
      const cursor = await openStreamCursor(desk.source.log, request.headers['last-event-id']?.toString() || from)
      return await streams.serve(request, reply, (outlet) => events.send(outlet, cursor, filter))
    },
  )
}

const readText = z
  .string()
  .regex(/^.+@\d{1,15}$/, 'must be type/id@version')
  .transform((text) => ({ resource: text.slice(0, text.lastIndexOf('@')), version: Number(text.slice(text.lastIndexOf('@') + 1)) }))
  .pipe(z.object({ resource: nameText('resource'), version: z.int() }))

function addWatchRoute(instance: App, { desk, streams }: RouteSettings): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/v1/watch',
    {
      schema: {
        operationId: 'watch',
        tags: ['state'],
        summary: 'Be told when something that was read moves (SSE)',
        description:
          'Each message is an Invalidation. What has moved already is told at once; of several moves of one resource, the newest.',
        querystring: z.strictObject({
          scope,
          read: z
            .preprocess((given) => (typeof given === 'string' ? [given] : given), z.array(readText).max(256))
            .describe('type/id@version as it was seen; may be given more than once'),
        }),
        response: { ...stream('Moves, each an Invalidation'), ...refusals, ...notInThisLog },
      },
    },
    async (request, reply) => {
      const { read, scope } = request.query
      checkReadNames(desk, scope, read)
      await checkReads(desk, scope, read)
      return await streams.serve(request, reply, (outlet) => sendMoves(outlet, (signal) => desk.watch(scope, read, { signal })))
    },
  )
}

function traceHeaders({
  traceparent,
  tracestate,
}: {
  readonly [name: string]: string | string[] | undefined
}): Readonly<Record<string, string>> {
  return { ...(typeof traceparent === 'string' ? { traceparent } : {}), ...(typeof tracestate === 'string' ? { tracestate } : {}) }
}
