import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cacheFolder } from './cache.ts'
import { type RunningCluster, startCluster } from './cluster.ts'
import { BrokerError } from './errors.ts'
import { type RunningRegistry, startRegistry } from './registry.ts'
import { environmentLines, logFile, removeState, type Server, type UpState, writeState } from './up-state.ts'

export interface UpOptions {
  readonly brokers: 1 | 3
  readonly port: number | undefined
  readonly registry: boolean
  /** Data is kept in this folder; deleted at the end when left out. */
  readonly data: string | undefined
}

/** The download, on a slow line, and the start. */
const DETACHED_START_TIMEOUT_MS = 15 * 60_000

/**
 * Starts brokers and registry, prints the environment of their clients, and runs until a signal. Resolves to null then, or
 * to the reason why it cannot go on. Errors: BrokerError when something does not start.
 */
export async function runUntilAsked(options: UpOptions): Promise<string | null> {
  const { cluster, registry } = await startBoth(options)
  const asked = new Promise<null>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(null))
  })
  // A pending promise alone does not keep Node running.
  const keepAlive = setInterval(() => {}, 60_000)
  // One that runs in the background has nobody reading any more.
  process.stdout.on('error', () => {})
  try {
    const state = describe(cluster, registry)
    writeState(state)
    process.stdout.write(environmentLines(state.environment))
    const fate = options.data === undefined ? 'deleted then' : `kept in ${options.data}`
    process.stderr.write(`Up. It runs until Ctrl-C or \`down\`; its data is ${fate}.\n`)
    return await Promise.race([asked, endOf(cluster), ...(registry === null ? [] : [registry.ended])])
  } finally {
    process.stderr.write('Stopping.\n')
    removeState()
    await Promise.all([cluster.stop(), registry?.stop()])
    clearInterval(keepAlive)
  }
}

async function startBoth(options: UpOptions): Promise<{ readonly cluster: RunningCluster; readonly registry: RunningRegistry | null }> {
  const { brokers, port, data } = options
  process.stderr.write(`Starting ${brokers} broker(s)${options.registry ? ' and a schema registry' : ''} ...\n`)
  const [cluster, registry] = await Promise.allSettled([
    startCluster({ brokers, ...(port === undefined ? {} : { port }), ...(data === undefined ? {} : { dataFolder: join(data, 'kafka') }) }),
    options.registry ? startRegistry(data === undefined ? {} : { dataFolder: join(data, 'registry') }) : Promise.resolve(null),
  ])
  if (cluster.status === 'fulfilled' && registry.status === 'fulfilled') return { cluster: cluster.value, registry: registry.value }
  // The one that did start must not outlive the failure of the other.
  if (cluster.status === 'fulfilled') await cluster.value.stop()
  if (registry.status === 'fulfilled') await registry.value?.stop()
  throw cluster.status === 'rejected' ? cluster.reason : (registry as PromiseRejectedResult).reason
}

/** One broker of three may die: that is what three are for. */
async function endOf(cluster: RunningCluster): Promise<string | null> {
  const reason = await cluster.ended
  if (reason === null || cluster.members.length === 1) return reason
  process.stderr.write(`${reason} The others go on. To have it back: \`down\`, then \`up\`.\n`)
  return new Promise(() => {})
}

function describe(cluster: RunningCluster, registry: RunningRegistry | null): UpState {
  const servers: Server[] = cluster.members.map(({ id, address, pid }) => ({ name: `broker ${id}`, address, pid }))
  if (registry === null) return { pid: process.pid, environment: { KAFKA_BROKERS: cluster.brokers }, servers }
  return {
    pid: process.pid,
    environment: { KAFKA_BROKERS: cluster.brokers, SCHEMA_REGISTRY_URL: registry.url },
    servers: [...servers, { name: 'registry', address: new URL(registry.url).host, pid: registry.pid }],
  }
}

/**
 * Runs `up` with these arguments in the background and prints the environment once it is up. Errors: BrokerError with the
 * last of what it said.
 */
export async function runDetached(upArguments: readonly string[]): Promise<void> {
  mkdirSync(cacheFolder(), { recursive: true })
  const log = openSync(logFile(), 'w')
  process.stderr.write(`Starting in the background; what it says is in ${logFile()}\n`)
  const command = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'main.ts'), 'up', ...upArguments]
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', log], detached: true })
  closeSync(log)
  let environment = ''
  const printed = new Promise<'printed'>((resolve) => {
    child.stdout!.on('data', (chunk: Buffer) => {
      environment += chunk.toString('utf8')
      // It writes all lines at once.
      if (environment.endsWith('\n')) resolve('printed')
    })
  })
  const ended = new Promise<'ended'>((resolve) => child.once('exit', () => resolve('ended')))
  const timeout = new AbortController()
  const late = sleep(DETACHED_START_TIMEOUT_MS, 'late' as const, { signal: timeout.signal }).catch(() => 'ended' as const)
  const outcome = await Promise.race([printed, ended, late])
  timeout.abort()
  if (outcome !== 'printed') {
    child.kill('SIGTERM')
    throw new BrokerError(readFileSync(logFile(), 'utf8').trimEnd())
  }
  child.stdout!.destroy()
  child.unref()
  process.stdout.write(environment)
}
