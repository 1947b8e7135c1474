/**
 * The checker in Python finds what it is for: copies of a real log are tampered with, each in one way, and each is named.
 * The chain of a copy is made anew where the tampering is to be found by another check.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Chain, chainHeader, createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits, type Event, intentFromJson } from '@signalbox/contract'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { startSequencer } from '@signalbox/sequencer'
import kafkajs, { type IHeaders } from 'kafkajs'
import pino from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { pythonWithPackages } from '../../../infra/python/environment.ts'
import { intent, order, stock } from '../../support/shop.ts'

const run = promisify(execFile)
const timeout = 60_000
const codec = createCodec({ limits: defaultLimits })
const original = `checker-${process.pid}-${Date.now()}`
const brokers = process.env.KAFKA_BROKERS!
const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), logLevel: kafkajs.logLevel.NOTHING })
const producer = kafka.producer()
const admin = kafka.admin()
let python = ''

interface Copied {
  readonly value: Buffer
  readonly headers: Readonly<Record<string, string>>
}

interface Copy {
  readonly events: readonly Copied[]
  readonly intents: readonly Copied[]
}

let real: Copy = { events: [], intents: [] }

interface Report {
  readonly clean: boolean
  readonly events: number
  readonly decisions: number
  readonly undecided: number
  readonly breaks: readonly { readonly check: string; readonly partition: number; readonly message: string }[]
}

async function check(prefix: string): Promise<Report> {
  const program = [join(import.meta.dirname, 'check.py'), '--brokers', brokers, '--topic-prefix', prefix, '--json']
  const ended = await run(python, program, { timeout }).catch((error: { code: number; stdout: string; stderr: string }) => error)
  if (ended.stdout === '') throw new Error(ended.stderr)
  const report = JSON.parse(ended.stdout) as Report
  expect('code' in ended ? ended.code : 0).toBe(report.clean ? 0 : 1)
  return report
}

/** All committed records of a topic of one partition. */
async function readAll(topic: string, count: number): Promise<readonly Copied[]> {
  const records: Copied[] = []
  const consumer = kafka.consumer({ groupId: `${original}-reader-${topic}`, readUncommitted: false, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      records.push({ value: message.value!, headers: textHeaders(message.headers) })
    },
  })
  await vi.waitUntil(() => records.length >= count, { timeout, interval: 20 })
  await consumer.disconnect()
  return records
}

function textHeaders(headers: IHeaders | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]))
}

/** A small shop's day: commits, rejects, duplicates, a record that is no intent, and batches of several events. */
async function makeOriginal(): Promise<void> {
  await createTopics({ brokers, topicPrefix: original, partitions: 1 })
  const log = await openKafkaLog({ brokers, topicPrefix: original })
  const wiring = { log, codec, contracts: contractSet([order, stock]), logger: pino({ level: 'silent' }), software: 'test' }
  const intents = Array.from({ length: 30 }, (_, index) =>
    intent([{ resource: `order/${index % 20}`, action: 'open', input: { cents: 5 } }]),
  )
  const values = [...intents, ...intents.slice(5, 10)].map((each) => Buffer.from(codec.encodeIntent(intentFromJson(each))))
  const messages = [...values, Buffer.from('no intent')].map((value) => ({ key: 'shop-1', value }))
  await producer.send({ topic: `${original}.intents`, messages })
  // Twice: the chain goes on over the second opening.
  for (const half of [0, 1]) {
    const sequencer = await startSequencer(wiring)
    await vi.waitUntil(() => sequencer.phases().get(0) === 'active', { timeout, interval: 20 })
    if (half === 1) await producer.send({ topic: `${original}.intents`, messages: messages.slice(10, 15) })
    const total = messages.length + 5 * half
    await vi.waitUntil(async () => (await check(original)).decisions === total, { timeout, interval: 20 })
    await sequencer.stop()
  }
  await log.close()
  real = { events: await readAll(`${original}.events`, 43), intents: await readAll(`${original}.intents`, 41) }
}

beforeAll(async () => {
  python = await pythonWithPackages()
  await Promise.all([producer.connect(), admin.connect()])
  await makeOriginal()
}, 2 * timeout)

afterAll(async () => {
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(original))
  await admin.deleteTopics({ topics })
  await Promise.all([producer.disconnect(), admin.disconnect()])
})

let copies = 0

/** Writes a copy to topics of its own and checks it. Offsets of intents are those of the original: none is left out before the end. */
async function checkCopy(copy: Copy): Promise<Report> {
  const prefix = `${original}-copy-${copies++}`
  const topics = [`${prefix}.events`, `${prefix}.intents`]
  await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: 1 })), waitForLeaders: true })
  await producer.sendBatch({
    topicMessages: topics.map((topic, index) => ({ topic, messages: [...(index === 0 ? copy.events : copy.intents)] })),
  })
  return await check(prefix)
}

/** Links as a writer that went wrong would have written them: right for what there is now. */
function linked(events: readonly Copied[]): readonly Copied[] {
  const chain = new Chain()
  return events.map(({ headers, value }) => {
    chain.add(value)
    return { value, headers: chainHeader in headers ? { ...headers, [chainHeader]: chain.close() } : headers }
  })
}

const checksOf = ({ breaks }: Report) => [...new Set(breaks.map((each) => each.check))].sort()
const decoded = () => real.events.map(({ value }) => codec.decodeEvent(value))
/** The first event that fits; the copy leaves the batches' last events, which carry links, where they are. */
function indexOf(matches: (event: Event, index: number) => boolean): number {
  const index = decoded().findIndex((event, at) => matches(event, at) && !(chainHeader in real.events[at]!.headers))
  expect(index).toBeGreaterThan(0)
  return index
}
const firstCommit = () => indexOf(({ type }) => type === 'IntentCommitted')
const without = (index: number) => real.events.toSpliced(index, 1)

describe('a log as it is', { timeout }, () => {
  it('is clean, and every kind of decision is in it', async () => {
    const report = await check(original)
    expect(report).toEqual({ clean: true, events: 43, decisions: 41, undecided: 0, breaks: [] })
    const types = Object.groupBy(decoded(), ({ type }) => type)
    expect(Object.keys(types).sort()).toEqual(['IntentCommitted', 'IntentDuplicated', 'IntentRejected', 'PartitionOpened'])
    expect(types.PartitionOpened).toHaveLength(2)
  })

  it('is clean as a plain copy, also with the same intents once more behind it, which nobody has decided', async () => {
    const { events, intents } = real
    expect(await checkCopy({ events, intents: [...intents, ...intents.slice(0, 3)] })).toMatchObject({ clean: true, undecided: 3 })
  })

  it('is clean where transactions were aborted or are open: nobody sees what they wrote', async () => {
    const prefix = `${original}-copy-${copies++}`
    const topics = [`${prefix}.events`, `${prefix}.intents`]
    await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: 1 })), waitForLeaders: true })
    const writer = kafka.producer({ transactionalId: prefix, idempotent: true, maxInFlightRequests: 1, retry: { initialRetryTime: 10 } })
    await writer.connect()
    const half = Math.floor(real.events.length / 2)
    for (const [events, ends] of [
      [real.events.slice(0, half), 'commit'],
      [real.events.slice(0, half), 'abort'],
      [real.events.slice(half), 'commit'],
      [real.events.slice(half), 'abort'],
    ] as const) {
      const transaction = await writer.transaction()
      await transaction.send({ topic: topics[0]!, messages: [...events] })
      await transaction[ends]()
    }
    await producer.send({ topic: topics[1]!, messages: [...real.intents] })
    const clean = { clean: true, events: 43, decisions: 41, undecided: 0, breaks: [] }
    expect(await check(prefix)).toEqual(clean)
    // One that is still open holds nobody up.
    const open = await writer.transaction()
    await open.send({ topic: topics[0]!, messages: [...real.events.slice(0, 5)] })
    expect(await check(prefix)).toEqual(clean)
    await open.abort()
    await writer.disconnect()
  })
})

describe('a log that was tampered with', { timeout }, () => {
  it('a decision that was lost', async () => {
    const lost = indexOf((event) => event.type === 'IntentRejected')
    const events = without(lost)
    const relinked = await checkCopy({ events: linked(events), intents: real.intents })
    expect(checksOf(relinked)).toEqual(['decided'])
    expect(relinked.breaks[0]!.message).toContain(`intent ${decoded()[lost]!.offset} (its offset) has no decision`)
    expect(checksOf(await checkCopy({ events, intents: real.intents }))).toEqual(['chain', 'decided'])
  })

  it('a decision that was made twice', async () => {
    const twice = firstCommit()
    const report = await checkCopy({ events: linked(real.events.toSpliced(twice, 0, real.events[twice]!)), intents: real.intents })
    expect(checksOf(report)).toEqual(['decided', 'once', 'order'])
    expect(report.breaks.find((each) => each.check === 'decided')!.message).toContain('has a second decision, IntentCommitted')
  })

  it('decisions out of order', async () => {
    const first = indexOf((_, index) => index > 1 && !(chainHeader in real.events[index + 1]!.headers))
    const [one, two] = [real.events[first]!, real.events[first + 1]!]
    expect(checksOf(await checkCopy({ events: linked(real.events.toSpliced(first, 2, two, one)), intents: real.intents }))).toEqual([
      'order',
    ])
  })

  it('an event that was changed', async () => {
    const index = firstCommit()
    const { headers, value } = real.events[index]!
    const changed = Buffer.from(value.toString('latin1').replaceAll('"agent":"clerk"', '"agent":"clark"'), 'latin1')
    expect(changed.equals(value)).toBe(false)
    const report = await checkCopy({ events: real.events.toSpliced(index, 1, { headers, value: changed }), intents: real.intents })
    expect(checksOf(report)).toEqual(['chain'])
    expect(report.breaks).toHaveLength(1)
  })

  it('a batch that is not whole', async () => {
    const last = real.events.findLastIndex(({ headers }) => chainHeader in headers)
    expect(chainHeader in real.events[last - 1]!.headers).toBe(false)
    const report = await checkCopy({ events: real.events.slice(0, last), intents: real.intents })
    expect(checksOf(report)).toEqual(['chain'])
    expect(report.breaks[0]!.message).toContain('their batch is not whole')
  })

  it('an id that was decided twice, at another place', async () => {
    const index = decoded().findIndex(({ type }) => type === 'IntentDuplicated')
    const duplicate = decoded()[index]!
    const commit = decoded().find(
      (event) =>
        event.type === 'IntentCommitted' && event.offset === (duplicate.payload as { decision: { offset: number } }).decision.offset,
    )!
    const again = { headers: real.events[index]!.headers, value: Buffer.from(codec.encodeEvent({ ...commit, offset: duplicate.offset })) }
    const report = await checkCopy({ events: linked(real.events.toSpliced(index, 1, again)), intents: real.intents })
    expect(checksOf(report)).toEqual(['once'])
    expect(report.breaks[0]!.message).toContain('is decided anew')
  })

  it('a decision about an intent that there never was', async () => {
    const report = await checkCopy({ events: real.events, intents: real.intents.slice(0, -1) })
    expect(checksOf(report)).toEqual(['decided'])
    expect(report.breaks[0]!.message).toContain('intent 40 (its offset) was decided and is not in the topic of intents')
  })

  it('bytes that are no event', async () => {
    const index = indexOf(({ type }) => type === 'IntentDuplicated')
    const { headers, value } = real.events[index]!
    const report = await checkCopy({
      events: linked(real.events.toSpliced(index, 1, { headers, value: value.subarray(0, -3) })),
      intents: real.intents,
    })
    expect(checksOf(report)).toEqual(['decided', 'readable'])
  })

  it('topics that are not there are no verdict', async () => {
    await expect(check(`${original}-nowhere`)).rejects.toThrow(/cannot be read.*Check --topic-prefix/)
  })
})
