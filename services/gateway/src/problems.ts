/** Every way in which a request is refused, as one JSON shape. */
import { JsonError, type Problem, type ProblemCode } from '@signalbox/contract'
import { isLogError } from '@signalbox/log'
import { KeyStoreError } from '@signalbox/personal'
import type { FastifyError, FastifyInstance } from 'fastify'

const statusOf: Readonly<Record<ProblemCode, number>> = {
  BODY_MALFORMED: 400,
  BODY_TOO_LARGE: 413,
  QUERY_INVALID: 400,
  NOT_FOUND: 404,
  NOT_READY: 503,
  LOG_FULL: 507,
  LOG_UNAVAILABLE: 503,
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

function problemOf(error: Error, intentBytes: number): Problem {
  if (error instanceof RequestRefused) return error.problem
  if (error instanceof JsonError) return { code: 'BODY_MALFORMED', message: error.message, path: error.path }
  if (error instanceof KeyStoreError) return { code: 'NOT_READY', message: error.message }
  if (isLogError(error, 'FULL')) return { code: 'LOG_FULL', message: error.message }
  if (isLogError(error, 'TOO_LARGE')) return { code: 'BODY_TOO_LARGE', message: error.message }
  if (isLogError(error, 'TRANSIENT', 'OUTCOME_UNKNOWN', 'CLOSED'))
    return { code: 'LOG_UNAVAILABLE', message: `${error.message}. The same request may be sent again` }
  const { code, validation, validationContext } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return {
      code: 'BODY_TOO_LARGE',
      message: `the body has more than the ${intentBytes} bytes of the limit; send large content by reference and digest`,
    }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE')
    return { code: 'BODY_MALFORMED', message: 'the body must be application/json; set the content-type header' }
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return { code: 'BODY_MALFORMED', message: 'the body is empty; send an intent as JSON' }
  if (validation !== undefined) {
    const [issue] = validation
    const path = (issue?.instancePath ?? '').split('/').filter(Boolean).join('.')
    const message = `${validationContext === 'body' ? 'the intent' : `the ${validationContext}`}${path === '' ? '' : `, at ${path}`}: ${issue?.message ?? error.message}`
    return { code: validationContext === 'body' ? 'BODY_MALFORMED' : 'QUERY_INVALID', message, path }
  }
  return {
    code: 'INTERNAL',
    message: `the gateway failed at this request: ${error.message}. This is a bug in Signalbox; its log has the details`,
  }
}

export function handleProblems(app: FastifyInstance, intentBytes: number): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const problem = problemOf(error, intentBytes)
    const status = statusOf[problem.code]
    if (problem.code === 'INTERNAL') request.log.error({ err: error }, problem.message)
    return reply.code(status).send(problem)
  })
  app.setNotFoundHandler((request, reply) => {
    const problem: Problem = {
      code: 'NOT_FOUND',
      message: `there is no ${request.method} ${request.url.split('?')[0]}; see /openapi.json for what there is`,
    }
    return reply.code(404).send(problem)
  })
}
