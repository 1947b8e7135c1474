import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PostgresForTests, postgresForTests } from '../../infra/postgres/choose.ts'
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
})
