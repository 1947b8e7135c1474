/** What holds of every log of intents. */
import { createCodec } from '@signalbox/codec'
import {
  canonicalize,
  defaultLimits,
  type Event,
  type IntentPending,
  type IntentRejected,
  intentToJson,
  isRejectCode,
  JsonError,
  rejectCodes,
  resourceType,
} from '@signalbox/contract'
import { canonicalIntent, decide, StateBuilder, snapshotParts } from '@signalbox/core'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { anyIntent, asked } from './arbitraries.ts'
import { startMs } from './specification.ts'
import { dump, settle, worlds } from './worlds.ts'

const codec = createCodec({ limits: defaultLimits })
const runs = { numRuns: 150 }

afterEach(() => {
  vi.useRealTimers()
})

/** Whether an event says what became of the intent of its own record. */
function isOwn({ payload, type }: Event): boolean {
  if (type === 'IntentDuplicated' || type === 'IntentShadowed') return true
  if (type === 'IntentPending') return (payload as IntentPending).since === null
  return (type === 'IntentCommitted' || type === 'IntentRejected') && (payload as IntentRejected).settles === null
}

function codeOf(event: Event) {
  if (event.type !== 'IntentRejected' || !isRejectCode(event.payload.code)) throw new Error(`${JSON.stringify(event)} has no known code`)
  return event.payload.code
}

describe.each(worlds)('of $name', ({ anyList, apart, coverage, decideAll, emptyState, fold, last, next, recordOf, rules, scopes }) => {
  test('a repeated intent yields nothing new', () => {
    fc.assert(
      fc.property(anyList, fc.nat(), (list, chosen) => {
        const state = emptyState()
        const events = decideAll(state, list)
        // What a human had done in place of an intent was never sent.
        const sent = new Set(list.map(({ intent }) => intent.intentId))
        const settled = events.filter(
          (event) =>
            (event.type === 'IntentCommitted' && sent.has(event.payload.intentId)) ||
            (event.type === 'IntentRejected' && rejectCodes[codeOf(event)].remembered),
        )
        settle(state, rules)
        fc.pre(settled.length > 0)
        const first = settled[chosen % settled.length]! as Event & { readonly type: 'IntentCommitted' | 'IntentRejected' }
        const before = dump(state) as object
        const [again, ...more] = decideAll(state, [list[first.payload.settles?.offset ?? first.offset]!])
        expect(more).toEqual([])
        expect(again).toMatchObject({
          type: 'IntentDuplicated',
          payload: {
            decision: { partition: 0, offset: first.offset, index: first.index },
            code: first.type === 'IntentRejected' ? codeOf(first) : null,
          },
        })
        expect(dump(state)).toEqual({ ...before, nextOffset: (before as { nextOffset: number }).nextOffset + 1 })
      }),
      runs,
    )
  })

  test('folding the log from any prefix plus the rest equals folding it whole', () => {
    fc.assert(
      fc.property(anyList, fc.nat(), (list, cut) => {
        const events = decideAll(emptyState(), list)
        const at = cut % (events.length + 1)
        const state = fold(emptyState(), events.slice(0, at))
        // The rest in a layer, as a follower of a log may take it.
        state.begin()
        fold(state, events.slice(at))
        state.publish()
        expect(dump(state)).toEqual(dump(fold(emptyState(), events)))
      }),
      runs,
    )
  })

  test('events alone restore the state: what is decided next is the same', () => {
    fc.assert(
      fc.property(anyList, next, (list, nextList) => {
        const state = emptyState()
        const events = decideAll(state, list)
        const restored = fold(
          emptyState(),
          events.map((event) => codec.decodeEvent(codec.encodeEvent(event))),
        )
        expect(dump(restored)).toEqual(dump(state))
        expect(decideAll(restored, nextList)).toEqual(decideAll(state, nextList))
      }),
      runs,
    )
  })

  test('a snapshot restores the state: with the rest of the log it says the same, and decides the same next', () => {
    fc.assert(
      fc.property(anyList, next, fc.nat(), (list, nextList, cut) => {
        const state = emptyState()
        const events = decideAll(state, list)
        const at = cut % (events.length + 1)
        const prefix = fold(emptyState(), events.slice(0, at))
        // As text, which is how it is kept.
        const builder = new StateBuilder(rules.limits)
        const parts = [...snapshotParts(prefix)].map((part) =>
          part.kind === 'ids' ? part : (JSON.parse(JSON.stringify(part)) as typeof part),
        )
        for (const part of parts) builder.add(part)
        const restored = fold(builder.state, events.slice(at))
        expect(dump(restored)).toEqual(dump(state))
        expect(decideAll(restored, nextList)).toEqual(decideAll(state, nextList))
        expect(decideAll(restored, list)).toEqual(decideAll(state, list))
      }),
      runs,
    )
  })

  test('decisions never depend on the clock of the machine', () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    fc.assert(
      fc.property(anyList, fc.array(fc.date({ noInvalidDate: true, min: new Date(0) }), { minLength: 1 }), (list, clock) => {
        const state = emptyState()
        const events = list.flatMap((each, index) => {
          vi.setSystemTime(clock[index % clock.length]!)
          return decideAll(state, [each])
        })
        vi.setSystemTime(startMs)
        expect(events).toEqual(decideAll(emptyState(), list))
      }),
      runs,
    )
  })

  test('decisions never depend on the bounds of batches, nor on when they become durable', () => {
    const pace = fc.array(fc.record({ begins: fc.boolean(), publishes: fc.nat(2) }), { minLength: 1 })
    fc.assert(
      fc.property(anyList, pace, (list, paces) => {
        const state = emptyState()
        let open = 0
        const events = list.flatMap((each, index) => {
          const { begins, publishes } = paces[index % paces.length]!
          if (begins || open === 0) {
            state.begin()
            open++
          }
          const decided = decideAll(state, [each])
          for (let count = 0; count < publishes && open > 0; count++, open--) state.publish()
          return decided
        })
        for (; open > 0; open--) state.publish()
        const plain = emptyState()
        expect(events).toEqual(decideAll(plain, list))
        expect(dump(state)).toEqual(dump(plain))
      }),
      runs,
    )
  })

  test('decisions never depend on the order in which a restored map was filled', () => {
    fc.assert(
      fc.property(apart, next, fc.shuffledSubarray(scopes, { minLength: scopes.length }), (list, nextList, order) => {
        const state = emptyState()
        const events = decideAll(state, list)
        // A scope's events stay in their order; which scope comes first is all the same.
        const restored = fold(
          emptyState(),
          order.flatMap((scope) => events.filter((event) => event.scope === scope)),
        )
        // What is over is forgotten with the next record, as time has come to its end in another order.
        for (const each of [state, restored]) settle(each, rules, 7_200_000)
        expect(dump(restored)).toEqual(dump(state))
        expect(decideAll(restored, nextList)).toEqual(decideAll(state, nextList))
      }),
      runs,
    )
  })

  test('a decision changes nothing, and falls the same again', () => {
    fc.assert(
      fc.property(anyList, last, (list, asking) => {
        const state = emptyState()
        decideAll(state, list)
        const before = dump(state)
        const record = recordOf(asking, state.nextOffset)
        const events = decide(state, record, rules)
        expect(dump(state)).toEqual(before)
        expect(decide(state, record, rules)).toEqual(events)
      }),
      runs,
    )
  })

  test('one record has one decision, and every reject a code of the closed set', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(anyList, (list) => {
        const events = decideAll(emptyState(), list)
        // Of each record one event says what became of its own intent, and the events of a record are numbered through.
        const own = events.filter(isOwn)
        expect(own.map(({ offset }) => offset)).toEqual(list.map((_, offset) => offset))
        for (const [index, event] of events.entries()) {
          const before = events[index - 1]
          expect(event.index).toBe(before?.offset === event.offset ? before.index + 1 : 0)
          seen.add(event.type)
          if (event.type === 'IntentRejected') seen.add(codeOf(event))
        }
      }),
      runs,
    )
    // The properties above are about something.
    expect([...seen]).toEqual(expect.arrayContaining([...coverage]))
  })
})

test('the canonical intent is the RFC 8785 form without the signature', () => {
  fc.assert(
    fc.property(anyIntent, (intent) => {
      const canonical = { ...intent, actions: intent.actions.map((each) => ({ ...each, input: canonicalize(JSON.parse(each.input)) })) }
      const { signature: _signature, ...body } = intentToJson(canonical) as { signature?: unknown }
      expect(textOrError(() => canonicalIntent(canonical))).toBe(textOrError(() => canonicalize(body)))
    }),
    { numRuns: 500 },
  )
})

/** The text, or that there is none: which of several faults is named first is not the same. */
function textOrError(make: () => string): string {
  try {
    return make()
  } catch (error) {
    if (error instanceof JsonError) return 'JsonError'
    throw error
  }
}

test('an intent of sound names has the same canonical form by the short way', () => {
  fc.assert(
    fc.property(asked, ({ intent }) => {
      fc.pre(intent.actions.every(({ resource }) => resourceType(resource) !== null))
      expect(canonicalIntent(intent, true)).toBe(canonicalIntent(intent))
    }),
    runs,
  )
})
