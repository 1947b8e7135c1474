import { rmSync } from 'node:fs'
import { MemoryStore } from '@signalbox/projection-store'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type PostgresForTests, postgresForTests } from '../../infra/postgres/choose.ts'
import { Onlooker } from './onlooker.ts'
import { proveProjection } from './proof.ts'

const seed = Date.now() % 1_000_000
const minutes = 60_000
let postgres: PostgresForTests | undefined

beforeAll(async () => {
  postgres = await postgresForTests()
}, 2 * minutes)
afterAll(async () => {
  await postgres?.stop()
}, minutes)

describe('a projection that is rebuilt while writers go on and its projector is killed', () => {
  it.each([
    ['PostgreSQL', () => postgres!.url, 5],
    ['SQLite', () => null, 2],
  ])(
    'in %s it has every event once, without a gap',
    async (_name, urlOf, kills) => {
      const said: string[] = []
      const options = { events: 20_000, kills, seed, eventsPerSecond: 500, batchEvents: 200, postgresUrl: urlOf() }
      const { directory, ...proof } = await proveProjection({ ...options, say: (text) => void said.push(text) })
      rmSync(directory, { recursive: true, force: true })
      expect(proof, `seed ${seed}\n${said.join('\n')}`).toMatchObject({
        isProven: true,
        kills,
        differing: 0,
        gaps: [],
        counted: proof.committed,
      })
      expect(proof.eventsInLog).toBeGreaterThanOrEqual(20_000)
    },
    3 * minutes,
  )

  it(
    'a store that commits rows and position apart is found out',
    async () => {
      const common = { events: 5_000, kills: 6, seed, eventsPerSecond: 500, batchEvents: 50, postgresUrl: null, say: () => {} }
      const { directory, ...proof } = await proveProjection({ ...common, plant: 'apart' })
      rmSync(directory, { recursive: true, force: true })
      expect(proof.isProven, `seed ${seed}`).toBe(false)
      expect(proof.differing).toBeGreaterThan(0)
    },
    3 * minutes,
  )

  it('an onlooker sees rows that go back when a generation is swapped in too early', async () => {
    const store = new MemoryStore()
    const writer = (await store.own('by-state', 1))!
    const made = { version: 1, fingerprint: '', tables: ['scopes'], partitionCount: 1, reactFrom: [0] }
    const at = (logOffset: number) => ({ logOffset, chainOffset: 0, link: null })
    const commit = (generation: number, fromOffset: number, toOffset: number, changes: number | null) => {
      const mutations = changes === null ? [] : [{ table: 'scopes', key: 'a', text: `{"changes":${changes}}` }]
      return writer.commit({ generation, partition: 0, fromOffset, position: at(toOffset), mutations, parked: [] })
    }
    const live = await writer.createGeneration(made)
    await commit(live.generation, 0, 10, 10)
    const onlooker = new Onlooker(store, 'by-state')
    onlooker.start()
    await vi.waitUntil(() => onlooker.looks > 0)
    const early = await writer.createGeneration(made)
    await commit(early.generation, 0, 4, 4)
    // What a swap that does not look would do.
    await commit(early.generation, 4, 10, null)
    await writer.swap(early.generation)
    await vi.waitUntil(() => onlooker.swaps > 0)
    await onlooker.stop()
    expect(onlooker.gaps).toEqual(['generation 2 counts 4, and 1 had 10'])
  })
})
