/** Redrives on a real sequencer: once each, in their order, whatever dies, and not what must not be. */
import { contractSet, isOwnEvent } from '@signalbox/contract'
import type { RedriveResult } from '@signalbox/dead-letters'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { first } from './contracts.ts'
import { intent } from './intents.ts'
import { mortalDesk, World } from './world.ts'

const heavy = 2_000
const said = ({ results }: { readonly results: readonly RedriveResult[] }) =>
  results.map(({ code, id, outcome }) => `${id} ${outcome}${code === null ? '' : ` ${code}`}`)

/** How often each letter was decided anew. */
function decisionsOf(world: World): Map<string, number> {
  const counts = new Map<string, number>()
  for (const event of world.events()) {
    if ((event.type !== 'IntentCommitted' && event.type !== 'IntentRejected') || !isOwnEvent(event)) continue
    const id = /"note":"redriven from (\S+) by/.exec(event.payload.intent ?? '')?.[1]
    if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1)
  }
  return counts
}

describe('a redrive', () => {
  it('that dies at any call goes on where it was: each once, in the order of its scope', async () => {
    const crashes = fc.array(fc.record({ call: fc.integer({ min: 0, max: 14 }), after: fc.boolean() }), { maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(crashes, fc.integer({ min: 1, max: 3 }), async (deaths, lanesAtOnce) => {
        await using world = await World.open()
        await world.belt('north', [heavy, 1, heavy, heavy])
        await world.belt('south', [heavy, heavy])
        await world.mend()
        for (const death of deaths) await world.redrive({ desk: mortalDesk(world.desk, death), lanesAtOnce })
        const { error } = await world.redrive({ lanesAtOnce })
        expect(error).toBeNull()
        expect([...decisionsOf(world).values()]).toEqual([1, 1, 1, 1, 1])
        expect([world.passed('north'), world.passed('south')]).toEqual([
          [1, 0, 2, 3],
          [0, 1],
        ])
        const { all } = await world.letters()
        expect(all.map(({ standing }) => standing)).toEqual(
          Array(5).fill(expect.objectContaining({ state: 'redriven', outcome: expect.objectContaining({ outcome: 'committed' }) })),
        )
      }),
      { numRuns: 25 },
    )
  }, 120_000)

  it('by two at a time is still once each, in their order', async () => {
    await using world = await World.open()
    await world.belt('north', Array<number>(8).fill(heavy))
    await world.belt('south', Array<number>(8).fill(heavy))
    await world.mend()
    await Promise.all([world.redrive(), world.redrive({ by: 'human:bob' })])
    await world.redrive()
    expect([...decisionsOf(world).values()]).toEqual(Array(16).fill(1))
    expect(world.passed('north')).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(world.passed('south')).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
  })

  it('that is stopped ends what it has begun, and begins nothing more', async () => {
    await using world = await World.open()
    await world.belt('north', Array<number>(5).fill(heavy))
    await world.mend()
    const stop = new AbortController()
    const run = await world.redrive({ signal: stop.signal, done: ({ id }) => id === 'intents:0:1' && stop.abort() })
    expect(said(run).map((each) => each.split(' ')[1])).toEqual(['committed', 'committed', 'left', 'held-back', 'held-back'])
    expect(world.passed('north')).toEqual([0, 1])
  })

  it('at a rate takes its time', async () => {
    await using world = await World.open()
    await world.belt('north', Array<number>(5).fill(heavy))
    await world.mend()
    const waits: number[] = []
    let nowMs = 0
    const clock = {
      nowMs: () => nowMs,
      sleep: async (ms: number) => {
        waits.push(ms)
        nowMs += ms
      },
    }
    await world.redrive({ perSecond: 4, clock })
    expect(waits).toEqual([250, 250, 250, 250])
  })
})

describe('what fails', () => {
  async function failing(): Promise<World> {
    const world = await World.open()
    await world.send(intent('north', 'start', {}), 'north')
    const stale = { reads: [{ resource: 'belt/side', version: 0 }] }
    await world.send(intent('north', 'pass', { parcel: 0, pounds: heavy }, stale), 'north')
    await world.send(intent('north', 'pass', { parcel: 1, pounds: heavy }), 'north')
    await world.send({ ...intent('north', 'start', {}), actions: [{ resource: 'belt/side', action: 'start' }] }, 'north')
    await world.belt('south', [heavy])
    await world.mend()
    return world
  }

  it('holds back what was sent after it in its scope, and nothing else', async () => {
    await using world = await failing()
    const run = await world.redrive()
    expect(said(run).sort()).toEqual(['intents:0:0 rejected STALE_READ', 'intents:0:1 held-back', 'intents:0:2 committed'])
    expect(run.results.find(({ outcome }) => outcome === 'held-back')!.message).toContain(
      'intents:0:0, which was sent before it in scope north',
    )
  })

  it('does not, where that is said', async () => {
    await using world = await failing()
    expect(said(await world.redrive({ goOn: true })).sort()).toEqual([
      'intents:0:0 rejected STALE_READ',
      'intents:0:1 committed',
      'intents:0:2 committed',
    ])
  })
})

describe('what must not be done twice is blocked', () => {
  it('an intent that its agent has sent again with success', async () => {
    await using world = await World.open()
    const [asked] = await world.belt('north', [heavy])
    await world.mend()
    await world.send({ ...intent('north', 'pass', { parcel: 0, grams: 5 }), intentId: asked!.intentId }, 'north')
    expect(said(await world.redrive())).toEqual(['intents:0:0 blocked SENT_AGAIN'])
    expect(world.passed('north')).toEqual([0])
  })

  it('an intent of which there are two letters: the newest is redriven', async () => {
    await using world = await World.open()
    const [asked] = await world.belt('north', [heavy])
    await world.send({ ...intent('north', 'pass', { parcel: 7, pounds: heavy }), intentId: asked!.intentId }, 'north')
    await world.mend()
    expect(said(await world.redrive())).toEqual(['intents:0:0 blocked SAME_INTENT', 'intents:0:1 committed'])
    expect(said(await world.redrive({}, ['intents:0:0']))).toEqual(['intents:0:0 blocked SAME_INTENT'])
    expect(world.passed('north')).toEqual([7])
  })

  it('what is settled, what is no intent, what the contract still throws at', async () => {
    await using world = await World.open()
    await world.belt('north', [heavy])
    await world.send(Uint8Array.of(1, 2, 3), 'south')
    const contracts = contractSet([first])
    expect(said(await world.redrive({ contracts })).sort()).toEqual([
      'intents:0:0 blocked STILL_DEAD_LETTERED',
      'intents:0:1 blocked UNDECODABLE',
    ])
    await world.mend()
    await world.redrive({}, ['intents:0:0'])
    expect(said(await world.redrive({}, ['intents:0:0']))).toEqual(['intents:0:0 blocked SETTLED'])
  })
})
