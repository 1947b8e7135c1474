/** One run: sequencers, agents and a history on topics of its own; storms of faults, each followed by healing and checks. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Codec, confluentFraming, createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import type { Log } from '@signalbox/log'
import { createTopics, openKafkaLog, openSchemaRegistry } from '@signalbox/log-kafka'
import { Random } from '../support/random.ts'
import type { Brokers } from './brokers.ts'
import { audit, pythonChecker, type Verdict } from './checkers.ts'
import { Counts, Faults } from './faults.ts'
import { Fleet } from './fleet.ts'
import { History } from './history.ts'
import { Load } from './load.ts'
import type { PlantedName } from './planted.ts'
import { type Point, points } from './points.ts'
import type { ScheduledFault } from './schedule.ts'
import { came, sleep, TooLateError, until } from './wait.ts'

const partitions = 8
/** Brokers refuse less. */
const sessionTimeoutMs = 6_000
const calmMs = 3_000

export interface RunOptions {
  readonly seed: string
  readonly sequencers: number
  readonly planted: PlantedName | null
  /** The named points at which sequencers are killed. Default: all. */
  readonly points?: readonly Point[]
  readonly say: (line: string) => void
}

/** What was found wrong, by which check. */
export interface Finding {
  readonly check: 'liveness' | 'model' | 'audit' | 'python'
  readonly message: string
}

export class ChaosRun {
  readonly counts = new Counts()
  readonly findings: Finding[] = []
  readonly fleet: Fleet
  readonly load: Load
  readonly history: History
  readonly verdicts: { audit: boolean | null; python: boolean | null } = { audit: null, python: null }
  readonly topicPrefix: string
  readonly #options: RunOptions
  readonly #brokers: Brokers
  readonly #folder: string
  readonly #logs: readonly Log[]
  readonly #faults: Faults
  readonly #startedMs = performance.now()

  private constructor(options: RunOptions, brokers: Brokers, topicPrefix: string, folder: string, logs: readonly [Log, Log], codec: Codec) {
    this.#options = options
    this.#brokers = brokers
    this.topicPrefix = topicPrefix
    this.#folder = folder
    this.#logs = logs
    const random = new Random(options.seed)
    const registryUrl = brokers.registry?.url ?? null
    this.fleet = new Fleet({
      sequencers: options.sequencers,
      partitions,
      settings: { brokers: brokers.addresses, topicPrefix, registryUrl, sessionTimeoutMs, planted: options.planted, folder },
      random: random.stream('fleet'),
    })
    this.history = new History(logs[0], codec)
    this.load = new Load(logs[1], codec, this.history, random.stream('load'))
    const { counts, fleet, load } = this
    this.#faults = new Faults({
      brokers,
      fleet,
      load,
      topicPrefix,
      sessionTimeoutMs,
      random: random.stream('faults'),
      counts,
      points: options.points ?? points,
    })
  }

  /** Begins with topics of its own, under load; `heal` waits until it is whole. */
  static async start(brokers: Brokers, options: RunOptions): Promise<ChaosRun> {
    const topicPrefix = `chaos-${randomBytes(4).toString('hex')}`
    await createTopics({ brokers: brokers.addresses, topicPrefix, partitions })
    const folder = await mkdtemp(join(tmpdir(), 'signalbox-chaos-'))
    const { registry } = brokers
    const framing = registry === null ? undefined : confluentFraming(await openSchemaRegistry({ url: registry.url, topicPrefix }))
    const codec = createCodec({ limits: defaultLimits, ...(framing === undefined ? {} : { framing }) })
    const open = () => openKafkaLog({ brokers: brokers.addresses, topicPrefix })
    const run = new ChaosRun(options, brokers, topicPrefix, folder, [await open(), await open()], codec)
    run.fleet.start()
    run.load.start()
    return run
  }

  /** Waits until every partition is decided by one sequencer; false where that takes too long. */
  untilWhole(timeoutMs: number): Promise<boolean> {
    return came(timeoutMs, () => this.fleet.isWhole)
  }

  async storm(faults: readonly ScheduledFault[]): Promise<void> {
    const startedMs = performance.now()
    const underWay: Promise<void>[] = []
    for (const fault of faults) {
      const { atMs, kind } = fault
      await sleep(Math.max(0, startedMs + atMs - performance.now()))
      const struckMs = this.#nowMs()
      underWay.push(
        this.#faults.strike(fault).then(
          (what) => this.#options.say(`${seconds(struckMs)} to ${seconds(this.#nowMs())}  ${kind}: ${what}`),
          (error: Error) => this.#found('liveness', `${kind}, which began at ${seconds(struckMs)}, did not end: ${error.message}`),
        ),
      )
    }
    await Promise.all(underWay)
  }

  /** Waits until everything is whole, calm and decided; the load stands still then. */
  async heal(timeoutMs: number): Promise<void> {
    const { fleet, history, load, findings } = this
    const before = findings.length
    try {
      await this.#brokers.untilInSync()
      await until('every partition is decided by one sequencer, and nobody opens one anew', timeoutMs, async () => {
        const { openings } = history
        if (!fleet.isWhole) return false
        await sleep(calmMs)
        return fleet.isWhole && history.openings === openings
      })
      await load.pause()
      await until('every acknowledged intent is decided', timeoutMs, () => load.undecided === 0)
    } catch (error) {
      if (!(error instanceof TooLateError)) throw error
      const { endedUnasked } = fleet
      const ended = endedUnasked.length === 0 ? 'none' : `${endedUnasked.length}, the last saying '${endedUnasked.at(-1)}'`
      const undecided = `${load.undecided} of ${load.acknowledged.length} acknowledged intents are undecided`
      this.#found('liveness', `${error.message}; ${undecided}; sequencers that ended by themselves: ${ended}`)
    }
    if (findings.length > before) await load.pause().catch(() => {})
  }

  /** Both checkers and the model; the load stands still. */
  async check(): Promise<void> {
    const { history, load } = this
    history.check(load.acknowledged)
    for (const violation of history.violations.splice(0)) this.#found('model', violation)
    const log = { brokers: this.#brokers.addresses, topicPrefix: this.topicPrefix, registryUrl: this.#brokers.registry?.url ?? null }
    this.verdicts.audit = this.#judged('audit', await audit(log), this.verdicts.audit)
    this.verdicts.python = this.#judged('python', await pythonChecker(log), this.verdicts.python)
  }

  async stop(): Promise<void> {
    await this.load.stop()
    await this.fleet.stop()
    await Promise.all([this.history.stop(), ...this.#logs.map((log) => log.close())])
    if (this.findings.length === 0 || this.#options.planted !== null) await rm(this.#folder, { recursive: true, force: true })
    else this.#options.say(`the sequencers' own log is kept: ${this.fleet.logFile}`)
  }

  #judged(check: 'audit' | 'python', { clean, said }: Verdict, before: boolean | null): boolean {
    if (!clean) this.#found(check, said.slice(0, 4_000))
    return clean && before !== false
  }

  #found(check: Finding['check'], message: string): void {
    this.findings.push({ check, message })
    this.#options.say(`FOUND by ${check} at ${seconds(this.#nowMs())}: ${message}`)
  }

  #nowMs(): number {
    return performance.now() - this.#startedMs
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
