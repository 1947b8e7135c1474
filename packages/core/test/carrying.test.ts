/** What is carried over into other topics: the state is the same, and so is every decision that follows. */
import { createCodec } from '@signalbox/codec'
import { defaultLimits, type Event, homeScope, type Intent, isOwnEvent, partitionOf, systemScope } from '@signalbox/contract'
import { Carrier, decide, evolve, feeds, PartitionState, type Rules } from '@signalbox/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Asked, askedList } from './arbitraries.ts'
import { playedRules } from './played.ts'
import { id, intent, rules, Story, startMs } from './specification.ts'
import { dump, settle, worlds } from './worlds.ts'

const codec = createCodec({ limits: defaultLimits })

/** As it is after a log was written and read. */
function written(event: Event): Event {
  return codec.decodeEvent(codec.encodeEvent(event))
}

function carried(states: readonly PartitionState[], toPartitions: number, by: Rules, begins: readonly number[]): readonly PartitionState[] {
  const timeMs = Math.max(...states.map(({ time }) => time))
  const carrier = new Carrier({ from: 'old', fromPartitions: states.length, toPartitions, begins, timeMs })
  const moved = Array.from({ length: toPartitions }, (_, partition) => new PartitionState(partition, by.limits))
  const into = (event: Event) => evolve(moved[event.partition]!, written(event))
  for (const state of states) for (const event of carrier.take(state)) into(event)
  for (const event of carrier.finish()) into(event)
  return moved
}

test('on as many partitions, it is the same state, and all that is decided from it is the same', () => {
  const { anyList, decideAll, emptyState } = worlds[1]!
  const seen = new Set<string>()
  fc.assert(
    fc.property(anyList, fc.nat(100), (list, cut) => {
      const at = Math.floor((list.length * cut) / 100)
      const state = emptyState()
      decideAll(state, list.slice(0, at))
      const { nextOffset } = state
      // Such a log cannot be closed.
      if ([...state.coordination.pending.all()].some(({ scope }) => scope === systemScope(0, 1))) return
      const { contradictions, correlations, lastQuarantines, pending, reservedScopes, timers } = state.coordination
      for (const [name, { size }] of Object.entries({ contradictions, correlations, lastQuarantines, pending, reservedScopes, timers }))
        if (size > 0) seen.add(name)
      const [moved] = carried([state], 1, playedRules, [0, nextOffset])
      expect(carriedDump(moved!)).toEqual(carriedDump(state))
      const [expected, found] = [state, moved!].map((each) => [
        ...decideAll(each, list.slice(at)),
        ...settle(each, playedRules, 3_600_000),
        ...settle(each, playedRules, 3_600_000),
      ])
      // Ids of ticks count on from one state to the other; nothing else differs.
      const plain = (events: readonly Event[]) => events.filter(({ scope }) => scope !== systemScope(0, 1))
      expect(plain(found!)).toEqual(plain(expected!))
    }),
    { numRuns: 150 },
  )
  expect([...seen].sort()).toEqual(['contradictions', 'correlations', 'lastQuarantines', 'pending', 'reservedScopes', 'timers'])
})

/** But for what lies in the scope that is of one log alone: what holds for agents is all that goes along. */
function carriedDump(state: PartitionState): unknown {
  const said = dump(state) as { readonly coordination: readonly string[]; readonly resources: readonly (readonly [string, unknown])[] }
  const own = systemScope(0, 1)
  const resources = said.resources.filter(([key]) => !key.startsWith(own) || key.startsWith(`${own}\u0000agent/`))
  return { ...said, resources, size: null, coordination: said.coordination.filter((part) => !part.includes(own)) }
}

/** An id that no other scope has: on one partition it would be used up for all, on several it is not. */
function inItsScope({ intent: asked, timestampMs }: Asked): Asked {
  const digits = [...rules.sha256(asked.scope)].map((character) => (character.charCodeAt(0) & 15).toString(16))
  const { intentId } = asked
  // Nobody waits: whom time reaches when depends on who else is on the partition.
  return {
    timestampMs,
    intent: { ...asked, onConflict: 'reject', intentId: `${intentId.slice(0, 20)}${digits.slice(0, 3).join('')}${intentId.slice(23)}` },
  }
}

test('on any number of partitions, from any number, and again, each scope goes on as if nothing had been', () => {
  fc.assert(
    fc.property(
      askedList,
      fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), fc.nat(100)), { minLength: 2, maxLength: 4 }),
      (list, moves) => {
        const all = list.map(inItsScope).sort((a, b) => a.timestampMs - b.timestampMs)
        const cuts = moves.map(([, cut]) => Math.floor((all.length * cut) / 100)).sort((a, b) => a - b)
        // One record, one number, wherever it lies: offsets may have gaps, so that both sides name the same ones.
        const alone = { ...rules, partitionCount: 1 }
        const unmoved = new PartitionState(0, rules.limits)
        let states: readonly PartitionState[] = [new PartitionState(0, rules.limits)]
        const begins = [0]
        for (const [number, asked] of all.entries()) {
          for (const [move, at] of cuts.entries()) {
            if (at !== number) continue
            begins.push(number)
            states = carried(states, moves[move]![0], rules, begins)
          }
          const { scope } = asked.intent
          const expected = own(unmoved, asked, number, alone)
          const state = states[partitionOf(scope, states.length)]!
          const found = own(state, asked, number, { ...rules, partitionCount: states.length })
          expect(withoutPartitions(found)).toEqual(withoutPartitions(expected))
        }
      },
    ),
    { numRuns: 150 },
  )
})

function own(state: PartitionState, { intent: asked, timestampMs }: Asked, offset: number, by: Rules): Event {
  const events = decide(state, { offset, timestampMs, intent: asked, problem: null }, by)
  for (const event of events) evolve(state, event)
  return events.find(isOwnEvent)!
}

/** Where an event lies differs; what it says does not. */
function withoutPartitions(event: Event): string {
  return JSON.stringify(event)
    .replaceAll(/partition(\\?"):\d+/g, 'partition$1:')
    .replaceAll(/event \d+\//g, 'event /')
}

test('what was decided on another partition is answered with that one, and so is who moved a resource', () => {
  const scopes = Array.from({ length: 20 }, (_, number) => `scope-${number}`)
  const states = [0, 1, 2].map((partition) => new PartitionState(partition, rules.limits))
  const all = scopes.map((scope, number) => {
    const asked = intent({ resource: 'account/a', action: 'open', input: { limit: 9 } }, { scope, intentId: id(number) })
    const { partition } = own(states[partitionOf(scope, 3)]!, { intent: asked, timestampMs: startMs }, number, {
      ...rules,
      partitionCount: 3,
    })
    return { asked, number, decision: { partition, offset: number, index: 0 } }
  })
  expect(new Set(all.map(({ decision }) => decision.partition)).size).toBe(3)
  const moved = carried(states, 2, rules, [0, 100])
  for (const { asked, decision, number } of all) {
    const state = moved[partitionOf(asked.scope, 2)]!
    const by = { ...rules, partitionCount: 2 }
    const again = own(state, { intent: asked, timestampMs: startMs }, 100 + number, by)
    expect(again).toMatchObject({ type: 'IntentDuplicated', payload: { decision } })
    const stale = intent(
      { resource: 'account/b', action: 'open', input: { limit: 9 } },
      { scope: asked.scope, intentId: id(500 + number), reads: [{ resource: 'account/a', version: 0 }] },
    )
    expect(own(state, { intent: stale, timestampMs: startMs }, 200 + number, by).payload).toMatchObject({
      code: 'STALE_READ',
      movedBy: { event: decision, intentId: asked.intentId },
    })
  }
})

test('counts that say nothing any more are not carried over: whoever restores the new log forgets them at once, or later', () => {
  const containment = { correlationIntents: 9 }
  const [late, early] = [new Story({ containment }), new Story({ containment })]
  const use = { resource: 'seat/a', action: 'use', input: { by: 1 } }
  early.when(use, { correlationId: 'work-1', agent: 'ann' })
  expect([early.state.coordination.correlations.size, [...early.state.coordination.tallies.all()].length]).toEqual([1, 1])
  late.passes(3_600_000).when(use)
  const states = [0, 1].map((partition) => new PartitionState(partition, rules.limits))
  for (const event of early.events) evolve(states[0]!, event)
  for (const event of late.events) evolve(states[1]!, { ...event, partition: 1 })
  const [moved] = carried(states, 1, playedRules, [0, 9])
  const { correlations, tallies } = moved!.coordination
  expect([...correlations.keys(), ...[...tallies.all()].map(([, agent]) => agent)]).toEqual(['clerk'])
})

test('who was to be decided with the next record still is', () => {
  const limits = { ...playedRules.limits, waitersARecord: 1 }
  const story = new Story({ limits })
  story.when({ resource: 'seat/a', action: 'open', input: { left: 0 } })
  for (const agent of ['ann', 'bob', 'cy'])
    expect(story.when({ resource: 'seat/a', action: 'use', input: { by: 1 } }, { agent, onConflict: 'wait' }).summary[0]).toMatch(
      /^pending/,
    )
  story.when({ resource: 'seat/a', action: 'fill', input: { by: 3 } })
  expect(story.state.coordination.pending.hasReady).toBe(true)
  const [moved] = carried([story.state], 1, story.rules, [0, story.state.nextOffset])
  const ready = ({ coordination }: PartitionState) => coordination.pending.ready().map(({ agent }) => agent)
  expect(ready(moved!)).toEqual(ready(story.state))
  expect(ready(moved!).length).toBeGreaterThan(0)
})

describe('what concerns a whole partition', () => {
  const far = { ...rules, limits: { ...rules.limits } }
  const everywhere = (state: PartitionState, partitionCount: number, agent: string, action: string, at: number) => {
    const input = action === 'quarantine' ? { reason: `wrong at ${at}`, taintedSinceMs: null } : { reason: 'mended' }
    const asked = intent(
      { resource: `agent/${agent}`, action, input },
      { intentId: id(at, startMs + at), agent: 'process-manager', scope: systemScope(state.partition, partitionCount) },
    )
    return own(state, { intent: asked, timestampMs: startMs + at }, at, { ...far, partitionCount })
  }
  const atHome = (state: PartitionState, partitionCount: number, agent: string, action: string, at: number) => {
    const input = action === 'quarantine' ? { reason: `wrong at ${at}`, taintedSinceMs: null } : { reason: 'mended' }
    const asked = intent(
      { resource: `agent/${agent}`, action, input },
      { intentId: id(at, startMs + at), agent: 'human:ann', scope: homeScope(agent) },
    )
    return own(state, { intent: asked, timestampMs: startMs + at }, at, { ...far, partitionCount })
  }

  test('goes to every partition that may get a scope of it, and to no other', () => {
    for (let from = 1; from <= 7; from++) {
      for (let to = 1; to <= 7; to++) {
        const seen = new Set<string>()
        for (let scope = 0; scope < 2_000; scope++) seen.add(`${partitionOf(`s-${scope}`, from)} ${partitionOf(`s-${scope}`, to)}`)
        for (let left = 0; left < from; left++)
          for (let right = 0; right < to; right++)
            expect(seen.has(`${left} ${right}`), `${left} of ${from} to ${right} of ${to}`).toBe(feeds(left, right, from, to))
      }
    }
  })

  test('an agent in quarantine stays there on all, and can be let out', () => {
    const states = [0, 1].map((partition) => new PartitionState(partition, far.limits))
    for (const state of states) expect(everywhere(state, 2, 'rogue', 'quarantine', 10).type).toBe('IntentCommitted')
    const moved = carried(states, 5, far, [0, 1_000])
    for (const state of moved) {
      expect([...state.coordination.quarantines.keys()]).toEqual(['rogue'])
      expect(everywhere(state, 5, 'rogue', 'release', 1_010).type).toBe('IntentCommitted')
      expect(state.coordination.quarantines.size).toBe(0)
    }
  })

  test('a quarantine that was on its way is named where it has not come to, and so is a release', () => {
    const states = [0, 1].map((partition) => new PartitionState(partition, far.limits))
    const home = (agent: string) => states[partitionOf(homeScope(agent), 2)]!
    atHome(home('rogue'), 2, 'rogue', 'quarantine', 10)
    everywhere(states[0]!, 2, 'rogue', 'quarantine', 11)
    atHome(home('mended'), 2, 'mended', 'quarantine', 12)
    for (const state of states) everywhere(state, 2, 'mended', 'quarantine', 13)
    atHome(home('mended'), 2, 'mended', 'release', 14)
    everywhere(states[0]!, 2, 'mended', 'release', 15)
    const carrier = new Carrier({ from: 'old', fromPartitions: 2, toPartitions: 4, begins: [0, 1_000], timeMs: startMs })
    for (const state of states) [...carrier.take(state)]
    ;[...carrier.finish()]
    const gaps = carrier.quarantineGaps().map(({ action, agent, partition }) => `${partition} ${action} ${agent}`)
    // Partitions 1 and 3 get theirs from the old 1. What is said in the old 0 has another reason only where it differs.
    expect(gaps.sort()).toEqual([
      '0 quarantine rogue',
      '1 quarantine rogue',
      '1 release mended',
      '2 quarantine rogue',
      '3 quarantine rogue',
      '3 release mended',
    ])
  })

  test('an intent that is pending for a whole partition cannot be carried, and is named', () => {
    const state = new PartitionState(0, far.limits)
    const asked: Intent = intent({ resource: 'seat/a', action: 'use', input: { by: 1 } }, { scope: systemScope(0, 1) })
    const since = { partition: 0, offset: 1, index: 0 }
    state.coordination.pending.put({ ...pendingOf(asked), since })
    expect(() => [
      ...new Carrier({ from: 'old', fromPartitions: 1, toPartitions: 2, begins: [0, 9], timeMs: startMs }).take(state),
    ]).toThrow(/withdraw it first/)
  })
})

function pendingOf({ agent, intentId, scope }: Intent) {
  return {
    intentId,
    scope,
    agent,
    intent: '{}',
    digest: '',
    reason: 'waiting' as const,
    code: 'RESERVED',
    message: '',
    resources: [],
    untilMs: 0,
    escalation: null,
    asks: [],
    bypassed: 0,
  }
}
