/** Every way in which the projector refuses a request, as one JSON shape, which is the gateway's. */
import type { Problem, ProblemCode } from '@signalbox/contract'
import { isProjectionError } from '@signalbox/projection'
import type { FastifyError, FastifyInstance } from 'fastify'

const statusOf: Readonly<Partial<Record<ProblemCode, number>>> = {
  BODY_MALFORMED: 400,
  BODY_TOO_LARGE: 413,
  QUERY_INVALID: 400,
  NOT_FOUND: 404,
  NOT_READY: 503,
  INTERNAL: 500,
}

export class RequestRefused extends Error {
  override readonly name = 'RequestRefused'
  readonly problem: Problem

  constructor(code: ProblemCode, message: string, path?: string) {
    super(message)
    this.problem = { code, message, ...(path === undefined ? {} : { path }) }
  }
}

function problemOf(error: Error): Problem {
  if (error instanceof RequestRefused) return error.problem
  if (isProjectionError(error, 'NOT_FOUND')) return { code: 'NOT_FOUND', message: error.message }
  if (isProjectionError(error, 'UNAVAILABLE', 'CLOSED'))
    return { code: 'NOT_READY', message: `${error.message}. The same request may be sent again` }
  const { code, validation, validationContext } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { code: 'BODY_TOO_LARGE', message: 'the body is larger than any request here needs' }
  if (code?.startsWith('FST_ERR_CTP_') === true) return { code: 'BODY_MALFORMED', message: 'the body must be JSON, as application/json' }
  if (validation !== undefined) {
    const [issue] = validation
    const path = (issue?.instancePath ?? '').split('/').filter(Boolean).join('.')
    const isBody = validationContext === 'body'
    const where = isBody ? 'the body' : `the ${validationContext}`
    return {
      code: isBody ? 'BODY_MALFORMED' : 'QUERY_INVALID',
      message: `${where}${path === '' ? '' : `, at ${path}`}: ${issue?.message ?? error.message}`,
      path,
    }
  }
  return {
    code: 'INTERNAL',
    message: `the projector failed at this request: ${error.message}. This is a bug in Signalbox; its log has the details`,
  }
}

export function handleProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const problem = problemOf(error)
    if (problem.code === 'INTERNAL') request.log.error({ err: error }, problem.message)
    return reply.code(statusOf[problem.code] ?? 500).send(problem)
  })
  app.setNotFoundHandler((request, reply) => {
    const message = `there is no ${request.method} ${request.url.split('?')[0]}; GET /v1/projections lists what there is`
    return reply.code(404).send({ code: 'NOT_FOUND', message } satisfies Problem)
  })
}
