import { type BrokerForTests, brokerForTests } from './choose.ts'

let broker: BrokerForTests | undefined

/** Vitest's global setup: one broker for all test files of a run, which find it in `process.env.KAFKA_BROKERS`. */
export async function setup(): Promise<void> {
  broker = await brokerForTests()
  process.stderr.write(`signalbox: tests use the Kafka broker ${broker.brokers} (${broker.source})\n`)
  // Workers are started after this and inherit the environment.
  process.env.KAFKA_BROKERS = broker.brokers
}

export async function teardown(): Promise<void> {
  if (broker?.source !== 'KAFKA_BROKERS') delete process.env.KAFKA_BROKERS
  await broker?.stop()
  broker = undefined
}
