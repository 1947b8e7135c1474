/** Contract code that does what it may not: the intent becomes a dead letter, and nothing else happens. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { changed, given, intent, startMs } from './specification.ts'

const data = { items: [1], note: '' }
const open = changed('faulty/f', data)
const act = (action: string, input?: unknown) => intent({ resource: 'faulty/f', action, input })

afterEach(() => {
  vi.useRealTimers()
})

describe('contract code', () => {
  test.each([
    ['throws', act('throwing'), 'guard of throwing threw: the guard is broken'],
    ['throws what has no text', act('throwingNothing'), 'guard of throwingNothing threw'],
    ['returns a promise', act('promising'), 'guard of promising returned a promise'],
    ['returns what is no answer', act('answeringText'), 'guard of answeringText returned string'],
    ['calls Date.now', act('readingClock'), 'Date.now()'],
    ['makes a Date of now', act('makingDate'), 'new Date()'],
    ['calls Math.random', act('usingChance'), 'Math.random()'],
    ['refines by the clock', act('refiningByClock', { at: 1 }), 'input of refiningByClock threw'],
    ['words an error by the clock', act('explainingByClock', { at: 'x' }), 'input of explainingByClock threw'],
    ['makes data that JSON cannot hold', act('makingBigInt'), 'made data that JSON cannot hold'],
  ])('that %s makes a dead letter', (_name, asked, message) => {
    const { state } = given(open)
      .when(asked)
      .rejects('DEAD_LETTERED', { intentId: asked.intentId, message: expect.stringContaining(message) })
    expect(state.resource('bank-1\u0000faulty/f')).toMatchObject({ version: 1, data: JSON.stringify(data) })
    // The clock and chance are back.
    expect(Date.now()).toBeGreaterThan(startMs / 2)
    expect(Math.random()).toBeLessThan(1)
    // A mended contract may decide the intent: its id is free.
    given(open, () => given(open).when(asked).events[0]!)
      .when(asked)
      .rejects('DEAD_LETTERED')
  })

  test('that makes nothing is caught by the schema of the data', () => {
    given(open)
      .when(act('makingNothing'))
      .rejects('INVARIANT_VIOLATED', { details: expect.stringContaining('"invariant":"data"') })
  })

  test('may make a Date of a time that it is given', () => {
    given(open).when(act('readingTime')).commits({ version: 2 })
  })

  test('may do with its data what it likes: it is its own', () => {
    const { state } = given(open)
      .when(act('changing'))
      .commits({ data: JSON.stringify(data) })
    expect(state.resource('bank-1\u0000faulty/f')?.data).toBe(JSON.stringify(data))
  })

  test('that keeps `read` cannot look at a later state', () => {
    given(open).when(act('keeping')).commits({ version: 2 })
    given(open)
      .when(act('usingKept'))
      .rejects('DEAD_LETTERED', { message: expect.stringContaining('kept `read`') })
  })

  test('that says much is cut short', () => {
    const { events } = given(open).when(act('refusingAtLength')).rejects('GUARD_REFUSED')
    expect(JSON.stringify(events).length).toBeLessThan(5_000)
  })

  test('sees the switched-off clock, whatever stood there, and that comes back', () => {
    vi.useFakeTimers({ now: 42, toFake: ['Date'] })
    given(open)
      .when(act('readingClock'))
      .rejects('DEAD_LETTERED', { message: expect.stringContaining('Date.now()') })
    expect(Date.now()).toBe(42)
  })
})
