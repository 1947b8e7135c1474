import { defineConfig } from 'vitest/config'
import { unitTests } from './infra/toolchain/unit-tests.ts'

export default defineConfig({
  test: {
    include: [...unitTests],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A test that reaches for a service finds none, and fails: it belongs to the other tier.
    env: { KAFKA_BROKERS: '', KAFKA_BOOTSTRAP_SERVERS: '', POSTGRES_URL: '', SCHEMA_REGISTRY_URL: '' },
    maxWorkers: 2,
  },
})
