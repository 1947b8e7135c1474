/** Every way in which a request is refused, as one JSON shape. */
import type { Problem, ProblemCode } from '@signalbox/contract'
import type { FastifyError, FastifyInstance } from 'fastify'

const statusOf: Readonly<Record<ProblemCode, number>> = {
  BODY_MALFORMED: 400,
  BODY_TOO_LARGE: 413,
  QUERY_INVALID: 400,
  NOT_FOUND: 404,
  NOT_IN_THIS_LOG: 410,
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

export interface ProblemWords {
  /** Like `the projector`. */
  readonly who: string
  /** What a body is here, like `the intent`. */
  readonly body: string
  /** Where to see what there is, for an address that there is not. */
  readonly whatThereIs: string
  /** What an error of this server is; null for one that is nobody's. */
  readonly own: (error: Error & { readonly code?: string }) => Problem | null
}

export function handleProblems(app: FastifyInstance, words: ProblemWords): void {
  app.setErrorHandler((error: Error, request, reply) => {
    const problem = problemOf(error, words)
    if (problem.code === 'INTERNAL') request.log.error({ err: error }, problem.message)
    return reply.code(statusOf[problem.code]).send(problem)
  })
  app.setNotFoundHandler((request, reply) => {
    const message = `there is no ${request.method} ${request.url.split('?')[0]}; ${words.whatThereIs}`
    return reply.code(404).send({ code: 'NOT_FOUND', message } satisfies Problem)
  })
}

function problemOf(error: Error, { body, own, who }: ProblemWords): Problem {
  if (error instanceof RequestRefused) return error.problem
  const known = own(error)
  if (known !== null) return known
  const { validation, validationContext } = error as Partial<FastifyError>
  if (validation !== undefined) {
    const [issue] = validation
    const path = (issue?.instancePath ?? '').split('/').filter(Boolean).join('.')
    const isBody = validationContext === 'body'
    const where = isBody ? body : `the ${validationContext}`
    const message = `${where}${path === '' ? '' : `, at ${path}`}: ${issue?.message ?? error.message}`
    return { code: isBody ? 'BODY_MALFORMED' : 'QUERY_INVALID', message, path }
  }
  return {
    code: 'INTERNAL',
    message: `${who} failed at this request: ${error.message}. This is a bug in Signalbox; its log has the details`,
  }
}
