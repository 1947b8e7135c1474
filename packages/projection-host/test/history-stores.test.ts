/** Which stores go on with which logs, and which are left as they are. */
import { setTimeout as sleep } from 'node:timers/promises'
import { predecessorOf } from '@signalbox/projection-host'
import { positionsIn } from '@signalbox/projection-store'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { usePostgres } from '../../projection-postgres/test/support/postgres.ts'
import { change, MovedLog, partitionCarried, trail, wait } from './support/history.ts'
import { codec } from './support/log.ts'
import { allStores } from './support/stores.ts'

const stores = allStores(usePostgres())

describe.each(stores)('the store of a log that is moved, on a store in %s', (_name, make) => {
  let moved: MovedLog

  beforeEach(async () => {
    moved = await MovedLog.open(make)
  })
  afterEach(() => moved.close())

  it('leaves rows alone that have gone on, where the log before is opened again', async () => {
    await moved.old.append([change('s0', 1, 0), change('s1', 1, 1)])
    moved.host(trail, moved.old.feed())
    await moved.counted(2)
    await moved.stopHosts()
    await moved.carryOver(moved.log, 3, 2)
    moved.host(trail, moved.history(moved.log, moved.old))
    await vi.waitUntil(async () => (await moved.offsets('trail'))[0]! > 0, wait)
    await moved.stopHosts()
    const before = await moved.offsets('trail')
    const late = moved.host(trail, moved.old.feed())
    await vi.waitUntil(async () => (await late.status()).phase === 'superseded', wait)
    expect((await late.status()).reason).toContain('have gone on with the log that this one was moved to')
    expect(late.notReady()).toBeNull()
    expect(await moved.offsets('trail')).toEqual(before)
    const [stored] = (await moved.store.projection('trail'))!.generations
    expect(positionsIn(stored!, 5).map(({ logOffset }) => logOffset)).toEqual(before)
    expect(positionsIn(stored!, 7).map(({ logOffset }) => logOffset)).toEqual([0, 0, ...before])
    // Which of them are of a log before or after, the numbers alone do not say.
    expect(positionsIn(stored!, 2).map(({ logOffset }) => logOffset)).toEqual([0, 0])
  })

  it('takes no store of another log for one of its own, and leaves it as it was', async () => {
    const other = await moved.another(2)
    await other.append([change('elsewhere', 1, 0), change('elsewhere too', 1, 1)])
    moved.host(trail, other.feed())
    await moved.counted(2)
    await moved.stopHosts()
    const before = await moved.offsets('trail')
    await moved.old.append([change('s0', 1, 0), change('s0', 2, 0), change('s1', 1, 1), change('s1', 2, 1)])
    await moved.carryOver(moved.log, 3, 2)
    await expect(moved.host(trail, moved.history(moved.log, moved.old)).failed).rejects.toMatchObject({
      name: 'ProjectionError',
      code: 'MISCONFIGURED',
    })
    expect(await moved.offsets('trail')).toEqual(before)
    await moved.stopHosts()
    moved.host(trail, other.feed())
    await other.append([change('elsewhere', 2, 0)])
    await moved.counted(3)
  })

  it('folds no log as one of its own that turns out to go on from another', async () => {
    await moved.old.append([change('s0', 1, 0)])
    // As a projector is started whose topics are still empty.
    expect(await predecessorOf(moved.log.log, codec)).toBeNull()
    const early = moved.host(trail, moved.history(moved.log))
    await vi.waitUntil(async () => ((await early.status()).reason ?? '').includes('once its log has begun'), wait)
    expect(await moved.store.projection('trail')).toBeNull()
    await moved.carryOver(moved.log, 3, 2)
    await expect(early.failed).rejects.toMatchObject({ code: 'MISCONFIGURED', message: expect.stringContaining('goes on from old') })
    expect(await moved.store.projection('trail')).toBeNull()
    await moved.stopHosts()
    moved.host(trail, moved.history(moved.log, moved.old))
    await moved.counted(1)
  })

  it('begins with a log that was never moved, once it has begun', async () => {
    moved.host(trail, moved.history(moved.log))
    await sleep(100)
    await moved.log.append([change('s1', 1, 1)])
    await moved.counted(1)
  })

  it('is as it was before after a move that was given up half-way', async () => {
    await moved.old.append([change('s0', 1, 0)])
    moved.host(trail, moved.old.feed())
    await moved.counted(1)
    await moved.stopHosts()
    await moved.log.append([partitionCarried({ partition: 0, fromPartitions: 2 })])
    const early = moved.host(trail, moved.history(moved.log, moved.old))
    await vi.waitUntil(async () => ((await early.status()).reason ?? '').includes('not all is carried over'), wait)
    expect(await moved.offsets('trail')).toHaveLength(2)
    await moved.stopHosts()
    // The topics were deleted, and created anew with another number of partitions.
    const again = await moved.another(4)
    await moved.carryOver(again, 4, 2)
    await again.append([change('s0', 2, 0)])
    moved.host(trail, moved.history(again, moved.old))
    await moved.counted(2)
    expect(await moved.rows('trail', 'scopes')).toEqual({ s0: { changes: ['order/1@1', 'order/1@2'] } })
  })
})
