/** Taking over: what a standby has built, what a snapshot spares, and snapshots that are not to be trusted. */
import { createCodec } from '@signalbox/codec'
import { contractSet, defaultLimits, intentFromJson, partitionOf } from '@signalbox/contract'
import { readEvents } from '@signalbox/event-log'
import type { Log } from '@signalbox/log'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { type Sequencer, startSequencer } from '@signalbox/sequencer'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { intent, order, stock } from '../support/shop.ts'

const codec = createCodec({ limits: defaultLimits })
const contracts = contractSet([order, stock])
const snapshotEvents = 50
const timeout = 30_000
const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

type Opener = () => Promise<Log>

async function memory(): Promise<Opener> {
  const store = new MemoryLogStore({ partitionCount: 1, gapAfterBatch: true })
  return async () => createMemoryLog({ store })
}

async function kafka(): Promise<Opener> {
  const brokers = process.env.KAFKA_BROKERS!
  const topicPrefix = `standby-${process.pid}-${Date.now()}`
  await createTopics({ brokers, topicPrefix, partitions: 1 })
  return async () => await openKafkaLog({ brokers, topicPrefix, heartbeatIntervalMs: 100 })
}

interface Running {
  readonly log: Log
  readonly sequencer: Sequencer
  readonly said: string[]
  stop(): Promise<void>
}

async function start(open: Opener): Promise<Running> {
  const said: string[] = []
  const say = (_: object, text: string) => void said.push(text)
  const log = await open()
  const bounds = { snapshotEvents }
  const logger = { info: say, warn: say, error: say } as never
  const sequencer = await startSequencer({ log, codec, contracts, logger, software: 'test', bounds, standby: true })
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= sequencer.stop().then(() => log.close())
    return stopped
  }
  cleanups.push(stop)
  return { log, sequencer, said, stop }
}

let lastOrder = 0

async function submit(log: Log, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const value = intentFromJson(intent([{ resource: `order/${lastOrder++}`, action: 'open', input: { cents: 1 } }]))
    await log.append(partitionOf(value.scope, 1), { key: value.scope, value: codec.encodeIntent(value), headers: {} })
  }
}

async function commits(log: Log): Promise<number> {
  let count = 0
  for await (const { event } of readEvents({ log, codec }, 0)) if (event.type === 'IntentCommitted') count++
  return count
}

const until = (condition: () => boolean | Promise<boolean>) => vi.waitUntil(condition, { timeout, interval: 20 })
const isActive = ({ sequencer }: Running) => sequencer.phases().get(0) === 'active'
/** How many events the last restore read from the log. */
const restoredEvents = ({ said }: Running) =>
  Number(/is active: (\d+) events/.exec(said.findLast((text) => text.includes('is active'))!)![1])

describe.each([
  ['memory', memory],
  ['kafka', kafka],
])('on %s', { timeout: 4 * timeout }, (_name, opener) => {
  it('a standby takes over with what it has followed, and both keep it up in turns', async () => {
    const open = await opener()
    const first = await start(open)
    await until(() => isActive(first))
    const second = await start(open)
    await submit(first.log, 120)
    await until(async () => (await commits(second.log)) === 120)
    // In an eager rebalance either may own the partition by now.
    const [owner, standby] = isActive(first) ? [first, second] : [second, first]
    const { end } = await owner.log.offsets('events', 0)
    await until(() => (standby.sequencer.followed().get(0) ?? 0) >= end - 1)
    await owner.stop()
    await until(() => isActive(standby))
    expect(restoredEvents(standby), 'its own opening, and what the owner may have opened last').toBeLessThanOrEqual(3)
    await submit(standby.log, 5)
    await until(async () => (await commits(standby.log)) === 125)
  })

  it('a new process begins with the snapshot that a standby wrote', async () => {
    const open = await opener()
    const first = await start(open)
    const second = await start(open)
    await until(() => isActive(first) || isActive(second))
    await submit(first.log, 200)
    const hasWritten = ({ said }: Running) => said.some((text) => text.includes('written'))
    await until(() => hasWritten(first) || hasWritten(second))
    await until(async () => (await commits(second.log)) === 200)
    await Promise.all([first.stop(), second.stop()])
    const third = await start(open)
    await until(() => isActive(third))
    expect(third.said.some((text) => /snapshot as of log offset \d+ read/.test(text))).toBe(true)
    expect(restoredEvents(third)).toBeLessThan(200)
    expect(third.sequencer.state(0)!.size).toEqual({ resources: 200, ids: 200 })
    await submit(third.log, 1)
    await until(async () => (await commits(third.log)) === 201)
  })
})

describe('a snapshot that cannot be right', { timeout: 4 * timeout }, () => {
  /** A log with 60 commits whose snapshot the test then spoils. */
  async function withSnapshot(): Promise<MemoryLogStore> {
    const store = new MemoryLogStore({ partitionCount: 1 })
    const open: Opener = async () => createMemoryLog({ store })
    const first = await start(open)
    const second = await start(open)
    await until(() => isActive(first) || isActive(second))
    await submit(first.log, 60)
    await until(() => store.snapshots.size === 1)
    await until(async () => (await commits(second.log)) === 60)
    await Promise.all([first.stop(), second.stop()])
    return store
  }

  const spoiled = {
    'is ahead of the log': (manifest: Record<string, unknown>) => ({ ...manifest, position: 10_000 }),
    'is of another log': (manifest: Record<string, unknown>) => ({ ...manifest, chain_link: 'A'.repeat(43) }),
    'is of another format': (manifest: Record<string, unknown>) => ({ ...manifest, state_format: 0 }),
    'was written under other limits': (manifest: Record<string, unknown>) => ({ ...manifest, missed: 1 }),
    'names other chunks': (manifest: Record<string, unknown>) => ({ ...manifest, chunks: ['A'.repeat(43)] }),
    'has lost a chunk': (manifest: Record<string, unknown>) => ({ ...manifest, chunks: [...(manifest.chunks as string[]), 'x'] }),
    'has no manifest to speak of': () => ({}),
  }

  it.each(Object.entries(spoiled))('%s: it is said, and the events are read from their start', async (_what, spoil) => {
    const store = await withSnapshot()
    const found = store.snapshots.get(0)!
    const manifest = Buffer.from(JSON.stringify(spoil(JSON.parse(Buffer.from(found.manifest).toString()))))
    store.snapshots.set(0, { ...found, manifest })
    const next = await start(async () => createMemoryLog({ store }))
    await until(() => isActive(next))
    expect(next.said.some((text) => text.includes('from their start'))).toBe(true)
    expect(next.sequencer.state(0)!.size).toEqual({ resources: 60, ids: 60 })
    expect(await commits(next.log)).toBe(60)
  })
})
