/** Projectors as processes on a real broker and a real PostgreSQL: one dies, the other goes on, and nothing is folded twice. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { connect } from '@signalbox/client'
import { createTopics } from '@signalbox/log-kafka'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type PostgresForTests, postgresForTests } from '../../infra/postgres/choose.ts'
import { root } from '../support/root.ts'

const main = join(root, 'packages/cli/src/main.ts')
const config = join(root, 'test/end-to-end/projector.config.ts')
const timeout = 60_000
const password = 'nobody-may-read-this'
let postgres: PostgresForTests
let environment: NodeJS.ProcessEnv

interface Service {
  readonly child: ChildProcess
  readonly url: string
  readonly said: () => string
  readonly ended: Promise<number | null>
}

const services: Service[] = []

function run(...parameters: readonly string[]) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...parameters], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const out = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => {
      out[stream] += chunk.toString()
    })
  return { child, out, ended: new Promise<number | null>((resolve) => child.once('close', resolve)) }
}

async function start(name: string): Promise<Service> {
  const { child, ended, out } = run(name, '--config', config, '--port', '0')
  await vi.waitUntil(() => out.stderr.includes(' is up') || child.exitCode !== null, { timeout, interval: 20 })
  const url = /is up: (http:\/\/[^ ]+)/.exec(out.stderr)?.[1]
  if (url === undefined) throw new Error(out.stderr)
  const service = { child, url, said: () => out.stderr + out.stdout, ended }
  services.push(service)
  return service
}

async function get<Body>(url: string): Promise<Body> {
  return (await (await fetch(url)).json()) as Body
}

async function phaseAt({ url }: Service): Promise<string> {
  return (await get<{ phase: string }>(`${url}/v1/projections/resources`)).phase
}

let first: Service
let second: Service
let gateway: Service

beforeAll(async () => {
  postgres = await postgresForTests()
  const topicPrefix = `projector-${process.pid}-${Date.now()}`
  const store = new URL(postgres.url)
  // The server trusts everybody; what is given as a password must show up nowhere.
  store.password ||= password
  environment = { ...process.env, NO_COLOR: '1', KAFKA_TOPIC_PREFIX: topicPrefix, SIGNALBOX_PROJECTOR_STORE: store.href }
  await createTopics({ brokers: process.env.KAFKA_BROKERS!, topicPrefix, partitions: 4 })
  await start('sequencer')
  gateway = await start('gateway')
  first = await start('projector')
  await vi.waitUntil(async () => (await phaseAt(first)) === 'active', { timeout, interval: 50 })
  second = await start('projector')
}, 2 * timeout)

afterAll(async () => {
  for (const { child } of services) child.kill('SIGKILL')
  await Promise.all(services.map(({ ended }) => ended))
  await postgres.stop()
}, timeout)

async function openOrders(from: number, count: number): Promise<readonly string[]> {
  const clerk = connect({ url: gateway.url, agent: 'clerk', waitMs: timeout })
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const seen = { scope: `shop-${(from + index) % 16}`, resources: [] }
      const decision = await clerk.propose(seen, [{ resource: `order/${from + index}`, action: 'open', input: { cents: 100 } }])
      expect(decision.committed).toBe(true)
      return decision.position
    }),
  )
}

describe('projectors on Kafka and PostgreSQL', { timeout: 4 * timeout }, () => {
  it('one folds and both serve, as of a position that a decision named', async () => {
    const [position] = await openOrders(0, 40)
    for (const service of [first, second]) {
      const rows = await get<{ rows: object[] }>(
        `${service.url}/v1/projections/resources/tables/resources/rows?limit=1000&atLeast=${position}&waitMs=${timeout}`,
      )
      expect(rows.rows.length).toBeGreaterThan(0)
    }
    expect(await phaseAt(second)).toBe('standby')
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200)
  })

  it('the standby goes on where the owner was killed, and every event is in the rows once', async () => {
    first.child.kill('SIGKILL')
    await openOrders(40, 40)
    await vi.waitUntil(async () => (await phaseAt(second)) === 'active', { timeout, interval: 50 })
    await openOrders(80, 20)
    const committed = () => get<{ row?: { committed: number } }>(`${second.url}/v1/projections/agents/tables/agents/rows/clerk`)
    await vi.waitUntil(async () => ((await committed()).row?.committed ?? 0) >= 100, { timeout, interval: 50 })
    expect((await committed()).row).toMatchObject({ agent: 'clerk', committed: 100, rejected: 0 })
    const verified = run('projection', 'verify', '--config', config, '--output', 'jsonl')
    expect(await verified.ended, verified.out.stderr).toBe(0)
    expect(verified.out.stdout.trim().split('\n')).toHaveLength(6)
  })

  it('a projector that is told to stop ends with 0, and the address of the store was said nowhere', async () => {
    second.child.kill('SIGTERM')
    expect(await second.ended).toBe(0)
    for (const { said } of services) expect(said()).not.toContain(password)
  })

  it('a store that does not answer is said to be so, without its password', async () => {
    const lost = run('projection', 'list', '--config', config)
    const { SIGNALBOX_PROJECTOR_STORE: store } = environment
    environment = { ...environment, SIGNALBOX_PROJECTOR_STORE: `postgres://signalbox:${password}@127.0.0.1:1/nowhere` }
    const away = run('projection', 'list', '--config', config)
    environment = { ...environment, SIGNALBOX_PROJECTOR_STORE: store }
    expect(await lost.ended).toBe(0)
    expect(await away.ended).toBe(4)
    expect(away.out.stderr).toMatch(/PostgreSQL at 127.0.0.1:1 .*cannot be reached/)
    expect(away.out.stderr).not.toContain(password)
  })
})
