import { deepEqual, equal } from 'node:assert/strict'
import type { ConformanceCase } from './case.ts'
import { batch, begun, generationOfTwo, liveRows, offsetsOf, owner, parked, projection, put, refused } from './support.ts'

export const generationCases: readonly ConformanceCase[] = [
  {
    name: 'the first generation is live at once, the next is built beside it',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      equal(generation.state, 'live')
      const next = await writer.createGeneration({ ...generationOfTwo, tables: ['shelf'] })
      equal(next.state, 'building')
      await writer.commit(batch(next.generation, 0, 5, { mutations: [put('new', '{}')] }))
      await writer.commit(batch(generation.generation, 0, 3, { mutations: [put('old', '{}')] }))
      deepEqual(await liveRows(store), { shelf: { old: '{}' }, total: {} })
      equal((await store.projection(projection))?.live, generation.generation)
    },
  },
  {
    name: 'a generation is swapped in only where no partition of it lies behind',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      await writer.commit(batch(generation.generation, 0, 5, { mutations: [put('a', '{"of":"old"}')] }))
      await writer.commit(batch(generation.generation, 0, 2, { partition: 1 }))
      const next = await writer.createGeneration(generationOfTwo)
      await writer.commit(batch(next.generation, 0, 9, { mutations: [put('a', '{"of":"new"}')] }))
      await refused('NOT_CAUGHT_UP', writer.swap(next.generation))
      await writer.commit(batch(next.generation, 0, 1, { partition: 1 }))
      await refused('NOT_CAUGHT_UP', writer.swap(next.generation))
      deepEqual(await liveRows(store), { shelf: { a: '{"of":"old"}' }, total: {} })
      await writer.commit(batch(next.generation, 1, 2, { partition: 1 }))
      await writer.swap(next.generation)
      deepEqual(await liveRows(store), { shelf: { a: '{"of":"new"}' }, total: {} })
      deepEqual(await offsetsOf(store), [9, 2])
    },
  },
  {
    name: 'what was replaced takes nothing more and can be dropped; what is live cannot',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      const next = await writer.createGeneration({ ...generationOfTwo, tables: ['shelf'] })
      await writer.swap(next.generation)
      await refused('SUPERSEDED', writer.commit(batch(generation.generation, 0, 5)))
      await refused('SUPERSEDED', writer.swap(generation.generation))
      await writer.drop(generation.generation)
      await writer.drop(next.generation)
      deepEqual(
        (await store.projection(projection))?.generations.map(({ generation: number }) => number),
        [next.generation],
      )
      await refused('NOT_FOUND', offsetsOf(store, generation.generation))
      deepEqual(await liveRows(store), { shelf: {} })
    },
  },
  {
    name: 'what another process has swapped in supersedes what this one writes',
    async run({ reopen, store }) {
      const { generation, writer } = await begun(store)
      const newer = await owner(await reopen(), 2)
      const next = await newer.createGeneration({ ...generationOfTwo, version: 2 })
      await writer.commit(batch(generation.generation, 0, 5))
      await refused('NOT_CAUGHT_UP', newer.swap(next.generation))
      await newer.commit(batch(next.generation, 0, 5))
      await newer.swap(next.generation)
      await refused('SUPERSEDED', writer.commit(batch(generation.generation, 5, 6)))
      await newer.close()
    },
  },
  {
    name: 'partitions that come in front begin at nothing, and what was known of the others moves up with them',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      const next = await writer.createGeneration(generationOfTwo)
      await writer.commit(batch(generation.generation, 0, 5, { mutations: [put('a', '{"n":1}')], parked: [parked('k', 4)] }))
      await writer.commit(batch(generation.generation, 0, 9, { partition: 1 }))
      await writer.commit(batch(next.generation, 0, 3, { partition: 1 }))
      // More than there were, and fewer: keys that pass by each other.
      await writer.putInFront({ before: 2, partitionCount: 3, reactFrom: 0 })
      await writer.putInFront({ before: 5, partitionCount: 1, reactFrom: -1 })
      deepEqual(await offsetsOf(store), [0, 0, 0, 0, 5, 9])
      deepEqual(await offsetsOf(store, next.generation), [0, 0, 0, 0, 0, 3])
      deepEqual((await store.projection(projection))?.reactions, [-1, 0, 0, 0, 7, 8])
      deepEqual(await liveRows(store), { shelf: { a: '{"n":1}' }, total: {} })
      await store.snapshot(projection, null, async (snapshot) => {
        const [first] = await snapshot.parked({ limit: 10 })
        deepEqual([first?.partition, first?.logOffset, first?.reference], [4, 4, '0/4/0'])
      })
      await writer.commit(batch(generation.generation, 5, 6, { partition: 4 }))
      await writer.commit(batch(generation.generation, 0, 2, { partition: 3 }))
      deepEqual(await offsetsOf(store), [0, 0, 0, 2, 6, 9])
      await refused('CORRUPT', writer.putInFront({ before: 5, partitionCount: 1, reactFrom: 0 }))
      deepEqual(await offsetsOf(store), [0, 0, 0, 2, 6, 9])
    },
  },
  {
    name: 'whoever owns another version is fenced by partitions that come in front: it would write to others than it means',
    async run({ reopen, store }) {
      const { generation, writer } = await begun(store)
      const newer = await owner(await reopen(), 2)
      await newer.putInFront({ before: 2, partitionCount: 2, reactFrom: 0 })
      await refused('FENCED', writer.commit(batch(generation.generation, 0, 5)))
      deepEqual(await offsetsOf(store), [0, 0, 0, 0])
      await writer.close()
      const again = await owner(store)
      await again.commit(batch(generation.generation, 0, 5, { partition: 2 }))
      await newer.close()
      deepEqual(await offsetsOf(store), [0, 0, 5, 0])
    },
  },
  {
    name: 'numbers of generations are never given twice',
    async run({ store }) {
      const { generation, writer } = await begun(store)
      const next = await writer.createGeneration(generationOfTwo)
      await writer.drop(next.generation)
      const after = await writer.createGeneration(generationOfTwo)
      deepEqual(
        [generation, next, after].map(({ generation: number }) => number - generation.generation),
        [0, 1, 2],
      )
    },
  },
]
