/** How far one intent reached, and what agents in shadow would have done: read from a real log. */

import { connect } from '@signalbox/client'
import { containmentOf, contractSet, type Decision, defineContract, none } from '@signalbox/contract'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { blastRadius, shadowReport } from '@signalbox/replay'
import { startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { expect, it } from 'vitest'
import { z } from 'zod'

const note = defineContract({
  type: 'note',
  version: 1,
  owner: { team: 't', contact: 'c' },
  data: z.strictObject({ n: z.int() }),
  states: ['open', 'shut'],
  actions: {
    open: { from: none, to: 'open', input: z.strictObject({ n: z.int() }), undo: 'shut' },
    change: {
      from: 'open',
      input: z.strictObject({ n: z.int() }),
      apply: ({ input }) => input,
      effect: { reportWithinMs: 600_000, idempotent: false },
    },
    shut: { from: 'open', to: 'shut' },
  },
})
const contracts = contractSet([note])

async function open(shadowAgents: readonly string[] = []) {
  const signalbox = await startSignalbox({
    log: createMemoryLog({ store: new MemoryLogStore({ partitionCount: 2 }) }),
    contracts,
    containment: containmentOf({ shadowAgents }),
    logger: pino({ level: 'silent' }),
  })
  return {
    signalbox,
    as: (agent: string) => connect({ coordinator: signalbox.gateway.desk, agent }),
    source: signalbox.gateway.desk.source,
  }
}

const did = (decision: Decision): string => {
  expect(decision.message).toBeNull()
  return decision.intentId!
}

it('a blast radius holds what was caused, built on and read, over scopes, and nothing else', async () => {
  const { as, signalbox, source } = await open()
  const bad = as('bad')
  const good = as('good')
  const nothing = (scope: string) => ({ scope, resources: [] })
  const before = did(await good.propose(nothing('a'), [{ resource: 'note/0', action: 'open', input: { n: 0 } }]))
  const root = did(await bad.propose(nothing('a'), [{ resource: 'note/1', action: 'open', input: { n: 1 } }]))
  const built = did(await good.propose(await good.observe('a', ['note/1']), [{ resource: 'note/1', action: 'change', input: { n: 2 } }]))
  const read = did(await good.propose(await good.observe('a', ['note/1']), [{ resource: 'note/2', action: 'open', input: { n: 3 } }]))
  // On another partition, or in any case another scope.
  const caused = did(await good.propose(nothing('b'), [{ resource: 'note/1', action: 'open', input: { n: 4 } }], { causationId: read }))
  const unrelated = did(await good.propose(await good.observe('a', ['note/0']), [{ resource: 'note/3', action: 'open', input: { n: 5 } }]))
  const radius = (await blastRadius(source, contracts, root))!
  const touched = new Map(radius.decisions.map((each) => [each.intentId, each]))
  expect([...touched.keys()]).toEqual([root, built, read, caused])
  expect(touched.has(before) || touched.has(unrelated)).toBe(false)
  expect(touched.get(built)!.touches).toEqual([{ by: 'built on', intentId: root, resource: 'note/1' }])
  expect(touched.get(read)!.touches).toEqual([{ by: 'read', intentId: built, resource: 'note/1' }])
  expect(touched.get(caused)!.touches).toEqual([{ by: 'caused', intentId: read, resource: null }])
  expect(touched.get(built)!.effects).toEqual([{ effectId: `${built}-0`, state: 'pending' }])
  expect(touched.get(caused)!.compensations).toEqual([
    { scope: 'b', resource: 'note/1', action: 'shut', expectedVersion: 1, obstacle: null },
  ])
  // It has moved on since: somebody must look before it is taken back.
  expect(touched.get(root)!.compensations).toMatchObject([
    { action: 'shut', expectedVersion: 2, obstacle: expect.stringContaining('moved on since') },
  ])
  expect(touched.get(built)!.compensations).toMatchObject([
    { action: null, obstacle: expect.stringContaining('names nothing that undoes change') },
  ])
  expect(radius.scopes).toEqual([
    { scope: 'a', decisions: 3 },
    { scope: 'b', decisions: 1 },
  ])
  expect(await blastRadius(source, contracts, '0192f3c0-0000-7000-8000-000000000000')).toBeNull()
  await signalbox.stop()
})

it('a shadow report counts what would have been, and shows where it differs from what was', async () => {
  const { as, signalbox, source } = await open(['trainee'])
  const trainee = as('trainee')
  const nothing = { scope: 'a', resources: [] }
  const opened = await trainee.propose(nothing, [{ resource: 'note/1', action: 'open', input: { n: 1 } }])
  expect(opened).toMatchObject({ committed: false, shadow: { by: 'agent trainee', wouldBe: 'committed' } })
  await trainee.propose(nothing, [{ resource: 'note/2', action: 'open', input: { n: 7 } }])
  await trainee.propose(nothing, [{ resource: 'note/9', action: 'change', input: { n: 1 } }])
  await as('clerk').propose(nothing, [{ resource: 'note/1', action: 'open', input: { n: 2 } }])
  await as('clerk').propose(nothing, [{ resource: 'note/2', action: 'open', input: { n: 7 } }])
  expect(await shadowReport(source)).toEqual([
    {
      by: 'agent trainee',
      intents: 3,
      wouldCommit: 2,
      wouldReject: { STATE_CONFLICT: 1 },
      differences: [{ scope: 'a', resource: 'note/1', version: 1, shadow: { n: 1 }, real: { n: 2 } }],
    },
  ])
  await signalbox.stop()
})
