/** What there is at an address: so that an unknown method is told from an unknown address. */
import type { FastifyInstance } from 'fastify'
import { RequestRefused } from './problems.ts'

interface Route {
  readonly methods: readonly string[]
  readonly segments: readonly string[]
}

/** Call before routes are added. Answers OPTIONS, and refuses what has no route before its body is read. */
export function answerUnknownRoutes(app: FastifyInstance, whatThereIs: string): void {
  const routes: Route[] = []
  app.addHook('onRoute', ({ method, url }) => {
    routes.push({ methods: [method].flat(), segments: segmentsOf(url) })
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done()
    const path = pathOf(request.url)
    const methods = [...new Set(routes.filter((route) => fits(route, segmentsOf(path))).flatMap((route) => route.methods))]
    const allow = [...methods, 'OPTIONS'].join(', ')
    if (request.method === 'OPTIONS' && (methods.length > 0 || path === '*')) return reply.header('allow', allow).code(204).send()
    const known = /^[\x21-\x7e]{1,200}$/.test(path) ? path : 'such an address'
    if (methods.length === 0) return done(new RequestRefused('NOT_FOUND', `there is no ${request.method} ${known}; ${whatThereIs}`))
    const message = `${known} does not take ${request.method}; it takes ${methods.join(' and ')}`
    done(new RequestRefused('METHOD_NOT_ALLOWED', message, { headers: { allow } }))
  })
}

function pathOf(url: string): string {
  return url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '').split(/[?#]/)[0]!
}

function segmentsOf(path: string): readonly string[] {
  return path.replace(/^\/|\/$/g, '').split('/')
}

function fits({ segments }: Route, asked: readonly string[]): boolean {
  return segments.length === asked.length && segments.every((segment, index) => segment.startsWith(':') || segment === asked[index])
}
