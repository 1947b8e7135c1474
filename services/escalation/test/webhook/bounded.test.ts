import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { inTime } from '../../src/webhook/bounded.ts'
import { TestClock } from './test-clock.ts'

const boundMs = 9_999
const never = () => new Promise<never>(() => {})

describe('work with a bound', () => {
  it('settles as the work does, and leaves nothing behind', async () => {
    const clock = new TestClock([boundMs])
    const { signal } = new AbortController()
    expect(await inTime(clock, boundMs, signal, async () => 7)).toBe(7)
    await expect(inTime(clock, boundMs, signal, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect([clock.sleeping(boundMs), getEventListeners(signal, 'abort')]).toEqual([0, []])
  })

  it('is told when its time is up, and not waited for', async () => {
    const clock = new TestClock([boundMs])
    const { signal } = new AbortController()
    let told: AbortSignal | undefined
    const work = inTime(clock, boundMs, signal, (given) => {
      told = given
      return never()
    })
    await Promise.all([expect(work).rejects.toMatchObject({ name: 'TimeIsUp' }), clock.end(boundMs)])
    expect([told?.aborted, getEventListeners(signal, 'abort')]).toEqual([true, []])
  })

  it('ends with what it depends on, and does not begin after that', async () => {
    const clock = new TestClock([boundMs])
    const outer = new AbortController()
    const work = inTime(clock, boundMs, outer.signal, never)
    outer.abort(new Error('over'))
    await expect(work).rejects.toThrow('over')
    let begun = 0
    await expect(inTime(clock, boundMs, outer.signal, async () => begun++)).rejects.toThrow('over')
    expect([begun, clock.sleeping(boundMs)]).toEqual([0, 0])
  })
})
