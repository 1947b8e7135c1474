/** Each service as a process of its own on a real broker: who dies is replaced, and nothing is decided or asked twice. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { type Agent, connect } from '@signalbox/client'
import { createTopics } from '@signalbox/log-kafka'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { root } from '../support/root.ts'
import { stockName, warehouse } from './shop.config.ts'

const main = join(root, 'packages/cli/src/main.ts')
const config = join(root, 'test/end-to-end/shop.config.ts')
const timeout = 60_000
const topicPrefix = `services-${process.pid}-${Date.now()}`
const environment = {
  ...process.env,
  NO_COLOR: '1',
  KAFKA_TOPIC_PREFIX: topicPrefix,
  KAFKA_SESSION_TIMEOUT_MS: '6000',
  KAFKA_HEARTBEAT_INTERVAL_MS: '200',
}

interface Service {
  readonly child: ChildProcess
  readonly url: string
  readonly said: () => string
  /** Exit code, null after a signal. */
  readonly ended: Promise<number | null>
}

const services: Service[] = []

async function start(...parameters: string[]): Promise<Service> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...parameters, '--config', config, '--port', '0'], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  await vi.waitUntil(() => said.includes(' is up') || child.exitCode !== null, { timeout, interval: 20 })
  const url = /is up: (http:\/\/[^ ]+)/.exec(said)?.[1]
  if (url === undefined) throw new Error(said)
  const service = { child, url, said: () => said, ended }
  services.push(service)
  return service
}

async function isReady({ url }: Service): Promise<boolean> {
  return (await fetch(`${url}/readyz`)).status === 200
}

/** Partitions that a sequencer decides now, by its own metrics. */
async function activePartitions({ url }: Service): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return [...text.matchAll(/^signalbox_partition_phase\{partition="\d+",phase="active"\} 1$/gm)].length
}

let first: Service
let second: Service
let gateway: Service

beforeAll(async () => {
  await createTopics({ brokers: process.env.KAFKA_BROKERS!, topicPrefix, partitions: 8 })
  first = await start('sequencer')
  second = await start('sequencer')
  gateway = await start('gateway')
}, timeout)

afterAll(async () => {
  for (const { child } of services) child.kill('SIGKILL')
  await Promise.all(services.map(({ ended }) => ended))
}, timeout)

const agent = (name: string): Agent => connect({ url: gateway.url, agent: name, waitMs: timeout })

async function openOrders(from: number, count: number): Promise<void> {
  const clerk = agent('clerk')
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const number = from + index
      const seen = { scope: `shop-${number % 16}`, resources: [] }
      const decision = await clerk.propose(seen, [{ resource: `order/${number}`, action: 'open', input: { cents: 100 } }])
      expect(decision.committed).toBe(true)
    }),
  )
}

async function stockLeft(): Promise<number> {
  const { resources } = await agent('keeper').observe(warehouse, [stockName])
  return (resources[0]!.data as { left: number }).left
}

describe('services as processes', { timeout: 4 * timeout }, () => {
  it('two sequencers share the partitions, and each is ready', async () => {
    await vi.waitUntil(async () => (await activePartitions(first)) === 4 && (await activePartitions(second)) === 4, {
      timeout,
      interval: 50,
    })
    expect([await isReady(first), await isReady(second), await isReady(gateway)]).toEqual([true, true, true])
  })

  it('a follow-up is asked and decided once, whichever process dies meanwhile', async () => {
    await agent('keeper').propose({ scope: warehouse, resources: [] }, [{ resource: stockName, action: 'keep', input: { left: 1_000 } }])
    const processManager = await start('process-manager')
    await openOrders(0, 40)
    processManager.child.kill('SIGKILL')
    await openOrders(40, 20)
    const next = await start('process-manager')
    first.child.kill('SIGKILL')
    await openOrders(60, 40)
    await vi.waitUntil(async () => (await stockLeft()) <= 900, { timeout, interval: 100 })
    await vi.waitUntil(async () => (await activePartitions(second)) === 8, { timeout, interval: 50 })
    // One more round trip of everything: were anything asked twice, it would be decided by then.
    await openOrders(100, 1)
    await vi.waitUntil(async () => (await stockLeft()) <= 899, { timeout, interval: 100 })
    expect(await stockLeft()).toBe(899)
    await vi.waitUntil(() => isReady(next), { timeout, interval: 50 })
  })

  it('the inbox takes the name of who is asked, and nothing else', async () => {
    const escalations = await start('escalations')
    const ask = async (query: string) => {
      const answer = await fetch(`${escalations.url}/v1/inbox${query}`)
      return { status: answer.status, body: await answer.json() }
    }
    for (const query of ['', '?to=leads']) expect(await ask(query)).toMatchObject({ status: 200, body: { open: 0 } })
    for (const [query, says] of [
      ['?ot=leads', "there is no 'ot'; did you mean 'to'?"],
      ['?to=a&to=b', 'given more than once'],
      ['?to=', 'is empty'],
    ] as const)
      expect(await ask(query)).toMatchObject({ status: 400, body: { code: 'QUERY_INVALID', message: expect.stringContaining(says) } })
  })

  it('a service that is told to stop ends with 0', async () => {
    const running = services.filter(({ child }) => child.exitCode === null && child.signalCode === null)
    expect(running).toHaveLength(4)
    for (const { child } of running) child.kill('SIGTERM')
    expect(await Promise.all(running.map(({ ended }) => ended))).toEqual(running.map(() => 0))
  })

  it('a sequencer of its own is refused without brokers to share', async () => {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', main, 'sequencer', '--log', 'sqlite', '--config', config],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    )
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    const code = await new Promise((resolve) => child.once('close', resolve))
    expect(code).toBe(2)
    expect(said).toContain('set KAFKA_BROKERS')
  })
})
