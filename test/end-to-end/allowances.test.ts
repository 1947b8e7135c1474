/** Budgets over all scopes: whatever is lost, comes twice or late between partitions, no window sees more spent than its limit. */
import { sha256 } from '@signalbox/codec'
import {
  bareIntent,
  canonicalize,
  containmentOf,
  contractSet,
  defaultLimits,
  defineContract,
  type Event,
  type Intent,
  makeUuidV7,
  none,
  partitionOf,
} from '@signalbox/contract'
import { decide, evolve, PartitionState, preparedContracts, type Rules } from '@signalbox/core'
import { followUpsOf } from '@signalbox/follow-ups'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const partitionCount = 3
const scopes = ['a', 'b', 'c', 'd', 'e']
const across = { measure: 'amount', limit: 100, windowMs: 10_000, slice: 20, leaseMs: 2_000 } as const
const startMs = Date.UTC(2030, 0, 1)

const rules: Rules = {
  contracts: preparedContracts(
    contractSet([
      defineContract({
        type: 'payment',
        version: 1,
        owner: { team: 'payments', contact: '#payments' },
        data: z.strictObject({ cents: z.int() }),
        states: ['paid'],
        actions: { pay: { from: none, to: 'paid', input: z.strictObject({ cents: z.int() }), amount: ({ input }) => input.cents } },
      }),
    ]),
  ),
  limits: defaultLimits,
  containment: containmentOf({ version: 2, budgets: [{ agents: ['payer'], across }] }),
  partitionCount,
  agents: null,
  sha256,
}

/** The partitions, and follow-ups on their way: carried in any order, late, twice. */
class World {
  readonly #states = Array.from({ length: partitionCount }, (_, partition) => new PartitionState(partition, defaultLimits))
  readonly #carried: Intent[] = []
  readonly spent: { readonly timeMs: number; readonly cents: number }[] = []
  refused = 0
  lent = 0
  #number = 0

  pay(scope: string, cents: number, timeMs: number): boolean {
    const bits = new Uint8Array(10)
    new DataView(bits.buffer).setUint32(6, ++this.#number)
    const actions = [{ resource: `payment/${this.#number}`, action: 'pay', input: canonicalize({ cents }), expectedVersion: null }]
    const events = this.#append(bareIntent({ intentId: makeUuidV7(timeMs, bits), scope, agent: 'payer', actions }), timeMs)
    const isPaid = events.some(({ payload, type }) => type === 'IntentCommitted' && payload.agent === 'payer')
    if (isPaid) this.spent.push({ timeMs, cents })
    else this.refused++
    return isPaid
  }

  /** Carries one follow-up; it stays to be carried once more where `again` says so. */
  carry(which: number, again: boolean, timeMs: number): void {
    if (this.#carried.length === 0) return
    const [intent] = again ? [this.#carried[which % this.#carried.length]!] : this.#carried.splice(which % this.#carried.length, 1)
    this.#append(intent!, timeMs)
  }

  #append(intent: Intent, timeMs: number): readonly Event[] {
    const state = this.#states[partitionOf(intent.scope, partitionCount)]!
    const events = decide(state, { offset: state.nextOffset, timestampMs: timeMs, intent, problem: null }, rules)
    for (const event of events) {
      evolve(state, event)
      if (event.type === 'IntentCommitted' && event.payload.changes.some(({ action }) => action === 'receive')) this.lent++
      this.#carried.push(...followUpsOf(event, { reactions: [], partitionCount }))
    }
    return events
  }
}

/** The most that was spent in any window that begins with a payment. */
function mostInAWindow(spent: World['spent']): number {
  return Math.max(
    0,
    ...spent.map(({ timeMs: from }) =>
      spent.filter(({ timeMs }) => timeMs >= from && timeMs < from + across.windowMs).reduce((sum, { cents }) => sum + cents, 0),
    ),
  )
}

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('pay' as const), scope: fc.constantFrom(...scopes), cents: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('carry' as const), which: fc.nat(20), again: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 4_000 }) }) },
)

describe('a budget over all scopes', () => {
  it('is never overspent in any window, and is spent in the end', () => {
    let [refused, lent, paid] = [0, 0, 0]
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 160 }), (steps) => {
        const world = new World()
        let nowMs = startMs
        for (const each of steps) {
          nowMs++
          if (each.do === 'pay') world.pay(each.scope, each.cents, nowMs)
          else if (each.do === 'carry') world.carry(each.which, each.again, nowMs)
          else nowMs += each.ms
        }
        expect(mostInAWindow(world.spent)).toBeLessThanOrEqual(across.limit)
        refused += world.refused
        lent += world.lent
        paid += world.spent.length
      }),
      { numRuns: 300 },
    )
    // Not by never lending anything.
    expect(lent).toBeGreaterThan(300)
    expect(paid).toBeGreaterThan(300)
    expect(refused).toBeGreaterThan(300)
  })

  it('is spent whole where all is carried; what was spent counts a window longer, and what was not comes back', () => {
    const world = new World()
    let nowMs = startMs
    const carryAll = () => {
      for (let count = 0; count < 20; count++) world.carry(0, false, nowMs)
    }
    const pay = (most: number) => {
      let cents = 0
      for (let tries = 0; tries < 40 && cents < most; tries++) {
        nowMs += 10
        if (world.pay(scopes[tries % 2]!, 5, nowMs)) cents += 5
        carryAll()
      }
      return cents
    }
    expect(pay(50)).toBe(50)
    // The leases end half spent: the other half is lent anew within the same window.
    nowMs += across.leaseMs
    expect(pay(1_000)).toBe(50)
    expect(mostInAWindow(world.spent)).toBe(across.limit)
    nowMs += across.leaseMs + across.windowMs
    expect(pay(1_000)).toBe(across.limit)
  })
})
