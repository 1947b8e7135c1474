import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import type * as Kafkajs from '../../packages/log-kafka/node_modules/kafkajs/types/index.d.ts'
import { type RunningCluster, startCluster } from './cluster.ts'

// The library belongs to the package that uses it in production; it is CommonJS.
const load = createRequire(join(import.meta.dirname, '../../packages/log-kafka/package.json'))
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, Kafka, logLevel, ResourcePatternTypes } = load('kafkajs') as typeof Kafkajs

const PATIENCE_MS = 120_000
const TOPIC = 'signals'

interface Login {
  readonly mechanism: 'plain' | 'scram-sha-256'
  readonly username: string
  readonly password: string
}

function client({ brokers, authorityFile }: RunningCluster, login?: Login, retries = 20): Kafkajs.Kafka {
  return new Kafka({
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    // A paused broker accepts connections and answers nothing.
    connectionTimeout: 1_000,
    authenticationTimeout: 1_000,
    requestTimeout: retries === 0 ? 1_000 : 3_000,
    retry: { initialRetryTime: 100, maxRetryTime: 500, retries },
    ...(authorityFile === null ? {} : { ssl: { ca: readFileSync(authorityFile, 'utf8') } }),
    ...(login === undefined ? {} : { sasl: login as Kafkajs.SASLOptions }),
  })
}

async function send(kafka: Kafkajs.Kafka, ...values: readonly string[]): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  try {
    await producer.send({ topic: TOPIC, acks: -1, messages: values.map((value) => ({ value })) })
  } finally {
    await producer.disconnect()
  }
}

async function listTopics(kafka: Kafkajs.Kafka): Promise<readonly string[]> {
  const admin = kafka.admin({ retry: { retries: 0 } })
  await admin.connect()
  try {
    return await admin.listTopics()
  } finally {
    await admin.disconnect()
  }
}

async function createTopic(kafka: Kafkajs.Kafka): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    // Its own waiting fails on the first broker that has not heard of the topic yet.
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1 }], waitForLeaders: false })
  } finally {
    await admin.disconnect()
  }
  await until(kafka, 'the topic', ({ leader }) => leader > 0)
}

interface PartitionState {
  readonly leader: number
  readonly inSync: readonly number[]
  readonly end: number
}

async function stateOf(kafka: Kafkajs.Kafka): Promise<PartitionState> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    const [topic] = (await admin.fetchTopicMetadata({ topics: [TOPIC] })).topics
    const [offsets] = await admin.fetchTopicOffsets(TOPIC)
    const partition = topic!.partitions[0]!
    return { leader: partition.leader, inSync: partition.isr.toSorted(), end: Number(offsets!.high) }
  } finally {
    await admin.disconnect()
  }
}

async function until(kafka: Kafkajs.Kafka, what: string, condition: (state: PartitionState) => boolean): Promise<PartitionState> {
  const deadline = performance.now() + PATIENCE_MS / 2
  for (;;) {
    const state = await stateOf(kafka).catch(() => null)
    if (state !== null && condition(state)) return state
    if (performance.now() > deadline) throw new Error(`${what}: not in time; last seen ${JSON.stringify(state)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe('three brokers', { timeout: PATIENCE_MS }, () => {
  let cluster: RunningCluster
  beforeAll(async () => {
    cluster = await startCluster({ brokers: 3 })
  }, PATIENCE_MS)
  afterAll(async () => {
    await Promise.all([cluster.stop(), cluster.stop()])
    assert.equal(existsSync(cluster.folder), false)
    assert.deepEqual(
      cluster.members.map(({ isAlive }) => isAlive),
      [false, false, false],
    )
    assert.equal(await cluster.ended, null)
  })

  it('replicate, lose one to kill -9 without losing a record, and take it back with its data', async () => {
    const kafka = client(cluster)
    await createTopic(kafka)
    await send(kafka, 'one', 'two')
    const { leader } = await until(kafka, 'three copies', ({ inSync }) => inSync.length === 3)
    const victim = cluster.members.find(({ id }) => id === leader)!
    const before = victim.pid
    await victim.kill()
    assert.equal(await victim.ended, 'signal SIGKILL')
    await send(kafka, 'three')
    const without = await until(kafka, 'another leader', (state) => state.leader !== leader && state.inSync.length === 2)
    // A send that was repeated may be there twice; what must not be is that one is missing.
    assert.ok(without.end >= 3)
    await victim.restart()
    assert.notEqual(victim.pid, before)
    const after = await until(kafka, 'three copies again', ({ inSync }) => inSync.length === 3)
    assert.ok(after.end >= without.end)
  })

  it('take another leader while one is paused, and the paused one back', async () => {
    const kafka = client(cluster)
    const { leader, end } = await until(kafka, 'three copies', ({ inSync }) => inSync.length === 3)
    const paused = cluster.members.find(({ id }) => id === leader)!
    const others = { ...cluster, brokers: cluster.members.flatMap(({ id, address }) => (id === leader ? [] : [address])).join(',') }
    paused.pause()
    await until(client(others), 'another leader', (state) => state.leader !== leader && !state.inSync.includes(leader))
    await send(client(others), 'four')
    paused.resume()
    // For a moment the one that was paused tells of the world as it left it.
    await until(kafka, 'three copies again, with what was written meanwhile', (state) => state.inSync.length === 3 && state.end > end)
    assert.equal(paused.isAlive, true)
  })
})

describe('a broker that asks who comes', { timeout: PATIENCE_MS }, () => {
  const agent = { username: 'agent', password: 'agents-word' } as const
  let cluster: RunningCluster
  let admin: Login
  beforeAll(async () => {
    cluster = await startCluster({ brokers: 1, security: { sasl: { users: [agent] }, tls: true } })
    admin = { mechanism: 'plain', ...cluster.admin! }
    await createTopic(client(cluster, admin))
  }, PATIENCE_MS)
  afterAll(() => cluster.stop())

  it('turns away who has no name, a wrong password, or does not trust its certificate', async () => {
    await assert.rejects(listTopics(client(cluster, undefined, 0)))
    for (const mechanism of ['plain', 'scram-sha-256'] as const)
      await assert.rejects(listTopics(client(cluster, { mechanism, ...agent, password: 'wrong' }, 0)), /authentication/i)
    const unknown = { brokers: [cluster.brokers], ssl: true, sasl: admin as Kafkajs.SASLOptions }
    const distrustful = new Kafka({ ...unknown, logLevel: logLevel.NOTHING, retry: { retries: 0 } })
    await assert.rejects(distrustful.admin({ retry: { retries: 0 } }).connect(), /certificate/)
    assert.deepEqual(await listTopics(client(cluster, admin)), [TOPIC])
  })

  it('lets a user do nothing until an ACL says so', async () => {
    for (const mechanism of ['plain', 'scram-sha-256'] as const)
      await assert.rejects(send(client(cluster, { mechanism, ...agent }, 0), 'x'), /not authorized|does not host/i)
    const rights = client(cluster, admin).admin()
    await rights.connect()
    for (const operation of [AclOperationTypes.WRITE, AclOperationTypes.DESCRIBE])
      await rights.createAcls({
        acl: [
          {
            resourceType: AclResourceTypes.TOPIC,
            resourceName: TOPIC,
            resourcePatternType: ResourcePatternTypes.LITERAL,
            principal: 'User:agent',
            host: '*',
            operation,
            permissionType: AclPermissionTypes.ALLOW,
          },
        ],
      })
    await rights.disconnect()
    for (const mechanism of ['plain', 'scram-sha-256'] as const) await send(client(cluster, { mechanism, ...agent }), mechanism)
    assert.ok((await stateOf(client(cluster, admin))).end >= 2)
  })
})

describe('a proxy between clients and brokers', { timeout: PATIENCE_MS }, () => {
  it('sees all that clients send, where it is advertised', async () => {
    let broker = 0
    let seen = 0
    const proxy = createServer((socket) => {
      const upstream = connect({ host: '127.0.0.1', port: broker })
      socket.on('data', (chunk) => {
        seen += chunk.length
      })
      for (const side of [socket, upstream]) side.on('error', () => {})
      socket.pipe(upstream).pipe(socket)
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    const address = `127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const cluster = await startCluster({ brokers: 1, advertised: [address] })
    try {
      assert.equal(cluster.brokers, address)
      broker = Number(cluster.members[0]!.address.split(':')[1])
      // A client that asks the broker itself is sent to the proxy.
      const kafka = client({ ...cluster, brokers: cluster.members[0]!.address })
      await createTopic(kafka)
      await send(kafka, 'x'.repeat(10_000))
      assert.ok(seen > 10_000, `${seen} bytes went through the proxy`)
    } finally {
      await cluster.stop()
      await new Promise((resolve) => proxy.close(resolve))
    }
  })

  it('is needed for each broker', async () => {
    await assert.rejects(startCluster({ brokers: 3, advertised: ['127.0.0.1:1'] }), /1 advertised address\(es\) for 3 broker\(s\)/)
  })
})

it('names and passwords that could break out of a file of settings are refused', async () => {
  const users = [{ username: 'agent', password: 'a" user_admin="b' }]
  await assert.rejects(startCluster({ brokers: 1, security: { sasl: { users } } }), /letters, digits and \._- only/)
})

it('keeps its data in the folder it is given, for as many brokers as it was made of', { timeout: PATIENCE_MS }, async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'signalbox-kafka-data-'))
  try {
    const first = await startCluster({ brokers: 1, dataFolder })
    await createTopic(client(first))
    await send(client(first), 'one')
    await first.stop()
    await assert.rejects(startCluster({ brokers: 3, dataFolder }), /is of 1 broker\(s\), not of 3/)
    const second = await startCluster({ brokers: 1, dataFolder })
    assert.ok((await stateOf(client(second))).end >= 1)
    await second.stop()
  } finally {
    rmSync(dataFolder, { recursive: true, force: true })
  }
})
