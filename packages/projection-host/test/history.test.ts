/** A log that goes on from others: its read models go on too, over each store. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Event } from '@signalbox/contract'
import { rejected } from '@signalbox/projection/testing'
import { verify } from '@signalbox/projection-host'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { usePostgres } from '../../projection-postgres/test/support/postgres.ts'
import { carriedOver, change, cure, MovedLog, partitionCarried, trail, wait } from './support/history.ts'
import { allStores } from './support/stores.ts'

const stores = allStores(usePostgres())

describe.each(stores)('the history of a log, on a store in %s', (_name, make) => {
  let moved: MovedLog

  beforeEach(async () => {
    moved = await MovedLog.open(make)
  })
  afterEach(() => moved.close())

  it('is folded oldest first, without what was carried over, from the beginning', async () => {
    await moved.old.append([change('s0', 1, 0), change('s1', 1, 1), change('s0', 2, 0), change('s1', 2, 1)])
    await moved.carryOver(moved.log, 3, 2)
    await moved.log.append([change('s0', 3, 0), change('s1', 3, 1), change('s2', 1, 2)])
    const feed = moved.history(moved.log, moved.old)
    moved.host(trail, feed)
    await moved.counted(7)
    expect(await moved.rows('trail', 'scopes')).toEqual({
      s0: { changes: ['order/1@1', 'order/1@2', 'order/1@3'] },
      s1: { changes: ['order/1@1', 'order/1@2', 'order/1@3'] },
      s2: { changes: ['order/1@1'] },
    })
    expect(await verify({ projection: trail, store: moved.store, feed })).toMatchObject({ isClean: true, events: 4 + 3 + 3 })
    expect(feed.stages).toEqual([
      [3, 4],
      [0, 1, 2],
    ])
    expect([0, 2, 3, 4].map((partition) => feed.nameOf(partition))).toEqual(['0', '2', 'log-1/0', 'log-1/1'])
  })

  it('goes on in a store of the log before, and a rebuild and verify give the same', async () => {
    await moved.old.append([change('s0', 1, 0), change('s1', 1, 1), change('s0', 2, 0)])
    moved.host(trail, moved.old.feed())
    await moved.counted(3)
    await moved.stopHosts()
    // Not all of it was folded when the log moved.
    await moved.old.append([change('s1', 2, 1)])
    await moved.carryOver(moved.log, 3, 2)
    await moved.log.append([change('s0', 3, 0), change('s1', 3, 1)])
    const feed = moved.history(moved.log, moved.old)
    moved.host(trail, feed)
    await moved.counted(6)
    await moved.log.append([change('s1', 4, 1)])
    await moved.counted(7)
    const before = await moved.rows('trail', 'scopes')
    expect(before).toEqual({
      s0: { changes: ['order/1@1', 'order/1@2', 'order/1@3'] },
      s1: { changes: ['order/1@1', 'order/1@2', 'order/1@3', 'order/1@4'] },
    })
    expect((await verify({ projection: trail, store: moved.store, feed })).isClean).toBe(true)
    await moved.asked('trail', 'rebuild')
    expect(await moved.rows('trail', 'scopes')).toEqual(before)
    expect((await verify({ projection: trail, store: moved.store, feed })).isClean).toBe(true)
    // Another process, later.
    await moved.stopHosts()
    await moved.log.append([change('s2', 1, 2)])
    moved.host(trail, moved.history(moved.log, moved.old))
    await moved.counted(8)
  })

  it('waits with the new log until all was carried over, and until all before it is folded', async () => {
    await moved.old.append([change('s0', 1, 0)])
    await moved.log.append([
      partitionCarried({ partition: 0, fromPartitions: 2 }),
      carriedOver({ scope: 's0', partition: 0, changes: [{ resource: 'order/1', state: 'open' }] }),
    ])
    const feed = moved.history(moved.log, moved.old)
    moved.host(trail, feed)
    await moved.counted(1)
    await sleep(200)
    expect(await feed.before(0)).toBeNull()
    expect((await moved.offsets('trail')).slice(0, 3)).toEqual([0, 0, 0])
    await moved.old.append([change('s0', 2, 0), change('s0', 3, 0)])
    await moved.endCarrying(moved.log, 3, 2)
    const ends = await moved.old.feed().ends()
    expect(await feed.before(0)).toEqual(ends.map((logOffset, partition) => ({ partition: 3 + partition, logOffset })))
    await moved.log.append([change('s0', 4, 0)])
    await moved.counted(4)
    expect(await moved.rows('trail', 'scopes')).toEqual({ s0: { changes: ['order/1@1', 'order/1@2', 'order/1@3', 'order/1@4'] } })
  })

  it('goes on over more than one move at once', async () => {
    const newest = await moved.another(1)
    await moved.old.append([change('s0', 1, 0), change('s1', 1, 1)])
    moved.host(trail, moved.old.feed())
    await moved.counted(2)
    await moved.stopHosts()
    await moved.carryOver(moved.log, 3, 2)
    await moved.log.append([change('s0', 2, 0)])
    await moved.carryOver(newest, 1, 3, 'between')
    await newest.append([change('s0', 3, 0), change('s1', 2, 0)])
    const feed = moved.history(newest, moved.log, moved.old)
    moved.host(trail, feed)
    await moved.counted(5)
    expect(await moved.rows('trail', 'scopes')).toEqual({
      s0: { changes: ['order/1@1', 'order/1@2', 'order/1@3'] },
      s1: { changes: ['order/1@1', 'order/1@2'] },
    })
    expect(await moved.offsets('trail')).toHaveLength(6)
    expect((await verify({ projection: trail, store: moved.store, feed })).isClean).toBe(true)
    await moved.stopHosts()
  })

  it('folds what was parked before the move afterwards, in its order', async () => {
    await moved.old.append([change('s1', 1, 1), change('s1', 2, 1, { poison: true })])
    moved.host(trail, moved.old.feed())
    await moved.counted(1)
    await moved.stopHosts()
    await moved.carryOver(moved.log, 3, 2)
    await moved.log.append([change('s1', 3, 0), change('s0', 1, 0)])
    moved.host(trail, moved.history(moved.log, moved.old))
    await moved.counted(2)
    const parked = await moved.store.snapshot('trail', null, (snapshot) => snapshot.parked({ limit: 10 }))
    expect(parked.map(({ behind, key, partition }) => [key, partition, behind === null])).toEqual([
      ['s1', 4, true],
      ['s1', 0, false],
    ])
    cure.isOn = true
    await moved.asked('trail', 'retry')
    expect(await moved.rows('trail', 'scopes')).toEqual({
      s0: { changes: ['order/1@1'] },
      s1: { changes: ['order/1@1', 'order/1@2', 'order/1@3'] },
    })
  })

  it('reacts to nothing that was carried over, and to all that came after what was reacted to before', async () => {
    const reacted: string[] = []
    const reacting = {
      ...trail,
      react: async ({ event }: { event: Event }) => {
        if (event.type !== 'PartitionOpened') reacted.push(`${event.type} ${event.scope}`)
      },
    }
    moved.host(reacting, moved.old.feed())
    await vi.waitUntil(async () => (await moved.store.projection('trail')) !== null, wait)
    await sleep(100)
    await moved.old.append([change('s0', 1, 0)])
    await moved.counted(1)
    await vi.waitUntil(() => reacted.length === 1, wait)
    await vi.waitUntil(async () => (await moved.store.projection('trail'))!.reactions[0]! > 0, wait)
    await moved.stopHosts()
    await moved.old.append([change('s1', 1, 1)])
    await moved.carryOver(moved.log, 3, 2)
    await moved.log.append([change('s2', 1, 2)])
    moved.host(reacting, moved.history(moved.log, moved.old))
    await moved.counted(3)
    await vi.waitUntil(() => reacted.length >= 3, wait)
    await sleep(200)
    expect(reacted).toEqual(['IntentCommitted s0', 'IntentCommitted s1', 'IntentCommitted s2'])
  })

  it('goes on although the closed log turns intents away all the time', async () => {
    await moved.old.append([change('s0', 1, 0)])
    await moved.carryOver(moved.log, 3, 2)
    await moved.log.append([change('s0', 3, 0)])
    const turning = setInterval(() => {
      void moved.old.append([rejected({ scope: 's0', partition: 0, intentId: 'late', agent: 'clerk', code: 'GENERATION_CLOSED' })])
    }, 100)
    try {
      // Reading and polling as a projector does by default: only then a stream of events is never seen to pause.
      moved.host(trail, moved.history(moved.log, moved.old), { batchEvents: 1_000, readWaitMs: 500, pollMs: 300 })
      await moved.counted(2)
    } finally {
      clearInterval(turning)
    }
  })

  it('is verified in a store that has not gone on yet, and in none that has by the new log alone', async () => {
    await moved.old.append([change('s0', 1, 0), change('s1', 1, 1), change('s0', 2, 0)])
    moved.host(trail, moved.old.feed())
    await moved.counted(3)
    await moved.stopHosts()
    await moved.carryOver(moved.log, 3, 2)
    await moved.log.append([change('s0', 3, 0), change('s0', 4, 0)])
    const feed = moved.history(moved.log, moved.old)
    expect(await verify({ projection: trail, store: moved.store, feed })).toMatchObject({ isClean: true, events: 3 })
    moved.host(trail, feed)
    await moved.counted(5)
    const alone = verify({ projection: trail, store: moved.store, feed: moved.log.feed() })
    await expect(alone).rejects.toMatchObject({ name: 'ProjectionError', code: 'MISCONFIGURED' })
  })
})
