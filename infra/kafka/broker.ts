import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { lastLines, runCommand } from './command.ts'
import { canRunFromMaven, fetchDistribution } from './distribution.ts'
import { BrokerError, WHAT_TO_INSTALL } from './errors.ts'
import { accepts, freePorts } from './ports.ts'
import { serverProperties } from './server-properties.ts'

export interface BrokerOptions {
  /** Where clients connect; a free port when left out. */
  readonly port?: number
  /** How long the broker may take to start, the download not counted. */
  readonly startTimeoutMs?: number
  /** Where the jars are kept; `$SIGNALBOX_CACHE_DIR`, else `.cache` of the repository. */
  readonly cacheDir?: string
}

export interface RunningBroker {
  /** `HOST:PORT`, what `KAFKA_BROKERS` takes. */
  readonly brokers: string
  /** Process id of the broker itself, for tests that kill it. */
  readonly pid: number
  /** The temporary folder with its data, its properties and its log. */
  readonly folder: string
  /** Resolves when the broker has ended in any way; a reason when nobody asked for it. */
  readonly ended: Promise<string | null>
  /** Stops the broker and deletes its data. Safe to call twice. */
  stop(): Promise<void>
}

type Keeper = ChildProcessByStdio<Writable, Readable, null>

const START_TIMEOUT_MS = 60_000
const FORMAT_TIMEOUT_MS = 60_000
/** The keeper gives the broker 10 s before it kills it. */
const STOP_TIMEOUT_MS = 15_000
const ATTEMPTS = 3
const POLL_MS = 50
const LOG_FILE = 'broker.txt'
const READY = 'Kafka Server started'
const PORT_TAKEN = /Address already in use|Socket server failed to bind/

/**
 * Starts one Kafka broker (KRaft: broker and controller in one process) on 127.0.0.1 without Docker, its data in a
 * temporary folder. The broker ends with the process that called this, however that ends. Errors: BrokerError, with the
 * last lines of the broker's log.
 */
export async function startBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  const usable = await canRunFromMaven()
  if (!usable.ok) throw new BrokerError(`${usable.why}.\n${WHAT_TO_INSTALL}`)
  const jars = await fetchDistribution(options.cacheDir)
  for (let attempt = 1; ; attempt++) {
    const started = await start(jars, options)
    if (started !== 'port taken') return started
    if (options.port !== undefined || attempt === ATTEMPTS) {
      throw new BrokerError(`The broker's port ${options.port ?? ''} is taken. Stop what listens there, or leave the port out.`)
    }
  }
}

async function start(jars: string, options: BrokerOptions): Promise<RunningBroker | 'port taken'> {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-kafka-'))
  const logFile = join(folder, LOG_FILE)
  try {
    const [first, second] = await freePorts(2)
    const ports = { broker: options.port ?? first!, controller: second! }
    const properties = join(folder, 'server.properties')
    writeFileSync(properties, serverProperties(ports, join(folder, 'data')))
    await format(jars, properties)
    const keeper = spawnKeeper(jars, folder, logFile, properties)
    return await untilReady(keeper, ports.broker, folder, options.startTimeoutMs ?? START_TIMEOUT_MS)
  } catch (error) {
    await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    throw error
  }
}

async function format(jars: string, properties: string): Promise<void> {
  // A cluster id is 16 bytes in URL-safe base64; data that is deleted at the end needs no other id than this.
  const clusterId = Buffer.from('signalbox-local-').toString('base64url')
  const tool = ['-XX:TieredStopAtLevel=1', '-cp', classPath(jars), 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties]
  const result = await runCommand('java', tool, FORMAT_TIMEOUT_MS)
  if (result?.exitCode !== 0) {
    throw new BrokerError(`Kafka could not format its data folder:\n${lastLines(result?.output ?? 'java did not start', 15)}`)
  }
}

function classPath(jars: string): string {
  return [join(jars, '*')].join(delimiter)
}

function spawnKeeper(jars: string, folder: string, logFile: string, properties: string): Keeper {
  const keeper = join(dirname(fileURLToPath(import.meta.url)), 'keeper.ts')
  const java = ['-Xmx512m', '-Dorg.slf4j.simpleLogger.defaultLogLevel=info', '-cp', classPath(jars), 'kafka.Kafka', properties]
  const command = ['--disable-warning=ExperimentalWarning', keeper, folder, logFile, 'java', ...java]
  // A group of its own, so that Ctrl-C in a terminal does not take the broker away before its users have finished.
  return spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
}

async function untilReady(keeper: Keeper, port: number, folder: string, timeoutMs: number): Promise<RunningBroker | 'port taken'> {
  const logFile = join(folder, LOG_FILE)
  const exited = new Promise<void>((resolve) => keeper.once('exit', () => resolve()))
  let alive = true
  void exited.then(() => {
    alive = false
  })
  // The keeper deletes the log when the broker ends: what is needed for the message is read while it is there.
  let log = ''
  const deadline = Date.now() + timeoutMs
  const pid = await firstLine(keeper, exited)
  while (alive && Date.now() < deadline) {
    log = existsSync(logFile) ? readLog(logFile, log) : log
    if (log.includes(READY) && (await accepts('127.0.0.1', port, 1_000))) return running(keeper, port, pid, folder, exited)
    await Promise.race([sleep(POLL_MS), exited])
  }
  const timedOut = alive
  await endKeeper(keeper, exited)
  if (PORT_TAKEN.test(log)) return 'port taken'
  throw new BrokerError(
    `The Kafka broker ${timedOut ? `was not ready within ${timeoutMs / 1000} s` : 'ended while it started'}. Its last lines were:\n` +
      `${lastLines(log, 20)}\nIt needs about 700 MB of memory and a writable temporary folder (${tmpdir()}); see that it has both, then try again.`,
  )
}

function readLog(logFile: string, fallback: string): string {
  try {
    return readFileSync(logFile, 'utf8')
  } catch {
    return fallback
  }
}

async function firstLine(keeper: Keeper, exited: Promise<void>): Promise<number> {
  const line = new Promise<string>((resolve) => keeper.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString('utf8'))))
  const answer = await Promise.race([line, exited])
  if (answer === undefined) throw new BrokerError('Java did not start. Check that `java -version` works, then try again.')
  return Number(answer.trim())
}

function running(keeper: Keeper, port: number, pid: number, folder: string, exited: Promise<void>): RunningBroker {
  let stopping: Promise<void> | undefined
  // A broker that is still up must not keep its user's process from ending; the keeper then ends the broker.
  keeper.unref()
  for (const stream of [keeper.stdin, keeper.stdout]) (stream as { unref?: () => void }).unref?.()
  return {
    brokers: `127.0.0.1:${port}`,
    pid,
    folder,
    ended: exited.then(() => (stopping === undefined ? `The Kafka broker on port ${port} ended by itself.` : null)),
    stop() {
      stopping ??= endKeeper(keeper, exited)
      return stopping
    },
  }
}

async function endKeeper(keeper: Keeper, exited: Promise<void>): Promise<void> {
  keeper.ref()
  keeper.stdin.end()
  const timeout = new AbortController()
  const late = sleep(STOP_TIMEOUT_MS, 'late' as const, { signal: timeout.signal }).catch(() => undefined)
  if ((await Promise.race([exited, late])) === 'late') keeper.kill('SIGKILL')
  timeout.abort()
}
