import { mkdirSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { canRunFromMaven, fetchRegistry, registryJar } from './distribution.ts'
import { BrokerError, WHAT_TO_INSTALL_FOR_REGISTRY } from './errors.ts'
import { PortTakenError, portTaken, startJavaServer } from './java-server.ts'
import { Keeper, type KeptProcess } from './kept-process.ts'
import { accepts, freePorts } from './ports.ts'

export interface RegistryOptions {
  /** Where clients connect; a free port when left out. */
  readonly port?: number
  /** Keeps the schemas in this folder, so that a later start finds them. Without it they are in memory and go with the process. */
  readonly dataFolder?: string
  /** How long the registry may take to start, the download not counted. */
  readonly startTimeoutMs?: number
  /** Where the jars are kept; `$SIGNALBOX_CACHE_DIR`, else `.cache` of the repository. */
  readonly cacheDir?: string
}

export interface RunningRegistry {
  /** What `SCHEMA_REGISTRY_URL` takes: the root of the Confluent-compatible API. */
  readonly url: string
  /** Process id of the registry itself, for tests that kill it. */
  readonly pid: number
  /** Resolves when the registry has ended in any way; a reason when nobody asked for it. */
  readonly ended: Promise<string | null>
  /** Stops the registry; schemas in memory are gone. Safe to call twice. */
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 60_000
const ANSWER_TIMEOUT_MS = 2_000
const ATTEMPTS = 3
const nameAt = (port: number) => `schema registry on port ${port}`

/**
 * Starts the Apicurio schema registry on 127.0.0.1 without Docker. It ends with the process that called this, however that
 * ends. Errors: BrokerError, with the last lines of the registry's log.
 */
export async function startRegistry(options: RegistryOptions = {}): Promise<RunningRegistry> {
  const usable = await canRunFromMaven()
  if (!usable.ok) throw new BrokerError(`${usable.why}.\n${WHAT_TO_INSTALL_FOR_REGISTRY}`)
  const jar = registryJar(await fetchRegistry(options.cacheDir))
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(jar, options)
    } catch (error) {
      if (!(error instanceof PortTakenError) || options.port !== undefined || attempt === ATTEMPTS) throw error
    }
  }
}

async function start(jar: string, options: RegistryOptions): Promise<RunningRegistry> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-registry-'))
  const keeper = new Keeper(folder)
  try {
    const port = options.port ?? (await freePorts(1))[0]!
    // Whatever listens there already would answer in the registry's place.
    if (await accepts('127.0.0.1', port, ANSWER_TIMEOUT_MS)) throw portTaken(nameAt(port))
    const url = `http://127.0.0.1:${port}/apis/ccompat/v7`
    const process = await startJavaServer({
      name: nameAt(port),
      keeper,
      java: [...javaArguments(port, folder, options.dataFolder), '-jar', jar],
      logFile: join(folder, 'registry.txt'),
      timeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS,
      memory: '400 MB',
      isReady: () => answers(url),
    })
    return running(url, keeper, process)
  } catch (error) {
    await keeper.close()
    throw error
  }
}

function javaArguments(port: number, folder: string, dataFolder: string | undefined): readonly string[] {
  if (dataFolder !== undefined) mkdirSync(dataFolder, { recursive: true })
  const database = dataFolder === undefined ? 'mem:registry' : `file:${join(resolve(dataFolder), 'registry').replaceAll('\\', '/')}`
  return [
    '-Xmx256m',
    // It starts in half the time without the optimizing compiler, and is never busy here.
    '-XX:TieredStopAtLevel=1',
    `-Djava.io.tmpdir=${folder}`,
    '-Dquarkus.http.host=127.0.0.1',
    `-Dquarkus.http.port=${port}`,
    `-Dapicurio.datasource.url=jdbc:h2:${database}`,
  ]
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

function running(url: string, keeper: Keeper, process: KeptProcess): RunningRegistry {
  let stopping: Promise<void> | undefined
  return {
    url,
    pid: process.pid,
    ended: process.exited.then(async (how) => {
      if (stopping !== undefined) return null
      await keeper.close()
      return `The schema registry at ${url} ended by itself (${how}).`
    }),
    stop() {
      stopping ??= keeper.close()
      return stopping
    },
  }
}

export interface RegistryForTests {
  readonly url: string
  readonly source: 'SCHEMA_REGISTRY_URL' | 'maven'
  stop(): Promise<void>
}

/**
 * The registry of SCHEMA_REGISTRY_URL where that is set, else one of its own. Test files that need a registry call this
 * in `beforeAll`, so that all others wait for none (it takes about 4 s). Errors: BrokerError, which says what to install.
 */
export async function registryForTests(): Promise<RegistryForTests> {
  const url = process.env.SCHEMA_REGISTRY_URL?.trim()
  // It is somebody else's: nothing to stop.
  if (url) return { url: url.replace(/\/+$/, ''), source: 'SCHEMA_REGISTRY_URL', stop: async () => {} }
  const registry = await startRegistry()
  return { url: registry.url, source: 'maven', stop: () => registry.stop() }
}
