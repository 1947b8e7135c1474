import { runCommand } from '../kafka/command.ts'
import { postgresBinaries } from './binaries.ts'
import { PostgresError, WHAT_TO_INSTALL } from './errors.ts'
import { startPostgres } from './server.ts'

export interface PostgresForTests {
  readonly url: string
  readonly source: 'POSTGRES_URL' | 'installed' | 'docker'
  stop(): Promise<void>
}

/** A way to get a server; `start` resolves to null where this machine lacks what it takes. */
export interface PostgresSource {
  readonly name: PostgresForTests['source']
  start(): Promise<PostgresForTests | null>
}

const fromEnvironment: PostgresSource = {
  name: 'POSTGRES_URL',
  async start() {
    const url = process.env.POSTGRES_URL?.trim()
    // It is somebody else's: nothing to stop.
    return url ? { url, source: 'POSTGRES_URL', stop: async () => {} } : null
  },
}

const fromInstalled: PostgresSource = {
  name: 'installed',
  async start() {
    const binaries = postgresBinaries()
    if (binaries === null) return null
    const { stop, url } = await startPostgres(binaries)
    return { url, source: 'installed', stop }
  },
}

const fromDocker: PostgresSource = {
  name: 'docker',
  async start() {
    const docker = await runCommand('docker', ['version', '--format', '{{.Server.Version}}'], 10_000)
    if (docker?.exitCode !== 0) return null
    // Imported here only: it is large, and most runs never need it.
    const { startContainer } = await import('../../packages/projection-postgres/test/support/docker-postgres.ts')
    return { ...(await startContainer()), source: 'docker' }
  },
}

export const POSTGRES_SOURCES: readonly PostgresSource[] = [fromEnvironment, fromInstalled, fromDocker]

/** The first source that this machine has. Errors: PostgresError, which says what to install; nothing is skipped in silence. */
export async function postgresForTests(sources: readonly PostgresSource[] = POSTGRES_SOURCES): Promise<PostgresForTests> {
  for (const source of sources) {
    const postgres = await source.start()
    if (postgres !== null) return postgres
  }
  throw new PostgresError(WHAT_TO_INSTALL)
}
