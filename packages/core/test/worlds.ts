/** The logs that laws are about, each with the rules by which it is decided, and what every law does with one. */
import { createCodec } from '@signalbox/codec'
import { defaultLimits, type Event, makeUuidV7, systemScope } from '@signalbox/contract'
import { decide, evolve, type IntentRecord, PartitionState, type Rules, snapshotParts } from '@signalbox/core'
import { type Asked, asked, askedList } from './arbitraries.ts'
import { playedApart, playedList, playedNext, playedRules } from './played.ts'
import { intent, rules } from './specification.ts'

const codec = createCodec({ limits: defaultLimits })

function worldOf(world: { readonly rules: Rules }) {
  return {
    ...world,
    emptyState: () => new PartitionState(0, world.rules.limits),
    recordOf,
    /** Decides a list of intents, one after another. */
    decideAll(state: PartitionState, list: readonly Asked[]): Event[] {
      return list.flatMap((each) => {
        const events = decide(state, recordOf(each, state.nextOffset), world.rules)
        for (const event of events) evolve(state, event)
        return [...events]
      })
    },
    fold(state: PartitionState, events: readonly Event[]): PartitionState {
      for (const event of events) evolve(state, event)
      return state
    },
  }
}

function recordOf({ intent: sent, timestampMs }: Asked, offset: number): IntentRecord {
  // As a sequencer gets it.
  return { offset, timestampMs, intent: codec.decodeIntent(codec.encodeIntent(sent)), problem: null }
}

export const worlds = [
  {
    ...worldOf({ rules }),
    name: 'accounts',
    anyList: askedList,
    next: askedList,
    apart: askedList,
    last: asked,
    scopes: ['bank-1', 'bank-2', 'bänk "3"', '', systemScope(0, 1)],
    coverage: ['IntentCommitted', 'IntentDuplicated', 'INTENT_ID_REUSED', 'STALE_VERSION', 'GUARD_REFUSED', 'DEAD_LETTERED'],
  },
  {
    ...worldOf({ rules: playedRules }),
    name: 'everything that coordinates',
    anyList: playedList,
    next: playedNext,
    apart: playedApart,
    last: playedNext.map((list) => list[list.length - 1] ?? tick(0, 0)),
    scopes: ['bank-1', 'bank-2', systemScope(0, 1)],
    // See laws.test.ts.
    coverage: ['IntentCommitted', 'IntentRejected', 'IntentPending', 'RuleApplied'],
  },
]

let ticks = 0

export function tick(timestampMs: number, number: number): Asked {
  const bits = new Uint8Array(10)
  new DataView(bits.buffer).setUint32(0, number + 1)
  const scope = systemScope(0, 1)
  const ticking = { resource: 'clock/tick', action: 'tick' }
  return { timestampMs, intent: intent(ticking, { intentId: makeUuidV7(timestampMs, bits), agent: 'clock', scope }) }
}

/** Ticks, as the owner of a partition does, until nothing is due and nobody is to be decided again; `afterMs` later at first. */
export function settle(state: PartitionState, by: Rules, afterMs = 0): readonly Event[] {
  const all: Event[] = []
  let nowMs = state.time + afterMs
  const { pending, timers } = state.coordination
  for (let count = 0; count === 0 || pending.hasReady || timers.nextMs <= nowMs; count++) {
    if (count > 2_000) throw new Error('it does not come to rest')
    const events = decide(state, recordOf(tick(nowMs, ticks++), state.nextOffset), by)
    for (const event of events) evolve(state, event)
    all.push(...events)
    nowMs = Math.max(nowMs, state.time)
  }
  return all
}

/** Everything that a state says, in an order of its own. */
export function dump(state: PartitionState): unknown {
  const resources = [...state.resources()].sort(([left], [right]) => (left < right ? -1 : 1))
  const coordination = [...snapshotParts(state)]
    .filter(({ kind }) => kind !== 'ids' && kind !== 'resource' && kind !== 'partition')
    .map((part) => JSON.stringify(part))
    .sort()
  const { nextMs: dueMs, size: timers } = state.coordination.timers
  return { resources, size: state.size, time: state.time, nextOffset: state.nextOffset, coordination, timers, dueMs }
}
