import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { lastLines, runCommand } from './command.ts'
import { canRunFromMaven, fetchDistribution } from './distribution.ts'
import { BrokerError, WHAT_TO_INSTALL } from './errors.ts'
import { PortTakenError } from './java-server.ts'
import { Keeper } from './kept-process.ts'
import { Member } from './member.ts'
import { freePorts } from './ports.ts'
import { adminOf, authorityFile, type BrokerSecurity, type BrokerUser, complete, makeCertificates, scramArguments } from './security.ts'
import { type ClusterLayout, serverProperties } from './server-properties.ts'

export interface ClusterOptions {
  /**
   * 1: one broker that replicates nothing. 3: each partition on all of them (replication factor 3), an acknowledgement by
   * two of them at least (min ISR 2), controllers that outvote the loss of one.
   */
  readonly brokers: 1 | 3
  /** Where clients connect; the next brokers are on the next ports. Free ones when left out. */
  readonly port?: number
  /**
   * `HOST:PORT` for each broker that clients are told to connect to, in place of the broker's own address: a proxy that
   * forwards to `members[n].address`. The brokers reach each other without it.
   */
  readonly advertised?: readonly string[]
  readonly security?: BrokerSecurity
  /** Keeps the data in this folder, so that a later start goes on with it. Without it a temporary folder is deleted at the end. */
  readonly dataFolder?: string
  /** How long the brokers may take to start, the download not counted. */
  readonly startTimeoutMs?: number
  /** Where the jars are kept; `$SIGNALBOX_CACHE_DIR`, else `.cache` of the repository. */
  readonly cacheDir?: string
}

export interface RunningCluster {
  /** Comma-separated `HOST:PORT`, what `KAFKA_BROKERS` takes. */
  readonly brokers: string
  readonly members: readonly Member[]
  /** The folder with the data, the properties and the logs. */
  readonly folder: string
  /** Who may do everything, where clients log in. */
  readonly admin: BrokerUser | null
  /** The certificate that clients must trust (PEM), where connections are encrypted. */
  readonly authorityFile: string | null
  /** Resolves when a member has ended that nobody asked to, with the reason; with null after `stop`. */
  readonly ended: Promise<string | null>
  /** Ends all members, paused ones too, and deletes the data unless a folder was given. Safe to call twice. */
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 60_000
const FORMAT_TIMEOUT_MS = 60_000
const ATTEMPTS = 3

/**
 * Starts Kafka brokers (KRaft: each is broker and controller in one process) on 127.0.0.1 without Docker. They end with
 * the process that called this, however that ends. Errors: BrokerError, with the last lines of a broker's log.
 */
export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const usable = await canRunFromMaven()
  if (!usable.ok) throw new BrokerError(`${usable.why}.\n${WHAT_TO_INSTALL}`)
  const jars = await fetchDistribution(options.cacheDir)
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(jars, options)
    } catch (error) {
      if (!(error instanceof PortTakenError) || options.port !== undefined || attempt === ATTEMPTS) throw error
    }
  }
}

async function start(jars: string, options: ClusterOptions): Promise<RunningCluster> {
  const security = options.security === undefined ? null : complete(options.security)
  const temporary = options.dataFolder === undefined
  const folder = temporary ? await mkdtemp(join(tmpdir(), 'signalbox-kafka-')) : resolve(options.dataFolder)
  const keeper = new Keeper(temporary ? folder : null)
  try {
    rememberSize(folder, options.brokers)
    if (security?.tls === true) await makeCertificates(folder)
    const layout = { ports: await choosePorts(options), security }
    const members = layout.ports.map(({ broker }, index) => newMember(keeper, jars, folder, index + 1, broker, options))
    // The voters wait for each other: they must start together.
    await Promise.all(members.map((member) => prepare(jars, member, layout, folder)))
    const results = await Promise.allSettled(members.map((member) => member.start()))
    for (const result of results) if (result.status === 'rejected') throw result.reason
    const brokers = layout.ports.map(({ advertised }, index) => advertised ?? members[index]!.address).join(',')
    return running({ brokers, members, folder, security, keeper, temporary })
  } catch (error) {
    await keeper.close()
    throw error
  }
}

/** A cluster's data belongs to so many brokers, and to no other number. */
function rememberSize(folder: string, brokers: number): void {
  const file = join(folder, 'brokers')
  mkdirSync(folder, { recursive: true })
  const before = existsSync(file) ? Number(readFileSync(file, 'utf8')) : brokers
  if (before !== brokers)
    throw new BrokerError(`The data in ${folder} is of ${before} broker(s), not of ${brokers}. Start as many, or choose another folder.`)
  writeFileSync(file, `${brokers}\n`)
}

async function choosePorts(options: ClusterOptions): Promise<ClusterLayout['ports']> {
  if (options.advertised !== undefined && options.advertised.length !== options.brokers)
    throw new BrokerError(`${options.advertised.length} advertised address(es) for ${options.brokers} broker(s). Name one for each.`)
  const free = await freePorts(3 * options.brokers)
  return Array.from({ length: options.brokers }, (_, index) => ({
    broker: options.port === undefined ? free[3 * index]! : options.port + index,
    internal: free[3 * index + 1]!,
    controller: free[3 * index + 2]!,
    ...(options.advertised === undefined ? {} : { advertised: options.advertised[index]! }),
  }))
}

function newMember(keeper: Keeper, jars: string, folder: string, id: number, port: number, options: ClusterOptions): Member {
  const heap = options.brokers === 1 ? '-Xmx512m' : '-Xmx400m'
  const properties = propertiesFile(folder, id)
  return new Member({
    id,
    address: `127.0.0.1:${port}`,
    keeper,
    java: [heap, '-Dorg.slf4j.simpleLogger.defaultLogLevel=info', '-cp', classPath(jars), 'kafka.Kafka', properties],
    logFile: join(folder, `broker-${id}.txt`),
    startTimeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS,
  })
}

function propertiesFile(folder: string, id: number): string {
  return join(folder, `broker-${id}.properties`)
}

/** Writes the properties of a member and, where there is no data yet, formats its folder. */
async function prepare(jars: string, { id }: Member, layout: ClusterLayout, folder: string): Promise<void> {
  const data = join(folder, `data-${id}`)
  const properties = propertiesFile(folder, id)
  writeFileSync(properties, serverProperties(id, layout, folder, data))
  if (existsSync(join(data, 'meta.properties'))) return
  // A cluster id is 16 bytes in URL-safe base64; clusters of this machine need no other id than this.
  const clusterId = Buffer.from('signalbox-local-').toString('base64url')
  const tool = ['-XX:TieredStopAtLevel=1', '-cp', classPath(jars), 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties]
  const result = await runCommand('java', [...tool, ...scramArguments(layout.security)], FORMAT_TIMEOUT_MS)
  if (result?.exitCode !== 0) {
    throw new BrokerError(`Kafka could not format its data folder:\n${lastLines(result?.output ?? 'java did not start', 15)}`)
  }
}

function classPath(jars: string): string {
  return [join(jars, '*')].join(delimiter)
}

interface Started extends Pick<RunningCluster, 'brokers' | 'members' | 'folder'> {
  readonly security: BrokerSecurity | null
  readonly keeper: Keeper
  readonly temporary: boolean
}

function running({ brokers, members, folder, security, keeper, temporary }: Started): RunningCluster {
  let stopping: Promise<void> | undefined
  const stopped = Promise.withResolvers<null>()
  const stop = async () => {
    for (const member of members) member.expectEnd()
    // Brokers that leave together wait for each other in vain. Where the data is deleted, nothing is lost by not waiting.
    if (temporary && members.length > 1) await Promise.all(members.map((member) => member.kill()))
    await keeper.close()
    stopped.resolve(null)
  }
  return {
    brokers,
    members,
    folder,
    admin: adminOf(security),
    authorityFile: security?.tls === true ? authorityFile(folder) : null,
    ended: Promise.race([stopped.promise, ...members.map(({ endedUnasked }) => endedUnasked)]),
    stop() {
      stopping ??= stop()
      return stopping
    },
  }
}
