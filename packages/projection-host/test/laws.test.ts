/** Laws: rows do not depend on how events fall into batches, on where a process ended, or on whether they were rebuilt. */
import { systemClock } from '@signalbox/log'
import type { Projection } from '@signalbox/projection'
import type { TestEvent } from '@signalbox/projection/testing'
import { contentHash, ProjectionHost, verify } from '@signalbox/projection-host'
import { MemoryStore } from '@signalbox/projection-store'
import fc from 'fast-check'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { TestLog } from './support/log.ts'
import { cure, move, shelves } from './support/shelves.ts'

const silent = { info: () => {}, warn: () => {}, error: () => {} }
const numRuns = 30

const moved = fc.record({
  partition: fc.integer({ min: 0, max: 1 }),
  scope: fc.integer({ min: 0, max: 3 }),
  id: fc.integer({ min: 0, max: 4 }),
  left: fc.integer({ min: 0, max: 100 }),
  isPoison: fc.integer({ min: 0, max: 19 }).map((number) => number === 0),
})
const batches = fc.array(fc.array(moved, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 12 })

function eventOf({ id, isPoison, left, partition, scope }: typeof moved extends fc.Arbitrary<infer T> ? T : never): TestEvent {
  return move(`p${partition}-s${scope}`, `${id}`, left, { partition, note: isPoison ? 'poison' : '' })
}

async function writeLog(written: readonly (readonly Parameters<typeof eventOf>[0][])[]): Promise<TestLog> {
  const log = await TestLog.open(2)
  for (const batch of written) await log.append(batch.map(eventOf))
  return log
}

/** Runs a host until everything in the log is folded or parked. */
async function run(log: TestLog, store: MemoryStore, batchEvents: number, projection: Projection = shelves()): Promise<void> {
  const host = new ProjectionHost({
    projection,
    store,
    feed: log.feed(),
    clock: systemClock,
    logger: silent,
    batchEvents,
    readWaitMs: 5,
    pollMs: 2,
  })
  await vi.waitUntil(() => host.notReady() === null, { timeout: 10_000, interval: 2 })
  await host.stop()
}

async function hashOf(store: MemoryStore): Promise<string> {
  return (await store.snapshot('shelves', null, contentHash)).hash
}

async function parkedOf(store: MemoryStore): Promise<readonly string[]> {
  const parked = await store.snapshot('shelves', null, (snapshot) => snapshot.parked({ limit: 1_000 }))
  return parked.map(({ cause, reference }) => `${reference} ${cause}`).sort()
}

beforeEach(() => {
  cure.isOn = false
})

describe('laws', { timeout: 120_000 }, () => {
  it('any batches give the same rows, the same hash and the same parked events', async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), async (written, one, other) => {
        const log = await writeLog(written)
        const stores = [new MemoryStore(), new MemoryStore()] as const
        await run(log, stores[0], one)
        await run(log, stores[1], other)
        expect(await hashOf(stores[1])).toBe(await hashOf(stores[0]))
        expect(await parkedOf(stores[1])).toEqual(await parkedOf(stores[0]))
        await log.close()
      }),
      { numRuns },
    )
  })

  it('rebuilt, or folded in as many turns as there are batches, the rows are the same', async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 9 }), async (written, batchEvents) => {
        const log = await TestLog.open(2)
        const live = new MemoryStore()
        for (const batch of written) {
          await log.append(batch.map(eventOf))
          await run(log, live, batchEvents)
        }
        const before = await hashOf(live)
        await live.ask('shelves', 'rebuild', null)
        const host = new ProjectionHost({
          projection: shelves(),
          store: live,
          feed: log.feed(),
          clock: systemClock,
          logger: silent,
          batchEvents,
          readWaitMs: 5,
          pollMs: 2,
        })
        await vi.waitUntil(async () => (await live.request(1))!.state === 'done', { timeout: 10_000, interval: 2 })
        await host.stop()
        expect((await live.projection('shelves'))!.live).toBe(2)
        expect(await hashOf(live)).toBe(before)
        expect((await verify({ projection: shelves(), store: live, feed: log.feed() })).isClean).toBe(true)
        await log.close()
      }),
      { numRuns: numRuns / 2 },
    )
  })

  it('parked, cured and retried, the rows are those of a log without poison', async () => {
    await fc.assert(
      fc.asyncProperty(batches, fc.integer({ min: 1, max: 9 }), async (written, batchEvents) => {
        cure.isOn = false
        const log = await writeLog(written)
        const [parked, cured] = [new MemoryStore(), new MemoryStore()]
        await run(log, parked, batchEvents)
        cure.isOn = true
        await run(log, cured, batchEvents)
        await parked.ask('shelves', 'retry', null)
        const host = new ProjectionHost({
          projection: shelves(),
          store: parked,
          feed: log.feed(),
          clock: systemClock,
          logger: silent,
          readWaitMs: 5,
          pollMs: 2,
        })
        await vi.waitUntil(async () => (await parked.request(1))!.state === 'done', { timeout: 10_000, interval: 2 })
        await host.stop()
        expect(await hashOf(parked)).toBe(await hashOf(cured))
        await log.close()
      }),
      { numRuns },
    )
  })
})
