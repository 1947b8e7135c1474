import { systemClock } from '@signalbox/log'
import { ProjectionError } from '@signalbox/projection'
import { ProjectionHost } from '@signalbox/projection-host'
import { MemoryStore, type ProjectionWriter } from '@signalbox/projection-store'
import { describe, expect, it, vi } from 'vitest'
import { Track } from '../src/track.ts'
import { TestLog } from './support/log.ts'
import { move, shelves } from './support/shelves.ts'

const projection = shelves()
const start = { logOffset: 0, chainOffset: 0, link: null }

describe('a track', () => {
  it('whose transaction failed writes nothing more: what it was to write must not go in with another batch', async () => {
    const log = await TestLog.open(2)
    await log.append([move('a', '1', 1), move('b', '1', 2, { partition: 1 })])
    const feed = log.feed()
    const chunks = await Promise.all([0, 1].map((partition) => feed.read(partition, start, { maxEvents: 10, waitMs: 1_000 })))
    const store = new MemoryStore()
    const writer = (await store.own('shelves', 1))!
    const made = { version: 1, fingerprint: '', tables: Object.keys(projection.tables), partitionCount: 2, reactFrom: [0, 0] }
    const generation = await writer.createGeneration(made)
    let isAway = true
    const failing: ProjectionWriter = {
      ...writer,
      async commit(batch) {
        if (isAway) throw new ProjectionError('UNAVAILABLE', 'the store is away')
        await writer.commit(batch)
      },
    }
    const track = await Track.open(projection, failing, generation)
    await expect(track.take(0, chunks[0]!)).rejects.toThrow('the store is away')
    isAway = false
    await expect(track.take(1, chunks[1]!)).rejects.toThrow('the store is away')
    expect(await store.snapshot('shelves', null, (snapshot) => snapshot.rows('shelves', { limit: 10 }))).toEqual([])
    // Opened anew, each event is in once.
    const again = await Track.open(projection, writer, (await store.projection('shelves'))!.generations[0]!)
    await again.take(0, chunks[0]!)
    await again.take(1, chunks[1]!)
    expect(await store.snapshot('shelves', null, (snapshot) => snapshot.row('totals', 'all'))).toBe('{"moves":2}')
    await log.close()
  })
})

describe('rows that are of another log', () => {
  it('are found out by the chain, and nothing is folded into them', async () => {
    const [first, other] = [await TestLog.open(), await TestLog.open()]
    await first.append([move('a', '1', 1)])
    await other.append([move('a', '1', 2)])
    const store = new MemoryStore()
    const silent = { info: () => {}, warn: () => {}, error: () => {} }
    const common = { projection, store, clock: systemClock, logger: silent, readWaitMs: 5, pollMs: 5 }
    const host = new ProjectionHost({ ...common, feed: first.feed() })
    await vi.waitUntil(() => host.notReady() === null)
    await host.stop()
    const shared = other.feed()
    // Somebody who belongs to that log reads it already: what is read together is checked for each.
    const at = (await shared.read(0, start, { maxEvents: 1_000, waitMs: 100 })).position
    await other.append([move('a', '1', 3)])
    await shared.read(0, at, { maxEvents: 1_000, waitMs: 100 })
    const stored = (await store.projection('shelves'))!.generations[0]!.positions[0]!
    await expect(shared.read(0, stored, { maxEvents: 1_000, waitMs: 100 })).rejects.toThrow('the chain breaks')
    const lost = new ProjectionHost({ ...common, feed: shared })
    await expect(lost.failed).rejects.toThrow('are of another log')
    await lost.stop()
    expect(await store.snapshot('shelves', null, (snapshot) => snapshot.row('totals', 'all'))).toBe('{"moves":1}')
    await Promise.all([first.close(), other.close()])
  })

  it('and so are rows that lie beyond its end', async () => {
    const [long, short] = [await TestLog.open(), await TestLog.open()]
    await long.append([move('a', '1', 1)])
    await long.append([move('a', '1', 2)])
    const store = new MemoryStore()
    const silent = { info: () => {}, warn: () => {}, error: () => {} }
    const common = { projection, store, clock: systemClock, logger: silent, readWaitMs: 5, pollMs: 5 }
    const host = new ProjectionHost({ ...common, feed: long.feed() })
    await vi.waitUntil(() => host.notReady() === null)
    await host.stop()
    const lost = new ProjectionHost({ ...common, feed: short.feed() })
    await expect(lost.failed).rejects.toThrow('are of another log')
    await lost.stop()
    await Promise.all([long.close(), short.close()])
  })
})
