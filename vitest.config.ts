import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'services/*/test/**/*.test.ts', 'infra/**/*.test.ts', 'test/**/*.test.ts'],
    // One real broker for the whole run, started where KAFKA_BROKERS names none.
    globalSetup: ['infra/kafka/vitest-global-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Kafka, SQLite's worker and the simulator each want a core of their own.
    maxWorkers: 2,
  },
})
