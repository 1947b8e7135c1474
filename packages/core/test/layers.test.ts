/** The layers over the published state, and the table of ids, each against a plain model. */
import { defaultLimits, type Event, parseUuidV7 } from '@signalbox/contract'
import { decide, evolve, IdIndex, PartitionState } from '@signalbox/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IdTable, readDigest } from '../src/state/id-table.ts'
import { id, intent, rules, startMs } from './specification.ts'

function ask(state: PartitionState, resource: string, intentId: string): Event {
  const known = state.resource(`bank-1\u0000${resource}`) !== undefined
  const asked = known ? { action: 'deposit', input: { by: 1 } } : { action: 'open', input: { limit: 1_000 } }
  const record = { offset: state.nextOffset, timestampMs: startMs, intent: intent({ resource, ...asked }, { intentId }), problem: null }
  return decide(state, record, rules)[0]!
}

type Step =
  | { readonly do: 'decide'; readonly resource: number; readonly id: number }
  | { readonly do: 'begin' | 'publish' | 'drop' | 'dropNewest' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('decide' as const), resource: fc.nat(3), id: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.constant({ do: 'begin' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'publish' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'drop' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'dropNewest' as const }) },
)

/** What a state says, but for what no event gives it. */
function dump(state: PartitionState) {
  return { resources: [...state.resources()].sort(), size: state.size, time: state.time, nextOffset: state.nextOffset }
}

function restored(events: readonly Event[]): PartitionState {
  const state = new PartitionState(0, defaultLimits)
  for (const event of events) evolve(state, event)
  return state
}

test('layers: published is what was published, and the newest layer says what a state without layers would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const state = new PartitionState(0, defaultLimits)
      const published: Event[] = []
      const layers: Event[][] = []
      for (const each of steps) {
        if (each.do === 'decide') {
          const event = ask(state, `account/${each.resource}`, id(each.id))
          // The same is decided by a state that has only the events.
          expect(event).toEqual(ask(restored([...published, ...layers.flat()]), `account/${each.resource}`, id(each.id)))
          evolve(state, event)
          ;(layers.at(-1) ?? published).push(event)
        } else if (each.do === 'begin') {
          state.begin()
          layers.push([])
        } else if (each.do === 'publish') {
          if (layers.length === 0) continue
          state.publish()
          published.push(...layers.shift()!)
        } else if (each.do === 'drop') {
          state.drop()
          layers.length = 0
        } else {
          state.dropNewest()
          layers.pop()
        }
      }
      state.drop()
      expect(dump(state)).toEqual(dump(restored(published)))
    }),
    { numRuns: 150 },
  )
})

test('publishing what is not there is a bug, and says so', () => {
  expect(() => new PartitionState(0, defaultLimits).publish()).toThrow('bug in Signalbox')
})

describe('the table of ids', () => {
  const entry = fc.record({
    id: fc.nat(40),
    digest: fc.nat(3),
    offset: fc.nat(2 ** 31 - 1).map((offset) => offset * 2_047),
    code: fc.nat(16_383),
    replace: fc.boolean(),
  })

  function words(number: number): Uint32Array {
    const read = new Uint32Array(4)
    expect(parseUuidV7(id(number), read)).toBe(true)
    return read
  }

  function digestWords(number: number): Uint32Array {
    const read = new Uint32Array(4)
    readDigest(rules.sha256(`${number}`), read)
    return read
  }

  test('holds what a map holds', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 120 }), fc.nat(40), (entries, kept) => {
        const table = new IdTable()
        const model = new Map<number, (typeof entries)[number]>()
        for (const each of entries) {
          table.add(words(each.id), digestWords(each.digest), { offset: each.offset, index: each.offset % 256 }, each.code, each.replace)
          if (each.replace || !model.has(each.id)) model.set(each.id, each)
        }
        // The ids that came first stay; a replaced one keeps its place.
        const size = Math.min(kept, model.size)
        table.truncate(size)
        const stay = new Map([...model].slice(0, size))
        expect(table.size).toBe(size)
        for (let number = 0; number <= 40; number++) {
          const at = table.find(words(number))
          const expected = stay.get(number)
          expect(at >= 0).toBe(expected !== undefined)
          if (expected === undefined) continue
          expect([table.offset(at), table.index(at), table.codeNumber(at)]).toEqual([expected.offset, expected.offset % 256, expected.code])
          expect([0, 1, 2, 3].map((digest) => table.hasDigest(at, digestWords(digest)))).toEqual(
            [0, 1, 2, 3].map((digest) => digest === expected.digest),
          )
        }
      }),
    )
  })

  test('holds many', () => {
    const table = new IdTable()
    for (let number = 0; number < 10_000; number++) table.add(words(number), digestWords(0), { offset: number, index: 0 }, 0, false)
    expect(table.size).toBe(10_000)
    for (let number = 0; number < 10_000; number++) expect(table.offset(table.find(words(number)))).toBe(number)
    expect(table.find(words(10_001))).toBe(-1)
  })

  test('the index of readers keeps the first place, but for one that used the id up', () => {
    const index = new IdIndex()
    index.add(id(1), 2, 10, false)
    index.add(id(1), 2, 20, true)
    index.add(id(1), 2, 30, false)
    expect(index.find(id(1))).toEqual({ partition: 2, logOffset: 20 })
    expect(index.find(id(2))).toBeUndefined()
    expect(index.find('no id')).toBeUndefined()
  })
})

test('what was pending for longer than ids are remembered is not remembered when it ends', () => {
  const state = new PartitionState(0, defaultLimits)
  state.advance(0, startMs + 2 * defaultLimits.identityHorizonMs)
  state.remember(id(1, startMs), '', { partition: 0, offset: 1, index: 0 }, null)
  expect(state.size.ids).toBe(0)
})
