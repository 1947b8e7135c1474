import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs, retryAfterLimitMs, retryAfterMs } from '../../src/webhook/backoff.ts'

describe('the wait before the next attempt', () => {
  it('doubles from a second to five minutes', () => {
    expect([1, 2, 3, 4, 9, 10, 50, 5_000].map((attempts) => backoffMs(attempts, 0))).toEqual([
      1_000, 2_000, 4_000, 8_000, 256_000, 300_000, 300_000, 300_000,
    ])
  })

  it('is never less than half of that, nor more than all of it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempts, draw) => {
        const fullMs = backoffMs(attempts, 0)
        expect(backoffMs(attempts, draw)).toBeGreaterThanOrEqual(Math.floor(fullMs / 2))
        expect(backoffMs(attempts, draw)).toBeLessThanOrEqual(fullMs)
      }),
    )
  })
})

describe('Retry-After', () => {
  const nowMs = Date.UTC(2030, 0, 1)

  it.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['9999999999', retryAfterLimitMs],
    ['Tue, 01 Jan 2030 00:00:30 GMT', 30_000],
    ['Mon, 31 Dec 2029 23:00:00 GMT', 0],
    ['Tue, 01 Jan 2031 00:00:00 GMT', retryAfterLimitMs],
    ['Tue, 99 Foo 2031 00:00:00 GMT', null],
    ['-5', null],
    ['1.5', null],
    ['soon', null],
    ['', null],
    [undefined, null],
  ])('%j is %j ms', (header, ms) => {
    expect(retryAfterMs(header, nowMs)).toBe(ms)
  })

  it('is bounded, whatever a receiver says', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const ms = retryAfterMs(header, nowMs)
        if (ms !== null) expect(ms >= 0 && ms <= retryAfterLimitMs).toBe(true)
      }),
    )
  })
})
