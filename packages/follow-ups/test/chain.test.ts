/** How long a chain of reactions may be: as containment says, and a bound of its own where that says nothing; rules are part of a chain. */
import type { Event, FollowUp } from '@signalbox/contract'
import { followUpsOf, mostSteps, type ReactionFault, Undecided } from '@signalbox/follow-ups'
import { expect, test } from 'vitest'

const again: FollowUp = { scope: 's', actions: [{ resource: 'stock/a', action: 'take' }] }
const change = { resource: 'stock/a', action: 'take', fromVersion: 1, fromState: 'kept', version: 2, state: 'kept', data: '{}' }
const idOf = (number: number) => `019e807a-ec00-7000-8000-${String(number).padStart(12, '0')}`

function committed(number: number, depth: number | null): Event {
  const intentId = idOf(number)
  const intent = JSON.stringify({ agent: 'a', ...(depth === null ? {} : { causationId: idOf(number - 1), causationDepth: depth }) })
  return {
    partition: 0,
    offset: number,
    index: 0,
    time: 1_780_272_000_000,
    scope: 's',
    type: 'IntentCommitted',
    payload: { intentId, agent: 'a', intent, changes: [change] },
  } as unknown as Event
}

function ruled(cause: string | null): Event {
  const payload = { rule: 'other', message: '', cause, changes: [change], resource: 'stock/a', code: null, details: null }
  return { partition: 0, offset: 9, index: 1, time: 1_780_272_000_000, scope: 's', type: 'RuleApplied', payload } as unknown as Event
}

function ask(maxDepth: number | null | undefined) {
  const faults: ReactionFault[] = []
  const settings = {
    reactions: [{ name: 'again', react: () => [again] }],
    partitionCount: 1,
    faulted: (fault: ReactionFault) => void faults.push(fault),
    ...(maxDepth === undefined ? {} : { maxDepth }),
  }
  return { settings, faults }
}

test.each([
  [3, null, 1],
  [3, 0, 2],
  [3, 1, 3],
  [null, mostSteps - 2, mostSteps],
  [undefined, mostSteps - 2, mostSteps],
] as const)('with maxDepth %j, a cause of depth %j has a follow-up, which says how deep its cause is', (maxDepth, depth, steps) => {
  const { faults, settings } = ask(maxDepth)
  const [intent, ...more] = followUpsOf(committed(5, depth), settings)
  expect([intent?.causationDepth, more, faults]).toEqual([steps - 1, [], []])
})

test.each([
  [3, 2],
  [3, 1_000],
  [null, mostSteps - 1],
  [undefined, 999_999],
] as const)('with maxDepth %j, a cause of depth %j has none, and it is told', (maxDepth, depth) => {
  const { faults, settings } = ask(maxDepth)
  expect(followUpsOf(committed(5, depth), settings)).toEqual([])
  expect(faults).toMatchObject([{ reaction: 'again', cause: expect.stringContaining(`and ${maxDepth ?? mostSteps} are let`) }])
})

test('what a rule makes of an intent is as deep as that; a timer begins anew', () => {
  const { faults, settings } = ask(3)
  const undecided = new Undecided(settings)
  undecided.take(committed(5, 2))
  expect(faults).toHaveLength(1)
  undecided.take(ruled(idOf(5)))
  expect(faults).toHaveLength(2)
  expect(undecided.size).toBe(0)
  undecided.take(ruled(null))
  expect([faults.length, undecided.size]).toEqual([2, 1])
})
