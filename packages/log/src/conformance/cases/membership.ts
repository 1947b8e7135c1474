import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Assignment, AssignmentListener } from '../../port.ts'
import type { ConformanceCase } from '../harness.ts'
import { batch, openWriter, patient, range, record, rejectsWith, settled, within } from '../support.ts'

const POLL_MS = 5

/** Remembers what it was told, and takes a while to let go. */
class RecordingListener implements AssignmentListener {
  readonly held = new Map<number, Assignment>()
  readonly ended: Assignment[] = []
  readonly errors: Error[] = []

  assigned(assignment: Assignment): void {
    assert.ok(!this.held.has(assignment.partition), `partition ${assignment.partition} is assigned twice`)
    this.held.set(assignment.partition, assignment)
  }

  async revoked(assignment: Assignment): Promise<void> {
    await sleep(POLL_MS)
    this.held.delete(assignment.partition)
    this.ended.push(assignment)
  }

  lost(error: Error): void {
    this.errors.push(error)
  }

  get partitions(): readonly number[] {
    return [...this.held.keys()].sort((left, right) => left - right)
  }
}

async function until(patienceMs: number, what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!condition()) {
    assert.ok(performance.now() < deadline, `${what}: not within ${patienceMs} ms`)
    await sleep(POLL_MS)
  }
}

export const membershipCases: readonly ConformanceCase[] = [
  {
    name: 'assigns every partition to a single member, takes all back when it leaves, and numbers the next order higher',
    partitionCount: 3,
    async runOnOwnStore({ store, patienceMs }) {
      const log = await store.open()
      const first = new RecordingListener()
      const membership = await log.join(first)
      await until(patienceMs, 'the assignment of every partition', () => first.held.size === 3)
      await until(patienceMs, 'to have joined', () => membership.hasJoined)
      const orders = [...first.held.values()]
      assert.ok(orders.every(({ signal }) => !signal.aborted))
      const writer = await log.open(first.held.get(1)!)
      await writer.append(batch('by the assigned owner'))
      await within(patienceMs, 'leave', membership.leave())
      assert.deepEqual(first.partitions, [])
      assert.equal(first.ended.length, 3, 'each partition was revoked, and the log waited for it')
      assert.ok(
        orders.every(({ signal }) => signal.aborted),
        'the signals of the assignments are aborted',
      )
      await membership.leave()
      const second = new RecordingListener()
      const again = await log.join(second)
      await until(patienceMs, 'the second assignment', () => second.held.size === 3)
      for (const { partition, generation } of orders) assert.ok(second.held.get(partition)!.generation > generation, 'the generation rises')
      await again.leave()
      await log.close()
      assert.deepEqual([...first.errors, ...second.errors], [])
    },
  },
  {
    name: 'has one membership at a time',
    partitionCount: 1,
    async runOnOwnStore({ store, patienceMs }) {
      const log = await store.open()
      const listener = new RecordingListener()
      await log.join(listener)
      await rejectsWith(patienceMs, 'a second membership', log.join(new RecordingListener()), 'MISCONFIGURED')
      await until(patienceMs, 'the assignment', () => listener.held.size === 1)
      await log.close()
    },
  },
  {
    name: 'divides the partitions among the members and gives them back when one goes',
    appliesTo: (harness) => harness.manyProcesses,
    // An adapter may deal several partitions as one, to be written by one producer.
    partitionCount: 8,
    async runOnOwnStore({ store, patienceMs }) {
      const [here, there] = [await store.open(), await store.open()]
      const [first, second] = [new RecordingListener(), new RecordingListener()]
      await here.join(first)
      await until(patienceMs, 'the first assignment', () => first.held.size === 8)
      const generations = new Map([...first.held.values()].map(({ partition, generation }) => [partition, generation]))
      await there.join(second)
      await until(patienceMs, 'the division', () => first.held.size > 0 && second.held.size > 0 && first.held.size + second.held.size === 8)
      assert.deepEqual(
        [...first.partitions, ...second.partitions].sort((left, right) => left - right),
        range(8),
        'each partition has one owner',
      )
      for (const { partition, generation } of second.held.values())
        assert.ok(generation > generations.get(partition)!, 'the generation rises')
      await within(patienceMs, 'close', there.close())
      assert.deepEqual(second.partitions, [])
      await until(patienceMs, 'the return of all partitions', () => first.held.size === 8)
      await here.close()
      assert.deepEqual([...first.errors, ...second.errors], [])
    },
  },
  {
    name: 'closes cursors, writers and the membership with the log, and may be closed twice',
    partitionCount: 1,
    async runOnOwnStore({ store, patienceMs }) {
      const log = await store.open()
      const listener = new RecordingListener()
      await log.join(listener)
      await until(patienceMs, 'the assignment', () => listener.held.size === 1)
      const { signal } = listener.held.get(0)!
      const writer = await log.open(listener.held.get(0)!)
      const cursor = await log.cursor({ topic: 'events', partition: 0, fromOffset: 'end' })
      const waiting = settled(cursor.next(patient(patienceMs * 10)))
      await within(patienceMs, 'close', Promise.all([log.close(), log.close()]))
      await log.close()
      const outcome = await within(patienceMs, 'the waiting cursor', waiting)
      assert.equal(outcome.status === 'rejected' ? outcome.reason.code : outcome, 'CLOSED')
      assert.deepEqual(listener.partitions, [])
      assert.ok(signal.aborted)
      await rejectsWith(patienceMs, 'writer.append', writer.append(batch('late')), 'CLOSED')
      await rejectsWith(patienceMs, 'append', log.append(0, record('late')), 'CLOSED')
      await rejectsWith(patienceMs, 'cursor', log.cursor({ topic: 'events', partition: 0, fromOffset: 0 }), 'CLOSED')
      await rejectsWith(patienceMs, 'offsets', log.offsets('events', 0), 'CLOSED')
      await rejectsWith(patienceMs, 'open', openWriter(log, 0), 'CLOSED')
      await rejectsWith(patienceMs, 'join', log.join(listener), 'CLOSED')
      await cursor.close()
      await writer.close()
    },
  },
]
