/** What is looked for by a name that nothing can have is refused, and the nearest one named: an empty answer says that there is nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lookupProblem, type Problem, rejectCodes } from '@signalbox/contract'
import { letterCodes } from '@signalbox/dead-letters'
import type { DeadLetterCode } from '@signalbox/escalation'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type HttpServers, openHttpServers, type ServerName } from './http-servers.ts'
import { runHere } from './run-here.ts'

const config = join(import.meta.dirname, 'shop.config.ts')
const data = mkdtempSync(join(tmpdir(), 'signalbox-looked-for-'))
const unknownId = '0192f3c0-1111-7111-8111-111111111111'
let servers: HttpServers

beforeAll(async () => {
  servers = await openHttpServers()
  // A log that can be read, and holds nothing.
  const { openSqliteLog } = await import('@signalbox/log-sqlite')
  await (await openSqliteLog({ directory: data })).close()
})

afterAll(async () => {
  await servers.close()
  rmSync(data, { recursive: true, force: true })
})

async function get(on: ServerName, path: string): Promise<{ status: number; body: Problem }> {
  const answer = await fetch(`${servers.urls[on]}${path}`, { signal: AbortSignal.timeout(10_000) })
  return { status: answer.status, body: (await answer.json()) as Problem }
}

const ids: readonly (readonly [string, RegExp])[] = [
  [unknownId.toUpperCase(), /another form; write it as 0192f3c0-1111-7111-8111-111111111111/],
  [`{${unknownId}}`, /another form; write it as/],
  [`urn:uuid:${unknownId}`, /another form; write it as/],
  [unknownId.replaceAll('-', ''), /another form; write it as/],
  ['3f2504e0-4f89-41d3-9a0c-0305e82c3301', /a UUID of version 4/],
  ['01ARZ3NDEKTSV4RRFFQ69G5FAV', /a ULID and no UUID/],
  ['42', /is no UUID; give the id of an intent as it was sent/],
]

const queries: readonly (readonly [string, string, RegExp])[] = [
  ['/v1/intents?code=foo', 'code', /"foo" is no code of a reject; docs\/codes lists them/],
  ['/v1/intents?code=STALE_RAED', 'code', /did you mean 'STALE_READ'/],
  ['/v1/intents?code=stale_read', 'code', /did you mean 'STALE_READ'/],
  ['/v1/intents?resource=foo', 'resource', /must be type\/id/],
  ['/v1/intents?resource=order/', 'resource', /names no id/],
  ['/v1/intents?scope=', 'scope', /is empty/],
  ['/v1/intents?scope=a%00', 'scope', /NUL/],
  ['/v1/intents?agent=J%C3%B6rg', 'agent', /is no name of an agent; give/],
  ['/v1/intents?agent=human:', 'agent', /is no name of an agent/],
  ['/v1/intents?outcome=pending', 'outcome', /committed or rejected/],
  ['/v1/events?code=nope', 'code', /is no code/],
  ['/v1/events?resource=Order/1', 'resource', /must be type\/id/],
  ['/v1/resources?type=ordre', 'type', /"ordre" is of no contract; did you mean 'order'/],
  ['/v1/resources?type=taks', 'type', /did you mean 'task'/],
  ['/v1/resources?type=ORDER', 'type', /is no type; give/],
  ['/v1/resources?state=piad', 'state', /did you mean 'paid'/],
  ['/v1/resources?type=stock&state=paid', 'state', /"paid" is no state of stock; there are kept/],
  ['/v1/resources?state=a%20b', 'state', /is no state; give/],
  ['/v1/resources?scope=%20x', 'scope', /begins with a space/],
  ['/v1/observe?scope=shop-1&resource=ordre/1', 'resource', /did you mean 'order'/],
  ['/v1/observe?scope=shop-1&resource=zzzzzzzzzz/1', 'resource', /is of no contract; there are order, stock/],
  ['/v1/observe?scope=shop-1&resource=order/1&resource=foo', 'resource.1', /must be type\/id/],
  ['/v1/watch?scope=shop-1&read=ordre/1@0', 'read', /did you mean 'order'/],
  ['/v1/watch?scope=shop-1&read=foo@0', 'read.0.resource', /must be type\/id/],
]

const empty = [
  '/v1/intents?code=STALE_READ&agent=nobody&scope=nowhere&resource=order/none',
  '/v1/resources?type=order&state=paid&scope=nowhere',
  '/v1/resources?type=transfer',
  '/v1/resources?state=none',
  '/v1/observe?scope=nowhere&resource=order/none&resource=reservation/order/none&resource=generation/log',
]

describe('over HTTP', () => {
  it.each(queries)('%s is refused', async (path, at, says) => {
    expect(await get('gateway', path)).toMatchObject({
      status: 400,
      body: { code: 'QUERY_INVALID', path: at, message: expect.stringMatching(says) },
    })
  })

  it.each(ids)('the id %s is refused', async (id, says) => {
    for (const path of [`/v1/intents/${encodeURIComponent(id)}`, `/v1/intents/${encodeURIComponent(id)}/explanation`])
      expect(await get('gateway', path)).toMatchObject({
        status: 400,
        body: { code: 'QUERY_INVALID', path: 'intentId', message: expect.stringMatching(says) },
      })
  })

  it.each(empty)('%s is answered', async (path) => {
    expect((await get('gateway', path)).status).toBe(200)
  })

  it('an id that was never sent is not found', async () => {
    expect(await get('gateway', `/v1/intents/${unknownId}`)).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
  })
})

describe('a key of a query that a route does not take', () => {
  const swapped = (key: string) => `${key.slice(0, 1)}${key[2]}${key[1]}${key.slice(3)}`

  it('is refused by every route of the gateway, and the nearest one named', async () => {
    const { paths } = (await (await fetch(`${servers.urls.gateway}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { parameters?: readonly { in: string; name: string }[] }>>
    }
    let count = 0
    for (const [path, methods] of Object.entries(paths))
      for (const [method, { parameters = [] }] of Object.entries(methods)) {
        const url = `${servers.urls.gateway}${path.replace('{intentId}', unknownId)}`
        const ask = async (key: string) => {
          const answer = await fetch(`${url}?${encodeURIComponent(key)}=1`, {
            method: method.toUpperCase(),
            signal: AbortSignal.timeout(10_000),
          })
          expect(answer.status, `${path} ${key}`).toBe(400)
          return (await answer.json()) as Problem
        }
        for (const { name } of parameters.filter((each) => each.in === 'query')) {
          expect(await ask(swapped(name))).toEqual({
            code: 'QUERY_INVALID',
            path: swapped(name),
            message: `the query: there is no '${swapped(name)}'; did you mean '${name}'?`,
          })
          count++
        }
        for (const key of ['__proto__', 'constructor', 'toString', ' ', 'x'.repeat(5_000)])
          expect((await ask(key)).code).toBe('QUERY_INVALID')
      }
    expect(count).toBeGreaterThan(15)
  })

  const rows = '/v1/projections/resources/tables/resources/rows'
  it.each<[ServerName, string, string]>([
    ['projector', '/v1/projections?limit=1', 'nothing is taken here'],
    ['projector', '/v1/projections/resources?x=1', 'nothing is taken here'],
    ['projector', '/v1/projections/resources/lag?x=1', 'nothing is taken here'],
    ['projector', '/v1/projections/resources/parked?kye=1', "did you mean 'key'"],
    ['projector', `${rows}?prefx=1`, "did you mean 'prefix'"],
    ['projector', `${rows}?atleast=0:0`, "did you mean 'atLeast'"],
    ['projector', `${rows}/k?watiMs=1`, "did you mean 'waitMs'"],
    ['projector', '/v1/projection-requests/1?x=1', 'nothing is taken here'],
    ['projector', '/healthz?x=1', 'nothing is taken here'],
    ['gateway', '/openapi.json?x=1', 'nothing is taken here'],
    ['operations', '/livez?x=1', 'nothing is taken here'],
    ['operations', '/readyz?x=1', 'nothing is taken here'],
    ['operations', '/metrics?x=1', 'nothing is taken here'],
  ])('is refused by the %s: %s', async (on, path, says) => {
    expect(await get(on, path)).toMatchObject({ status: 400, body: { code: 'QUERY_INVALID', message: expect.stringContaining(says) } })
  })
})

it('a key of a body that the projector does not take is refused, and the nearest one named', async () => {
  const answer = await fetch(`${servers.urls.projector}/v1/projections/resources/retry`, {
    method: 'POST',
    body: '{"kye":"a"}',
    headers: { 'content-type': 'application/json' },
  })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ code: 'BODY_MALFORMED', message: "the body: there is no 'kye'; did you mean 'key'?" })
})

it('a misspelt key of an intent is named, and not the one that is missing for it', async () => {
  const intent = { scope: 's', agnet: 'a', actions: [{ resource: 'order/1', action: 'open' }] }
  const answer = await fetch(`${servers.urls.gateway}/v1/intents`, {
    method: 'POST',
    body: JSON.stringify(intent),
    headers: { 'content-type': 'application/json' },
  })
  expect(answer.status).toBe(400)
  expect(await answer.json()).toMatchObject({ message: expect.stringContaining("there is no 'agnet'; did you mean 'agent'?") })
  const { code, stderr } = await runHere([
    'intent',
    'submit',
    written(JSON.stringify({ intentId: unknownId, ...intent })),
    '--url',
    servers.urls.gateway,
  ])
  expect(stderr).toContain("there is no 'agnet'; did you mean 'agent'?")
  expect(code).toBe(2)
})

function written(text: string): string {
  const file = join(data, 'intent.json')
  writeFileSync(file, text)
  return file
}

const commands: readonly (readonly [readonly string[], RegExp])[] = [
  [['intent', 'list', '--code', 'nope'], /--code: "nope" is no code of a reject/],
  [['intent', 'list', '--code', 'STALE_RAED'], /did you mean 'STALE_READ'/],
  [['intent', 'tail', '--code', 'nope'], /is no code of a reject/],
  [['intent', 'list', '--agent', 'a b'], /is no name of an agent/],
  [['intent', 'list', '--scope', ' x'], /begins with a space/],
  [['intent', 'list', '--resource', 'x'], /must be type\/id/],
  [['intent', 'list', '--outcome', 'x'], /Allowed choices are committed, rejected/],
  [['resource', 'list', '--type', 'ordre'], /did you mean 'order'/],
  [['resource', 'list', '--type', 'O'], /is no type/],
  [['resource', 'list', '--state', 'piad'], /did you mean 'paid'/],
  [['resource', 'list', '--state', 'a b'], /is no state/],
  [['resource', 'show', 's', 'ordre/1'], /did you mean 'order'/],
  [['resource', 'show', ' s', 'order/1'], /SCOPE: " s" begins with a space/],
  [['resource', 'show', 's', 'order'], /must be type\/id/],
  [['trace', unknownId.toUpperCase()], /another form; write it as/],
  [['trace', 'a\u200bb'], /U\+200B/],
]
const ofTheLog: readonly (readonly [readonly string[], RegExp])[] = [
  [['resource', 'history', 's', 'ordre/1'], /did you mean 'order'/],
  [['blast-radius', 'x'], /is no UUID/],
  [['dead-letter', 'list', '--code', 'DEADLETTERED'], /did you mean 'DEAD_LETTERED'/],
  [['dead-letter', 'list', '--code', 'REACTON_FAILED'], /did you mean 'REACTION_FAILED'/],
  [['dead-letter', 'list', '--fingerprint', 'x'], /--fingerprint: "x" is none/],
  [['dead-letter', 'discard', '--code', 'nope'], /is no code of a dead letter/],
  [['dead-letter', 'list', '--agent', 'a b'], /is no name of an agent/],
  [['replay', 'run', '--do', 'next reject NOPE'], /is no code of a reject/],
  [['replay', 'run', '--do', 'next intent NOPE'], /is no UUID/],
  [['replay', 'run', '--do', 'next change foo'], /must be type\/id/],
  [['replay', 'run', '--do', 'show foo s'], /must be type\/id/],
  [['replay', 'export', 'x.jsonl', '--scope', ''], /--scope is empty/],
  [['replay', 'export', 'x.jsonl', '--scope', 'ok', '--scope', ' no'], /--scope: " no" begins with a space/],
  [['projection', 'new', 'x', '--type', 'ordre'], /did you mean 'order'/],
]
const ofTheGateway: readonly (readonly [readonly string[], RegExp])[] = [
  [['escalation', 'list', '--state', 'opn'], /is no state of an escalation; there are triggered/],
  [['escalation', 'list', '--state', 'expird'], /did you mean 'expired'/],
  [['escalation', 'list', '--scope', 'a\tb'], /tabulator/],
  [['escalation', 'show', ' x'], /ID: |there is no/],
  [['task', 'list', '--state', 'claimd'], /did you mean 'claimed'/],
  [['handoff', 'list', '--state', 'offerd'], /did you mean 'offered'/],
  [['agent', 'show', 'J\u00f6rg'], /is no name of an agent/],
  [['agent', 'quarantine', 'a b', '--reason', 'r'], /is no name of an agent/],
  [['intent', 'withdraw', unknownId.toUpperCase()], /another form; write it as/],
  [['task', 'claim', '1', '--agent', 'a b'], /is no name of an agent/],
]

describe('by a command', () => {
  const atGateway = async (parameters: readonly string[]) => runHere([...parameters, '--config', config, '--url', servers.urls.gateway])
  const onLog = async (parameters: readonly string[]) => runHere([...parameters, '--config', config, '--data-dir', data, '--log', 'sqlite'])

  it.each([...commands, ...ofTheLog])('%j, of a log', async (parameters, says) => {
    const { code, stderr } = await onLog(parameters)
    expect(stderr).toMatch(says)
    expect(code, stderr).toBe(2)
  })

  it.each([...commands.slice(0, -2), ...ofTheGateway])('%j, at a gateway', async (parameters, says) => {
    const { code, stderr } = await atGateway(parameters)
    expect(stderr).toMatch(says)
    expect(code, stderr).toBe(2)
  })

  it.each(ids)('the id %s', async (id, says) => {
    for (const verb of ['show', 'explain'])
      for (const run of [atGateway, onLog]) {
        const { code, stderr } = await run(['intent', verb, id])
        expect(stderr).toMatch(says)
        expect(code, stderr).toBe(2)
      }
  })

  it('an empty answer stays one', async () => {
    for (const parameters of [
      ['intent', 'list', '--code', 'STALE_READ', '--agent', 'nobody', '--scope', 'nowhere', '--resource', 'order/none'],
      ['resource', 'list', '--type', 'order', '--state', 'paid'],
      ['resource', 'list', '--type', 'task'],
    ])
      for (const run of [atGateway, onLog]) expect(await run(parameters), parameters.join(' ')).toMatchObject({ code: 0 })
    expect(await onLog(['intent', 'show', unknownId])).toMatchObject({ code: 3 })
    expect(await onLog(['resource', 'show', 's', 'order/none'])).toMatchObject({ code: 3 })
    for (const code of letterCodes) expect(await onLog(['dead-letter', 'list', '--code', code])).toMatchObject({ code: 0 })
  })
})

it('every code of a reject, and of a notification that reached nobody, may be looked for', () => {
  for (const code of Object.keys(rejectCodes)) expect(lookupProblem.code(code)).toBeNull()
  const causes: Record<DeadLetterCode, true> = {
    ADDRESS_REFUSED: true,
    REDIRECTED: true,
    REFUSED: true,
    GONE: true,
    EXHAUSTED: true,
    TARGET_DISABLED: true,
    QUEUE_FULL: true,
    TOO_LARGE: true,
    UNKNOWN_TARGET: true,
  }
  expect(letterCodes).toEqual(expect.arrayContaining(Object.keys(causes)))
})
