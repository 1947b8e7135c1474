import { deepEqual, equal } from 'node:assert/strict'
import { compareKeys } from '../store.ts'
import type { ConformanceCase } from './case.ts'
import { batch, begun, generationOfTwo, projection, put, refused } from './support.ts'

const keys = [
  'a',
  'a/1',
  'a/10',
  'a/2',
  'ab',
  'b',
  'B',
  'é',
  'z',
  '\uffee',
  '\u{1f600}',
  '\u{1f600}a',
  '\u{10ffff}',
  '\u{10ffff}a',
  '\ud7ff',
  '\ue000',
]

export const readingCases: readonly ConformanceCase[] = [
  {
    name: 'rows come in the order of their keys, in pages, and by prefix',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      await writer.commit(batch(generation.generation, 0, 1, { mutations: keys.map((key) => put(key, '{}')) }))
      const sorted = [...keys].sort(compareKeys)
      deepEqual(
        sorted,
        [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
      )
      const page = (query: { prefix?: string; after?: string; limit: number }) =>
        store.snapshot(projection, null, async (snapshot) => (await snapshot.rows('shelf', query)).map(({ key }) => key))
      const paged: string[] = []
      for (let next = await page({ limit: 3 }); next.length > 0; next = await page({ limit: 3, after: paged.at(-1)! })) paged.push(...next)
      deepEqual(paged, sorted)
      for (const prefix of ['a', 'a/', '\u{1f600}', '\u{10ffff}', '\ud7ff', 'none'])
        deepEqual(
          await page({ prefix, limit: 100 }),
          sorted.filter((key) => key.startsWith(prefix)),
          prefix,
        )
      deepEqual(await page({ prefix: 'a/', after: 'a/1', limit: 1 }), ['a/10'])
    },
  },
  {
    name: 'a snapshot is of one moment, whatever is committed, swapped or dropped meanwhile',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      await writer.commit(batch(generation.generation, 0, 5, { mutations: [put('a', '{"of":"old"}')] }))
      const seen = await store.snapshot(projection, null, async (snapshot) => {
        const before = await snapshot.row('shelf', 'a')
        await writer.commit(batch(generation.generation, 5, 6, { mutations: [put('a', '{"of":"later"}'), put('b', '{}')] }))
        const next = await writer.createGeneration(generationOfTwo)
        await writer.commit(batch(next.generation, 0, 6))
        await writer.swap(next.generation)
        return [
          before,
          await snapshot.row('shelf', 'a'),
          (await snapshot.rows('shelf', { limit: 10 })).length,
          snapshot.generation.positions[0]!.logOffset,
        ]
      })
      deepEqual(seen, ['{"of":"old"}', '{"of":"old"}', 1, 5])
    },
  },
  {
    name: 'what is not there is said to be so',
    async run({ store }) {
      equal(await store.projection(projection), null)
      deepEqual(await store.projections(), [])
      await refused(
        'NOT_FOUND',
        store.snapshot(projection, null, async () => null),
      )
      const { generation } = await begun(store)
      await refused(
        'NOT_FOUND',
        store.snapshot(projection, generation.generation + 1, async () => null),
      )
      await refused(
        'NOT_FOUND',
        store.snapshot(projection, null, (snapshot) => snapshot.rows('other', { limit: 1 })),
      )
      equal(await store.snapshot(projection, null, (snapshot) => snapshot.row('shelf', 'a')), null)
      equal(await store.request(12_345), null)
    },
  },
]
