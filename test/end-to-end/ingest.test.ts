/** Facts of a system of record, as Debezium tells them, from a topic of Kafka into the log: each once, in order, drift told. */
import { newIntentId } from '@signalbox/client'
import { createCodec } from '@signalbox/codec'
import {
  contractSet,
  debezium,
  defaultLimits,
  defineContract,
  defineSource,
  type Event,
  intentFromJson,
  none,
  partitionOf,
  refuse,
} from '@signalbox/contract'
import { readDeadLetters } from '@signalbox/dead-letters'
import { readEvents } from '@signalbox/event-log'
import { ingest } from '@signalbox/ingest'
import { systemClock } from '@signalbox/log'
import { createTopics, followSourceTopic, openKafkaLog } from '@signalbox/log-kafka'
import { startSequencer } from '@signalbox/sequencer'
import kafkajs from 'kafkajs'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { z } from 'zod'

const codec = createCodec({ limits: defaultLimits })
const logger = { info() {}, warn() {}, error() {} } as never
const wait = { timeout: 60_000, interval: 20 }
const brokers = process.env.KAFKA_BROKERS!
const topicPrefix = `ingest-${process.pid}-${Date.now()}`
const topic = `${topicPrefix}.erp.shelves`
const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING })

const shelf = defineContract({
  type: 'shelf',
  version: 1,
  owner: { team: 'stock', contact: '#stock' },
  data: z.strictObject({ count: z.int(), gone: z.boolean() }),
  states: ['kept'],
  actions: {
    state: {
      from: [none, 'kept'],
      to: 'kept',
      by: ['erp'],
      conflict: 'commutative',
      input: z.strictObject({ count: z.int(), gone: z.boolean(), at: z.int() }),
      apply: ({ input }) => ({ count: input.count, gone: input.gone }),
      fact: { fields: ['count', 'gone'], version: ({ input }) => input.at },
    },
    pick: {
      from: 'kept',
      conflict: 'commutative',
      input: z.strictObject({ by: z.int() }),
      guard: ({ data, input }) => data.count >= input.by || refuse('TOO_FEW'),
      apply: ({ data, input }) => ({ ...data, count: data.count - input.by }),
    },
  },
})

const source = defineSource({
  name: 'erp-shelves',
  topic,
  agent: 'erp',
  map: debezium(({ after, before, operation, version }) => {
    const row = after ?? before!
    const input = { count: row.count as number, gone: operation === 'delete', at: version }
    return { scope: 'hall-1', actions: [{ resource: `shelf/${row.id}`, action: 'state', input }] }
  }),
})

beforeAll(async () => {
  await createTopics({ brokers, topicPrefix, partitions: 2 })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }], waitForLeaders: true })
  await admin.disconnect()
})

afterAll(async () => {
  const admin = kafka.admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [topic] }).catch(() => {})
  await admin.disconnect()
})

async function produce(...values: readonly unknown[]): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({
    topic,
    messages: values.map((value) => ({ key: '{"id":1}', value: value === null ? null : JSON.stringify(value) })),
  })
  await producer.disconnect()
}

const row = (id: number, count: number) => ({ id, count })
const change = (op: string, lsn: number, before: object | null, after: object | null) => ({
  op,
  before,
  after,
  source: { lsn },
  ts_ms: lsn,
})

it('takes changes once and in their order, tells drift, and goes on where it was', async () => {
  const log = await openKafkaLog({ brokers, topicPrefix })
  const sequencer = await startSequencer({ log, codec, contracts: contractSet([shelf]), logger, software: 'test', standby: false })
  const follow = () =>
    followSourceTopic({
      brokers,
      topic,
      groupId: `${topicPrefix}.group`,
      take: ingest(source, { log, codec, clock: systemClock, logger, registry: new Registry() }),
    })
  const partition = partitionOf('hall-1', 2)
  const events = async (): Promise<Event[]> => {
    const found: Event[] = []
    for await (const { event } of readEvents({ log, codec }, partition)) if (event.type !== 'PartitionOpened') found.push(event)
    return found
  }
  const decided = async (count: number): Promise<Event[]> =>
    await vi.waitUntil(async () => {
      const found = await events()
      return found.filter(({ type }) => type !== 'RuleApplied').length >= count ? found : false
    }, wait)
  try {
    let following = await follow()
    // A snapshot row, an update, the same update again, an older one that comes late, a tombstone.
    await produce(
      change('r', 10, null, row(1, 5)),
      change('u', 20, row(1, 5), row(1, 8)),
      change('u', 20, row(1, 5), row(1, 8)),
      change('u', 15, row(1, 5), row(1, 6)),
      null,
    )
    await decided(4)
    await following.stop()
    // Away meanwhile: an agent picks two, and the warehouse counts 7.
    const pick = intentFromJson({
      intentId: newIntentId(),
      scope: 'hall-1',
      agent: 'picker',
      actions: [{ resource: 'shelf/1', action: 'pick', input: { by: 2 } }],
    })
    await log.append(partition, { key: 'hall-1', value: codec.encodeIntent(pick), headers: {} })
    await decided(5)
    await produce(change('u', 30, row(1, 8), row(1, 7)), { schema: {}, payload: change('d', 40, row(1, 7), null) })
    following = await follow()
    const all = await decided(7)
    await following.stop()
    const codes = all.flatMap((event) =>
      event.type === 'IntentRejected' ? [event.payload.code] : event.type === 'IntentCommitted' ? ['committed'] : [event.type],
    )
    expect(codes).toEqual([
      'committed',
      'committed',
      'FACT_OUTDATED',
      'FACT_OUTDATED',
      'committed',
      'committed',
      'RuleApplied',
      'committed',
    ])
    const drift = all.find((event) => event.type === 'RuleApplied')!
    expect(drift.payload).toMatchObject({
      rule: 'drift',
      resource: 'shelf/1',
      message: expect.stringContaining('count was committed as 6, and the source says 7'),
    })
    const last = all.at(-1)!
    expect(last.type === 'IntentCommitted' && JSON.parse(last.payload.changes[0]!.data)).toEqual({ count: 7, gone: true })
    // What cannot be read is kept whole, with its cause, and ends nothing: what follows is taken.
    following = await follow()
    await produce(
      { op: 'x' },
      { op: 't', before: null, after: null, source: { lsn: 45 } },
      'no JSON of Debezium',
      { ts_ms: 46 },
      { op: 'm', source: { lsn: 47 } },
      change('u', 48, null, { id: 1, count: 'many' }),
      change('u', 49, null, null),
      change('u', 50, null, row(1, 1)),
    )
    const more = await decided(9)
    await following.stop()
    const end = more.at(-1)!
    expect(end.type === 'IntentCommitted' && JSON.parse(end.payload.changes[0]!.data)).toEqual({ count: 1, gone: false })
    const letters = (await readDeadLetters({ log, codec }, { contracts: null, topics: ['ingest'] })).all
    expect(letters.map(({ cause, code, subject }) => [code, subject, cause.replace(/.*: /, '').slice(0, 24)])).toEqual([
      ['SOURCE_UNREADABLE', 'erp-shelves', expect.stringContaining('no op of')],
      ['SOURCE_UNREADABLE', 'erp-shelves', expect.stringContaining('every row of it is gone')],
      ['SOURCE_UNREADABLE', 'erp-shelves', expect.stringContaining('it is no object')],
      ['SOURCE_UNREADABLE', 'erp-shelves', expect.any(String)],
    ])
    expect(letters[0]!.cause).toContain('source erp-shelves cannot read record 7 of partition 0')
  } finally {
    await sequencer.stop()
    await log.close()
  }
})
