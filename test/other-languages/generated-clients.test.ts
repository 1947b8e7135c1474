/** Clients that others generate from `/openapi.json`: it is valid, and what is made of it proposes an intent and reads its decision. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { newIntentId } from '@signalbox/client'
import openapiTypescript, { astToString } from 'openapi-typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommand } from '../../infra/kafka/command.ts'
import { pythonWithPackages } from '../../infra/python/environment.ts'
import { root } from '../support/root.ts'
import { openShop, type Shop } from '../support/shop.ts'

const minute = 60_000
let shop: Shop
let description: { readonly [key: string]: unknown }
let folder: string

beforeAll(async () => {
  shop = await openShop()
  description = (await (await fetch(`${shop.url}/openapi.json`)).json()) as typeof description
  // Inside the repository, where the packages that it imports are found.
  mkdirSync(join(root, 'test/.scratch'), { recursive: true })
  folder = mkdtempSync(join(root, 'test/.scratch/client-'))
})

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await shop.close()
})

function every(value: unknown, visit: (key: string, value: unknown) => void): void {
  if (typeof value !== 'object' || value === null) return
  for (const [key, each] of Object.entries(value)) {
    visit(key, each)
    every(each, visit)
  }
}

describe('the description', () => {
  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(description))
    expect(result.errors).toBeUndefined()
    expect(result.valid).toBe(true)
  })

  it('refers to nothing that it lacks, and describes nothing that is not asked or answered', () => {
    const { schemas } = description.components as { readonly schemas: Readonly<Record<string, unknown>> }
    const referred = new Set<string>()
    every(description, (key, value) => {
      if (key === '$ref') referred.add(String(value))
    })
    expect([...referred].sort()).toEqual(
      Object.keys(schemas)
        .sort()
        .map((name) => `#/components/schemas/${name}`),
    )
    expect(Object.keys(schemas)).toEqual(expect.arrayContaining(['Intent', 'Decision', 'Observation', 'Problem', 'Status']))
  })

  it('gives every operation a name, an answer and its refusals', () => {
    const names: unknown[] = []
    for (const operations of Object.values(description.paths as Record<string, Record<string, unknown>>))
      for (const operation of Object.values(operations) as { operationId?: string; responses: Record<string, { description: string }> }[]) {
        names.push(operation.operationId)
        expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining(['200', '400', '403', '503']))
        for (const answer of Object.values(operation.responses)) expect(answer.description).not.toBe('Default Response')
      }
    expect(new Set(names).size).toBe(names.length)
    expect(names).not.toContain(undefined)
  })
})

const node = process.execPath

it(
  'a TypeScript client of it is typed, proposes an intent, and reads its decision',
  async () => {
    writeFileSync(join(folder, 'schema.ts'), astToString(await openapiTypescript(description as never)))
    writeFileSync(
      join(folder, 'agent.ts'),
      `import createClient from 'openapi-fetch'
import type { components, paths } from './schema.ts'

const client = createClient<paths>({ baseUrl: process.argv[2]! })
const intentId = process.argv[3]!
const intent: components['schemas']['Intent'] = {
  intentId,
  scope: 'generated',
  agent: 'clerk',
  actions: [{ resource: 'order/ts', action: 'open', input: { cents: 700 } }],
}
const proposed = await client.POST('/v1/intents', { body: intent, params: { query: { waitMs: 5_000 } } })
if (proposed.response.status !== 200 || proposed.data === undefined) throw new Error(JSON.stringify(proposed.error))
const read = await client.GET('/v1/intents/{intentId}', { params: { path: { intentId } } })
const refused = await client.GET('/v1/intents', { params: { query: { limit: 5_000 } } })
const decision: components['schemas']['Decision'] = read.data!
console.log(JSON.stringify({ committed: decision.committed, data: decision.changes[0]!.data, refused: refused.error!.code }))
`,
    )
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: join(root, 'tsconfig.base.json'), compilerOptions: { noEmit: true }, include: ['*.ts'] }),
    )
    const checked = await runCommand(node, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], minute)
    expect(checked?.exitCode, checked?.output).toBe(0)
    const ran = await runCommand(node, ['--disable-warning=ExperimentalWarning', join(folder, 'agent.ts'), shop.url, newIntentId()], minute)
    expect(ran?.exitCode, ran?.output).toBe(0)
    expect(JSON.parse(ran!.output)).toEqual({ committed: true, data: { cents: 700, note: '' }, refused: 'QUERY_INVALID' })
  },
  3 * minute,
)

it(
  'a Python client of it proposes an intent, and reads its decision',
  async () => {
    const python = await pythonWithPackages()
    const place = mkdtempSync(join(tmpdir(), 'signalbox-generated-'))
    try {
      writeFileSync(join(place, 'openapi.json'), JSON.stringify(description))
      writeFileSync(join(place, 'config.yml'), 'post_hooks: []\n')
      const files = ['--path', join(place, 'openapi.json'), '--config', join(place, 'config.yml'), '--output-path', join(place, 'gateway')]
      const generated = await runCommand(
        python,
        ['-m', 'openapi_python_client', 'generate', '--meta', 'none', '--fail-on-warning', ...files],
        minute,
      )
      expect(generated?.exitCode, generated?.output).toBe(0)
      writeFileSync(
        join(place, 'agent.py'),
        `import json, sys
from gateway.client import Client
from gateway.api.intents import get_decision, list_decisions, submit_intent
from gateway.models import Decision, Intent, Problem

client = Client(base_url=sys.argv[1])
intent = Intent.from_dict({
    "intentId": sys.argv[2], "scope": "generated", "agent": "clerk",
    "actions": [{"resource": "order/py", "action": "open", "input": {"cents": 800}}],
})
proposed = submit_intent.sync(client=client, body=intent, wait_ms=5000)
assert isinstance(proposed, Decision), proposed
read = get_decision.sync(sys.argv[2], client=client)
assert isinstance(read, Decision), read
refused = list_decisions.sync(client=client, limit=5000)
assert isinstance(refused, Problem), refused
print(json.dumps({"committed": read.committed, "data": read.changes[0].data.to_dict(), "refused": refused.code}))
`,
      )
      const ran = await runCommand(python, [join(place, 'agent.py'), shop.url, newIntentId()], minute)
      expect(ran?.exitCode, ran?.output).toBe(0)
      expect(JSON.parse(ran!.output)).toEqual({ committed: true, data: { cents: 800, note: '' }, refused: 'QUERY_INVALID' })
    } finally {
      rmSync(place, { recursive: true, force: true })
    }
  },
  10 * minute,
)
