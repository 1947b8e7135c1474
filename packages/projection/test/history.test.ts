/** A log that goes on from others: its read models go on too, over each store. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Event, systemScope } from '@signalbox/contract'
import { systemClock } from '@signalbox/log'
import {
  defineProjection,
  type Feed,
  HistoryFeed,
  type HostSettings,
  type Projection,
  ProjectionHost,
  positionsIn,
  rowKey,
  shippedProjections,
  verify,
} from '@signalbox/projection'
import type { ConformanceStore } from '@signalbox/projection/conformance'
import { carried, committed, rejected, type TestEvent } from '@signalbox/projection/testing'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { codec, TestLog } from './support/log.ts'
import { usePostgres } from './support/postgres.ts'
import { allStores } from './support/stores.ts'

const stores = allStores(usePostgres())
const cure = { isOn: false }
const decisions = shippedProjections.find(({ name }) => name === 'decisions')!
const agents = shippedProjections.find(({ name }) => name === 'agents')!

/** What happened in each scope, in its order; and how much in all. */
const trail = defineProjection({
  name: 'trail',
  version: 1,
  tables: { scopes: z.strictObject({ changes: z.array(z.string()) }), total: z.strictObject({ count: z.int() }) },
  changes: {
    '*': ({ data, isCarried, resource, scope, version }, { scopes, total }) => {
      if (data.poison === true && !cure.isOn) throw new Error('poison')
      const text = `${isCarried ? 'carried ' : ''}${resource}@${version}`
      scopes.update(scope, { changes: [] as string[] }, ({ changes }) => ({ changes: [...changes, text] }))
      total.update('all', { count: 0 }, ({ count }) => ({ count: count + 1 }))
    },
  },
})

function change(scope: string, version: number, partition: number, data = {}): TestEvent {
  return committed({ scope, partition, changes: [{ resource: 'order/1', state: 'open', version, data }] })
}

interface PartitionPart {
  readonly partition: number
  readonly fromPartitions: number
  readonly from?: string
  readonly isLast?: boolean
  readonly quarantined?: readonly string[]
}

function partitionCarried({ from = 'old', fromPartitions, isLast = false, partition, quarantined = [] }: PartitionPart): TestEvent {
  const lastQuarantines = quarantined.map((agent) => ({ agent, event: { partition: 0, offset: 1, index: 0 } }))
  const nothing = { begins: [0, 1_000_000], contracts: [], quarantines: [], links: [], codes: [''], ids: '' }
  return (index) => ({
    ...{ partition, offset: -1, index, time: 1, scope: '', type: 'PartitionCarried' },
    payload: { ...nothing, from, fromPartitions, lastQuarantines, isLast },
  })
}

function pending(scope: string, partition: number, since: Event | null): TestEvent {
  return (offset) => ({
    ...{ partition, offset: since === null ? offset : -1, index: since === null ? 0 : offset, time: 1, scope, type: 'IntentPending' },
    payload: {
      ...{ intentId: 'waits', agent: 'clerk', intent: '{"actions":[]}', digest: 'digest', reason: 'waiting', code: 'RESERVED' },
      ...{ message: 'waits', resources: ['order/1'], until: 9, escalation: null },
      since: since === null ? null : { partition: since.partition, offset: since.offset, index: since.index },
    },
  })
}

function withdrawn(partition: number, { index, offset, partition: of }: Event): TestEvent {
  return (at) => {
    const event = rejected({ scope: 's0', partition, intentId: 'waits', agent: 'clerk', code: 'WITHDRAWN' })(at)
    return { ...event, payload: { ...event.payload, settles: { partition: of, offset, index } } } as Event
  }
}

describe.each(stores)('the history of a log, on a store in %s', (_name, make) => {
  let made: ConformanceStore
  let old: TestLog
  let log: TestLog
  const hosts: ProjectionHost[] = []
  const feeds: HistoryFeed[] = []

  beforeEach(async () => {
    cure.isOn = false
    made = await make()
    old = await TestLog.open(2)
    log = await TestLog.open(3)
  })
  afterEach(async () => {
    await stopHosts()
    await Promise.all(feeds.splice(0).map((feed) => feed.close()))
    await Promise.all([old.close(), log.close()])
    await made.destroy()
  })

  async function stopHosts(): Promise<void> {
    await Promise.all(hosts.splice(0).map((host) => host.stop()))
  }

  function history(...logs: readonly TestLog[]): HistoryFeed {
    const feed = new HistoryFeed(logs.map((each, age) => ({ name: `log-${age}`, log: each.log, codec })))
    feeds.push(feed)
    return feed
  }

  function host(projection: Projection, feed: Feed, more: Partial<HostSettings> = {}): ProjectionHost {
    const logger = { info: () => {}, warn: () => {}, error: () => {} }
    const common = { store: made.store, clock: systemClock, logger, batchEvents: 3, readWaitMs: 30, pollMs: 20 }
    const started = new ProjectionHost({ projection, feed, ...common, ...more })
    hosts.push(started)
    return started
  }

  async function rows(projection: string, table: string): Promise<Record<string, unknown>> {
    if ((await made.store.projection(projection)) === null) return {}
    const page = await made.store.snapshot(projection, null, (snapshot) => snapshot.rows(table, { limit: 1_000 }))
    return Object.fromEntries(page.map(({ key, text }) => [key, JSON.parse(text)]))
  }

  /** Until so much is folded, and a moment longer. */
  async function counted(count: number): Promise<void> {
    const all = async () => ((await rows('trail', 'total')).all as { count: number } | undefined)?.count ?? 0
    await vi.waitUntil(async () => (await all()) >= count, { timeout: 10_000, interval: 10 })
    await sleep(100)
    expect(await all()).toBe(count)
  }

  async function offsets(projection: string): Promise<readonly number[]> {
    return await made.store.snapshot(projection, null, async ({ generation }) => generation.positions.map(({ logOffset }) => logOffset))
  }

  /** What `carrier` of the core writes, in short: resources, then what ends it. */
  async function carryOver(to: TestLog, partitions: number, fromPartitions: number, from = 'old'): Promise<void> {
    for (let partition = 0; partition < partitions; partition++) {
      await to.append([
        partitionCarried({ partition, fromPartitions, from }),
        carried({ scope: `s${partition}`, partition, changes: [{ resource: 'order/1', state: 'open', version: 2 }] }),
      ])
    }
    await to.append(
      Array.from({ length: partitions }, (_, partition) => partitionCarried({ partition, fromPartitions, from, isLast: true })),
    )
  }

  it('is folded oldest first, without what was carried over, from the beginning', async () => {
    await old.append([change('s0', 1, 0), change('s1', 1, 1), change('s0', 2, 0), change('s1', 2, 1)])
    await carryOver(log, 3, 2)
    await log.append([change('s0', 3, 0), change('s1', 3, 1), change('s2', 1, 2)])
    const feed = history(log, old)
    host(trail, feed)
    await counted(7)
    expect(await rows('trail', 'scopes')).toEqual({
      s0: { changes: ['order/1@1', 'order/1@2', 'order/1@3'] },
      s1: { changes: ['order/1@1', 'order/1@2', 'order/1@3'] },
      s2: { changes: ['order/1@1'] },
    })
    expect(await verify({ projection: trail, store: made.store, feed })).toMatchObject({ isClean: true, events: 4 + 3 + 3 })
    expect(feed.stages).toEqual([
      [3, 4],
      [0, 1, 2],
    ])
    expect([0, 2, 3, 4].map((partition) => feed.nameOf(partition))).toEqual(['0', '2', 'log-1/0', 'log-1/1'])
  })

  it('goes on in a store of the log before, and a rebuild and verify give the same', async () => {
    await old.append([change('s0', 1, 0), change('s1', 1, 1), change('s0', 2, 0)])
    host(trail, old.feed())
    await counted(3)
    await stopHosts()
    // Not all of it was folded when the log moved.
    await old.append([change('s1', 2, 1)])
    await carryOver(log, 3, 2)
    await log.append([change('s0', 3, 0), change('s1', 3, 1)])
    const feed = history(log, old)
    host(trail, feed)
    await counted(6)
    await log.append([change('s1', 4, 1)])
    await counted(7)
    const before = await rows('trail', 'scopes')
    expect(before).toEqual({
      s0: { changes: ['order/1@1', 'order/1@2', 'order/1@3'] },
      s1: { changes: ['order/1@1', 'order/1@2', 'order/1@3', 'order/1@4'] },
    })
    expect((await verify({ projection: trail, store: made.store, feed })).isClean).toBe(true)
    const id = await made.store.ask('trail', 'rebuild', null)
    await vi.waitUntil(async () => (await made.store.request(id))!.state === 'done', { timeout: 10_000, interval: 20 })
    expect(await rows('trail', 'scopes')).toEqual(before)
    expect((await verify({ projection: trail, store: made.store, feed })).isClean).toBe(true)
    // Another process, later.
    await stopHosts()
    await log.append([change('s2', 1, 2)])
    host(trail, history(log, old))
    await counted(8)
  })

  it('waits with the new log until all was carried over, and until all before it is folded', async () => {
    await old.append([change('s0', 1, 0)])
    await log.append([
      partitionCarried({ partition: 0, fromPartitions: 2 }),
      carried({ scope: 's0', partition: 0, changes: [{ resource: 'order/1', state: 'open' }] }),
    ])
    const feed = history(log, old)
    host(trail, feed)
    await counted(1)
    await sleep(200)
    expect(await feed.before(0)).toBeNull()
    expect((await offsets('trail')).slice(0, 3)).toEqual([0, 0, 0])
    await old.append([change('s0', 2, 0), change('s0', 3, 0)])
    await log.append([0, 1, 2].map((partition) => partitionCarried({ partition, fromPartitions: 2, isLast: true })))
    const ends = await old.feed().ends()
    expect(await feed.before(0)).toEqual(ends.map((logOffset, partition) => ({ partition: 3 + partition, logOffset })))
    await log.append([change('s0', 4, 0)])
    await counted(4)
    expect(await rows('trail', 'scopes')).toEqual({ s0: { changes: ['order/1@1', 'order/1@2', 'order/1@3', 'order/1@4'] } })
  })

  it('goes on over more than one move at once', async () => {
    const newest = await TestLog.open(1)
    try {
      await old.append([change('s0', 1, 0), change('s1', 1, 1)])
      host(trail, old.feed())
      await counted(2)
      await stopHosts()
      await carryOver(log, 3, 2)
      await log.append([change('s0', 2, 0)])
      await carryOver(newest, 1, 3, 'between')
      await newest.append([change('s0', 3, 0), change('s1', 2, 0)])
      const feed = history(newest, log, old)
      host(trail, feed)
      await counted(5)
      expect(await rows('trail', 'scopes')).toEqual({
        s0: { changes: ['order/1@1', 'order/1@2', 'order/1@3'] },
        s1: { changes: ['order/1@1', 'order/1@2'] },
      })
      expect(await offsets('trail')).toHaveLength(6)
      expect((await verify({ projection: trail, store: made.store, feed })).isClean).toBe(true)
      await stopHosts()
    } finally {
      await newest.close()
    }
  })

  it('folds what was parked before the move afterwards, in its order', async () => {
    await old.append([change('s1', 1, 1), change('s1', 2, 1, { poison: true })])
    host(trail, old.feed())
    await counted(1)
    await stopHosts()
    await carryOver(log, 3, 2)
    await log.append([change('s1', 3, 0), change('s0', 1, 0)])
    host(trail, history(log, old))
    await counted(2)
    const parked = await made.store.snapshot('trail', null, (snapshot) => snapshot.parked({ limit: 10 }))
    expect(parked.map(({ behind, key, partition }) => [key, partition, behind === null])).toEqual([
      ['s1', 4, true],
      ['s1', 0, false],
    ])
    cure.isOn = true
    const id = await made.store.ask('trail', 'retry', null)
    await vi.waitUntil(async () => (await made.store.request(id))!.state === 'done', { timeout: 10_000, interval: 20 })
    expect(await rows('trail', 'scopes')).toEqual({
      s0: { changes: ['order/1@1'] },
      s1: { changes: ['order/1@1', 'order/1@2', 'order/1@3'] },
    })
  })

  it('leaves rows alone that have gone on, where the log before is opened again', async () => {
    await old.append([change('s0', 1, 0), change('s1', 1, 1)])
    host(trail, old.feed())
    await counted(2)
    await stopHosts()
    await carryOver(log, 3, 2)
    host(trail, history(log, old))
    await vi.waitUntil(async () => (await offsets('trail'))[0]! > 0, { timeout: 10_000, interval: 10 })
    await stopHosts()
    const before = await offsets('trail')
    const late = host(trail, old.feed())
    await vi.waitUntil(async () => (await late.status()).phase === 'superseded', { timeout: 10_000, interval: 10 })
    expect((await late.status()).reason).toContain('have gone on with the log that this one was moved to')
    expect(late.notReady()).toBeNull()
    expect(await offsets('trail')).toEqual(before)
    const stored = await made.store.projection('trail')
    expect(positionsIn(stored!.generations[0]!, 2).map(({ logOffset }) => logOffset)).toEqual(before.slice(3))
  })

  it('takes no store of another log for one of its own, and leaves it as it was', async () => {
    const other = await TestLog.open(2)
    try {
      await other.append([change('elsewhere', 1, 0), change('elsewhere too', 1, 1)])
      host(trail, other.feed())
      await counted(2)
      await stopHosts()
      const before = await offsets('trail')
      await old.append([change('s0', 1, 0), change('s0', 2, 0), change('s1', 1, 1), change('s1', 2, 1)])
      await carryOver(log, 3, 2)
      await expect(host(trail, history(log, old)).failed).rejects.toMatchObject({ name: 'ProjectionError', code: 'MISCONFIGURED' })
      expect(await offsets('trail')).toEqual(before)
      hosts.splice(0)
      host(trail, other.feed())
      await other.append([change('elsewhere', 2, 0)])
      await counted(3)
    } finally {
      await stopHosts()
      await other.close()
    }
  })

  it('reacts to nothing that was carried over, and to all that came after what was reacted to before', async () => {
    const reacted: string[] = []
    const reacting = {
      ...trail,
      react: async ({ event }: { event: Event }) => {
        if (event.type !== 'PartitionOpened') reacted.push(`${event.type} ${event.scope}`)
      },
    }
    host(reacting, old.feed())
    await vi.waitUntil(async () => (await made.store.projection('trail')) !== null, { timeout: 10_000, interval: 10 })
    await sleep(100)
    await old.append([change('s0', 1, 0)])
    await counted(1)
    await vi.waitUntil(() => reacted.length === 1, { timeout: 10_000, interval: 10 })
    await vi.waitUntil(async () => (await made.store.projection('trail'))!.reactions[0]! > 0, { timeout: 10_000, interval: 10 })
    await stopHosts()
    await old.append([change('s1', 1, 1)])
    await carryOver(log, 3, 2)
    await log.append([change('s2', 1, 2)])
    host(reacting, history(log, old))
    await counted(3)
    await vi.waitUntil(() => reacted.length >= 3, { timeout: 10_000, interval: 10 })
    await sleep(200)
    expect(reacted).toEqual(['IntentCommitted s0', 'IntentCommitted s1', 'IntentCommitted s2'])
  })

  it('lets an intent that waits move to its new partition, and agents stand where they do now', async () => {
    const quarantine = { resource: 'agent/clerk', state: 'quarantined', data: { reason: 'loops' } }
    const [asked] = await old.append([
      pending('s0', 0, null),
      committed({ scope: systemScope(1, 2), partition: 1, changes: [quarantine] }),
      committed({ scope: '~agent/clerk', partition: 1, changes: [quarantine] }),
    ])
    for (const projection of [decisions, agents]) host(projection, old.feed())
    await vi.waitUntil(async () => Object.keys(await rows('agents', 'standing')).length === 2, { timeout: 10_000, interval: 10 })
    await stopHosts()
    await log.append([
      pending('s0', 2, asked!),
      carried({ scope: systemScope(2, 3), partition: 2, changes: [quarantine] }),
      carried({ scope: '~agent/clerk', partition: 1, changes: [quarantine] }),
    ])
    await log.append([0, 1, 2].map((partition) => partitionCarried({ partition, fromPartitions: 2, quarantined: ['clerk'], isLast: true })))
    const feed = history(log, old)
    for (const projection of [decisions, agents]) host(projection, feed)
    await vi.waitUntil(async () => 'waits/2' in (await rows('decisions', 'decisions')), { timeout: 10_000, interval: 10 })
    expect(Object.keys(await rows('decisions', 'decisions'))).toContain('waits/2')
    expect(Object.keys(await rows('decisions', 'decisions'))).not.toContain('waits/0')
    await log.append([withdrawn(2, asked!)])
    const outcome = async () => ((await rows('decisions', 'decisions'))['waits/2'] as { outcome: string }).outcome
    await vi.waitUntil(async () => (await outcome()) === 'rejected', { timeout: 10_000, interval: 10 })
    const clerk = async () => (await rows('agents', 'agents')).clerk as { rejected: number }
    await vi.waitUntil(async () => (await clerk()).rejected === 1, { timeout: 10_000, interval: 10 })
    expect(await clerk()).toMatchObject({ pending: 1, rejected: 1 })
    expect(Object.keys(await rows('agents', 'standing')).sort()).toEqual([
      rowKey('clerk', '~agent/clerk'),
      rowKey('clerk', systemScope(2, 3)),
    ])
    for (const projection of [decisions, agents]) expect((await verify({ projection, store: made.store, feed })).isClean).toBe(true)
  })
})
