/** The examples of agents in other languages, as an engineer would run them: on a real broker, with a real schema registry. */
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { crc32 } from 'node:zlib'
import { confluentFraming, createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits, type Event, type Intent, partitionOf, readIntentJson } from '@signalbox/contract'
import { createTopics, openKafkaLog, openSchemaRegistry } from '@signalbox/log-kafka'
import { type Sequencer, startSequencer } from '@signalbox/sequencer'
import kafkajs from 'kafkajs'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type RegistryForTests, registryForTests } from '../../infra/kafka/registry.ts'
import { pythonWithPackages } from '../../infra/python/environment.ts'
import bookings from '../../packages/examples/src/bookings/signalbox.config.ts'
import { root } from '../support/root.ts'
import { ensureKcat } from './kcat.ts'

const run = promisify(execFile)
const timeout = 60_000
const partitions = 4
const brokers = process.env.KAFKA_BROKERS!
const topicPrefix = `languages-${process.pid}-${Date.now()}`
const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING })
const cleanups: (() => Promise<void>)[] = []
let registry: RegistryForTests
let python: string

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function execute(command: string, parameters: readonly string[], prefix = topicPrefix): Promise<Ended> {
  const env = { ...process.env, KAFKA_BROKERS: brokers, KAFKA_TOPIC_PREFIX: prefix, PYTHONDONTWRITEBYTECODE: '1' }
  return await run(command, [...parameters], { timeout, env }).then(
    (ended) => ({ code: 0, ...ended }),
    (error: Ended) => error,
  )
}

/** Who acts, in which scope, and its actions as `ACTION RESOURCE INPUT`. */
interface Proposal {
  readonly scope: string
  readonly agent?: string
  readonly actions: readonly (readonly [action: string, resource: string, input: object])[]
}

async function pythonAgent({ scope, agent = 'front-office', actions }: Proposal, ...more: readonly string[]): Promise<Ended> {
  const where = ['--brokers', brokers, '--registry', registry.url, '--topic-prefix', topicPrefix]
  const what = actions.flatMap(([action, resource, input]) => ['--do', action, resource, JSON.stringify(input)])
  return await execute(python, [
    join(root, 'packages/examples/python/agent.py'),
    ...where,
    '--scope',
    scope,
    '--agent',
    agent,
    ...what,
    ...more,
  ])
}

async function kcatAgent({ scope, agent = 'front-office', actions }: Proposal, prefix = topicPrefix): Promise<Ended> {
  const json = actions.map(([action, resource, input]) => ({ action, resource, input }))
  return await execute(join(root, 'packages/examples/kcat/agent.sh'), [scope, agent, JSON.stringify(json)], prefix)
}

const openNight = (scope: string, night = 'night/A:2030-01-01'): Proposal => ({ scope, actions: [['open', night, { capacity: 2 }]] })

async function startOnKafka(): Promise<Sequencer> {
  await createTopics({ brokers, topicPrefix, partitions })
  const framing = confluentFraming(await openSchemaRegistry({ url: registry.url, topicPrefix }))
  const log = await openKafkaLog({ brokers, topicPrefix })
  cleanups.push(() => log.close())
  const sequencer = await startSequencer({
    log,
    codec: createCodec({ limits: defaultLimits, framing }),
    contracts: contractSet(bookings.contracts),
    logger: pino({ level: 'silent' }),
    software: 'test',
  })
  cleanups.push(() => sequencer.stop())
  return sequencer
}

/** Plays the sequencer for one intent: rejects it in a transaction that it aborts, then commits it. */
async function decideByHand(prefix: string): Promise<void> {
  const codec = createCodec({
    limits: defaultLimits,
    framing: confluentFraming(await openSchemaRegistry({ url: registry.url, topicPrefix: prefix })),
  })
  const consumer = kafka.consumer({ groupId: prefix, maxWaitTimeInMs: 100 })
  const producer = kafka.producer({ transactionalId: prefix, idempotent: true, maxInFlightRequests: 1 })
  await Promise.all([consumer.connect(), producer.connect()])
  try {
    await consumer.subscribe({ topic: `${prefix}.intents`, fromBeginning: true })
    const { promise, resolve } = Promise.withResolvers<Intent>()
    await consumer.run({ eachMessage: async ({ message }) => resolve(codec.decodeIntent(message.value)) })
    const { agent, intentId, scope } = await promise
    const common = { partition: 0, offset: 0, index: 0, time: Date.now(), scope }
    const asked = { intentId, agent, intent: '{}', digest: '' }
    const none = {
      owner: null,
      resource: null,
      expectedVersion: null,
      actualVersion: null,
      movedBy: null,
      missed: [],
      retryAfterMs: null,
      details: null,
      settles: null,
    }
    const never: Event = {
      ...common,
      type: 'IntentRejected',
      payload: { ...asked, ...none, code: 'STATE_CONFLICT', message: 'never decided' },
    }
    const decided: Event = {
      ...common,
      type: 'IntentCommitted',
      payload: { ...asked, changes: [change], settles: null, verdict: null, amount: null },
    }
    for (const [event, end] of [
      [never, 'abort'],
      [decided, 'commit'],
    ] as const) {
      const transaction = await producer.transaction()
      const headers = { ce_type: `signalbox.${event.type}` }
      await transaction.send({
        topic: `${prefix}.events`,
        messages: [{ key: scope, value: Buffer.from(codec.encodeEvent(event)), headers }],
      })
      await transaction[end]()
    }
  } finally {
    await Promise.all([consumer.disconnect(), producer.disconnect()])
  }
}

const change = {
  resource: 'night/A:2030-01-01',
  action: 'open',
  contractVersion: 1,
  fromVersion: 0,
  version: 1,
  fromState: null,
  state: 'open',
  data: '{}',
  timer: null,
  fields: null,
}

async function dropTopics(): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.deleteTopics({ topics: (await admin.listTopics()).filter((topic) => topic.startsWith(topicPrefix)) })
  await admin.disconnect()
}

beforeAll(async () => {
  ;[registry, python] = await Promise.all([registryForTests(), pythonWithPackages(), ensureKcat()])
  cleanups.push(() => registry.stop(), dropTopics)
  const sequencer = await startOnKafka()
  await vi.waitUntil(() => [...sequencer.phases().values()].filter((phase) => phase === 'active').length === partitions, {
    timeout,
    interval: 20,
  })
}, 10 * timeout)

afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
}, timeout)

describe('the agent in Python', { timeout }, () => {
  it.each([
    ['Avro', 'rome', []],
    ['JSON', 'paris', ['--json']],
  ])('gets its commit over %s, and is told why it is rejected', async (_, scope, flags) => {
    const committed = await pythonAgent(openNight(scope), ...flags)
    expect(committed.stdout).toMatch(
      /^committed [0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}: night\/A:2030-01-01 is open at version 1, \{"booked":0,"capacity":2\}$/m,
    )
    expect(committed.code).toBe(0)
    const rejected = await pythonAgent(openNight(scope), ...flags)
    expect(rejected.stdout).toMatch(
      /^rejected [0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f-]{21}: STATE_CONFLICT, night\/A:2030-01-01 exists already, .+$/m,
    )
    expect(rejected.code).toBe(5)
  })

  it('may ask for several actions at once: all or nothing', async () => {
    await pythonAgent(openNight('oslo'))
    const stay = { arrival: '2030-01-01', nights: ['night/A:2030-01-01'], roomType: 'A' }
    const { stdout } = await pythonAgent({
      scope: 'oslo',
      agent: 'agency-9',
      actions: [
        ['hold', 'stay/1', stay],
        ['book', 'night/A:2030-01-01', { stay: '1' }],
      ],
    })
    expect(stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^committed .*: stay\/1 is held at version 1/),
      expect.stringMatching(/^committed .*: night\/A:2030-01-01 is open at version 2, \{"booked":1,"capacity":2\}/),
    ])
  })

  it('may send an intent again: it is decided once, and answered each time', async () => {
    const first = await pythonAgent(openNight('bern'))
    const [id] = /[0-9a-f-]{36}/.exec(first.stdout)!
    for (const flags of [[], ['--json']]) {
      const again = await pythonAgent(openNight('bern'), '--intent-id', id, ...flags)
      expect([again.code, again.stdout]).toEqual([0, `committed ${id}: decided before, and nothing was applied twice\n`])
    }
  })

  it('with the partitioner that librdkafka has by default, is told where its intents belong', async () => {
    const byCrc32 = (scope: string) => crc32(scope) % partitions
    const scope = Array.from({ length: 100 }, (_, index) => `hotel-${index}`).find(
      (each) => byCrc32(each) !== partitionOf(each, partitions),
    )!
    for (const flags of [[], ['--json']]) {
      const { code, stdout } = await pythonAgent(openNight(scope), '--partitioner', 'consistent_random', ...flags)
      const where = `scope ${scope} belongs on partition ${partitionOf(scope, partitions)} of 4, and this record lies on partition ${byCrc32(scope)}`
      expect(stdout).toContain(`WRONG_PARTITION, ${where}`)
      expect(stdout).toContain('partitioner=murmur2_random')
      expect(code).toBe(5)
    }
    expect((await pythonAgent(openNight(scope))).code, 'the right one commits').toBe(0)
  })
})

describe('the agent in three lines of shell', { timeout }, () => {
  it('gets its commit, and its reject', async () => {
    const committed = await kcatAgent(openNight('lima'))
    expect(committed.stderr).toBe('')
    expect(JSON.parse(committed.stdout).headers).toContain('signalbox.IntentCommitted')
    const rejected = await kcatAgent(openNight('lima'))
    expect(JSON.parse(rejected.stdout).headers).toContain('signalbox.IntentRejected')
    expect(rejected.stdout).toContain('STATE_CONFLICT')
  })

  it('sends to the partition of the scope, wherever that is', async () => {
    const scopes = Array.from({ length: 100 }, (_, index) => `inn-${index}`)
    for (let partition = 0; partition < partitions; partition++) {
      const scope = scopes.find((each) => partitionOf(each, partitions) === partition)!
      const { stdout } = await kcatAgent(openNight(scope))
      const { headers, partition: found } = JSON.parse(stdout)
      expect([found, headers.includes('signalbox.IntentCommitted')]).toEqual([partition, true])
    }
  })
})

describe('a decision that was written and not committed', { timeout }, () => {
  it.each([
    [
      'the agent in Python',
      'python',
      (prefix: string) => pythonAgent(openNight('rome'), '--topic-prefix', prefix),
      /^committed .*version 1, \{\}\n$/,
    ],
    ['the shell', 'kcat', (prefix: string) => kcatAgent(openNight('rome'), prefix), /^\{.*signalbox\.IntentCommitted.*\}\n$/],
  ])('is not seen by %s', async (_, name, act, committed) => {
    const prefix = `${topicPrefix}-${name}`
    await createTopics({ brokers, topicPrefix: prefix, partitions: 1 })
    await openSchemaRegistry({ url: registry.url, topicPrefix: prefix })
    const [{ stdout }] = await Promise.all([act(prefix), decideByHand(prefix)])
    expect(stdout).toMatch(committed)
  })
})

it('the intent of the documentation is one', () => {
  const page = readFileSync(join(root, 'docs/agents-in-other-languages.md'), 'utf8')
  const example = readIntentJson(/```json\n(.*?)```/s.exec(page)![1]!)
  expect(example).toMatchObject({ scope: 'city', actions: [{ action: 'open' }], reads: [{ version: 3 }] })
  for (const [, file] of page.matchAll(/\]\(([^)#]+)[^)]*\)/g)) expect(existsSync(join(root, 'docs', file!)), file).toBe(true)
})

describe('what they left behind', { timeout }, () => {
  it.each([
    ['by the schemas of the registry', true],
    ['by those of this repository', false],
  ])('is clean, says a reader in Python, %s', async (_, withRegistry) => {
    const more = withRegistry ? ['--registry', registry.url] : []
    const { code, stdout } = await execute(python, [
      join(root, 'test/chaos/checker/check.py'),
      '--brokers',
      brokers,
      '--topic-prefix',
      topicPrefix,
      '--json',
      ...more,
    ])
    expect(JSON.parse(stdout)).toMatchObject({ clean: true, undecided: 0, breaks: [] })
    expect(JSON.parse(stdout).decisions).toBeGreaterThan(10)
    expect(code).toBe(0)
  })
})
