import { GenericContainer, Wait } from 'testcontainers'

/** A PostgreSQL in a container, for machines that have Docker and no server. */
export async function startContainer(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const container = await new GenericContainer('postgres:17-alpine')
    .withEnvironment({ POSTGRES_USER: 'signalbox', POSTGRES_HOST_AUTH_METHOD: 'trust', POSTGRES_DB: 'postgres' })
    .withExposedPorts(5432)
    // The image starts it twice: once to make the database.
    .withWaitStrategy(Wait.forLogMessage(/database system is ready to accept connections/, 2))
    .start()
  return {
    url: `postgres://signalbox@${container.getHost()}:${container.getMappedPort(5432)}/postgres`,
    async stop() {
      await container.stop()
    },
  }
}
