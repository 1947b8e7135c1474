import assert from 'node:assert/strict'
import { type Assignment, type AssignmentListener, isLogError, type Log, type Membership } from '@signalbox/log'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { Client } from '../src/client.ts'
import { deal } from '../src/deal.ts'
import { openKafkaLog } from '../src/index.ts'
import { PARTITIONS_PER_LANE } from '../src/lanes.ts'
import { groupName, settingsOf, topicName } from '../src/settings.ts'
import { FaultySockets } from './support/faulty-sockets.ts'
import { PATIENCE_MS, until } from './support/records.ts'
import { brokersForTests, dropTopics, makeTopics, plainKafka, uniquePrefix } from './support/topics.ts'

const timeout = PATIENCE_MS * 3
let topicPrefix = ''
let logs: Log[] = []

beforeEach(async () => {
  topicPrefix = uniquePrefix()
  await makeTopics(topicPrefix, 2 * PARTITIONS_PER_LANE)
}, timeout)

afterEach(async () => {
  await Promise.all(logs.map((log) => log.close()))
  logs = []
  await dropTopics(topicPrefix)
}, timeout)

async function openLog(changes: { revokeTimeoutMs?: number } = {}): Promise<Log> {
  const log = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, heartbeatIntervalMs: 50, ...changes })
  logs.push(log)
  return log
}

class Listener implements AssignmentListener {
  readonly assignments: Assignment[] = []
  readonly revocations: { readonly partition: number; readonly abortedBefore: boolean }[] = []
  readonly errors: Error[] = []
  onRevoked: () => Promise<void> = async () => {}

  assigned(assignment: Assignment): void {
    this.assignments.push(assignment)
  }

  async revoked({ partition, signal }: Assignment): Promise<void> {
    this.revocations.push({ partition, abortedBefore: signal.aborted })
    await this.onRevoked()
  }

  lost(error: Error): void {
    this.errors.push(error)
  }
}

/** Makes the group forget every member it has, as it does when their sessions run out. */
async function expelEverybody(): Promise<void> {
  const groupId = groupName(topicPrefix)
  const admin = plainKafka().admin()
  await admin.connect()
  const { groups } = await admin.describeGroups([groupId])
  await admin.disconnect()
  const client = new Client(settingsOf({ brokers: brokersForTests() }), [topicName(topicPrefix, 'intents')])
  const coordinator = await client.coordinator('group', groupId)
  for (const { memberId } of groups[0]!.members) await coordinator.leaveGroup({ groupId, memberId })
  await client.disconnect(new Error('done'))
}

describe('the membership', { timeout }, () => {
  it('ends assignments at once when the group has gone on without it, and joins again under a newer generation', async () => {
    const log = await openLog()
    const listener = new Listener()
    await log.join(listener)
    await until('the first assignment', () => listener.assignments.length === 8)
    await expelEverybody()
    await until('the second assignment', () => listener.assignments.length === 16)
    assert.deepEqual(
      listener.revocations.map(({ abortedBefore }) => abortedBefore),
      Array.from({ length: 8 }, () => true),
      'there was no time to finish: the signal came first',
    )
    const [old] = listener.assignments
    const young = listener.assignments[8]
    assert.ok(young!.generation > old!.generation)
    const [outcome] = await Promise.allSettled([log.open(old!)])
    assert.ok(outcome.status === 'rejected' && isLogError(outcome.reason, 'FENCED'), 'the old order is over')
    await (await log.open(young!)).close()
  })

  it('does not let a member that was expelled without knowing fence its heir', async () => {
    const log = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, heartbeatIntervalMs: 8_000 })
    logs.push(log)
    const listener = new Listener()
    await log.join(listener)
    await until('the assignment', () => listener.assignments.length === 8)
    await expelEverybody()
    const [outcome] = await Promise.allSettled([log.open(listener.assignments[0]!)])
    assert.ok(outcome.status === 'rejected' && isLogError(outcome.reason, 'FENCED'), JSON.stringify(outcome))
  })

  it('waits for the owner to let go, and for no longer than its bound', async () => {
    const [here, there] = [await openLog({ revokeTimeoutMs: 300 }), await openLog()]
    const [first, second] = [new Listener(), new Listener()]
    await here.join(first)
    await until('the first assignment', () => first.assignments.length === 8)
    let finished = 0
    first.onRevoked = async () => {
      await new Promise((resolve) => setTimeout(resolve, 100))
      finished++
    }
    const finishedWhenAssigned: number[] = []
    second.assigned = (assignment) => {
      finishedWhenAssigned.push(finished)
      second.assignments.push(assignment)
    }
    await there.join(second)
    await until('the share of the second', () => second.assignments.length === 4)
    assert.deepEqual(finishedWhenAssigned, [8, 8, 8, 8], 'all were let go before anything was assigned anew')
    await until('the share of the first', () => first.assignments.length === 12)
    first.onRevoked = () => new Promise(() => {})
    await there.close()
    await until('everything is back in spite of an owner that never lets go', () => first.assignments.length === 20)
  })

  it('has joined once the group has dealt, with nothing for it too, and not while the group cannot be reached', async () => {
    const sockets = new FaultySockets()
    const short = { sessionTimeoutMs: 6_000, requestTimeoutMs: 500, heartbeatIntervalMs: 100 }
    const memberships: Membership[] = []
    for (const member of [1, 2, 3]) {
      const log = await openKafkaLog({
        brokers: brokersForTests(),
        topicPrefix,
        ...short,
        ...(member === 3 ? { socketFactory: sockets.factory } : {}),
      })
      logs.push(log)
      memberships.push(await log.join(new Listener()))
      assert.equal(memberships.at(-1)!.hasJoined, false)
      await until('joined', () => memberships.every(({ hasJoined }) => hasJoined))
    }
    sockets.silent = true
    await until('lost', () => !memberships[2]!.hasJoined)
    sockets.silent = false
    await until('joined again', () => memberships.every(({ hasJoined }) => hasJoined))
  })

  it('ends assignments when it has not heard of the group for a whole session, and recovers by itself', async () => {
    const sockets = new FaultySockets()
    const short = { sessionTimeoutMs: 6_000, requestTimeoutMs: 500, heartbeatIntervalMs: 100 }
    const log = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, socketFactory: sockets.factory, ...short })
    logs.push(log)
    const listener = new Listener()
    await log.join(listener)
    await until('the first assignment', () => listener.assignments.length === 8)
    sockets.silent = true
    await until('the end of the assignments', () => listener.revocations.length === 8)
    assert.ok(listener.revocations.every(({ abortedBefore }) => abortedBefore))
    sockets.silent = false
    await until('the second assignment', () => listener.assignments.length === 16)
    assert.ok(listener.assignments[8]!.generation > listener.assignments[7]!.generation)
    assert.deepEqual(listener.errors, [])
  })

  it('is lost when the group cannot take it, and says why', async () => {
    const consumer = plainKafka().consumer({ groupId: groupName(topicPrefix) })
    await consumer.connect()
    await consumer.subscribe({ topic: topicName(topicPrefix, 'intents') })
    let joined = false
    consumer.on(consumer.events.GROUP_JOIN, () => {
      joined = true
    })
    await consumer.run({ eachMessage: async () => {} })
    await until('the other consumer has joined', () => joined)
    const log = await openLog()
    const listener = new Listener()
    await log.join(listener)
    await until('the loss', () => listener.errors.length === 1)
    assert.ok(isLogError(listener.errors[0], 'MISCONFIGURED'), String(listener.errors[0]))
    assert.match(String(listener.errors[0]), /INCONSISTENT_GROUP_PROTOCOL/)
    await consumer.disconnect()
  })
})

describe('deal', () => {
  const members = fc.uniqueArray(fc.record({ memberId: fc.uuid(), held: fc.array(fc.nat(40), { maxLength: 20 }) }), {
    selector: ({ memberId }) => memberId,
    minLength: 1,
    maxLength: 8,
  })

  it('gives every lane to exactly one member, in shares that differ by one at most, whatever they claim', () => {
    fc.assert(
      fc.property(members, fc.integer({ min: 1, max: 40 }), (claims, count) => {
        const shares = [...deal(claims, count).values()]
        assert.deepEqual(
          shares.flat().sort((left, right) => left - right),
          Array.from({ length: count }, (_, lane) => lane),
        )
        const sizes = shares.map(({ length }) => length)
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1, `shares of ${sizes}`)
        assert.deepEqual(deal(claims.toReversed(), count), deal(claims, count), 'in whatever order')
      }),
    )
  })

  it('moves nothing when it is dealt again, and no more than the newcomer gets when one joins', () => {
    fc.assert(
      fc.property(members, fc.uuid(), fc.integer({ min: 1, max: 40 }), (claims, newcomer, count) => {
        fc.pre(!claims.some(({ memberId }) => memberId === newcomer))
        const before = deal(claims, count)
        const held = [...before].map(([memberId, lanes]) => ({ memberId, held: lanes }))
        assert.deepEqual(new Map(deal(held, count)), new Map(before))
        const after = deal([...held, { memberId: newcomer, held: [] }], count)
        const moved = held.flatMap(({ memberId, held: was }) => was.filter((lane) => !after.get(memberId)!.includes(lane)))
        assert.equal(moved.length, after.get(newcomer)!.length)
      }),
    )
  })
})

describe('a deal among members that refuse lanes', () => {
  it('gives each lane to one that can have it, to nobody where none can, and leaves who refuses all with none', () => {
    const member = fc.record({ held: fc.array(fc.nat(11), { maxLength: 4 }), refused: fc.array(fc.nat(11), { maxLength: 12 }) })
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 12 }), (claims, count) => {
        const members = claims.map((claim, index) => ({ memberId: `m${index}`, ...claim }))
        const shares = deal(members, count)
        const owners = Array.from({ length: count }, (_, lane) => members.filter(({ memberId }) => shares.get(memberId)!.includes(lane)))
        for (const [lane, owning] of owners.entries()) {
          const able = members.filter(({ refused }) => !refused.includes(lane))
          assert.equal(owning.length, able.length === 0 ? 0 : 1)
          assert.ok(owning.every((owner) => able.includes(owner)))
        }
        assert.deepEqual(deal([...members].reverse(), count), shares, 'whoever deals, deals the same')
      }),
    )
  })
})
