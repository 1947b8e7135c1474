import { deepEqual, equal, ok } from 'node:assert/strict'
import type { ConformanceCase } from './case.ts'
import { batch, begun, generationOfTwo, liveRows, offsetsOf, owner, parked, projection, put, refused } from './support.ts'

export const ownershipCases: readonly ConformanceCase[] = [
  {
    name: 'a projection has one owner at a time, each version its own, and the next one comes later',
    async run({ reopen, store }) {
      const first = await owner(store)
      const other = await reopen()
      equal(await store.own(projection, 1), null)
      equal(await other.own(projection, 1), null)
      const ofVersion = await owner(other, 2)
      await first.close()
      const second = await owner(other)
      ok(second.epoch > first.epoch)
      await second.close()
      await ofVersion.close()
    },
  },
  {
    name: 'an owner that was overtaken without knowing changes nothing any more',
    async run({ overtake, store }) {
      const { generation, writer } = await begun(store)
      const { generation: number } = generation
      await writer.commit(batch(number, 0, 5, { mutations: [put('a', '{}')], parked: [parked('k', 1)] }))
      const next = await writer.createGeneration(generationOfTwo)
      await writer.commit(batch(next.generation, 0, 5))
      await overtake(projection, 1)
      await refused('FENCED', writer.commit(batch(number, 5, 9, { mutations: [put('b', '{}')] })))
      await refused('FENCED', writer.release({ generation: number, key: 'k', sequences: [1], mutations: [put('b', '{}')], failure: null }))
      await refused('FENCED', writer.swap(next.generation))
      await refused('FENCED', writer.drop(next.generation))
      await refused('FENCED', writer.createGeneration(generationOfTwo))
      await refused('FENCED', writer.reacted(0, 99))
      deepEqual(await liveRows(store), { shelf: { a: '{}' }, total: {} })
      deepEqual(await offsetsOf(store), [5, 0])
      const stored = await store.projection(projection)
      deepEqual([stored?.live, stored?.generations.length, stored?.reactions], [number, 2, [7, 8]])
    },
  },
  {
    name: 'who comes next finds everything as it was left',
    async run({ reopen, store }) {
      const { generation, writer } = await begun(store)
      const { generation: number } = generation
      await writer.commit(
        batch(number, 0, 5, { mutations: [put('a', '{"left":1}')], parked: [parked('k', 1), parked('k', 2, { behind: '0/1/0' })] }),
      )
      await writer.reacted(1, 4)
      await writer.close()
      const other = await reopen()
      const next = await owner(other)
      deepEqual(await liveRows(other), { shelf: { a: '{"left":1}' }, total: {} })
      deepEqual(Object.fromEntries(await next.parkedKeys(number)), { k: { first: '0/1/0', count: 2 } })
      deepEqual((await other.projection(projection))?.reactions, [7, 4])
      await next.commit(batch(number, 5, 6))
      deepEqual(await offsetsOf(other), [6, 0])
      await next.close()
    },
  },
  {
    name: 'what is asked reaches the owner and its answer whoever asked',
    async run({ reopen, store }) {
      const { writer } = await begun(store)
      const other = await reopen()
      const rebuild = await other.ask(projection, 'rebuild', null)
      const retry = await other.ask(projection, 'retry', 'k')
      await other.ask('another', 'rebuild', null)
      deepEqual(
        (await store.open(projection)).map(({ argument, kind, state }) => [kind, argument, state]),
        [
          ['rebuild', null, 'asked'],
          ['retry', 'k', 'asked'],
        ],
      )
      await writer.settle(rebuild, 'running', '10 %')
      await writer.settle(retry, 'failed', 'no')
      deepEqual(
        (await store.open(projection)).map(({ id }) => id),
        [rebuild],
      )
      deepEqual([(await other.request(rebuild))?.message, (await other.request(retry))?.state], ['10 %', 'failed'])
    },
  },
]
