/** A host over each store: it folds, stands by, resumes, rebuilds, swaps, parks, retries and reacts. */
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock } from '@signalbox/log'
import { type Projection, ProjectionError } from '@signalbox/projection'
import { shadowed } from '@signalbox/projection/testing'
import { type HostSettings, ProjectionHost, verify } from '@signalbox/projection-host'
import { MemoryStore, type ProjectionStore } from '@signalbox/projection-store'
import type { ConformanceStore } from '@signalbox/projection-store/conformance'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { usePostgres } from '../../projection-postgres/test/support/postgres.ts'
import { TestLog } from './support/log.ts'
import { cure, move, shelves } from './support/shelves.ts'
import { allStores } from './support/stores.ts'

const stores = allStores(usePostgres())
function bound<Of extends object>(of: Of, property: string | symbol): unknown {
  const value = Reflect.get(of, property)
  return typeof value === 'function' ? value.bind(of) : value
}

const silent = { info: () => {}, warn: () => {}, error: () => {} }

describe.each(stores)('a host on a store in %s', (_name, make) => {
  let made: ConformanceStore
  let log: TestLog
  const hosts: ProjectionHost[] = []

  beforeEach(async () => {
    cure.isOn = false
    made = await make()
    log = await TestLog.open(2)
  })
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.stop()))
    await log.close()
    await made.destroy()
  })

  function host(projection: Projection, more: Partial<HostSettings> = {}): ProjectionHost {
    const common = { store: made.store, feed: log.feed(), clock: systemClock, logger: silent, batchEvents: 3, readWaitMs: 30, pollMs: 20 }
    const started = new ProjectionHost({ projection, ...common, ...more })
    hosts.push(started)
    return started
  }

  async function rows(table = 'shelves', store: ProjectionStore = made.store): Promise<Record<string, unknown>> {
    if ((await store.projection('shelves')) === null) return {}
    const page = await store.snapshot('shelves', null, (snapshot) => snapshot.rows(table, { limit: 1_000 }))
    return Object.fromEntries(page.map(({ key, text }) => [key, JSON.parse(text)]))
  }

  async function moves(): Promise<number> {
    return ((await rows('totals')).all as { moves: number } | undefined)?.moves ?? 0
  }

  async function reached(count: number): Promise<void> {
    await vi.waitUntil(async () => (await moves()) >= count, { timeout: 10_000, interval: 10 })
    expect(await moves()).toBe(count)
  }

  async function asked(kind: 'rebuild' | 'retry', key: string | null = null) {
    const id = await made.store.ask('shelves', kind, key)
    await vi.waitUntil(async () => ['done', 'failed'].includes((await made.store.request(id))!.state), { timeout: 10_000, interval: 20 })
    return (await made.store.request(id))!
  }

  async function appendMoves(from: number, count: number): Promise<void> {
    for (let number = from; number < from + count; number++)
      await log.append([move(`s${number % 6}`, `${number % 7}`, number, { partition: number % 2 })])
  }

  async function isClean(): Promise<boolean> {
    const verification = await verify({ projection: shelves(), store: made.store, feed: log.feed() })
    expect(verification.differences).toEqual([])
    return verification.isClean
  }

  it('folds what is there and what comes, and takes no shadow for real', async () => {
    await appendMoves(0, 20)
    await log.append([shadowed({ changes: [{ resource: 'shelf/1', state: 'kept', data: { left: 99 } }] })])
    const started = host(shelves())
    await reached(20)
    await appendMoves(20, 10)
    await reached(30)
    await vi.waitUntil(() => started.notReady() === null, { timeout: 5_000 })
    expect((await started.status()).phase).toBe('active')
    expect(Object.keys(await rows())).toHaveLength(30)
    expect(await isClean()).toBe(true)
  })

  it('a standby goes on exactly where the owner ended, once', async () => {
    await appendMoves(0, 10)
    const first = host(shelves())
    await reached(10)
    const second = host(shelves(), { store: await made.reopen() })
    await sleep(400)
    expect((await second.status()).phase).toBe('standby')
    await first.stop()
    await appendMoves(10, 10)
    await reached(20)
    expect((await second.status()).phase).toBe('active')
    expect(await isClean()).toBe(true)
  })

  it('an owner that was overtaken gives up, takes the projection up anew and folds nothing twice', async () => {
    host(shelves())
    await appendMoves(0, 5)
    await reached(5)
    if (made.store instanceof MemoryStore) made.store.expire('shelves', 1)
    else await made.overtake('shelves', 1)
    await appendMoves(5, 5)
    await reached(10)
    expect(await isClean()).toBe(true)
  })

  it('what a transaction that failed was to write goes in with no other', async () => {
    await appendMoves(0, 30)
    let failures = 5
    const { store } = made
    const own: ProjectionStore['own'] = async (name, version) => {
      const writer = await store.own(name, version)
      if (writer === null) return null
      const commit: typeof writer.commit = async (batch) => {
        // Every other time it is in the store all the same, as when the answer is lost.
        if (batch.mutations.length > 0 && failures-- > 0) {
          if (failures % 2 === 0) await writer.commit(batch)
          throw new ProjectionError('UNAVAILABLE', 'the store is away')
        }
        await writer.commit(batch)
      }
      return new Proxy(writer, { get: (of, property) => (property === 'commit' ? commit : bound(of, property)) })
    }
    host(shelves(), { store: new Proxy(store, { get: (of, property) => (property === 'own' ? own : bound(of, property)) }) })
    await reached(30)
    expect(failures).toBeLessThan(0)
    expect(await isClean()).toBe(true)
  })

  it('a rebuild goes on beside the live rows, and takes their place when it has caught up', async () => {
    await appendMoves(0, 40)
    host(shelves())
    await reached(40)
    const before = await made.store.projection('shelves')
    const rebuilding = asked('rebuild')
    // The writers go on, and nobody ever sees fewer moves than before.
    let seen = 40
    for (let number = 40; number < 80; number++) {
      await appendMoves(number, 1)
      const now = await moves()
      expect(now).toBeGreaterThanOrEqual(seen)
      seen = now
    }
    expect((await rebuilding).state).toBe('done')
    await reached(80)
    const after = await made.store.projection('shelves')
    expect(after!.live).toBeGreaterThan(before!.live!)
    expect(after!.generations.map(({ state }) => state)).toEqual(['live'])
    expect(await isClean()).toBe(true)
  })

  it('a rebuild that was cut off goes on where it was', async () => {
    await appendMoves(0, 60)
    const first = host(shelves())
    await reached(60)
    // A generation half built by an owner that is gone.
    await first.stop()
    const writer = (await made.store.own('shelves', 1))!
    const stored = (await made.store.projection('shelves'))!.generations[0]!
    const half = await writer.createGeneration({ ...stored, partitionCount: 2, reactFrom: [] })
    await writer.close()
    await made.store.ask('shelves', 'rebuild', null)
    host(shelves())
    await vi.waitUntil(async () => (await made.store.projection('shelves'))!.live === half.generation, { timeout: 10_000 })
    await vi.waitUntil(async () => (await made.store.open('shelves')).length === 0, { timeout: 5_000 })
    expect((await made.store.projection('shelves'))!.generations).toHaveLength(1)
    expect(await isClean()).toBe(true)
  })

  it('a raised version is built beside the old rows; an older one leaves them alone', async () => {
    await appendMoves(0, 20)
    const first = host(shelves())
    await reached(20)
    const second = host(shelves({ version: 2 }), { store: await made.reopen() })
    await vi.waitUntil(
      async () => (await made.store.projection('shelves'))!.generations.find(({ state }) => state === 'live')!.version === 2,
      {
        timeout: 10_000,
      },
    )
    await appendMoves(20, 5)
    await reached(25)
    await vi.waitUntil(async () => (await first.status()).phase === 'superseded', { timeout: 5_000 })
    await first.stop()
    const late = host(shelves())
    await vi.waitUntil(async () => (await late.status()).phase === 'superseded', { timeout: 5_000 })
    expect((await late.status()).reason).toContain('version 2 of projection shelves is live')
    expect((await second.status()).phase).toBe('active')
  })

  it('a poison event parks its scope, in order, and no other; retried after a cure nothing is missing', async () => {
    const told: string[] = []
    host(shelves(), { announce: async (projection, { reference }) => void told.push(`${projection} ${reference}`) })
    const placed = await log.append([
      move('bad', '1', 1),
      move('bad', '1', 2, { note: 'poison' }),
      move('good', '1', 3),
      move('bad', '1', 4),
      move('bad', '2', 5),
      move('fine', '1', 6, { partition: 1 }),
    ])
    await reached(3)
    const parked = () => made.store.snapshot('shelves', null, (snapshot) => snapshot.parked({ limit: 10 }))
    await vi.waitUntil(async () => (await parked()).length === 3, { timeout: 5_000 })
    expect((await parked()).map(({ behind, cause, key }) => [key, cause, behind])).toEqual([
      ['bad', 'Error: the note is poison', null],
      ['bad', 'held back behind 0/1/0', '0/1/0'],
      ['bad', 'held back behind 0/1/0', '0/1/0'],
    ])
    expect((await parked())[0]!.stack).toContain('shelves.ts')
    expect((await parked()).map(({ event }) => event)).toEqual([placed[1], placed[3], placed[4]])
    await vi.waitUntil(() => told.length === 3, { timeout: 5_000 })
    expect(told).toEqual(['shelves 0/1/0', 'shelves 0/3/0', 'shelves 0/4/0'])
    expect(await asked('retry', 'bad')).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('bad: Error: the note is poison'),
    })
    expect(await moves()).toBe(3)
    cure.isOn = true
    expect(await asked('retry', 'bad')).toMatchObject({ state: 'done', message: '3 events folded' })
    await log.append([move('bad', '1', 7)])
    await reached(7)
    expect(await rows()).toMatchObject({ 'bad/1': { left: 7, moves: 4 }, 'bad/2': { left: 5 } })
    expect(await isClean()).toBe(true)
  })

  it('what was parked before a restart is overtaken by nothing after it', async () => {
    const first = host(shelves())
    await log.append([move('bad', '1', 1, { note: 'poison' })])
    await vi.waitUntil(async () => ((await made.store.projection('shelves'))?.generations[0]?.parkedCount ?? 0) === 1, { timeout: 5_000 })
    await first.stop()
    host(shelves())
    await log.append([move('bad', '1', 2), move('good', '1', 3)])
    await reached(1)
    expect(await rows()).toEqual({ 'good/1': expect.objectContaining({ left: 3 }) })
    cure.isOn = true
    expect((await asked('retry')).state).toBe('done')
    expect(await rows()).toMatchObject({ 'bad/1': { left: 2, moves: 2 } })
  })

  it('with too much parked it halts, says so, and goes on after a retry', async () => {
    const started = host(shelves({ maxParked: 2 }))
    await log.append([move('a', '1', 1, { note: 'poison' }), move('b', '1', 2, { note: 'poison' })])
    await log.append([move('good', '1', 3)])
    await reached(1)
    await log.append([move('c', '1', 4, { note: 'poison' })])
    await log.append([move('good', '1', 5)])
    await vi.waitUntil(async () => (await started.status()).phase === 'halted', { timeout: 5_000 })
    expect(started.notReady()).toContain('has 2 events parked, as many as it may')
    expect(await moves()).toBe(1)
    cure.isOn = true
    expect((await asked('retry')).state).toBe('done')
    await reached(5)
    expect((await started.status()).phase).toBe('active')
  })

  it('reacts to live events at least once and in order, and never to history or a rebuild', async () => {
    await appendMoves(0, 10)
    const reacted: string[] = []
    let failures = 2
    const reacting = shelves({
      react: async ({ event, changes }) => {
        if (failures-- > 0) throw new Error('the world is away')
        expect(changes).toHaveLength(1)
        reacted.push(`${event.partition}/${event.offset}`)
      },
    })
    const first = host(reacting)
    await reached(10)
    await appendMoves(10, 6)
    await vi.waitUntil(() => reacted.length === 6, { timeout: 5_000 })
    expect((await asked('rebuild')).state).toBe('done')
    await first.stop()
    await appendMoves(16, 4)
    host(reacting)
    await vi.waitUntil(() => reacted.length === 10, { timeout: 5_000 })
    await sleep(100)
    const ofPartition = (partition: number) => reacted.filter((each) => each.startsWith(`${partition}/`))
    expect(ofPartition(0)).toEqual(['0/10', '0/12', '0/14', '0/16', '0/18'])
    expect(ofPartition(1)).toEqual(['1/11', '1/13', '1/15', '1/17', '1/19'])
  })

  it('verify names the rows that somebody changed', async () => {
    await appendMoves(0, 20)
    const started = host(shelves())
    await reached(20)
    await started.stop()
    const writer = (await made.store.own('shelves', 1))!
    const { generation, positions } = (await made.store.projection('shelves'))!.generations[0]!
    const at = positions[0]!
    const mutations = [
      { table: 'shelves', key: 's0/0', text: '{"last":"x","left":1,"moves":1}' },
      { table: 'shelves', key: 's0/4', text: null },
      { table: 'shelves', key: 'strange', text: '{}' },
    ]
    await writer.commit({ generation, partition: 0, fromOffset: at.logOffset, position: at, mutations, parked: [] })
    const verification = await verify({ projection: shelves(), store: made.store, feed: log.feed() })
    expect(verification).toMatchObject({ isClean: false, differing: 3 })
    expect(verification.differences.map(({ anew, key, live }) => [key, live === null, anew === null])).toEqual([
      ['s0/0', false, false],
      ['s0/4', true, false],
      ['strange', false, true],
    ])
    expect(verification.liveHash).not.toBe(verification.anewHash)
  })
})
