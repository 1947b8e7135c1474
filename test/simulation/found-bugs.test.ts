/** Bugs that the simulator has found, each as the shortest story that shows it. */
import { createCodec } from '@signalbox/codec'
import { makeUuidV7 } from '@signalbox/contract'
import { PartitionState } from '@signalbox/core'
import type { Assignment, Log } from '@signalbox/log'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { emptyBase, Restore } from '@signalbox/replay'
import { startSequencer } from '@signalbox/sequencer'
import { expect, test } from 'vitest'
import { storedRecords } from './check-log.ts'
import { simulatedContracts, simulatedLimits } from './contracts.ts'
import { Random } from './random.ts'
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
