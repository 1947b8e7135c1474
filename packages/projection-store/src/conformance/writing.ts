import { deepEqual, equal, rejects } from 'node:assert/strict'
import type { ConformanceCase } from './case.ts'
import { batch, begun, liveRows, offsetsOf, parked, projection, put, refused } from './support.ts'

export const writingCases: readonly ConformanceCase[] = [
  {
    name: 'a batch brings rows, position and parked events together',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      await writer.commit(
        batch(generation.generation, 0, 5, {
          mutations: [put('a', '{"left":1}'), put('all', '{"count":1}', 'total')],
          parked: [parked('k', 3)],
        }),
      )
      deepEqual(await liveRows(store), { shelf: { a: '{"left":1}' }, total: { all: '{"count":1}' } })
      const stored = await store.projection(projection)
      deepEqual(stored?.generations[0]?.positions, [
        { logOffset: 5, chainOffset: 5, link: 'link-5' },
        { logOffset: 0, chainOffset: 0, link: null },
      ])
      equal(stored?.generations[0]?.parkedCount, 1)
    },
  },
  {
    name: 'a batch that fails in its last row leaves everything as it was',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      const failing = [put('a', '{"left":1}'), put('b', '{"left":1}', 'no-such-table')]
      await rejects(writer.commit(batch(generation.generation, 0, 5, { mutations: failing, parked: [parked('k', 3)] })))
      deepEqual(await liveRows(store), { shelf: {}, total: {} })
      deepEqual(await offsetsOf(store), [0, 0])
      equal((await store.projection(projection))?.generations[0]?.parkedCount, 0)
      // And the owner may go on.
      await writer.commit(batch(generation.generation, 0, 5, { mutations: [put('a', '{"left":2}')] }))
      deepEqual(await offsetsOf(store), [5, 0])
    },
  },
  {
    name: 'a batch from another position is refused, and changes nothing',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      await writer.commit(batch(generation.generation, 0, 5))
      for (const from of [0, 4, 6])
        await refused('CORRUPT', writer.commit(batch(generation.generation, from, 9, { mutations: [put('a', '{}')] })))
      deepEqual(await offsetsOf(store), [5, 0])
      deepEqual(await liveRows(store), { shelf: {}, total: {} })
    },
  },
  {
    name: 'the last of several changes of a row counts, and a deleted one is gone',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      await writer.commit(batch(generation.generation, 0, 1, { mutations: [put('a', '{"left":1}'), put('b', '{}')] }))
      await writer.commit(
        batch(generation.generation, 1, 2, { mutations: [put('a', '{"left":2}'), { table: 'shelf', key: 'b', text: null }] }),
      )
      deepEqual(await liveRows(store), { shelf: { a: '{"left":2}' }, total: {} })
      deepEqual([...(await writer.load(generation.generation, 'shelf', ['a', 'b', 'c']))], [['a', '{"left":2}']])
    },
  },
  {
    name: 'rows come back as they were written, to the last character',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      const texts = ['{"a":"\\u0000 \\" \\\\ \u{1f600} é"}', '{"n":1.5e-7,"z":-0.1}', `{"long":"${'x'.repeat(100_000)}"}`, '{}']
      await writer.commit(batch(generation.generation, 0, 1, { mutations: texts.map((text, index) => put(`k${index}`, text)) }))
      deepEqual(await liveRows(store), { shelf: Object.fromEntries(texts.map((text, index) => [`k${index}`, text])), total: {} })
    },
  },
  {
    name: 'parked events stay in their order, whole, and are released one by one',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      const { generation: number } = generation
      await writer.commit(batch(number, 0, 5, { parked: [parked('k', 1), parked('other', 2), parked('k', 3, { behind: '0/1/0' })] }))
      await writer.commit(batch(number, 5, 9, { parked: [parked('k', 7, { behind: '0/1/0' })] }))
      const of = (key?: string) =>
        store.snapshot(projection, null, (snapshot) => snapshot.parked({ limit: 10, ...(key === undefined ? {} : { key }) }))
      deepEqual(
        (await of('k')).map(({ behind, event, logOffset }) => [logOffset, behind, event.offset]),
        [
          [1, null, 1],
          [3, '0/1/0', 3],
          [7, '0/1/0', 7],
        ],
      )
      deepEqual(Object.fromEntries(await writer.parkedKeys(number)), {
        k: { first: '0/1/0', count: 3 },
        other: { first: '0/2/0', count: 1 },
      })
      const [first, second] = await of('k')
      await writer.release({
        generation: number,
        key: 'k',
        sequences: [first!.sequence],
        mutations: [put('a', '{}')],
        failure: { sequence: second!.sequence, cause: 'again', stack: null },
      })
      deepEqual((await of('k')).map(({ cause, logOffset }) => [logOffset, cause]).at(0), [3, 'again'])
      deepEqual(await liveRows(store), { shelf: { a: '{}' }, total: {} })
      deepEqual((await writer.parkedKeys(number)).get('k'), { first: '0/3/0', count: 2 })
    },
  },
  {
    name: 'each parked event is told of until that is noted',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      await writer.commit(batch(generation.generation, 0, 5, { parked: [parked('k', 1), parked('k', 2)] }))
      const waiting = await writer.unannounced(generation.generation, 10)
      equal(waiting.length, 2)
      await writer.announced(generation.generation, [waiting[0]!.sequence])
      deepEqual(
        (await writer.unannounced(generation.generation, 10)).map(({ logOffset }) => logOffset),
        [2],
      )
    },
  },
]
