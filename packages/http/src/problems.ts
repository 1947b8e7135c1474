/** Every way in which a request is refused, as one JSON shape. */
import type { Problem, ProblemCode } from '@signalbox/contract'
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { tooManyFiles } from './listen.ts'

const statusOf: Readonly<Record<ProblemCode, number>> = {
  REQUEST_MALFORMED: 400,
  BODY_MALFORMED: 400,
  BODY_TOO_LARGE: 413,
  IDEMPOTENCY_KEY_REUSED: 422,
  MEDIA_TYPE_UNSUPPORTED: 415,
  QUERY_INVALID: 400,
  HOST_NOT_ALLOWED: 403,
  ORIGIN_NOT_ALLOWED: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_IN_THIS_LOG: 410,
  TOO_MANY_READERS: 503,
  NOT_READY: 503,
  LOG_FULL: 507,
  LOG_UNAVAILABLE: 503,
  LOG_DAMAGED: 503,
  INTERNAL: 500,
}

export interface RefusalDetails {
  /** The field concerned. */
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
}

export class RequestRefused extends Error {
  override readonly name = 'RequestRefused'
  readonly problem: Problem
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ProblemCode, message: string, { headers = {}, path }: RefusalDetails = {}) {
    super(message)
    this.problem = { code, message, ...(path === undefined ? {} : { path }) }
    this.headers = headers
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

export function handleProblems(app: FastifyInstance, words: ProblemWords, bodyBytes: number): void {
  app.setErrorHandler((error: Error, _request, reply) => answerProblem(reply, error, words, bodyBytes))
}

export function answerProblem(reply: FastifyReply, error: Error, words: ProblemWords, bodyBytes: number): FastifyReply {
  const problem = problemOf(error, words, bodyBytes)
  if (problem.code === 'INTERNAL') reply.log.error({ err: error }, problem.message)
  if (error instanceof RequestRefused) reply.headers(error.headers)
  return reply.code(statusOf[problem.code]).send(problem)
}

/** The words of the framework are not those of who asks. */
const places: Readonly<Record<string, string>> = { querystring: 'the query', params: 'the address', headers: 'the headers' }

function problemOf(error: Error, { body, own, who }: ProblemWords, bodyBytes: number): Problem {
  if (error instanceof RequestRefused) return error.problem
  const known = own(error)
  if (known !== null) return known
  const { code, statusCode, validation, validationContext } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return {
      code: 'BODY_TOO_LARGE',
      message: `${body} has more than the ${bodyBytes} bytes of the limit; send large content by reference and digest`,
    }
  if (validation !== undefined) {
    // A misspelt key is missing besides: the one that is there says more.
    const issue = validation.find(({ keyword }) => keyword === 'unrecognized_keys') ?? validation[0]
    const path = (issue?.instancePath ?? '').split('/').filter(Boolean).join('.')
    const isBody = validationContext === 'body'
    const where = isBody ? body : (places[validationContext ?? ''] ?? 'the request')
    const message = `${where}${path === '' ? '' : `, at ${path}`}: ${issue?.message ?? error.message}`
    return { code: isBody ? 'BODY_MALFORMED' : 'QUERY_INVALID', message, path }
  }
  if (code === 'EMFILE' || code === 'ENFILE') return { code: 'NOT_READY', message: `${who} cannot answer now: ${tooManyFiles}` }
  // What the server itself says of a request that it cannot read.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return { code: 'REQUEST_MALFORMED', message: `the request cannot be read: ${error.message}` }
  return {
    code: 'INTERNAL',
    message: `${who} failed at this request: ${error.message}. This is a bug in Signalbox; its log has the details`,
  }
}
