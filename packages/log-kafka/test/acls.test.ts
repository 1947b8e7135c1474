import assert from 'node:assert/strict'
import { type Assignment, isLogError, LogError, sideTopics } from '@signalbox/log'
import kafkajs, { type Kafka } from 'kafkajs'
import type { Broker } from 'kafkajs/src/broker/index.js'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RunningBroker, startBroker } from '../../../infra/kafka/broker.ts'
import { aclsOf, describeAcl, ingestGroupPrefix, kafkaAclsCommands, ROLES, readRolePrincipal } from '../src/acls.ts'
import { Client, publicClient } from '../src/client.ts'
import { closedError, errorType, rootOf } from '../src/errors.ts'
import { applyKafkaAcls, createTopics, followSourceTopic, type KafkaConnectionOptions, openKafkaLog, planKafkaAcls } from '../src/index.ts'
import { fetch } from '../src/requests.ts'
import { settingsOf, TOPIC_IDS, type TopicId, topicName } from '../src/settings.ts'
import { PATIENCE_MS, readCount, record, textsOf } from './support/records.ts'

const timeout = PATIENCE_MS * 4
const topicPrefix = 'hotel'
const users = ['desk', 'sequencer', 'gateway', 'auditor', 'manager', 'pager', 'views', 'sources'].map((username) => ({
  username,
  password: `${username}-secret`,
}))
const principals = [
  'agent=desk',
  'sequencer=User:sequencer',
  'gateway=gateway',
  'reader=auditor',
  'process-manager=manager',
  'escalation=pager',
  'projector=views',
  'ingest=sources',
].map(readRolePrincipal)
let broker: RunningBroker

function as(username: string): KafkaConnectionOptions {
  const { password } = [...users, broker.admin!].find((user) => user.username === username)!
  return { brokers: broker.brokers, topicPrefix, sasl: { mechanism: 'scram-sha-256', username, password } }
}

const clientOf = (username: string): Kafka => publicClient(settingsOf(as(username)))

/** The broker's answer to something that is refused. */
async function answerTo(attempt: () => Promise<unknown>): Promise<string> {
  try {
    await attempt()
  } catch (error) {
    // kafkajs wraps this one in its own way.
    const [partition] = (rootOf(error) as { partitions?: readonly { error: unknown }[] }).partitions ?? []
    return errorType(partition?.error ?? error) ?? `no answer: ${(error as Error).message}`
  }
  return 'it was done'
}

/** Brokers learn of new ACLs a moment after they were made. */
async function eventually<Result>(attempt: () => Promise<Result>): Promise<Result> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (performance.now() > deadline || !/AUTHORIZATION_FAILED|do not exist/.test(String(error))) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

beforeAll(async () => {
  broker = await startBroker({ security: { sasl: { users } } })
  await createTopics({ ...as('admin'), partitions: 1 })
}, timeout)

afterAll(() => broker.stop())

describe('the ACLs as data', () => {
  it('give nobody but the sequencer a way to write what was decided', () => {
    const decided = new Set((['events', 'dead-letters', 'snapshots'] as const).map((id) => topicName(topicPrefix, id)))
    for (const role of ROLES) {
      const entries = aclsOf({ role, principal: 'User:x' }, { topicPrefix })
      const writes = entries.some(({ name, operation }) => operation === 'write' && decided.has(name))
      assert.equal(writes, role === 'sequencer', role)
      assert.equal(
        entries.some(({ resource }) => resource === 'transactional-id'),
        role === 'sequencer',
        role,
      )
    }
  })

  it("are the same as commands for Kafka's tool", () => {
    const commands = kafkaAclsCommands(aclsOf(readRolePrincipal('agent=desk'), { topicPrefix }), 'a:9092')
    const start = "kafka-acls.sh --bootstrap-server a:9092 --add --allow-principal 'User:desk'"
    assert.deepEqual(commands, [
      `${start} --topic 'hotel.intents' --operation Write`,
      `${start} --topic 'hotel.events' --operation Read`,
      `${start} --group 'hotel.agent.' --resource-pattern-type prefixed --operation Read`,
    ])
  })

  it.each(['desk', 'agent', 'pilot=desk', 'agent=', "agent=User:a'b", '=x'])('take ROLE=PRINCIPAL, and not %s', (text) => {
    assert.throws(
      () => readRolePrincipal(text),
      (error) => isLogError(error, 'MISCONFIGURED') && /ROLE=PRINCIPAL|User:NAME/.test(error.message),
    )
  })
})

describe('on a broker with an authorizer', { timeout }, () => {
  it('they are planned, applied, and then there; what goes beyond them is told', async () => {
    const plan = await planKafkaAcls({ ...as('admin'), principals })
    assert.ok(plan.missing.map(describeAcl).includes('allow User:desk to read the group hotel.agent.*'))
    const applied = await applyKafkaAcls({ ...as('admin'), principals })
    assert.deepEqual(applied.missing, plan.missing)
    const after = await eventually(async () => {
      const { missing, warnings } = await planKafkaAcls({ ...as('admin'), principals })
      // Brokers learn of new ACLs a moment after they were made.
      if (missing.length > 0) throw new LogError('TRANSIENT', 'some ACLs do not exist yet')
      return warnings
    })
    assert.deepEqual(after, [])
    const { warnings } = await planKafkaAcls({ ...as('admin'), principals: [{ role: 'reader', principal: 'User:desk' }] })
    assert.match(warnings.join('\n'), /User:desk may write the topic hotel\.intents, which its roles here do not say/)
  })

  it('the escalation consumer writes whom it told, and nothing of others', async () => {
    const pager = await openKafkaLog(as('pager'))
    await pager.appendAside('notifications', 0, record('told'))
    await pager.appendAside('dead-letters.escalation', 0, record('unheard'))
    assert.deepEqual(textsOf(await readCount(await pager.cursor({ topic: 'notifications', partition: 0, fromOffset: 0 }), 1)), ['told'])
    await assert.rejects(pager.appendAside('dead-letters.projector', 0, record('not mine')), (error) => isLogError(error, 'MISCONFIGURED'))
    await assert.rejects(pager.append(0, record('an intent')), (error) => isLogError(error, 'MISCONFIGURED'))
    await pager.close()
    const views = await openKafkaLog(as('views'))
    await views.appendAside('dead-letters.projector', 0, record('poison'))
    await assert.rejects(views.appendAside('notifications', 0, record('not mine')), (error) => isLogError(error, 'MISCONFIGURED'))
    await views.close()
  })

  it('an agent writes intents and reads events with read_committed', async () => {
    const seq = await openKafkaLog(as('sequencer'))
    const assigned = new Promise<Assignment>((resolve, reject) => {
      void seq.join({ assigned: resolve, revoked: async () => {}, lost: reject })
    })
    const writer = await seq.open(await assigned)
    await writer.append({ events: [record('decided')], deadLetters: [record('undecodable')] })
    assert.deepEqual(textsOf(await readCount(await seq.cursor({ topic: 'dead-letters', partition: 0, fromOffset: 0 }), 1)), ['undecodable'])

    const producer = clientOf('desk').producer({ idempotent: true })
    await producer.connect()
    await producer.send({ topic: topicName(topicPrefix, 'intents'), messages: [{ key: 'scope', value: '{}' }] })
    await producer.disconnect()
    assert.deepEqual(textsOf(await readCount(await seq.cursor({ topic: 'intents', partition: 0, fromOffset: 0 }), 1)), ['{}'])
    await seq.close()

    const consumer = clientOf('desk').consumer({ groupId: `${topicPrefix}.agent.desk`, readUncommitted: false })
    await consumer.connect()
    await consumer.subscribe({ topics: [topicName(topicPrefix, 'events')], fromBeginning: true })
    const read = new Promise<string>((resolve) => {
      void consumer.run({ eachMessage: async ({ message }) => resolve(`${message.value}`) })
    })
    assert.equal(await read, 'decided')
    await consumer.disconnect()
  })

  it('and nothing else', async () => {
    const kafka = clientOf('desk')
    const name = (id: TopicId) => topicName(topicPrefix, id)
    const admin = kafka.admin()
    const producer = kafka.producer()
    await Promise.all([admin.connect(), producer.connect()])
    const coordinated = async (type: 'group' | 'transaction', id: string, use: (coordinator: Broker) => Promise<unknown>) => {
      const client = new Client(settingsOf(as('desk')), [])
      try {
        await use(await client.coordinator(type, id))
      } finally {
        await client.disconnect(closedError('The test'))
      }
    }
    const open = (transactionalId: string) => () =>
      coordinated('transaction', transactionalId, (coordinator) =>
        coordinator.initProducerId({ transactionalId, transactionTimeout: 10_000 }),
      )
    const groupProtocols = [{ name: 'range', metadata: Buffer.alloc(0) }]
    const join = (groupId: string) => () =>
      coordinated('group', groupId, (coordinator) =>
        coordinator.joinGroup({ groupId, sessionTimeout: 10_000, rebalanceTimeout: 10_000, memberId: '', groupProtocols }),
      )
    const read = (id: TopicId) => async () => {
      const client = new Client(settingsOf(as('desk')), [name(id)])
      try {
        const places = [{ topic: name(id), partition: 0, fromOffset: 0 }]
        await fetch(await client.leader(name(id), 0), { places, maxWaitMs: 1, maxBytes: 1_000 })
      } finally {
        await client.disconnect(closedError('The test'))
      }
    }
    const attempts: Readonly<Record<string, () => Promise<unknown>>> = {
      ...Object.fromEntries(
        (['events', 'dead-letters', 'snapshots', ...sideTopics] as const).map((id) => [
          `write ${id}`,
          () => producer.send({ topic: name(id), messages: [{ key: 'a', value: 'b' }] }),
        ]),
      ),
      ...Object.fromEntries((['intents', 'dead-letters', 'snapshots', ...sideTopics] as const).map((id) => [`read ${id}`, read(id)])),
      'open a transaction of the sequencer': open(`${topicPrefix}.sequencer.0`),
      'open a transaction of its own': open('desk'),
      "join the sequencer's group": join(`${topicPrefix}.sequencer`),
      'join a group outside its prefix': join('desk'),
      'create a topic': () => admin.createTopics({ topics: [{ topic: 'mine' }], waitForLeaders: false }),
      ...Object.fromEntries(TOPIC_IDS.map((id) => [`delete ${id}`, () => admin.deleteTopics({ topics: [name(id)] })])),
      'add partitions': () => admin.createPartitions({ topicPartitions: [{ topic: name('intents'), count: 2 }] }),
      'delete records': async () => {
        // kafkajs looks for the leader among the topics that it was asked about before.
        await admin.fetchTopicOffsets(name('intents'))
        await admin.deleteTopicRecords({ topic: name('intents'), partitions: [{ partition: 0, offset: '-1' }] })
      },
      'change a setting': () => {
        const configEntries = [{ name: 'retention.ms', value: '1' }]
        return admin.alterConfigs({
          validateOnly: false,
          resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: name('events'), configEntries }],
        })
      },
      'grant itself more': () => applyKafkaAcls({ ...as('desk'), principals: [{ role: 'sequencer', principal: 'User:desk' }] }),
    }
    const answers = new Map<string, string>()
    for (const [what, attempt] of Object.entries(attempts)) answers.set(what, await answerTo(attempt))
    await Promise.all([admin.disconnect(), producer.disconnect()])
    const refused = [...answers].filter(([, answer]) => /^[A-Z_]+_AUTHORIZATION_FAILED$/.test(answer)).map(([what]) => what)
    assert.deepEqual(refused, Object.keys(attempts), JSON.stringify([...answers]))
    assert.equal(answers.get('open a transaction of the sequencer'), 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
    assert.equal(answers.get("join the sequencer's group"), 'GROUP_AUTHORIZATION_FAILED')
  })

  it('the other services open the log, and what they may not do is refused with what to do', async () => {
    for (const username of ['gateway', 'manager', 'auditor']) {
      const log = await openKafkaLog(as(username))
      assert.equal((await log.offsets('events', 0)).start, 0)
      await readCount(await log.cursor({ topic: 'events', partition: 0, fromOffset: 0 }), 1)
      const [appended] = await Promise.allSettled([log.append(0, record('{}'))])
      assert.equal(appended.status, username === 'auditor' ? 'rejected' : 'fulfilled', username)
      if (appended.status === 'rejected') {
        assert.ok(isLogError(appended.reason, 'MISCONFIGURED'))
        assert.match(
          appended.reason.message,
          /Appending to hotel\.intents\/0 failed: TOPIC_AUTHORIZATION_FAILED.*signalbox topics apply --acl/,
        )
      }
      const lost = new Promise<Error>((resolve) => {
        void log.join({ assigned: () => {}, revoked: async () => {}, lost: resolve })
      })
      const error = await lost
      assert.ok(isLogError(error, 'MISCONFIGURED') && error.message.includes('lacks READ on that consumer group'), error.message)
      await log.close()
    }
  })

  it('who ingests follows its sources, writes intents and what no source could read, and nothing of others', async () => {
    const admin = clientOf('admin').admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'stock', numPartitions: 1 }], waitForLeaders: true })
    const reading = {
      principal: 'User:sources',
      host: '*',
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
      operation: kafkajs.AclOperationTypes.READ,
    }
    const ofTopic = {
      resourceType: kafkajs.AclResourceTypes.TOPIC,
      resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
      resourceName: 'stock',
    }
    await admin.createAcls({ acl: [{ ...reading, ...ofTopic }] })
    await admin.disconnect()
    const log = await openKafkaLog(as('sources'))
    const taken = Promise.withResolvers<unknown>()
    const following = await eventually(() =>
      followSourceTopic({
        ...as('sources'),
        topic: 'stock',
        groupId: `${ingestGroupPrefix}stock`,
        take: async (records) => {
          await log.append(0, record('a fact'))
          await log.appendAside('dead-letters.ingest', 0, record('unreadable'))
          taken.resolve(records.map(({ value }) => value))
        },
      }),
    )
    following.failed.catch(taken.reject)
    const producer = clientOf('admin').producer()
    await producer.connect()
    await producer.send({ topic: 'stock', messages: [{ value: '{"left":3}' }] })
    await producer.disconnect()
    assert.deepEqual(await taken.promise, [{ left: 3 }])
    await following.stop()
    for (const topic of ['dead-letters.reactions', 'dead-letters.projector', 'notifications'] as const)
      await assert.rejects(log.appendAside(topic, 0, record('not mine')), (error) => isLogError(error, 'MISCONFIGURED'), topic)
    const write = clientOf('sources').producer()
    await write.connect()
    assert.equal(await answerTo(() => write.send({ topic: 'hotel.events', messages: [{ value: 'x' }] })), 'TOPIC_AUTHORIZATION_FAILED')
    await write.disconnect()
    await log.close()
  })
})
