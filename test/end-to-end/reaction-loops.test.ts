/** Reactions that lead back to themselves: each chain ends as a dead letter, and everything else goes on. */

import { connect } from '@signalbox/client'
import {
  type CommittedChange,
  containmentOf,
  contractSet,
  defineReaction,
  type FollowUp,
  partitionOf,
  type Reaction,
} from '@signalbox/contract'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { expect, test, vi } from 'vitest'
import { order, stock } from '../support/shop.ts'

const timeout = 60_000
const full = 1_000
const maxDepth = 6
const scopes = ['left', 'right', 'a', 'b', 'c', 'd']
const [first, second] = [0, 1].map((partition) => scopes.find((scope) => partitionOf(scope, 2) === partition)!) as [string, string]
const other = (scope: string) => (scope === first ? second : first)
const take = (scope: string): FollowUp => ({ scope, actions: [{ resource: 'stock/main', action: 'take' }] })
const on = (name: string, answer: (change: CommittedChange) => readonly FollowUp[]): Reaction =>
  defineReaction({ name, react: (change) => (change.action === 'take' ? answer(change) : []) })

interface Parked {
  readonly reaction: string
  readonly cause: string
}

/** How much each scope has, and what was parked, once nothing moves any more. */
async function settle(reactions: readonly Reaction[], begin: (take: (scope: string) => Promise<void>) => Promise<void>) {
  const store = new MemoryLogStore({ partitionCount: 2 })
  const start = async () => {
    const log = createMemoryLog({ store })
    const options = { log, contracts: contractSet([order, stock]), reactions, containment: containmentOf({ maxDepth }) }
    return { log, signalbox: await startSignalbox({ ...options, logger: pino({ level: 'silent' }) }) }
  }
  const ends = async ({ log }: Awaited<ReturnType<typeof start>>) =>
    await Promise.all([0, 1].map(async (partition) => (await log.offsets('events', partition)).end))
  const stands = async (of: Awaited<ReturnType<typeof start>>) => {
    let before = ''
    await vi.waitUntil(
      async () => {
        const now = JSON.stringify(await ends(of))
        const same = now === before
        before = now
        return same
      },
      { timeout, interval: 300 },
    )
  }
  const running = await start()
  const agent = connect({ coordinator: running.signalbox.gateway.desk, agent: 'clerk', waitMs: timeout })
  for (const scope of [first, second])
    await agent.propose({ scope, resources: [] }, [{ resource: 'stock/main', action: 'keep', input: { left: full } }])
  await begin(async (scope) => void (await agent.propose({ scope, resources: [] }, [{ resource: 'stock/main', action: 'take' }])))
  await stands(running)
  const taken = async (scope: string) => full - ((await agent.observe(scope, ['stock/main'])).resources[0]!.data as { left: number }).left
  const result = { first: await taken(first), second: await taken(second), parked: [] as Parked[] }
  for (const partition of [0, 1]) {
    const cursor = await running.log.cursor({ topic: 'dead-letters.reactions', partition, fromOffset: 0 })
    for (const { value } of await cursor.next({ maxRecords: 1_000, maxBytes: 10_000_000, waitMs: 0 }))
      result.parked.push(JSON.parse(Buffer.from(value!).toString()) as Parked)
    await cursor.close()
  }
  // After a restart nothing is asked that was not, and nothing is parked twice.
  const before = await ends(running)
  await agent.close()
  await running.signalbox.stop()
  const again = await start()
  await stands(again)
  const parkedEnds = await Promise.all([0, 1].map(async (partition) => (await again.log.offsets('dead-letters.reactions', partition)).end))
  expect(parkedEnds[0]! + parkedEnds[1]!).toBe(result.parked.length)
  // A PartitionOpened each, and nothing else.
  expect((await ends(again)).map((end, partition) => end - before[partition]!)).toEqual([1, 1])
  await again.signalbox.stop()
  return result
}

const tooDeep = expect.stringMatching(
  `what follows would be ${maxDepth + 1} steps from the first of its chain, and ${maxDepth} are let: the reaction leads back to itself`,
)

test('a reaction to its own follow-ups ends, in one scope', { timeout }, async () => {
  const result = await settle([on('again', ({ scope }) => [take(scope)])], (begin) => begin(first))
  expect(result).toMatchObject({ first: 1 + maxDepth, second: 0, parked: [{ reaction: 'again', cause: tooDeep }] })
})

test('over two partitions, of which neither knows the whole chain', { timeout }, async () => {
  const result = await settle([on('to-and-fro', ({ scope }) => [take(other(scope))])], (begin) => begin(first))
  expect(result).toMatchObject({ first: 1 + maxDepth / 2, second: maxDepth / 2, parked: [{ reaction: 'to-and-fro', cause: tooDeep }] })
})

test('two reactions that answer each other', { timeout }, async () => {
  const result = await settle(
    [
      on('ping', ({ scope }) => (scope === first ? [take(second)] : [])),
      on('pong', ({ scope }) => (scope === second ? [take(first)] : [])),
    ],
    (begin) => begin(second),
  )
  expect(result).toMatchObject({ first: maxDepth / 2, second: 1 + maxDepth / 2, parked: [{ reaction: 'pong', cause: tooDeep }] })
})

test('one that doubles each time parks each end, and others go on, with changes that have room', { timeout }, async () => {
  const result = await settle(
    [
      on('doubles', ({ scope }) => (scope === first ? [take(first), take(first)] : [])),
      on('counts', ({ scope }) => (scope === first ? [take(second)] : [])),
    ],
    (begin) => begin(first),
  )
  const changes = 2 ** (maxDepth + 1) - 1
  const last = 2 ** maxDepth
  // Of the last ones, `counts` is past the limit too: its chain is as long.
  expect(result).toMatchObject({ first: changes, second: changes - last })
  expect(result.parked.filter(({ reaction }) => reaction === 'doubles')).toHaveLength(last)
  expect(result.parked.filter(({ reaction }) => reaction === 'counts')).toHaveLength(last)
})

test('a chain that ends by itself, and what begins anew, is let', { timeout }, async () => {
  const once = on('once', ({ agent, scope }) => (agent === 'clerk' ? [take(scope)] : []))
  const result = await settle([once], async (begin) => {
    for (let round = 0; round <= maxDepth; round++) await begin(first)
  })
  expect(result).toEqual({ first: 2 * (maxDepth + 1), second: 0, parked: [] })
})
