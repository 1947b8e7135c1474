/** What the agent's SDK adds to a plain submission, in this process and over HTTP alike. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Agent, connect, NotReserved } from '@signalbox/client'
import type { Invalidation } from '@signalbox/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
const agents: Agent[] = []

beforeAll(async () => {
  shop = await openShop()
})

afterAll(async () => {
  await Promise.all(agents.map((agent) => agent.close()))
  await shop.close()
})

let scopes = 0
const nothing = (scope: string) => ({ scope, resources: [] })

describe.each([
  ['in process', (agent: string) => connect({ coordinator: shop.signalbox.gateway.desk, agent })],
  ['over HTTP', (agent: string) => connect({ url: shop.url, agent })],
] as const)('%s', (where, connectAs) => {
  const join = (agent: string): Agent => {
    const connected = connectAs(agent)
    if (where === 'over HTTP') agents.push(connected)
    return connected
  }
  const open = async (agent: Agent, cents = 500): Promise<string> => {
    const scope = `client ${scopes++}`
    expect((await agent.propose(nothing(scope), [{ resource: 'order/1', action: 'open', input: { cents } }])).committed).toBe(true)
    return scope
  }

  it('proposes again only when told to, with what was missed and how it is now', async () => {
    const clerk = join('clerk')
    const other = join('other')
    const scope = await open(clerk)
    const seen = await clerk.observe(scope, ['order/1'])
    await other.propose(await other.observe(scope, ['order/1']), [{ resource: 'order/1', action: 'annotate', input: { note: 'first' } }])
    const action = { resource: 'order/1', action: 'annotate', input: { note: 'second' } }
    expect(await clerk.propose(seen, [action])).toMatchObject({ committed: false, code: 'STALE_VERSION' })
    const asked: unknown[] = []
    const decision = await clerk.propose(seen, [action], {
      retry: {
        attempts: 3,
        again: ({ missed, seen: now }) => {
          asked.push({ missed: missed.map(({ agent }) => agent), note: now.get('order/1').data?.note })
          return [{ ...action, input: { note: `${now.get('order/1').data?.note} and second` } }]
        },
      },
    })
    expect(asked).toEqual([{ missed: ['other'], note: 'first' }])
    expect(decision).toMatchObject({ committed: true, changes: [{ data: { note: 'first and second' } }] })
    const letBe = await clerk.propose(seen, [action], { retry: { attempts: 3, again: () => null } })
    expect(letBe).toMatchObject({ committed: false, code: 'STALE_VERSION' })
  })

  it('is told what moves of that which it has seen, and what has moved already', async () => {
    const clerk = join('clerk')
    const other = join('other')
    const scope = await open(clerk)
    const seen = await clerk.observe(scope, ['order/1', 'order/2'])
    await other.propose(await other.observe(scope, ['order/1']), [{ resource: 'order/1', action: 'annotate', input: { note: 'early' } }])
    const stop = new AbortController()
    const told: Invalidation[] = []
    const watching = (async () => {
      for await (const moved of clerk.watch(seen, { signal: stop.signal })) told.push(moved)
    })()
    await expect.poll(() => told.length, { timeout: 5_000 }).toBe(1)
    expect(told[0]).toMatchObject({ resource: 'order/1', from: 1, version: 2, movedBy: { agent: 'other', action: 'annotate' } })
    await other.propose(nothing(scope), [{ resource: 'order/2', action: 'open', input: { cents: 7 } }])
    // Nothing that it has not seen.
    await other.propose(nothing(scope), [{ resource: 'order/3', action: 'open', input: { cents: 7 } }])
    await expect.poll(() => told.length, { timeout: 5_000 }).toBe(2)
    expect(told[1]).toMatchObject({ resource: 'order/2', from: 0, version: 1, state: 'open' })
    stop.abort()
    await watching
    expect(told).toHaveLength(2)
  })

  it('holds what it thinks about, and others wait for it', async () => {
    const clerk = join('clerk')
    const other = join('other')
    const scope = await open(clerk)
    const lease = await clerk.reserve(scope, ['order/1'], { forMs: 60_000 })
    await expect(other.reserve(scope, ['order/1'], { forMs: 60_000 })).rejects.toThrow(NotReserved)
    const mine = [{ resource: 'order/1', action: 'annotate', input: { note: 'mine' } }]
    expect(await other.propose(await other.observe(scope, ['order/1']), mine)).toMatchObject({ code: 'RESERVED' })
    const seen = await clerk.observe(scope, ['order/1'])
    expect(await clerk.propose(seen, mine, { reservation: lease.id })).toMatchObject({ committed: true })
    expect((await lease.renew(30_000)).committed).toBe(true)
    const waiting = other.reserve(scope, ['order/1'], { forMs: 1_000, wait: true, waitMs: 10_000 })
    await expect
      .poll(() => shop.signalbox.gateway.readModel.state(0).coordination.pending.waitersFor(scope, 'reservation/order/1').length)
      .toBe(1)
    expect((await lease.release()).committed).toBe(true)
    const next = await waiting
    expect(next.tokens.get('order/1')).toBeGreaterThan(lease.tokens.get('order/1')!)
  })

  it('is told that an intent is pending when it asks again, whatever else came under its id', async () => {
    const clerk = join('clerk')
    const scope = await open(clerk, 1)
    await clerk.propose(nothing(scope), [{ resource: 'stock/s', action: 'keep', input: { left: 0 } }])
    const asked = clerk.intent(nothing(scope), [{ resource: 'stock/s', action: 'take' }], { onConflict: 'wait' })
    const pending = { committed: false, pending: { reason: 'waiting' } }
    expect(await clerk.submit(asked, { waitMs: 500 })).toMatchObject(pending)
    expect(await clerk.submit({ ...asked, note: 'another body' })).toMatchObject({ code: 'INTENT_ID_REUSED' })
    expect(await clerk.submit(asked, { waitMs: 500 })).toMatchObject({ ...pending, duplicate: true })
    expect((await clerk.withdraw(scope, asked.intentId)).committed).toBe(true)
  })

  it('takes back what is pending, and learns what became of it', async () => {
    const clerk = join('clerk')
    const scope = await open(clerk, 1)
    await clerk.propose(nothing(scope), [{ resource: 'stock/s', action: 'keep', input: { left: 0 } }])
    const wait = { onConflict: 'wait', waitMs: 0 } as const
    const asked = clerk.intent(nothing(scope), [{ resource: 'stock/s', action: 'take' }], wait)
    const pending = await clerk.submit(asked, { waitMs: 500 })
    expect(pending).toMatchObject({ committed: false, code: 'INVARIANT_VIOLATED', pending: { reason: 'waiting' } })
    const settled = clerk.decision(asked.intentId, { waitMs: 10_000 })
    await sleep(20)
    expect((await clerk.withdraw(scope, asked.intentId, 'no longer wanted')).committed).toBe(true)
    expect(await settled).toMatchObject({ committed: false, code: 'WITHDRAWN', pending: null })
  })
})
