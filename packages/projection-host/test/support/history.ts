/** Logs that go on from each other, and hosts over them, for the tests of what read models make of that. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from '@signalbox/contract'
import { systemClock } from '@signalbox/log'
import { defineProjection, type Projection } from '@signalbox/projection'
import { carried, committed, rejected, type TestCarried, type TestEvent } from '@signalbox/projection/testing'
import { type Feed, HistoryFeed, type HostSettings, ProjectionHost } from '@signalbox/projection-host'
import type { ConformanceStore } from '@signalbox/projection-store/conformance'
import { expect, vi } from 'vitest'
import { z } from 'zod'
import { codec, TestLog } from './log.ts'

/** What a move writes is all of one time, later than all before. */
export const movedMs = Date.UTC(2031, 0, 1)
/** How long something may take to come. */
export const wait = { timeout: 10_000, interval: 10 }

export const cure = { isOn: false }

/** What happened in each scope, in its order; and how much in all. */
export const trail = defineProjection({
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

export function change(scope: string, version: number, partition: number, data = {}): TestEvent {
  return committed({ scope, partition, changes: [{ resource: 'order/1', state: 'open', version, data }] })
}

export function carriedOver(about: TestCarried): TestEvent {
  return (index) => ({ ...carried(about)(index), time: movedMs })
}

interface PartitionPart {
  readonly partition: number
  readonly fromPartitions: number
  readonly from?: string
  readonly isLast?: boolean
  readonly quarantined?: readonly string[]
}

export function partitionCarried({ from = 'old', fromPartitions, isLast = false, partition, quarantined = [] }: PartitionPart): TestEvent {
  const lastQuarantines = quarantined.map((agent) => ({ agent, event: { partition: 0, offset: 1, index: 0 } }))
  const nothing = { begins: [0, 1_000_000], contracts: [], quarantines: [], links: [], codes: [''], ids: '' }
  return (index) => ({
    ...{ partition, offset: -1, index, time: movedMs, scope: '', type: 'PartitionCarried' },
    payload: { ...nothing, from, fromPartitions, lastQuarantines, isLast },
  })
}

/** Of one intent, which waits; `since` where its log was moved meanwhile. */
export function pending(scope: string, partition: number, since: Event | null): TestEvent {
  return (offset) => ({
    ...{ partition, offset: since === null ? offset : -1, index: since === null ? 0 : offset, time: 1, scope, type: 'IntentPending' },
    payload: {
      ...{ intentId: 'waits', agent: 'clerk', intent: '{"actions":[]}', digest: 'digest', reason: 'waiting', code: 'RESERVED' },
      ...{ message: 'waits', resources: ['order/1'], until: 9, escalation: null },
      since: since === null ? null : { partition: since.partition, offset: since.offset, index: since.index },
    },
  })
}

export function withdrawn(scope: string, partition: number, { index, offset, partition: of }: Event): TestEvent {
  return (at) => {
    const event = rejected({ scope, partition, intentId: 'waits', agent: 'clerk', code: 'WITHDRAWN' })(at)
    return { ...event, payload: { ...event.payload, settles: { partition: of, offset, index } } } as Event
  }
}

/** A log of two partitions, one of three that goes on from it, and a store. */
export class MovedLog {
  readonly store: ConformanceStore['store']
  readonly old: TestLog
  readonly log: TestLog
  readonly #made: ConformanceStore
  readonly #hosts: ProjectionHost[] = []
  readonly #feeds: HistoryFeed[] = []
  readonly #more: TestLog[] = []

  private constructor(made: ConformanceStore, old: TestLog, log: TestLog) {
    this.#made = made
    this.store = made.store
    this.old = old
    this.log = log
  }

  static async open(make: () => Promise<ConformanceStore>): Promise<MovedLog> {
    cure.isOn = false
    return new MovedLog(await make(), await TestLog.open(2), await TestLog.open(3))
  }

  async another(partitionCount: number): Promise<TestLog> {
    const log = await TestLog.open(partitionCount)
    this.#more.push(log)
    return log
  }

  /** The newest first. */
  history(...logs: readonly TestLog[]): HistoryFeed {
    const feed = new HistoryFeed(logs.map((each, age) => ({ name: `log-${age}`, log: each.log, codec })))
    this.#feeds.push(feed)
    return feed
  }

  host(projection: Projection, feed: Feed, more: Partial<HostSettings> = {}): ProjectionHost {
    const logger = { info: () => {}, warn: () => {}, error: () => {} }
    const common = { store: this.store, clock: systemClock, logger, batchEvents: 3, readWaitMs: 30, pollMs: 20 }
    const started = new ProjectionHost({ projection, feed, ...common, ...more })
    this.#hosts.push(started)
    return started
  }

  /** Also of such as have failed. */
  async stopHosts(): Promise<void> {
    await Promise.all(this.#hosts.splice(0).map((host) => host.stop().catch(() => {})))
  }

  async rows(projection: string, table: string): Promise<Record<string, unknown>> {
    if ((await this.store.projection(projection)) === null) return {}
    const page = await this.store.snapshot(projection, null, (snapshot) => snapshot.rows(table, { limit: 1_000 }))
    return Object.fromEntries(page.map(({ key, text }) => [key, JSON.parse(text)]))
  }

  /** Until so much of the trail is folded, and a moment longer. */
  async counted(count: number): Promise<void> {
    const all = async () => ((await this.rows('trail', 'total')).all as { count: number } | undefined)?.count ?? 0
    await vi.waitUntil(async () => (await all()) >= count, wait)
    await sleep(100)
    expect(await all()).toBe(count)
  }

  /** Until the live rows are of all that there is. */
  async folded(projection: string, feed: Feed): Promise<void> {
    const ends = await feed.ends()
    await vi.waitUntil(async () => (await this.offsets(projection).catch(() => [])).join() === ends.join(), wait)
  }

  async offsets(projection: string): Promise<readonly number[]> {
    return await this.store.snapshot(projection, null, async ({ generation }) => generation.positions.map(({ logOffset }) => logOffset))
  }

  async asked(projection: string, kind: 'rebuild' | 'retry'): Promise<void> {
    const id = await this.store.ask(projection, kind, null)
    await vi.waitUntil(async () => (await this.store.request(id))!.state === 'done', wait)
  }

  /** What the core's carrier writes, in short: resources, then what ends it. */
  async carryOver(to: TestLog, partitions: number, fromPartitions: number, from = 'old'): Promise<void> {
    for (let partition = 0; partition < partitions; partition++) {
      await to.append([
        partitionCarried({ partition, fromPartitions, from }),
        carriedOver({ scope: `s${partition}`, partition, changes: [{ resource: 'order/1', state: 'open', version: 2 }] }),
      ])
    }
    await this.endCarrying(to, partitions, fromPartitions, from)
  }

  async endCarrying(to: TestLog, partitions: number, fromPartitions: number, from = 'old'): Promise<void> {
    await to.append(
      Array.from({ length: partitions }, (_, partition) => partitionCarried({ partition, fromPartitions, from, isLast: true })),
    )
  }

  async close(): Promise<void> {
    await this.stopHosts()
    await Promise.all(this.#feeds.map((feed) => feed.close()))
    await Promise.all([this.old, this.log, ...this.#more].map((log) => log.close()))
    await this.#made.destroy()
  }
}
