/** Order, bounds, dead letters and the end. */
import { once } from 'node:events'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import type { DeadLetterCause, Notification, Settlement } from '../../src/index.ts'
import { Desk, notificationOf, stopMs, targetOf, timeoutMs, writeTimeoutMs } from './desk.ts'
import { type Answerer, oneAfterTheOther, type Received, Receiver, status } from './receiver.ts'
import { waiting } from './test-clock.ts'

const kinds = (settlements: readonly Settlement[]) =>
  settlements.map((settlement) => (settlement.kind === 'dead-lettered' ? settlement.cause.code : settlement.kind))
const idOf = ({ headers }: Received) => headers['webhook-id'] as string
const inGroup = (group: number, index: number) => notificationOf(`group-${group}-${index}`, { group: `group-${group}` })

/** Answers when it is told to. */
class Holding {
  readonly held: Received[] = []
  readonly answer: Answerer = (received) => void this.held.push(received)

  async count(count: number): Promise<void> {
    await vi.waitFor(() => expect(this.held).toHaveLength(count), waiting)
  }

  release(code = 200): void {
    for (const { response } of this.held.splice(0)) response.writeHead(code).end()
  }
}

describe('within a group', () => {
  it('nothing overtakes, whatever fails: every attempt for one comes before any for the next', async () => {
    const outcomes = fc.record({ group: fc.nat({ max: 3 }), failures: fc.nat({ max: 3 }), last: fc.constantFrom(200, 200, 400) })
    await fc.assert(
      fc.asyncProperty(fc.array(outcomes, { minLength: 1, maxLength: 14 }), fc.integer({ min: 1, max: 4 }), async (plan, concurrency) => {
        const tried = new Map<string, number>()
        const answer: Answerer = (received) => {
          const id = idOf(received)
          const before = tried.get(id) ?? 0
          tried.set(id, before + 1)
          const { failures, last } = plan[Number(id.split('-')[2])]!
          if (before >= failures) received.response.writeHead(last).end()
          else if (before === 1) received.socket.resetAndDestroy()
          else received.response.writeHead(503).end()
        }
        await using receiver = await Receiver.open(answer)
        await using desk = new Desk([targetOf(receiver, { concurrency })])
        const settled = await Promise.all(plan.map(({ group }, index) => desk.delivery.notify(inGroup(group, index))))
        expect(settled.flatMap(kinds)).toEqual(plan.map(({ last }) => (last === 200 ? 'delivered' : 'REFUSED')))
        for (const group of [0, 1, 2, 3]) {
          const expected = plan.flatMap((one, index) =>
            one.group === group ? Array.from({ length: one.failures + 1 }, () => `group-${group}-${index}`) : [],
          )
          expect(receiver.received.map(idOf).filter((id) => id.startsWith(`group-${group}-`))).toEqual(expected)
        }
        expect(desk.delivery.queueLength).toBe(0)
      }),
      { numRuns: 40 },
    )
  })

  it('what was resolved waits for its trigger, while other groups go on', async () => {
    const byGroup: Answerer = (received) => received.response.writeHead(idOf(received) === 'group-1-0' && isDown ? 503 : 200).end()
    let isDown = true
    await using receiver = await Receiver.open(byGroup)
    await using desk = new Desk([targetOf(receiver)], { held: [750] })
    const triggered = desk.delivery.notify(inGroup(1, 0))
    await vi.waitFor(() => expect(desk.clock.sleeping(750)).toBe(1), waiting)
    const resolved = desk.delivery.notify({ ...inGroup(1, 1), type: 'escalation.resolved' })
    expect(kinds(await desk.delivery.notify(inGroup(2, 0)))).toEqual(['delivered'])
    expect(receiver.received.map(idOf)).toEqual(['group-1-0', 'group-2-0'])
    isDown = false
    await desk.clock.end(750)
    expect([kinds(await triggered), kinds(await resolved)]).toEqual([['delivered'], ['delivered']])
    expect(receiver.received.map(idOf)).toEqual(['group-1-0', 'group-2-0', 'group-1-0', 'group-1-1'])
  })
})

describe('a queue', () => {
  it('has as many requests on their way as it may and no more, and forgets none that waits', async () => {
    const holding = new Holding()
    await using receiver = await Receiver.open(holding.answer)
    await using desk = new Desk([targetOf(receiver, { concurrency: 3 })])
    const settled = Array.from({ length: 15 }, (_, group) => desk.delivery.notify(inGroup(group, 0)))
    for (let round = 0; round < 10; round++) {
      await holding.count(3)
      for (let more = 0; round < 5 && more < 3; more++) settled.push(desk.delivery.notify(inGroup(100 + settled.length, 0)))
      await new Promise((resolve) => setImmediate(resolve))
      // Each attempt has a timeout of its own.
      expect(desk.clock.sleeping(timeoutMs)).toBe(3)
      holding.release()
    }
    expect((await Promise.all(settled)).flatMap(kinds)).toEqual(Array.from({ length: 30 }, () => 'delivered'))
  })

  it('may have many groups that wait for their next attempt, without a warning of the host', async () => {
    const warnings: string[] = []
    const warn = ({ message }: Error) => void warnings.push(message)
    process.on('warning', warn)
    let isDown = true
    await using receiver = await Receiver.open(({ response }) => response.writeHead(isDown ? 503 : 200).end())
    await using desk = new Desk([targetOf(receiver, { concurrency: 20 })], { held: [750] })
    const settled = Promise.all(Array.from({ length: 60 }, (_, group) => desk.delivery.notify(inGroup(group, 0))))
    await vi.waitFor(() => expect(desk.clock.sleeping(750)).toBe(60), waiting)
    isDown = false
    await desk.clock.end(750)
    expect((await settled).flatMap(kinds)).toEqual(Array.from({ length: 60 }, () => 'delivered'))
    process.off('warning', warn)
    expect(warnings).toEqual([])
  })

  it('that is full makes dead letters of what more comes, and takes again when it has room', async () => {
    const holding = new Holding()
    await using receiver = await Receiver.open(holding.answer)
    await using desk = new Desk([targetOf(receiver, { queueLimit: 3, concurrency: 1 })])
    const taken = [0, 1, 2].map((group) => desk.delivery.notify(inGroup(group, 0)))
    await holding.count(1)
    expect(await desk.metric('signalbox_webhook_queue_length{target="pager"}')).toBe(3)
    expect(await desk.delivery.notify(inGroup(3, 0))).toMatchObject([{ kind: 'dead-lettered', cause: { code: 'QUEUE_FULL', attempts: 0 } }])
    for (const one of taken) {
      await holding.count(1)
      holding.release()
      expect(kinds(await one)).toEqual(['delivered'])
    }
    const next = desk.delivery.notify(inGroup(4, 0))
    await holding.count(1)
    holding.release()
    expect(kinds(await next)).toEqual(['delivered'])
    expect(desk.dead.map(({ notification }) => notification.id)).toEqual(['group-3-0'])
  })

  it('of one target does not wait for another', async () => {
    await using down = await Receiver.open(status(503))
    await using up = await Receiver.open(status(200))
    await using desk = new Desk([targetOf(down, { name: 'down' }), targetOf(up, { name: 'up' })], { held: [750] })
    void desk.delivery.notify(inGroup(1, 0), ['down'])
    await vi.waitFor(() => expect(desk.clock.sleeping(750)).toBe(1), waiting)
    expect(kinds(await desk.delivery.notify(inGroup(1, 1), ['up']))).toEqual(['delivered'])
  })
})

describe('a dead letter', () => {
  it('is written again until it is, and its group waits for that', async () => {
    const written: DeadLetterCause[] = []
    let isAway = true
    const deadLetter = async (_notification: Notification, cause: DeadLetterCause) => {
      if (isAway) throw new Error('the log is away')
      written.push(cause)
    }
    await using receiver = await Receiver.open(oneAfterTheOther(status(400), status(200)))
    await using desk = new Desk([targetOf(receiver)], { deadLetters: { deadLetter }, held: [400] })
    const first = desk.delivery.notify(inGroup(1, 0))
    const second = desk.delivery.notify(inGroup(1, 1))
    await vi.waitFor(() => expect(desk.clock.sleeping(400)).toBe(1), waiting)
    expect([desk.clock.slept, receiver.received.length]).toEqual([[100, 200], 1])
    isAway = false
    await desk.clock.end(400)
    expect([kinds(await first), kinds(await second)]).toEqual([['REFUSED'], ['delivered']])
    expect(written).toHaveLength(1)
    expect(desk.logged.filter((line) => line.includes('the log is away'))).toHaveLength(3)
  })

  it('that takes too long is written again', async () => {
    let asked = 0
    const deadLetter = () => (asked++ === 0 ? new Promise<void>(() => {}) : Promise.resolve())
    await using receiver = await Receiver.open(status(400))
    await using desk = new Desk([targetOf(receiver)], { deadLetters: { deadLetter } })
    const settled = desk.delivery.notify(inGroup(1, 0))
    await desk.clock.end(writeTimeoutMs)
    expect([kinds(await settled), asked]).toEqual([['REFUSED'], 2])
  })

  it('that is given again while it is being written is written once', async () => {
    const held: (() => void)[] = []
    const deadLetter = () => new Promise<void>((resolve) => void held.push(resolve))
    await using desk = new Desk([], { deadLetters: { deadLetter } })
    const both = [desk.delivery.notify(inGroup(1, 0), ['nobody']), desk.delivery.notify(inGroup(1, 0), ['nobody', 'no-one'])]
    expect(held).toHaveLength(2)
    for (const write of held) write()
    expect((await Promise.all(both)).flatMap(kinds)).toEqual(['UNKNOWN_TARGET', 'UNKNOWN_TARGET', 'UNKNOWN_TARGET'])
    expect(held).toHaveLength(2)
  })

  it('is handed back where as many as may wait to be written do so already', async () => {
    const held: (() => void)[] = []
    const deadLetter = () => new Promise<void>((resolve) => void held.push(resolve))
    const holding = new Holding()
    await using receiver = await Receiver.open(holding.answer)
    await using desk = new Desk([targetOf(receiver, { queueLimit: 1 })], { deadLetters: { deadLetter } })
    const queued = desk.delivery.notify(inGroup(0, 0))
    const buried = desk.delivery.notify(inGroup(1, 0))
    const again = desk.delivery.notify(inGroup(1, 0))
    const notification = inGroup(2, 0)
    expect(await desk.delivery.notify(notification)).toEqual([
      { kind: 'handed-back', target: 'pager', notification, attempts: 0, reason: 'DEAD_LETTERS_FULL' },
    ])
    await holding.count(1)
    holding.release()
    for (const write of held) write()
    expect([kinds(await queued), kinds(await buried), kinds(await again)]).toEqual([['delivered'], ['QUEUE_FULL'], ['QUEUE_FULL']])
    expect(held).toHaveLength(1)
  })
})

describe('a stop', () => {
  it('lets what is on its way arrive, and hands the rest back', async () => {
    const holding = new Holding()
    await using receiver = await Receiver.open(holding.answer)
    await using desk = new Desk([targetOf(receiver, { concurrency: 1 })])
    const onItsWay = desk.delivery.notify(inGroup(1, 0))
    const behind = desk.delivery.notify(inGroup(1, 1))
    const elsewhere = desk.delivery.notify(inGroup(2, 0))
    await holding.count(1)
    const stopped = desk.delivery.stop(stopMs)
    expect(kinds(await desk.delivery.notify(inGroup(3, 0), ['pager', 'nobody']))).toEqual(['handed-back', 'handed-back'])
    holding.release()
    await stopped
    expect(kinds(await onItsWay)).toEqual(['delivered'])
    for (const [settled, notification] of [
      [await behind, inGroup(1, 1)],
      [await elsewhere, inGroup(2, 0)],
    ] as const)
      expect(settled).toEqual([{ kind: 'handed-back', target: 'pager', notification, attempts: 0, reason: 'STOPPED' }])
    expect([receiver.received.length, desk.delivery.queueLength, desk.dead]).toEqual([1, 0, []])
  })

  it('cuts off what does not end within the bound, and says that it may have arrived', async () => {
    const holding = new Holding()
    await using receiver = await Receiver.open(holding.answer)
    await using desk = new Desk([targetOf(receiver)])
    const settled = desk.delivery.notify(inGroup(1, 0))
    await holding.count(1)
    const closed = once(holding.held[0]!.socket, 'close')
    const stopped = desk.delivery.stop(stopMs)
    await desk.clock.end(stopMs)
    await stopped
    expect(await settled).toMatchObject([{ kind: 'handed-back', attempts: 1, reason: 'STOPPED' }])
    await closed
  })

  it('waits neither for the next attempt nor for what the receiver asked for', async () => {
    await using receiver = await Receiver.open(status(503, { 'retry-after': '500' }))
    await using desk = new Desk([targetOf(receiver)], { held: [500_000] })
    const waits = desk.delivery.notify(inGroup(1, 0))
    await vi.waitFor(() => expect(desk.clock.sleeping(500_000)).toBe(2), waiting)
    const paused = desk.delivery.notify(inGroup(2, 0))
    await desk.delivery.stop(stopMs)
    expect([await waits, await paused]).toMatchObject([[{ kind: 'handed-back', attempts: 1 }], [{ kind: 'handed-back', attempts: 0 }]])
    expect([desk.clock.sleeping(500_000), desk.clock.sleeping(stopMs), receiver.received.length]).toEqual([0, 0, 1])
  })

  it('still writes the dead letter of what ends while it waits', async () => {
    const holding = new Holding()
    await using receiver = await Receiver.open(holding.answer)
    await using desk = new Desk([targetOf(receiver)])
    const settled = desk.delivery.notify(inGroup(1, 0))
    await holding.count(1)
    const stopped = desk.delivery.stop(stopMs)
    holding.release(400)
    await stopped
    expect([kinds(await settled), desk.dead.length]).toEqual([['REFUSED'], 1])
  })

  it.each([
    ['never ends', () => new Promise<void>(() => {})],
    ['fails', () => Promise.reject(new Error('the log is away'))],
  ])('does not wait for ever for a dead letter whose writing %s: it is handed back', async (_what, deadLetter) => {
    await using receiver = await Receiver.open(status(400))
    await using desk = new Desk([targetOf(receiver)], { deadLetters: { deadLetter }, held: [100] })
    const settled = [desk.delivery.notify(inGroup(1, 0)), desk.delivery.notify(inGroup(2, 0), ['nobody'])]
    await vi.waitFor(() => expect(desk.clock.sleeping(writeTimeoutMs) + desk.clock.sleeping(100)).toBe(2), waiting)
    const stopped = desk.delivery.stop(stopMs)
    expect(desk.delivery.stop(stopMs)).toBe(stopped)
    if (desk.clock.sleeping(writeTimeoutMs) > 0) await desk.clock.end(stopMs)
    await stopped
    expect((await Promise.all(settled)).flatMap(kinds)).toEqual(['handed-back', 'handed-back'])
    expect(desk.clock.sleeping(writeTimeoutMs)).toBe(0)
  })
})
