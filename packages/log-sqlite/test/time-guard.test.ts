import { openSqliteLog } from '@signalbox/log-sqlite'
import { describe, expect, it } from 'vitest'
import { TimeGuard } from '../src/time-guard.ts'
import { failureOf, readAll, record, temporaryDirectory } from './support.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

class FakeClocks {
  #wall = 1_800_000_000_000
  #monotonic = 5
  #uptime = 9_000
  wallMs = () => this.#wall
  monotonicMs = () => this.#monotonic
  uptimeMs = () => this.#uptime
  pass(ms: number): void {
    this.#wall += ms
    this.#monotonic += ms
    this.#uptime += ms
  }
  set(byMs: number): void {
    this.#wall += byMs
  }
  sleep(ms: number): void {
    this.#wall += ms
    this.#uptime += ms
  }
}

describe('the time of records', () => {
  it.each<readonly [string, (clocks: FakeClocks) => void, boolean]>([
    ['goes on', (clocks) => clocks.pass(48 * hourMs), true],
    ['set forward by a minute', (clocks) => clocks.set(minuteMs), true],
    ['set forward by an hour', (clocks) => clocks.set(hourMs), false],
    ['set forward by two days', (clocks) => clocks.set(48 * hourMs), false],
    ['set forward by an hour, and time passes', (clocks) => [clocks.set(hourMs), clocks.pass(hourMs)], false],
    ['set back by two days', (clocks) => clocks.set(-48 * hourMs), true],
    ['set back, and forward to where it was', (clocks) => [clocks.set(-minuteMs), clocks.set(minuteMs)], true],
    ['the machine slept', (clocks) => clocks.sleep(9 * hourMs), true],
    ['the machine slept, and the clock was set meanwhile', (clocks) => [clocks.sleep(hourMs), clocks.set(hourMs)], false],
    ['set forward and set right again', (clocks) => [clocks.set(48 * hourMs), clocks.pass(1_000), clocks.set(-48 * hourMs)], true],
  ])('%s', (_, change, isTaken) => {
    const clocks = new FakeClocks()
    const guard = new TimeGuard(clocks)
    clocks.pass(minuteMs)
    guard.nowMs()
    change(clocks)
    if (isTaken) expect(guard.nowMs()).toBe(clocks.wallMs())
    else expect(() => guard.nowMs()).toThrow(/jumped forward by \d+ s.*Set it right/)
    expect(guard.trouble() === null).toBe(isTaken)
  })

  it('is let drift for months', () => {
    const clocks = new FakeClocks()
    const guard = new TimeGuard(clocks)
    for (let day = 0; day < 400; day++) {
      clocks.pass(24 * hourMs)
      clocks.set(10_000)
      expect(guard.nowMs()).toBe(clocks.wallMs())
    }
  })

  it('that jumped is appended to no log, and all goes on when it is set right', async () => {
    const clocks = new FakeClocks()
    const log = await openSqliteLog({ directory: await temporaryDirectory(), clocks })
    const { timestampMs } = await log.append(0, record('before'))
    clocks.set(48 * hourMs)
    expect(await failureOf(log.append(0, record('jumped')))).toMatchObject({
      code: 'TRANSIENT',
      message: expect.stringContaining('172800 s'),
    })
    expect(log.trouble?.()).toContain('jumped forward')
    clocks.set(-48 * hourMs)
    clocks.pass(1_000)
    await log.append(0, record('after'))
    expect(log.trouble?.()).toBeNull()
    expect((await readAll(log, 'intents')).map((each) => each.timestampMs - timestampMs)).toEqual([0, 1_000])
    await log.close()
  })
})
