/** A broker or a schema registry could not be brought up. `message` says what happened, to what, and what to do next. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError'
}

export const WHAT_TO_INSTALL = [
  'Signalbox needs a Kafka broker here and found none. Do one of these:',
  '  - set KAFKA_BROKERS=HOST:PORT to a broker (4.x) that may be written to;',
  '  - start Docker, so that a broker can run in a container;',
  '  - install Java 17 or later and Maven (Debian: apt-get install openjdk-17-jre-headless maven; macOS: brew install openjdk@17 maven).',
].join('\n')

export const WHAT_TO_INSTALL_FOR_REGISTRY = [
  'Signalbox needs a schema registry here and found none. Do one of these:',
  '  - set SCHEMA_REGISTRY_URL to one with the Confluent API (Apicurio: http://HOST:PORT/apis/ccompat/v7);',
  '  - install Java 17 or later and Maven (Debian: apt-get install openjdk-17-jre-headless maven; macOS: brew install openjdk@17 maven).',
].join('\n')
