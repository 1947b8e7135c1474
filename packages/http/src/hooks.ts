import type { FastifyRequest } from 'fastify'

/** A hook that looks at a request and throws, without a promise for each request. */
export function checking(check: (request: FastifyRequest) => void) {
  return (request: FastifyRequest, _reply: unknown, done: (error?: Error) => void): void => {
    let refusal: Error | undefined
    try {
      check(request)
    } catch (error) {
      refusal = error as Error
    }
    done(refusal)
  }
}
