/** What stands behind the `?` of an address. */
import { type LookedFor, lookupProblem, unknownKey } from '@signalbox/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { checking } from './hooks.ts'
import { RequestRefused } from './problems.ts'

/** A whole number in an address: digits and nothing else, so that no text is taken for a number that it is not. */
export function wholeNumberText(least: number, most: number) {
  return z.preprocess(
    (text) => (typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : text),
    z.int(`must be a whole number from ${least} to ${most}, given once`).min(least).max(most),
  )
}

const maxQuoted = 100

/** A name that is looked for: one that nothing can have is refused. */
export function nameText(what: LookedFor) {
  return z.string().superRefine((text, context) => {
    const problem = lookupProblem[what](text)
    if (problem !== null) context.addIssue({ code: 'custom', message: `${quotedName(text)} ${problem}` })
  })
}

/** Bounded: what somebody sent comes back in an answer. */
export function quotedName(text: string): string {
  return JSON.stringify(text.length > maxQuoted ? `${text.slice(0, maxQuoted)}…` : text)
}

/** Every route of a server, whatever it says of its query: a key that it does not take would be left out in silence. */
export function refuseUnknownQueries(app: FastifyInstance): void {
  app.addHook(
    'onRequest',
    checking(({ is404, query, routeOptions }) => {
      const keys = Object.keys(query as object)
      if (is404 || keys.length === 0) return
      const known = keysOf(routeOptions)
      const unknown = keys.find((key) => !known.includes(key))
      if (unknown !== undefined) throw new RequestRefused('QUERY_INVALID', `the query: ${unknownKey(unknown, known)}`, { path: unknown })
    }),
  )
}

function keysOf({ schema }: FastifyRequest['routeOptions']): readonly string[] {
  const query = schema?.querystring as { readonly shape?: object; readonly properties?: object } | undefined
  // Of zod, or a JSON Schema.
  return Object.keys(query?.shape ?? query?.properties ?? {})
}
