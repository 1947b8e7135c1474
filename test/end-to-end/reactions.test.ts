/** What a reaction throws or gives back that no intent can be: kept as a dead letter, everything else goes on, redriven by command. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '@signalbox/client'
import { contractSet, defineReaction, type FollowUp, FollowUpError, readFollowUps } from '@signalbox/contract'
import { createMemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import { type RunningSignalbox, startSignalbox } from '@signalbox/signalbox'
import pino from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { openCommands } from '../support/commands.ts'
import { root } from '../support/root.ts'
import { order, stock } from '../support/shop.ts'

const timeout = 60_000
const contracts = contractSet([order, stock])
let running: RunningSignalbox | undefined

afterEach(async () => {
  await running?.stop()
  running = undefined
})

const take = (scope = 'warehouse'): FollowUp => ({ scope, actions: [{ resource: 'stock/main', action: 'take' }] })

/** What plain JavaScript may give back. */
const wrong: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    'an error',
    () => {
      throw new Error('no way')
    },
    /^no way/,
  ],
  [
    'a text that is thrown',
    () => {
      throw 'no way'
    },
    /no error: no way/,
  ],
  [
    'an object that is thrown',
    () => {
      throw {
        toString() {
          throw new Error('worse')
        },
      }
    },
    /cannot be told/,
  ],
  ['nothing', () => undefined, /it is missing; give a list/],
  ['null', () => null, /it is null; give a list/],
  ['an object', () => ({ scope: 'a', actions: [] }), /it is an object; give a list/],
  ['a promise', async () => [], /it is a promise/],
  ['a text', () => 'warehouse', /give a list/],
  ['an element that is none', () => [undefined], /undefined, which JSON has no form for/],
  ['a misspelt key', () => [{ ...take(), notes: 'x' }], /\[0\]: there is no 'notes'; did you mean 'note'\?/],
  ['a misspelt key of an action', () => [{ scope: 'a', actions: [{ resource: 'stock/main', acton: 'take' }] }], /actions/],
  ['no scope', () => [{ actions: take().actions }], /\[0\]\.scope: it is missing/],
  ['an empty scope', () => [take('')], /\[0\]\.scope/],
  ['a scope that is too long', () => [take('x'.repeat(201))], /\[0\]\.scope: .*at most 200/],
  ['no actions', () => [{ scope: 'a', actions: [] }], /\[0\]\.actions: .*at least 1/],
  [
    'a date in the input',
    () => [{ scope: 'a', actions: [{ resource: 'a/b', action: 'c', input: { at: new Date() } }] }],
    /Date, which JSON has no form for/,
  ],
  ['a bigint', () => [{ scope: 'a', actions: [{ resource: 'a/b', action: 'c', input: { n: 1n } }] }], /bigint/],
  ['a fraction of a version', () => [{ scope: 'a', actions: [{ resource: 'a/b', action: 'c', expectedVersion: 1.5 }] }], /expectedVersion/],
  [
    'a getter that throws',
    () => [
      {
        get scope() {
          throw new Error('gone')
        },
      },
    ],
    /looking at it threw: gone/,
  ],
  [
    'a proxy that throws',
    () =>
      new Proxy([], {
        get() {
          throw new Error('trap')
        },
      }),
    /give a list/,
  ],
  [
    'a ring',
    () => {
      const ring: Record<string, unknown> = { scope: 'a' }
      ring.actions = [ring]
      return [ring]
    },
    / is \[0\] again/,
  ],
  ['ten thousand of them', () => Array.from({ length: 10_000 }, () => take()), /has 10000 follow-ups; give at most 256/],
  ['a note that is too long', () => [{ ...take(), note: 'x'.repeat(5_000) }], /\[0\]\.note/],
  [
    'one that is too large',
    () => [
      { scope: 'a', actions: Array.from({ length: 5 }, () => ({ resource: 'a/b', action: 'c', input: { text: 'x'.repeat(60_000) } })) },
    ],
    /bytes as JSON/,
  ],
]

describe('what a reaction gives back', { timeout }, () => {
  it('that is right is read as plain values, also from a getter', () => {
    let asked = 0
    const value = [
      {
        get scope() {
          asked++
          return 'warehouse'
        },
        actions: take().actions,
        note: undefined,
      },
    ]
    expect(readFollowUps(value)).toEqual([take()])
    expect(asked).toBe(1)
  })

  it('that is wrong ends nothing: each change is a dead letter of its own, others of the scope and other reactions go on', async () => {
    const store = new MemoryLogStore({ partitionCount: 2 })
    const start = async (mended: boolean) => {
      const log = createMemoryLog({ store })
      const reactions = [
        defineReaction({
          name: 'breaks',
          react: ({ action, resource }) => {
            const index = Number(resource.split('/')[1])
            return action === 'open' && index < wrong.length && !mended ? (wrong[index]![1]() as FollowUp[]) : []
          },
        }),
        defineReaction({ name: 'takes', react: ({ action }) => (action === 'open' ? [take()] : []) }),
      ]
      running = await startSignalbox({ log, contracts, reactions, logger: pino({ level: 'silent' }) })
      return log
    }
    const log = await start(false)
    const agent = connect({ coordinator: running!.gateway.desk, agent: 'clerk', waitMs: timeout })
    const left = async () => ((await agent.observe('warehouse', ['stock/main'])).resources[0]!.data as { left: number }).left
    await agent.propose({ scope: 'warehouse', resources: [] }, [{ resource: 'stock/main', action: 'keep', input: { left: 100 } }])
    for (let index = 0; index <= wrong.length; index++)
      await agent.propose({ scope: 'shop', resources: [] }, [{ resource: `order/${index}`, action: 'open', input: { cents: 1 } }])
    await vi.waitUntil(async () => (await left()) === 100 - wrong.length - 1, { timeout, interval: 20 })
    const letters = async () => {
      const all: { cause: string; resource: string }[] = []
      for (const partition of [0, 1]) {
        const cursor = await log.cursor({ topic: 'dead-letters.reactions', partition, fromOffset: 0 })
        for (const { value } of await cursor.next({ maxRecords: 1_000, maxBytes: 10_000_000, waitMs: 0 })) {
          const { cause, change } = JSON.parse(Buffer.from(value!).toString()) as { cause: string; change: { resource: string } }
          all.push({ cause, resource: change.resource })
        }
        await cursor.close()
      }
      return all.sort((a, b) => Number(a.resource.split('/')[1]) - Number(b.resource.split('/')[1]))
    }
    const kept = await letters()
    expect(kept.map(({ resource }) => resource)).toEqual(wrong.map((_, index) => `order/${index}`))
    for (const [index, [name, , cause]] of wrong.entries())
      expect(`${name}: ${kept[index]!.cause}`).toMatch(new RegExp(cause.source.replace(/^\^/, '')))
    const status = await running!.gateway.status()
    expect(status.deadLetters).toMatchObject({ reactions: wrong.length, ingest: 0 })
    await agent.close()
    await running!.stop()
    // Another start asks none of them again, and keeps none of them twice.
    const again = await start(false)
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect((await again.offsets('dead-letters.reactions', 0)).end + (await again.offsets('dead-letters.reactions', 1)).end).toBe(
      wrong.length,
    )
  })

  it('is redriven by command once it is mended, once only', async () => {
    const commands = await openCommands(join(root, 'test/end-to-end/reactions.config.ts'), undefined, { REACTION: 'broken' })
    try {
      const submit = async (scope: string, resource: string, action: string, input: object) => {
        const file = join(commands.directory, `${Math.random()}.json`)
        const id = (await import('@signalbox/client')).newIntentId()
        writeFileSync(file, JSON.stringify({ intentId: id, scope, agent: 'clerk', actions: [{ resource, action, input }] }))
        expect((await commands.run(['intent', 'submit', file, '--url', commands.url])).code).toBe(0)
      }
      await submit('warehouse', 'stock/main', 'keep', { left: 10 })
      await submit('shop', 'order/1', 'open', { cents: 1 })
      await submit('shop', 'order/2', 'open', { cents: 1 })
      const flags = ['--data-dir', 'data', '--config', join(root, 'test/end-to-end/reactions.config.ts'), '--url', commands.url, '--json']
      const list = async () => JSON.parse((await commands.run(['dead-letter', 'list', '--topic', 'reactions', ...flags])).stdout)
      await vi.waitUntil(async () => JSON.stringify(await list()).match(/reactions:\d:\d/g)?.length, { timeout, interval: 100 })
      const redrive = ['dead-letter', 'redrive', '--topic', 'reactions', '--yes', '--reason', 'mended', ...flags]
      const still = await commands.run(redrive)
      expect([still.code, /STILL_DEAD_LETTERED/.test(still.stdout)]).toEqual([5, true])
      commands.environment.REACTION = 'mended'
      const mended = await commands.run(redrive)
      expect([mended.code, mended.stdout.match(/"outcome": ?"committed"/g)?.length]).toEqual([0, 2])
      const shown = await commands.run(['resource', 'show', 'warehouse', 'stock/main', ...flags])
      expect(JSON.parse(shown.stdout).data.left).toBe(8)
      expect((await commands.run(redrive)).code).toBe(3)
    } finally {
      await commands.close()
    }
  })
})

it('every wrong value is refused by the reader itself', () => {
  for (const [name, give] of wrong.slice(3)) {
    if (name === 'one that is too large') continue
    const value = give()
    if (value instanceof Promise) void value.catch(() => {})
    expect(() => readFollowUps(value), name).toThrow(FollowUpError)
  }
})
