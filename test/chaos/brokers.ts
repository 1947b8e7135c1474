/** Three real brokers, each behind a proxy of its own, and a schema registry where it is wanted. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'
import { type RunningCluster, startCluster } from '../../infra/kafka/cluster.ts'
import type { Member } from '../../infra/kafka/member.ts'
import { freePorts } from '../../infra/kafka/ports.ts'
import { type RunningRegistry, startRegistry } from '../../infra/kafka/registry.ts'
import { BrokerProxy, CutSwitch } from './proxy.ts'
import { until } from './wait.ts'

const run = promisify(execFile)
const brokerCount = 3
const syncTimeoutMs = 90_000
const endTimeoutMs = 20_000

export class Brokers {
  /** Comma-separated `HOST:PORT` of the proxies. */
  readonly addresses: string
  readonly members: readonly Member[]
  readonly cuts: CutSwitch
  readonly #cluster: RunningCluster
  readonly #proxies: readonly BrokerProxy[]
  readonly #registry: RegistryKeeper | null

  private constructor(cluster: RunningCluster, proxies: readonly BrokerProxy[], cuts: CutSwitch, registry: RegistryKeeper | null) {
    this.#cluster = cluster
    this.#proxies = proxies
    this.#registry = registry
    this.addresses = cluster.brokers
    this.members = cluster.members
    this.cuts = cuts
  }

  static async start(options: { readonly registry: boolean }): Promise<Brokers> {
    const cuts = new CutSwitch()
    const proxies = await Promise.all(Array.from({ length: brokerCount }, () => BrokerProxy.listen(cuts)))
    const [cluster, registry] = await Promise.all([
      startCluster({ brokers: brokerCount, advertised: proxies.map(({ address }) => address) }),
      options.registry ? RegistryKeeper.start() : null,
    ])
    for (const [index, proxy] of proxies.entries()) proxy.target = cluster.members[index]!.address
    return new Brokers(cluster, proxies, cuts, registry)
  }

  get registry(): RegistryKeeper | null {
    return this.#registry
  }

  /** Waits until every broker runs and has every partition of every topic. */
  async untilInSync(): Promise<void> {
    const kafka = new Kafka({ brokers: this.addresses.split(','), logLevel: logLevel.NOTHING, retry: { retries: 2 } })
    await until('every partition has three copies in sync', syncTimeoutMs, async () => {
      if (this.members.some((member) => !member.isAlive)) return false
      const admin = kafka.admin()
      try {
        await admin.connect()
        const { topics } = await admin.fetchTopicMetadata()
        return topics.every(({ partitions }) => partitions.every(({ isr, leader }) => leader > 0 && isr.length === brokerCount))
      } catch {
        return false
      } finally {
        await admin.disconnect().catch(() => {})
      }
    })
  }

  /** Every write of the broker to its files fails from now on; resolves to whether it ended of it, as Kafka does. */
  async fillDisk(member: Member): Promise<boolean> {
    member.expectEnd()
    // Kafka meets EFBIG where a full disk gives ENOSPC; to it both are an I/O error of its only log folder.
    await run('prlimit', ['--pid', `${member.pid}`, '--fsize=1:1'])
    const ended = member.ended.then(() => true)
    const timer = Promise.withResolvers<false>()
    const late = setTimeout(() => timer.resolve(false), endTimeoutMs)
    const hasEnded = await Promise.race([ended, timer.promise])
    clearTimeout(late)
    if (!hasEnded) await member.kill()
    return hasEnded
  }

  async stop(): Promise<void> {
    await this.#cluster.stop()
    await Promise.all([...this.#proxies.map((proxy) => proxy.close()), this.#registry?.stop()])
  }
}

/** A schema registry that goes away and comes back with what it had, at the same address. */
export class RegistryKeeper {
  readonly url: string
  readonly #folder: string
  readonly #port: number
  #running: RunningRegistry | null

  private constructor(folder: string, port: number, running: RunningRegistry) {
    this.#folder = folder
    this.#port = port
    this.#running = running
    this.url = running.url
  }

  static async start(): Promise<RegistryKeeper> {
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-chaos-registry-'))
    const [port] = (await freePorts(1)) as [number]
    return new RegistryKeeper(folder, port, await startRegistry({ port, dataFolder: folder }))
  }

  /**
   * Registers the schema of a subject once more, with another text of the same shape; gives its id, which no sequencer has
   * met.
   */
  async variantOf(subject: string, variant: string): Promise<number> {
    const newest = (await (await fetch(`${this.url}/subjects/${subject}/versions/latest`)).json()) as { schema: string }
    const schema = JSON.stringify({ ...(JSON.parse(newest.schema) as object), doc: variant })
    const answer = await fetch(`${this.url}/subjects/${subject}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema }),
    })
    const { id } = (await answer.json()) as { id?: number }
    if (id === undefined) throw new Error(`the registry did not take a schema for ${subject}: HTTP ${answer.status}`)
    return id
  }

  async goAway(): Promise<void> {
    await this.#running?.stop()
    this.#running = null
  }

  async comeBack(): Promise<void> {
    this.#running ??= await startRegistry({ port: this.#port, dataFolder: this.#folder })
  }

  async stop(): Promise<void> {
    await this.goAway()
    await rm(this.#folder, { recursive: true, force: true })
  }
}
