/** The sequencer on every log: resume, dead letters, wrong partitions, contracts that do not fit, clocks. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits, defineContract, type Event, type Intent, intentFromJson, none, partitionOf } from '@signalbox/contract'
import { readEvents } from '@signalbox/event-log'
import type { Log, LogRecord } from '@signalbox/log'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { type Sequencer, startSequencer } from '@signalbox/sequencer'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { intent, order, stock } from '../support/shop.ts'

const codec = createCodec({ limits: defaultLimits })
const contracts = contractSet([order, stock])
const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** What opens one and the same log again and again, each time as a new process would. */
type Opener = () => Promise<Log>

async function memory(): Promise<Opener> {
  const store = new MemoryLogStore({ partitionCount: 2, gapAfterBatch: true })
  return async () => createMemoryLog({ store })
}

async function sqlite(): Promise<Opener> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-sequencer-'))
  cleanups.push(async () => rmSync(directory, { recursive: true, force: true }))
  return async () => await openSqliteLog({ directory, partitionCount: 2 })
}

async function kafka(): Promise<Opener> {
  const brokers = process.env.KAFKA_BROKERS!
  const topicPrefix = `sequencer-${process.pid}-${Date.now()}-${cleanups.length}`
  await createTopics({ brokers, topicPrefix, partitions: 2 })
  return async () => await openKafkaLog({ brokers, topicPrefix })
}

const warnings: string[] = []
const logger = {
  info: () => {},
  warn: (_: object, text: string) => void warnings.push(text),
  error: (_: object, text: string) => void warnings.push(text),
} as never

async function start(
  open: Opener,
  more: Partial<Parameters<typeof startSequencer>[0]> = {},
): Promise<{ log: Log; sequencer: Sequencer; stop(): Promise<void> }> {
  const log = await open()
  const sequencer = await startSequencer({ log, codec, contracts, logger, software: 'test', ...more })
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= sequencer.stop().then(() => log.close())
    return stopped
  }
  cleanups.push(stop)
  return { log, sequencer, stop }
}

async function append(log: Log, value: Intent | Uint8Array, partition?: number): Promise<{ partition: number; offset: number }> {
  const scope = value instanceof Uint8Array ? 'bytes' : value.scope
  return await log.append(partition ?? partitionOf(scope, 2), {
    key: scope,
    value: value instanceof Uint8Array ? value : codec.encodeIntent(value),
    headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  })
}

/** All events of all partitions once the one about `position` is among them. */
async function eventsWith(log: Log, position: { partition: number; offset: number }): Promise<Event[]> {
  const all: Event[] = []
  await vi.waitUntil(
    async () => {
      all.length = 0
      for (let partition = 0; partition < 2; partition++)
        for await (const { event } of readEvents({ log, codec }, partition)) all.push(event)
      return all.some((event) => event.partition === position.partition && event.offset === position.offset)
    },
    { timeout: 30_000, interval: 20 },
  )
  return all
}

async function deadLetters(log: Log, partition: number): Promise<readonly LogRecord[]> {
  const cursor = await log.cursor({ topic: 'dead-letters', partition, fromOffset: 0 })
  try {
    return await cursor.next({ maxRecords: 100, maxBytes: 1_000_000, waitMs: 5_000 })
  } finally {
    await cursor.close()
  }
}

const open = (id: string) => intentFromJson(intent([{ resource: `order/${id}`, action: 'open', input: { cents: 1 } }]))
const about = (events: readonly Event[], { offset, partition }: { partition: number; offset: number }) =>
  events.filter((event) => event.partition === partition && event.offset === offset)

describe.each([
  ['memory', memory],
  ['sqlite', sqlite],
  ['kafka', kafka],
])('on %s', (name, opener) => {
  it('decides, stops, and goes on where it was: one decision each', async () => {
    const reopen = await opener()
    const first = await start(reopen)
    const before = open('before')
    const decided = await append(first.log, before)
    await eventsWith(first.log, decided)
    await first.stop()
    const writer = await reopen()
    const waiting = await append(writer, open('waiting'))
    const again = await append(writer, before)
    await writer.close()
    const second = await start(reopen)
    const events = await eventsWith(second.log, again)
    expect(about(events, decided).map(({ type }) => type)).toEqual(['IntentCommitted'])
    expect(about(events, waiting).map(({ type }) => type)).toEqual(['IntentCommitted'])
    expect(about(events, again)).toMatchObject([
      { type: 'IntentDuplicated', payload: { outcome: 'committed', decision: { partition: decided.partition, offset: decided.offset } } },
    ])
    expect(events.filter(({ type, partition }) => type === 'PartitionOpened' && partition === decided.partition)).toHaveLength(2)
  })

  it('takes a partition up again that it was fenced from and that nobody else came to own', async () => {
    const reopen = await opener()
    const { log } = await start(reopen, { bounds: { fencedRetryMs: 300 } })
    const first = await append(log, open('first'))
    await eventsWith(log, first)
    // An embedded log has one owner: there, it is this very process.
    const other = name === 'sqlite' ? log : await reopen()
    const writer = await other.open({ partition: first.partition, generation: 1, signal: new AbortController().signal })
    await writer.close()
    if (other !== log) await other.close()
    const second = await append(log, open('second'))
    const events = await eventsWith(log, second)
    expect(about(events, second).map(({ type }) => type)).toEqual(['IntentCommitted'])
    expect(events.filter(({ type, partition }) => type === 'PartitionOpened' && partition === first.partition)).toHaveLength(2)
    expect(warnings.some((text) => text.startsWith(`partition ${first.partition} is given up`))).toBe(true)
  })

  it('keeps what cannot be decoded, and what makes a contract throw, whole', async () => {
    const { log } = await start(await opener())
    const garbage = new TextEncoder().encode('{"half":')
    const undecodable = await append(log, garbage, 0)
    const opened = await append(log, open('x'))
    const broken = await append(log, intentFromJson(intent([{ resource: 'order/x', action: 'break' }])))
    const events = await eventsWith(log, broken)
    await eventsWith(log, undecodable)
    expect(about(events, broken)).toMatchObject([
      { payload: { code: 'DEAD_LETTERED', message: expect.stringContaining('the guard is broken') } },
    ])
    expect(about(events, opened)).toMatchObject([{ type: 'IntentCommitted' }])
    const letters = [...(await deadLetters(log, 0)), ...(broken.partition === 0 ? [] : await deadLetters(log, broken.partition))]
    const letter = letters.find(
      ({ headers }) => headers.sb_source_offset === `${undecodable.offset}` && headers.sb_source_partition === '0',
    )
    expect(letter).toMatchObject({
      key: 'bytes',
      headers: { sb_code: 'DEAD_LETTERED', sb_event: `0/${undecodable.offset}/0`, traceparent: expect.any(String) },
    })
    expect([...letter!.value!]).toEqual([...garbage])
    expect(letter!.headers.sb_cause).toContain('is no JSON')
    expect(letters.some(({ headers }) => headers.sb_source_offset === `${broken.offset}`)).toBe(true)
  })

  it('rejects a record on the wrong partition and names the right one; the id is free for the mended record', async () => {
    const { log } = await start(await opener())
    const value = open('astray')
    const right = partitionOf(value.scope, 2)
    const astray = await append(log, value, 1 - right)
    const mended = await append(log, value)
    const events = await eventsWith(log, mended)
    await eventsWith(log, astray)
    expect(about(await eventsWith(log, astray), astray)).toMatchObject([
      { payload: { code: 'WRONG_PARTITION', intent: expect.any(String), details: expect.stringContaining(`"rightPartition":${right}`) } },
    ])
    expect(about(events, mended)).toMatchObject([{ type: 'IntentCommitted' }])
  })

  it('hands trace context on, and names events as CloudEvents do', async () => {
    const { log } = await start(await opener())
    const position = await append(log, open('traced'))
    await eventsWith(log, position)
    const cursor = await log.cursor({ topic: 'events', partition: position.partition, fromOffset: 0 })
    const records = await cursor.next({ maxRecords: 10, maxBytes: 1_000_000, waitMs: 5_000 })
    await cursor.close()
    const decision = records.find(({ headers }) => headers.ce_id === `${position.partition}/${position.offset}/0`)!
    expect(decision.headers).toMatchObject({
      ce_type: 'signalbox.IntentCommitted',
      ce_source: `signalbox/${position.partition}`,
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      sb_chain: expect.any(String),
    })
    expect(decision.headers.sb_epoch).toBe(`${records[0]!.offset}`)
  })
})

describe('contracts that do not fit', () => {
  const version = (number: number, cents: number) =>
    contractSet([
      defineContract({
        type: 'order',
        version: number,
        owner: { team: 't', contact: 'c' },
        data: z.strictObject({ cents: z.int().max(cents) }),
        states: ['open'],
        actions: { open: { from: none, to: 'open', input: z.strictObject({ cents: z.int() }) } },
      }),
    ])

  it.each([
    ['older', version(1, 5), 'and this process has order@1; deploy the newer one'],
    ['changed without a new version', version(2, 6), 'was changed without raising its version'],
    ['missing', contractSet([stock]), 'contract order@2, which this process does not have'],
  ])('%s: the partition is given up, nothing is written, and the log says why', async (_name, others, sentence) => {
    const open = await memory()
    await (await start(open, { contracts: version(2, 5) })).stop()
    const before = await (await open()).offsets('events', 0)
    warnings.length = 0
    const { log, sequencer } = await start(open, { contracts: others })
    await vi.waitUntil(() => sequencer.phases().get(0) === 'given up', { timeout: 10_000 })
    expect(warnings.join('\n')).toContain(sentence)
    expect(await log.offsets('events', 0)).toEqual(before)
  })

  it('a newer version takes over', async () => {
    const open = await memory()
    await (await start(open, { contracts: version(2, 5) })).stop()
    const { sequencer } = await start(open, { contracts: version(3, 6) })
    await vi.waitUntil(() => sequencer.phases().get(0) === 'active', { timeout: 10_000 })
  })
})

describe('clocks', () => {
  it('a record stamped far ahead stalls the partition until its own clock is there; nothing is rejected', async () => {
    const store = new MemoryLogStore({ partitionCount: 2 })
    const hourMs = 3_600_000
    let aheadMs = hourMs
    const clock = { nowMs: () => Date.now(), sleep: (_ms: number) => new Promise<void>((resolve) => setTimeout(resolve, 5)) }
    const mad = createMemoryLog({ store, clock: { nowMs: () => Date.now() + aheadMs, sleep: clock.sleep } })
    const position = await append(mad, open('ahead'))
    warnings.length = 0
    const { log, sequencer } = await start(async () => createMemoryLog({ store }), {
      clock: { ...clock, nowMs: () => Date.now() + hourMs - aheadMs },
    })
    await vi.waitUntil(() => sequencer.phases().get(position.partition) === 'stalled', { timeout: 10_000 })
    expect(warnings.join('\n')).toContain('set the clocks of the broker and of this machine')
    aheadMs = 0
    const events = await eventsWith(log, position)
    expect(sequencer.phases().get(position.partition)).toBe('active')
    // The id was made by a clock that was right, an hour before the log's.
    expect(about(events, position)).toMatchObject([{ type: 'IntentCommitted' }])
  })

  it('a clock that goes backwards does not take logical time back', async () => {
    const store = new MemoryLogStore({ partitionCount: 2 })
    let now = Date.now()
    const log = createMemoryLog({ store, clock: { nowMs: () => now, sleep: () => new Promise((resolve) => setTimeout(resolve, 5)) } })
    const first = await append(log, open('t1'))
    now -= 60_000
    const second = await append(log, open('t2'))
    const { log: reader } = await start(async () => createMemoryLog({ store }))
    const events = await eventsWith(reader, second)
    expect(about(events, second)[0]!.time).toBe(about(events, first)[0]!.time)
    expect(about(events, second)).toMatchObject([{ type: 'IntentCommitted' }])
  })
})
