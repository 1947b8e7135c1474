/** One PostgreSQL for the tests of a file, and a schema of its own for each store. */
import { afterAll, beforeAll } from 'vitest'
import { type PostgresForTests, postgresForTests } from '../../../../infra/postgres/choose.ts'

export interface TestPostgres {
  readonly url: string
  /** One that nobody has. */
  schema(): string
}

export function usePostgres(): TestPostgres {
  let postgres: PostgresForTests | undefined
  let schemas = 0
  beforeAll(async () => {
    postgres = await postgresForTests()
  }, 120_000)
  afterAll(async () => {
    await postgres?.stop()
  }, 60_000)
  return {
    get url() {
      return postgres!.url
    },
    schema: () => `test_${process.pid}_${Date.now()}_${schemas++}`,
  }
}
