/** The HTTP interface. Every route says what it takes and answers as schemas. */
import { mostWhole, problemJson, strictly } from '@signalbox/contract'
import { goneSignal, RequestRefused, wholeNumberText } from '@signalbox/http'
import type { Projection } from '@signalbox/projection'
import { maxPageRows, positionsIn, type StoredRequest } from '@signalbox/projection-store'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import {
  type ProjectionJson,
  parkedJson,
  presentParked,
  presentProjection,
  presentRow,
  projectionJson,
  requestJson,
  rowJson,
  rowsJson,
} from './answers.ts'
import type { Projector } from './projector.ts'

const refusals = { 400: problemJson, 404: problemJson, 410: problemJson, 503: problemJson }
const limit = wholeNumberText(1, maxPageRows).default(50)
const text = z.string().min(1).max(4_000)
const named = z.object({ name: z.string() })
const ofTable = named.extend({ table: z.string() })
const maxWaitMs = 60_000
const pollMs = 20
/** As of at least a position that a decision named. */
const asOf = {
  atLeast: z
    .string()
    .regex(/^\d{1,6}:\d{1,15}$/, 'must be partition:offset, as in the position of a decision')
    .optional()
    .describe('partition:offset that the rows must include'),
  waitMs: wholeNumberText(0, maxWaitMs).default(10_000),
}

type App = ReturnType<FastifyInstance['withTypeProvider']> & FastifyInstance

export function addRoutes(instance: FastifyInstance, projector: Projector): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const find = (name: string): Projection => {
    const found = projector.projections.find((each) => each.name === name)
    if (found !== undefined) return found
    const names = projector.projections.map((each) => each.name).join(', ')
    throw new RequestRefused('NOT_FOUND', `there is no projection ${name} here; there are ${names}`)
  }
  addProjectionRoutes(app, projector, find)
  addRowRoutes(app, projector, find)
  addRequestRoutes(app, projector, find)
}

type Find = (name: string) => Projection

function addProjectionRoutes(instance: App, projector: Projector, find: Find): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const describe = async (projection: Projection): Promise<ProjectionJson> => {
    const statuses = await projector.statuses()
    const status = statuses.find((each) => each.projection === projection.name)!
    return presentProjection(projection, status, await projector.store.projection(projection.name), await projector.ends())
  }
  app.get(
    '/v1/projections',
    {
      schema: {
        summary: 'The projections of this process',
        response: { 200: z.object({ projections: z.array(projectionJson) }), ...refusals },
      },
    },
    async () => ({ projections: await Promise.all(projector.projections.map(describe)) }),
  )
  app.get(
    '/v1/projections/:name',
    { schema: { summary: 'One projection', params: named, response: { 200: projectionJson, ...refusals } } },
    async ({ params }) => await describe(find(params.name)),
  )
  app.get(
    '/v1/projections/:name/lag',
    {
      schema: {
        summary: 'How far the live rows lie behind the log, by partition',
        params: named,
        response: { 200: z.object({ lag: z.array(z.int()), behind: z.int() }), ...refusals },
      },
    },
    async ({ params }) => {
      const { lag } = await describe(find(params.name))
      return { lag, behind: lag.reduce((sum, events) => sum + events, 0) }
    },
  )
  app.get(
    '/v1/projections/:name/parked',
    {
      schema: {
        summary: 'Events that could not be folded, and those that are held back behind them, in order',
        params: named,
        querystring: z.strictObject({ key: text.optional(), after: wholeNumberText(0, mostWhole).default(0), limit }),
        response: { 200: z.object({ parked: z.array(parkedJson) }), ...refusals },
      },
    },
    async ({ params, query: { key, ...page } }) => {
      const { name } = find(params.name)
      const parked = await projector.store.snapshot(name, null, (snapshot) =>
        snapshot.parked({ ...page, ...(key === undefined ? {} : { key }) }),
      )
      return { parked: parked.map(presentParked) }
    },
  )
}

function addRowRoutes(instance: App, projector: Projector, find: Find): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  app.get(
    '/v1/projections/:name/tables/:table/rows',
    {
      schema: {
        summary: 'Rows in the order of their keys',
        params: ofTable,
        querystring: z.strictObject({ prefix: text.optional(), after: text.optional(), limit, ...asOf }),
        response: { 200: rowsJson, 202: z.object({ pending: z.literal(true) }), ...refusals },
      },
    },
    async ({ params: { name, table }, query: { after, atLeast, limit, prefix, waitMs } }, reply) => {
      find(name)
      if (!(await reached(projector, name, atLeast, waitMs, goneSignal(reply))))
        return await reply.code(202).send({ pending: true as const })
      return await projector.store.snapshot(name, null, async (snapshot) => {
        const { generation, positions } = snapshot.generation
        const query = { limit: limit + 1, ...(prefix === undefined ? {} : { prefix }), ...(after === undefined ? {} : { after }) }
        const found = await snapshot.rows(table, query)
        const rows = found.slice(0, limit)
        const next = found.length > limit ? rows.at(-1)!.key : null
        return { generation, offsets: positions.map(({ logOffset }) => logOffset), rows: rows.map(presentRow), next }
      })
    },
  )
  app.get(
    '/v1/projections/:name/tables/:table/rows/:key',
    {
      schema: {
        summary: 'One row; a / in its key is written %2F',
        params: ofTable.extend({ key: z.string() }),
        querystring: z.strictObject(asOf),
        response: { 200: rowJson, 202: z.object({ pending: z.literal(true) }), ...refusals },
      },
    },
    async ({ params: { key, name, table }, query: { atLeast, waitMs } }, reply) => {
      find(name)
      if (!(await reached(projector, name, atLeast, waitMs, goneSignal(reply))))
        return await reply.code(202).send({ pending: true as const })
      const row = await projector.store.snapshot(name, null, (snapshot) => snapshot.row(table, key))
      if (row === null) throw new RequestRefused('NOT_FOUND', `there is no row ${key} in table ${table} of projection ${name}`)
      return presentRow({ key, text: row })
    },
  )
}

/** Whether the live rows came to include a position in time. Throws RequestRefused for one that the log does not have. */
async function reached(
  projector: Projector,
  name: string,
  atLeast: string | undefined,
  waitMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  if (atLeast === undefined) return true
  const [partition, offset] = atLeast.split(':').map(Number) as [number, number]
  await checkPosition(projector, partition, offset)
  const deadlineMs = performance.now() + waitMs
  for (;;) {
    const stored = await projector.store.projection(name)
    const live = stored?.generations.find(({ generation }) => generation === stored.live)
    if (live !== undefined && positionsIn(live, projector.feed.partitionCount)[partition]!.logOffset >= offset) return true
    if (performance.now() >= deadlineMs || signal.aborted) return false
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
}

async function checkPosition({ feed }: Projector, partition: number, offset: number): Promise<void> {
  if (partition >= feed.ownPartitionCount)
    throw new RequestRefused(
      'QUERY_INVALID',
      `there is no partition ${partition}: the log has ${feed.ownPartitionCount}, from 0 on; give the position of a decision`,
      { path: 'atLeast' },
    )
  const end = (await feed.ends())[partition]!
  if (offset > end)
    throw new RequestRefused(
      'NOT_IN_THIS_LOG',
      `atLeast is ${partition}:${offset}, and the events of partition ${partition} end at ${end}; give the position of a decision from this log`,
      { path: 'atLeast' },
    )
}

function addRequestRoutes(instance: App, projector: Projector, find: Find): void {
  const app = instance.withTypeProvider<ZodTypeProvider>()
  const ask = async (name: string, kind: StoredRequest['kind'], argument: string | null) => {
    const id = await projector.store.ask(find(name).name, kind, argument)
    return (await projector.store.request(id))!
  }
  const asked = { 202: requestJson, ...refusals }
  app.post(
    '/v1/projections/:name/rebuild',
    { schema: { summary: 'Build the rows anew beside the live ones, and swap them in', params: named, response: asked } },
    async ({ params }, reply) => await reply.code(202).send(await ask(params.name, 'rebuild', null)),
  )
  app.post(
    '/v1/projections/:name/retry',
    {
      schema: {
        summary: 'Fold parked events again, in order: those of one key, or all',
        params: named,
        body: strictly({ key: text.nullable() }),
        response: asked,
      },
    },
    async ({ body, params }, reply) => await reply.code(202).send(await ask(params.name, 'retry', body.key)),
  )
  app.get(
    '/v1/projection-requests/:id',
    {
      schema: {
        summary: 'What became of a rebuild or retry',
        params: z.object({ id: wholeNumberText(1, mostWhole) }),
        response: { 200: requestJson, ...refusals },
      },
    },
    async ({ params }) => {
      const request = await projector.store.request(params.id)
      if (request === null) throw new RequestRefused('NOT_FOUND', `there is no request ${params.id}`)
      return request
    },
  )
}
