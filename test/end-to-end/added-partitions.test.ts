/** Somebody adds partitions to topics of a running log: noticed, said everywhere, served on as it was, and moved to new topics with what lies there. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCodec } from '@signalbox/codec'
import { contractSet, type Decision, defaultLimits, intentFromJson, partitionOf, type Status } from '@signalbox/contract'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { type RunningSignalbox, startSignalbox } from '@signalbox/signalbox'
import kafkajs, { type Admin, Kafka, logLevel } from 'kafkajs'
import pino from 'pino'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Ended, runOnTopics } from '../support/commands.ts'
import { root } from '../support/root.ts'
import { intent as asked } from '../support/shop.ts'
import shop from './shop.config.ts'

const brokers = process.env.KAFKA_BROKERS!
const config = join(root, 'test/end-to-end/shop.config.ts')
const codec = createCodec({ limits: defaultLimits })
const contracts = contractSet(shop.contracts)
const errors: string[] = []
const logger = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) })
const timeout = 120_000
const topics = [
  'intents',
  'events',
  'dead-letters.intents',
  'notifications',
  'dead-letters.escalation',
  'dead-letters.projector',
  'dead-letters.reactions',
  'dead-letters.ingest',
  'snapshots',
]

let directory = ''
let prefix = ''
let running: RunningSignalbox | undefined
let admin: Admin
let url = ''

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-added-'))
  prefix = `added-${process.pid}-${Date.now()}`
  await createTopics({ brokers, topicPrefix: prefix, partitions: 3 })
  admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  errors.length = 0
})

afterEach(async () => {
  await running?.stop()
  running = undefined
  await admin.disconnect()
  rmSync(directory, { recursive: true, force: true })
}, timeout)

async function start(topicPrefix = prefix, partitions?: number): Promise<void> {
  const log = await openKafkaLog({
    brokers,
    topicPrefix,
    watchIntervalMs: 200,
    openTransactionMs: 500,
    ...(partitions ? { partitions } : {}),
  })
  running = await startSignalbox({ log, contracts, logger })
  url = await running.gateway.server.listen({ host: '127.0.0.1', port: 0, trustNetwork: false, allowedHosts: [] })
}

async function stop(): Promise<void> {
  await running!.stop()
  running = undefined
}

const scopes = Array.from({ length: 12 }, (_, index) => `shop-${index}`)

const openOrder = (scope: string) => intentFromJson(asked([{ resource: 'order/1', action: 'open', input: { cents: 100 } }], { scope }))

async function submit(scope: string, waitMs = 20_000): Promise<Decision | null> {
  return await running!.gateway.desk.submit(openOrder(scope), { waitMs })
}

async function status(): Promise<Status> {
  return (await (await fetch(`${url}/v1/status`)).json()) as Status
}

async function readiness(): Promise<string> {
  const answer = await fetch(`${url}/readyz`)
  return `${answer.status} ${await answer.text()}`
}

const metrics = async () => await (await fetch(`${url}/metrics`)).text()

async function command(topicPrefix: string, ...parameters: string[]): Promise<Ended> {
  return await runOnTopics(directory, topicPrefix, [...parameters, '--config', config])
}

/** As a client would that partitions by the count that the topic has. */
async function produce(scope: string): Promise<string> {
  const intent = openOrder(scope)
  const producer = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  await producer.send({ topic: `${prefix}.intents`, messages: [{ key: scope, value: Buffer.from(codec.encodeIntent(intent)) }] })
  await producer.disconnect()
  return intent.intentId
}

describe('partitions that somebody adds', { timeout }, () => {
  it('to the intents are told, and generation move takes along what lies on them', async () => {
    await start()
    for (const scope of scopes.slice(0, 6)) expect((await submit(scope))!.committed).toBe(true)
    await admin.createPartitions({ topicPartitions: [{ topic: `${prefix}.intents`, count: 6 }] })
    await vi.waitUntil(async () => (await status()).troubles?.length, { timeout, interval: 50 })
    const ids = new Map<string, string>()
    for (const scope of scopes.slice(6)) ids.set(scope, await produce(scope))
    const astray = [...ids].filter(([scope]) => partitionOf(scope, 6) >= 3)
    expect(astray.length).toBeGreaterThan(0)
    await vi.waitUntil(async () => /^signalbox_log_unserved_intents\{partition="[345]"\} [1-9]/m.test(await metrics()), {
      timeout,
      interval: 50,
    })
    const told = await status()
    expect(told.ready).toBe(false)
    expect(told.troubles!.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['topic', 'unserved partition']))
    expect(await readiness()).toMatch(/^503 .*has 6 partitions, and the log has 3/)
    expect(errors.join('')).toContain('generation move NEW')
    expect(await metrics()).toMatch(/^signalbox_log_trouble\{kind="topic",topic="intents",partition=""\} 1$/m)
    // The gateway deals scopes over the partitions that are served.
    expect((await submit('shop-20'))!.committed).toBe(true)
    await stop()
    // A restart: reading works, deciding goes on.
    const shown = await command(prefix, 'resource', 'show', 'shop-1', 'order/1', '--json')
    expect([shown.code, shown.stderr, JSON.parse(shown.stdout).version]).toEqual([0, '', 1])
    for (const reads of [['audit'], ['replay', 'run', '--partition', '0'], ['generation', 'show']])
      expect({ reads, code: (await command(prefix, ...reads)).code }).toEqual({ reads, code: 0 })
    await start()
    expect((await submit('shop-21'))!.committed).toBe(true)
    // The way out.
    const next = `${prefix}-next`
    const applied = await command(next, 'topics', 'apply', '--partitions', '6', '--replication-factor', '1')
    expect(applied.code).toBe(0)
    const moved = await command(prefix, 'generation', 'move', next, '--reason', 'partitions were added', '--json')
    expect([moved.code, JSON.parse(moved.stdout).sentAgain]).toEqual([0, astray.length])
    await stop()
    await start(next)
    for (const [, id] of astray) {
      const decision = await vi.waitUntil(async () => await running!.gateway.desk.decision(id, { waitMs: 1_000 }), {
        timeout,
        interval: 50,
      })
      expect((decision as Decision).committed).toBe(true)
    }
    expect((await status()).troubles).toEqual([])
  })

  it('to every topic alike change nothing of what scopes are where, after a restart neither', async () => {
    await start()
    for (const scope of scopes) expect((await submit(scope))!.committed).toBe(true)
    await stop()
    await admin.createPartitions({ topicPartitions: topics.map((topic) => ({ topic: `${prefix}.${topic}`, count: 6 })) })
    // Of these, some would lie elsewhere by the new count.
    for (const scope of scopes.slice(0, 4)) {
      const shown = await command(prefix, 'resource', 'show', scope, 'order/1', '--json')
      expect([shown.code, JSON.parse(shown.stdout).version, shown.stderr.includes('from 3 partitions to 6')]).toEqual([0, 1, true])
    }
    expect(scopes.slice(0, 4).some((scope) => partitionOf(scope, 6) !== partitionOf(scope, 3))).toBe(true)
    expect((await command(prefix, 'audit')).code).toBe(0)
  })

  it.each(['events', 'dead-letters.intents', 'snapshots', 'notifications'])(
    'to %s alone are told, and intents are decided',
    async (topic) => {
      await start()
      await admin.createPartitions({ topicPartitions: [{ topic: `${prefix}.${topic}`, count: 4 }] })
      await vi.waitUntil(async () => (await readiness()).includes('has 4 partitions, and the log has 3'), { timeout, interval: 50 })
      expect((await submit('shop-1'))!.committed).toBe(true)
      await stop()
      await start()
      expect((await submit('shop-2'))!.committed).toBe(true)
    },
  )
})

describe('an open transaction of a stranger', { timeout }, () => {
  it.each(['intents', 'events'])('in %s stalls its partition, which says why and counts what waits, until it ends', async (topic) => {
    await start()
    const scope = 'shop-1'
    const partition = partitionOf(scope, 3)
    expect((await submit(scope))!.committed).toBe(true)
    const producer = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).producer({
      transactionalId: `${prefix}-stranger`,
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic: `${prefix}.${topic}`, messages: [{ partition, key: scope, value: '{}' }] })
    const waiting = Array.from({ length: 20 }, () => openOrder(scope))
    for (const intent of waiting) await running!.gateway.desk.submit(intent, { waitMs: 0 })
    await vi.waitUntil(async () => (await status()).partitions[partition]!.phase === 'stalled', { timeout, interval: 50 })
    const told = await status()
    expect(told.ready).toBe(false)
    expect(told.troubles).toMatchObject([{ kind: 'open transaction', topic, partition }])
    expect(told.troubles![0]!.message).toContain(`${prefix}-stranger`)
    expect(await readiness()).toMatch(/^503 .*open transaction of producer \d+/)
    if (topic === 'intents') {
      expect(told.partitions[partition]!.lag).toBeGreaterThanOrEqual(20)
      expect(await metrics()).toMatch(new RegExp(`^signalbox_partition_lag_intents\\{partition="${partition}"\\} 2[1-9]$`, 'm'))
    }
    expect(await metrics()).toContain(`signalbox_partition_phase{partition="${partition}",phase="stalled"} 1`)
    await transaction.abort()
    await producer.disconnect()
    await vi.waitUntil(async () => (await readiness()).startsWith('200'), { timeout, interval: 50 })
    for (const { intentId } of waiting)
      expect(await vi.waitUntil(async () => await running!.gateway.desk.decision(intentId, { waitMs: 1_000 }), { timeout })).not.toBeNull()
    expect((await status()).partitions[partition]!.phase).toBe('active')
  })
})
