import { KafkaContainer } from '@testcontainers/kafka'
import { SINGLE_BROKER_SETTINGS } from '../../../../infra/kafka/server-properties.ts'

/** Confluent's number for Apache Kafka 4.1. */
const IMAGE = 'confluentinc/cp-kafka:8.1.0'
const CLIENT_PORT = 9093

/** A broker in a container, with the settings that the one from Maven has. It lives beside the dependency that it needs. */
export async function startContainer(): Promise<{ readonly brokers: string; stop(): Promise<void> }> {
  const settings = Object.entries(SINGLE_BROKER_SETTINGS).map(([key, value]) => [`KAFKA_${key.toUpperCase().replaceAll('.', '_')}`, value])
  const container = await new KafkaContainer(IMAGE).withKraft().withEnvironment(Object.fromEntries(settings)).start()
  return {
    brokers: `${container.getHost()}:${container.getMappedPort(CLIENT_PORT)}`,
    stop: async () => {
      await container.stop()
    },
  }
}
