import { type RunningBroker, startBroker } from './broker.ts'
import { runCommand } from './command.ts'
import { canRunFromMaven } from './distribution.ts'
import { BrokerError, WHAT_TO_INSTALL } from './errors.ts'

export interface BrokerForTests {
  /** Comma-separated `HOST:PORT`. */
  readonly brokers: string
  readonly source: 'KAFKA_BROKERS' | 'docker' | 'maven'
  stop(): Promise<void>
}

/** A way to get a broker; `start` resolves to null where this machine lacks what it takes. */
export interface BrokerSource {
  readonly name: BrokerForTests['source']
  start(): Promise<BrokerForTests | null>
}

const fromEnvironment: BrokerSource = {
  name: 'KAFKA_BROKERS',
  async start() {
    const brokers = process.env.KAFKA_BROKERS?.trim()
    // It is somebody else's: nothing to stop.
    return brokers ? { brokers, source: 'KAFKA_BROKERS', stop: async () => {} } : null
  },
}

const fromDocker: BrokerSource = {
  name: 'docker',
  async start() {
    const docker = await runCommand('docker', ['version', '--format', '{{.Server.Version}}'], 10_000)
    if (docker?.exitCode !== 0) return null
    // Imported here only: it is large, and most runs never need it.
    const { startContainer } = await import('../../packages/log-kafka/test/support/docker-broker.ts')
    return { ...(await startContainer()), source: 'docker' }
  },
}

const fromMaven: BrokerSource = {
  name: 'maven',
  async start() {
    if (!(await canRunFromMaven()).ok) return null
    const broker: RunningBroker = await startBroker()
    return { brokers: broker.brokers, source: 'maven', stop: () => broker.stop() }
  },
}

export const BROKER_SOURCES: readonly BrokerSource[] = [fromEnvironment, fromDocker, fromMaven]

/** The first source that this machine has. Errors: BrokerError, which says what to install; nothing is skipped in silence. */
export async function brokerForTests(sources: readonly BrokerSource[] = BROKER_SOURCES): Promise<BrokerForTests> {
  for (const source of sources) {
    const broker = await source.start()
    if (broker !== null) return broker
  }
  throw new BrokerError(WHAT_TO_INSTALL)
}
