/** Bugs that the simulator has found, each as the shortest story that shows it. */
import { createCodec } from '@signalbox/codec'
import { contractSet, defineContract, makeUuidV7, none, partitionOf } from '@signalbox/contract'
import { PartitionState } from '@signalbox/core'
import type { Assignment, Log } from '@signalbox/log'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { emptyBase, Restore } from '@signalbox/partition-state'
import { startProcessManager } from '@signalbox/process-manager'
import { startSequencer } from '@signalbox/sequencer'
import { Registry } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Random } from '../support/random.ts'
import { storedRecords } from './check-log.ts'
import { simulatedContracts, simulatedLimits } from './contracts.ts'
import { MachineClock, VirtualTime } from './virtual-clock.ts'

const startMs = 1_800_000_000_000
const codec = createCodec({ limits: simulatedLimits })
const silent = { info() {}, warn() {}, error() {} }

function virtualTime(): VirtualTime {
  return new VirtualTime(new Random('found bugs'))
}

function appendIntent(log: Log, timestampMs: number) {
  const intentId = makeUuidV7(timestampMs, new Random(`${timestampMs}`).bytes(10))
  const intent = { intentId, scope: 'north', agent: 'agent-0', actions: [{ resource: 'job/sweep', action: 'create' }] }
  return log.append(0, { key: 'north', value: new TextEncoder().encode(JSON.stringify(intent)), headers: {} })
}

function sequencerOn(log: Log, clock: MachineClock) {
  return startSequencer({ log, codec, contracts: simulatedContracts, limits: simulatedLimits, clock, logger: silent, software: 'test' })
}

test('a record from ahead of the clock waits behind others of its batch, and is not decided when its owner stops', async () => {
  const time = virtualTime()
  const store = new MemoryLogStore()
  const gatewayClock = new MachineClock(time, startMs)
  const gateway = createMemoryLog({ store, clock: gatewayClock })
  await appendIntent(gateway, gatewayClock.nowMs())
  gatewayClock.offsetMs += 10 * 60_000
  await appendIntent(gateway, gatewayClock.nowMs())
  const clock = new MachineClock(time, startMs)
  const sequencer = await sequencerOn(createMemoryLog({ store, clock }), clock)
  const decided = () => storedRecords(store, 'events', 0).map(({ value }) => codec.decodeEvent(value!).offset)
  await time.runUntil(() => false, 5_000)
  expect([decided(), sequencer.phases().get(0)]).toEqual([[-1, 0], 'stalled'])
  let isStopped = false
  void sequencer.stop().then(() => {
    isStopped = true
  })
  expect(await time.runUntil(() => isStopped, 10_000)).toBe(true)
  expect(decided()).toEqual([-1, 0])
})

test('an owner that was superseded before it had read its own opening is fenced, and does not call the log damaged', async () => {
  const time = virtualTime()
  const store = new MemoryLogStore()
  const clock = new MachineClock(time, startMs)
  // Two owners, one after the other.
  for (const name of ['earlier', 'later']) {
    const sequencer = await sequencerOn(createMemoryLog({ store, clock, process: name }), clock)
    await time.runUntil(() => sequencer.phases().get(0) === 'active', 5_000)
    let isStopped = false
    void sequencer.stop().then(() => {
      isStopped = true
    })
    expect(await time.runUntil(() => isStopped, 10_000)).toBe(true)
  }
  const [opening] = storedRecords(store, 'events', 0)
  const restore = await Restore.open({
    log: createMemoryLog({ store, clock }),
    codec,
    base: emptyBase(new PartitionState(0, simulatedLimits)),
    signal: new AbortController().signal,
    patienceMs: 1_000,
    nowMs: () => clock.nowMs(),
  })
  await expect(restore.through(opening!.offset)).rejects.toMatchObject({ name: 'LogError', code: 'FENCED' })
})

test('a process that dies while it leaves the group does not keep its partitions', async () => {
  const time = virtualTime()
  const store = new MemoryLogStore()
  const dyingClock = new MachineClock(time, startMs)
  const dying = createMemoryLog({ store, clock: dyingClock, process: 'dying' })
  const membership = await dying.join({ assigned() {}, revoked: () => new Promise(() => {}), lost() {} })
  void membership.leave()
  await time.runUntil(() => false, 100)
  dyingClock.die()
  dying.crash()
  const assigned: Assignment[] = []
  const next = createMemoryLog({ store, clock: new MachineClock(time, startMs), process: 'next' })
  await next.join({ assigned: (assignment) => void assigned.push(assignment), revoked: () => Promise.resolve(), lost() {} })
  await time.runUntil(() => assigned.length > 0, 60_000)
  expect(assigned.map(({ partition }) => partition)).toEqual([0])
})

test('a waiting intent that makes its contract throw has a dead letter of its own, and not that of the record which woke it', async () => {
  const flaky = defineContract({
    type: 'flaky',
    version: 1,
    owner: { team: 'simulation', contact: 'none' },
    data: z.strictObject({ broken: z.boolean() }),
    states: ['open'],
    actions: {
      open: { from: none, to: 'open', apply: () => ({ broken: false }) },
      break: { from: 'open', conflict: 'commutative', apply: () => ({ broken: true }) },
      go: {
        from: 'open',
        conflict: 'commutative',
        guard: ({ data }) => {
          if (data.broken) throw new Error('the guard is broken')
          return false
        },
      },
    },
  })
  const time = virtualTime()
  const store = new MemoryLogStore()
  const clock = new MachineClock(time, startMs)
  const log = createMemoryLog({ store, clock })
  const contracts = contractSet([flaky])
  const sequencer = await startSequencer({ log, codec, contracts, limits: simulatedLimits, clock, logger: silent, software: 'test' })
  const ids = ['open', 'go', 'break'].map((action, index) => ({ action, intentId: makeUuidV7(startMs, new Random(`${index}`).bytes(10)) }))
  for (const { action, intentId } of ids) {
    const intent = { intentId, scope: 'north', agent: 'agent-0', actions: [{ resource: 'flaky/1', action }], onConflict: 'wait' }
    await log.append(0, { key: 'north', value: new TextEncoder().encode(JSON.stringify(intent)), headers: {} })
  }
  expect(await time.runUntil(() => storedRecords(store, 'dead-letters', 0).length > 0, 10_000)).toBe(true)
  const [letter, ...more] = storedRecords(store, 'dead-letters', 0)
  expect(more).toEqual([])
  expect(letter!.headers).toMatchObject({ sb_code: 'DEAD_LETTERED', sb_source_offset: '1', sb_event: '0/2/1' })
  expect(codec.decodeIntent(letter!.value).intentId).toBe(ids[1]!.intentId)
  let isStopped = false
  void sequencer.stop().then(() => {
    isStopped = true
  })
  expect(await time.runUntil(() => isStopped, 10_000)).toBe(true)
})

describe('what the process manager asks', () => {
  const agent = 'agent-1'
  const home = `~agent/${agent}`

  function installation(partitionCount = 1) {
    const time = virtualTime()
    const store = new MemoryLogStore({ partitionCount })
    const clock = new MachineClock(time, startMs)
    let count = 0
    return {
      time,
      store,
      clock,
      ask: async (action: 'quarantine' | 'release') => {
        const intentId = makeUuidV7(clock.nowMs(), new Random(`${count++}`).bytes(10))
        const actions = [{ resource: `agent/${agent}`, action, input: { reason: 'it went wrong' } }]
        const value = new TextEncoder().encode(JSON.stringify({ intentId, scope: home, agent: 'human:ada', actions }))
        await createMemoryLog({ store, clock }).append(partitionOf(home, partitionCount), { key: home, value, headers: {} })
      },
      manage: (log: Log = createMemoryLog({ store, clock }), itsClock: MachineClock = clock) =>
        startProcessManager({ log, codec, reactions: [], clock: itsClock, logger: silent, registry: new Registry() }),
      /** What was decided of the agent for a whole partition. */
      said: (partition: number) =>
        storedRecords(store, 'events', partition).flatMap(({ value }) => {
          const { payload, scope, type } = codec.decodeEvent(value!)
          if (!scope.startsWith('~partition/')) return []
          if (type === 'IntentRejected') return [payload.code]
          return type === 'IntentCommitted' ? payload.changes.map(({ state }) => state) : []
        }),
      passes: (ms: number) => time.runUntil(() => false, ms),
      stopped: async (...services: readonly { stop(): Promise<void> }[]) => {
        let isStopped = false
        void Promise.all(services.map((service) => service.stop())).then(() => {
          isStopped = true
        })
        return await time.runUntil(() => isStopped, 20_000)
      },
    }
  }

  test('too late to tell whether it was decided is asked again, and once', async () => {
    const { ask, clock, manage, passes, said, stopped, store } = installation()
    const sequencer = await sequencerOn(createMemoryLog({ store, clock }), clock)
    await ask('quarantine')
    await passes(2_000)
    clock.offsetMs += simulatedLimits.identityHorizonMs + 60_000
    const manager = manage()
    await passes(5_000)
    expect(said(0)).toEqual(['INTENT_EXPIRED', 'quarantined'])
    const next = manage()
    await passes(5_000)
    expect(said(0)).toEqual(['INTENT_EXPIRED', 'quarantined'])
    expect(await stopped(manager, next, sequencer)).toBe(true)
  })

  test('of a partition whose time is behind is asked again until it is there', async () => {
    const { ask, clock, manage, passes, said, stopped, store, time } = installation(2)
    const sequencer = await sequencerOn(createMemoryLog({ store, clock }), clock)
    await ask('quarantine')
    await passes(2_000)
    // Records are stamped by the clock of who appends them.
    const slow = new MachineClock(time, startMs - simulatedLimits.clockSkewMs - 10_000)
    const manager = manage(createMemoryLog({ store, clock: slow }), slow)
    await passes(3_000)
    const other = 1 - partitionOf(home, 2)
    expect([said(other), said(1 - other)]).toEqual([['INTENT_FROM_THE_FUTURE'], ['quarantined']])
    await passes(20_000)
    expect(said(other)).toEqual(expect.arrayContaining(['INTENT_FROM_THE_FUTURE', 'quarantined']))
    expect(said(other).at(-1)).toBe('quarantined')
    expect(await stopped(manager, sequencer)).toBe(true)
  })

  test('comes in the order in which it was asked: a quarantine does not overtake its end', async () => {
    const { ask, clock, manage, passes, said, stopped, store } = installation()
    const sequencer = await sequencerOn(createMemoryLog({ store, clock }), clock)
    await ask('quarantine')
    await ask('release')
    await passes(2_000)
    let appends = 0
    const fault = ({ operation }: { readonly operation: string }) =>
      operation === 'append' && appends++ === 0 ? { delayBeforeMs: 3_000 } : {}
    const manager = manage(createMemoryLog({ store, clock, fault }))
    await passes(10_000)
    expect(said(0)).toEqual(['quarantined', 'active'])
    expect(await stopped(manager, sequencer)).toBe(true)
  })
})
