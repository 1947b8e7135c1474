import { describe, expect, it } from 'vitest'
import { readTime } from '../src/times.ts'

describe('a time', () => {
  it.each([
    ['2026-11-26T10:13:00Z', '2026-11-26T10:13:00.000Z'],
    ['2026-11-26t10:13:00z', '2026-11-26T10:13:00.000Z'],
    ['2026-11-26 10:13:00Z', '2026-11-26T10:13:00.000Z'],
    ['2026-11-26T10:13Z', '2026-11-26T10:13:00.000Z'],
    ['2026-11-26T10:13:00.5Z', '2026-11-26T10:13:00.500Z'],
    ['2026-11-26T10:13:00.123456789Z', '2026-11-26T10:13:00.123Z'],
    ['2026-11-26T10:13:00+01:00', '2026-11-26T09:13:00.000Z'],
    ['2026-11-26T10:13:00+0100', '2026-11-26T09:13:00.000Z'],
    ['2026-11-26T00:30:00-03:30', '2026-11-26T04:00:00.000Z'],
    ['2026-12-31T23:30:00-01:00', '2027-01-01T00:30:00.000Z'],
    ['2028-02-29T00:00:00Z', '2028-02-29T00:00:00.000Z'],
  ])('%s is %s', (text, time) => {
    expect(new Date(readTime(text)!).toISOString()).toBe(time)
  })

  it.each([
    ['2026-11-26T10:13:00', /has no zone/],
    ['2026-11-26 10:13', /has no zone/],
    ['2026-11-26', /is a day/],
    ['2026-11-31T00:00:00Z', /a day that there is not: 2026-11-31/],
    ['2026-02-29T00:00:00Z', /a day that there is not/],
    ['2026-13-01T00:00:00Z', /a day that there is not/],
    ['2026-00-10T00:00:00Z', /a day that there is not/],
    ['2026-11-26T25:00:00Z', /no hour of a day, which are 00 to 23; give/],
    ['2026-11-26T24:00:00Z', /the end of a day is 00:00 of the next; give/],
    ['2026-11-26T24:00Z', /the end of a day is 00:00 of the next/],
    ['2026-11-26T10:13:61Z', /no minute or second/],
    ['2026-11-26T10:60:00Z', /no minute or second, which are 00 to 59/],
    ['2026-12-31T23:59:60Z', /leap second/],
    ['2026-11-26T10:13:00+25:00', /zone/],
    ['2026-11-26T10:13:00+01:75', /zone/],
    ['2026-W48-4', /is no time/],
    ['2026-330', /is no time/],
    ['2026-11-26T10Z', /is no time/],
    ['+002026-11-26T10:13:00Z', /is no time/],
    ['2026-11-26T10:13:00Z[Europe/Berlin]', /is no time/],
    ['999999999999d', /100 years/],
  ])('%s is refused', (text, why) => {
    expect(() => readTime(text)).toThrow(why)
  })

  it.each(['15 m', '-15m', '1.5h', '15M', 'noon', '', '15'])('%j looks like none', (text) => {
    expect(readTime(text)).toBeNull()
  })

  it.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['3d', 259_200_000],
  ])('%s is so long ago', (text, ms) => {
    const before = Date.now()
    const read = readTime(text)!
    expect(read).toBeGreaterThanOrEqual(before - ms)
    expect(read).toBeLessThanOrEqual(Date.now() - ms)
  })
})
