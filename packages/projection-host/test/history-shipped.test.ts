/** What the shipped projections make of a log that is moved. */
import { systemScope } from '@signalbox/contract'
import { rowKey } from '@signalbox/projection'
import { shippedProjections } from '@signalbox/projection/shipped'
import { committed, rejected, type TestEvent } from '@signalbox/projection/testing'
import { verify } from '@signalbox/projection-host'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeMemoryStore } from '../../projection-store/test/support/memory-store.ts'
import { carriedOver, change, MovedLog, partitionCarried, pending, wait, withdrawn } from './support/history.ts'

const decisions = shippedProjections.find(({ name }) => name === 'decisions')!
const agents = shippedProjections.find(({ name }) => name === 'agents')!
const quarantine = { resource: 'agent/clerk', state: 'quarantined', data: { reason: 'loops' } }

describe('a log that is moved', () => {
  let moved: MovedLog

  beforeEach(async () => {
    moved = await MovedLog.open(() => makeMemoryStore())
  })
  afterEach(() => moved.close())

  async function decision(intentId: string): Promise<{ outcome: string; code: string | null } | undefined> {
    return (await moved.rows('decisions', 'decisions'))[rowKey(intentId, 's0')] as never
  }

  async function standing(): Promise<readonly string[]> {
    return Object.keys(await moved.rows('agents', 'standing')).sort()
  }

  /** As the core's carrier writes it: how agents stand comes last, and then that it is all. */
  async function carryQuarantine(): Promise<void> {
    for (const partition of [0, 1, 2]) {
      await moved.log.append([
        partitionCarried({ partition, fromPartitions: 2 }),
        carriedOver({ scope: systemScope(partition, 3), partition, changes: [quarantine] }),
        partitionCarried({ partition, fromPartitions: 2, quarantined: ['clerk'] }),
      ])
    }
    await moved.endCarrying(moved.log, 3, 2)
  }

  it('decisions: an intent that waits is one row, over two moves, and settled there', async () => {
    const newest = await moved.another(3)
    const [asked] = await moved.old.append([pending('s0', 0, null)])
    await moved.log.append([pending('s0', 1, asked!)])
    await moved.endCarrying(moved.log, 3, 2)
    await newest.append([pending('s0', 2, asked!)])
    await moved.endCarrying(newest, 3, 3)
    const feed = moved.history(newest, moved.log, moved.old)
    moved.host(decisions, feed)
    await moved.folded('decisions', feed)
    expect(await decision('waits')).toMatchObject({ outcome: 'waiting', event: '0/0/0', decidedMs: 1 })
    await newest.append([withdrawn('s0', 2, asked!)])
    await moved.folded('decisions', feed)
    expect(await decision('waits')).toMatchObject({ outcome: 'rejected', code: 'WITHDRAWN' })
    expect(Object.keys(await moved.rows('decisions', 'decisions'))).toHaveLength(1)
    expect((await verify({ projection: decisions, store: moved.store, feed })).isClean).toBe(true)
  })

  it('decisions: what a closed log turns away afterwards is not the last word', async () => {
    const reject = (code: string): TestEvent => rejected({ scope: 's0', partition: 0, intentId: 'again', agent: 'clerk', code })
    await moved.old.append([change('s0', 1, 0), reject('GENERATION_CLOSED')])
    await moved.carryOver(moved.log, 3, 2)
    const feed = moved.history(moved.log, moved.old)
    moved.host(decisions, feed)
    await vi.waitUntil(async () => (await decision('again'))?.code === 'GENERATION_CLOSED', wait)
    await moved.log.append([reject('STALE_VERSION')])
    await vi.waitUntil(async () => (await decision('again'))?.code === 'STALE_VERSION', wait)
    await moved.old.append([reject('GENERATION_CLOSED')])
    await moved.folded('decisions', feed)
    expect(await decision('again')).toMatchObject({ code: 'STALE_VERSION' })
    expect((await verify({ projection: decisions, store: moved.store, feed })).differences).toEqual([])
  })

  it('agents: stand on the partitions of the new log alone, also where scopes of these have the names of old ones', async () => {
    expect(systemScope(0, 2)).toBe(systemScope(0, 3))
    await moved.old.append([
      pending('s0', 0, null),
      committed({ scope: '~agent/clerk', partition: 0, changes: [quarantine] }),
      ...[0, 1].map((partition) => committed({ scope: systemScope(partition, 2), partition, changes: [quarantine] })),
    ])
    await carryQuarantine()
    const release = { resource: 'agent/clerk', state: 'active', version: 2, data: { reason: 'mended' } }
    await moved.log.append([committed({ scope: systemScope(1, 3), partition: 1, timeMs: Date.UTC(2032, 0, 1), changes: [release] })])
    const feed = moved.history(moved.log, moved.old)
    moved.host(agents, feed)
    await moved.folded('agents', feed)
    const own = [0, 1, 2].map((partition) => rowKey('clerk', systemScope(partition, 3)))
    expect(await standing()).toEqual([rowKey('clerk', '~agent/clerk'), ...own].sort())
    const rows = (await moved.rows('agents', 'standing')) as Record<string, { state: string }>
    expect(own.map((key) => rows[key]!.state)).toEqual(['quarantined', 'active', 'quarantined'])
    expect((await moved.rows('agents', 'agents')).clerk).toMatchObject({ pending: 1 })
    expect((await verify({ projection: agents, store: moved.store, feed })).isClean).toBe(true)

    // To one partition: those that are no more are forgotten.
    const newest = await moved.another(1)
    const later = Date.UTC(2033, 0, 1)
    const active = { ...carriedOver({ scope: systemScope(0, 1), changes: [release] })(0), time: later }
    const all = { ...partitionCarried({ partition: 0, fromPartitions: 3, quarantined: ['clerk'], isLast: true })(1), time: later }
    await newest.append([() => active, () => all])
    await moved.stopHosts()
    const longer = moved.history(newest, moved.log, moved.old)
    moved.host(agents, longer)
    await moved.folded('agents', longer)
    expect(await standing()).toEqual([rowKey('clerk', '~agent/clerk'), rowKey('clerk', systemScope(0, 1))].sort())
    expect((await verify({ projection: agents, store: moved.store, feed: longer })).isClean).toBe(true)
  })

  it('agents: stand there without the history too', async () => {
    await carryQuarantine()
    const feed = moved.log.feed()
    moved.host(agents, feed)
    await moved.folded('agents', feed)
    expect(await standing()).toEqual([0, 1, 2].map((partition) => rowKey('clerk', systemScope(partition, 3))).sort())
  })
})
