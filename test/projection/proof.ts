/** The proof itself: who writes, who projects and is killed, who looks on, and what is compared in the end. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { createCodec } from '@signalbox/codec'
import { defaultLimits } from '@signalbox/contract'
import { openSqliteLogReader } from '@signalbox/log-sqlite'
import type { Projection } from '@signalbox/projection'
import { EventFeed, type HostStatus, type Verification, verify } from '@signalbox/projection-host'
import type { ProjectionStore } from '@signalbox/projection-store'
import { Random } from '../support/random.ts'
import { root } from '../support/root.ts'
import { type Talking, talk } from './lines.ts'
import { Onlooker } from './onlooker.ts'
import { openStore } from './stores.ts'

export interface ProofOptions {
  readonly events: number
  readonly kills: number
  readonly seed: number
  /** What the writers go on with while it is rebuilt. */
  readonly eventsPerSecond: number
  readonly batchEvents: number
  /** Null for SQLite. */
  readonly postgresUrl: string | null
  /** A bug for the proof to find: rows and position in two transactions. */
  readonly plant?: 'apart'
  readonly say: (text: string) => void
}

export interface Proof {
  readonly isProven: boolean
  readonly kills: number
  readonly swaps: number
  /** In the log at the end. */
  readonly eventsInLog: number
  readonly committed: number
  /** Counted by the rows: as many as were committed. */
  readonly counted: number
  /** Rows that verify found otherwise than the log gives them: of the generation that was built under kills, and of the last. */
  readonly differing: number
  readonly hash: string
  readonly looks: number
  readonly gaps: readonly string[]
  /** Of the last rebuild, which nobody disturbed. */
  readonly rebuildMs: number
  readonly rebuildEventsPerSecond: number
  /** The folder of log and store, left to the caller. */
  readonly directory: string
}

interface Written {
  readonly prepared?: true
  readonly ended?: true
  readonly events: number
  readonly committed: number
}

const partitions = 2
const name = 'by-state'
const patienceMs = 600_000
/** From here on a rebuild takes so long that kills can be spread over it. */
const manyEvents = 200_000

export async function proveProjection(options: ProofOptions): Promise<Proof> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-proof-'))
  const workspace = makeProjection()
  const address = options.postgresUrl === null ? directory : `${options.postgresUrl}#proof_${process.pid}_${Date.now()}`
  const { events, eventsPerSecond, say } = options
  say(`proof: seed ${options.seed}, ${events} events, ${options.kills} kills`)
  const writer = talk<Written>(
    join(root, 'test/projection/writer-process.ts'),
    directory,
    `${partitions}`,
    `${events}`,
    `${eventsPerSecond}`,
  )
  const store = await openStore(address)
  try {
    const prepared = await writer.heard((line) => line.prepared === true)
    say(`proof: ${prepared.events} events are in the log, and ${eventsPerSecond} a second more are coming`)
    return await new Proving(options, directory, address, store, writer, join(workspace, `${name}.ts`)).run()
  } catch (error) {
    rmSync(directory, { recursive: true, force: true })
    throw error
  } finally {
    writer.child.stdin!.end()
    await writer.ended
    await store.close()
    rmSync(workspace, { recursive: true, force: true })
  }
}

/** As a user does: by the command, in a folder from which the packages are found. */
function makeProjection(): string {
  mkdirSync(join(root, 'test/.scratch'), { recursive: true })
  const workspace = mkdtempSync(join(root, 'test/.scratch/proof-'))
  const main = join(root, 'packages/cli/src/main.ts')
  execFileSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, 'projection', 'new', name, '--type', 'counter', '--directory', '.'],
    {
      cwd: workspace,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  return workspace
}

class Proving {
  readonly #options: ProofOptions
  readonly #directory: string
  readonly #address: string
  readonly #store: ProjectionStore
  readonly #writer: Talking<Written>
  readonly #file: string
  readonly #random: Random
  readonly #onlooker: Onlooker
  #projector: Talking<HostStatus> | null = null
  #kills = 0

  constructor(options: ProofOptions, directory: string, address: string, store: ProjectionStore, writer: Talking<Written>, file: string) {
    this.#options = options
    this.#directory = directory
    this.#address = address
    this.#store = store
    this.#writer = writer
    this.#file = file
    this.#random = new Random(`proof/${options.seed}`)
    this.#onlooker = new Onlooker(store, name)
  }

  async run(): Promise<Proof> {
    const { say } = this.#options
    try {
      await this.#caughtUp()
      this.#onlooker.start()
      await this.#killAndRebuild()
      // Of the very rows that were built by those who died: the next rebuild takes their place.
      const killed = await this.#verify()
      say(`proof: after ${this.#kills} kills ${killed.differing} of ${killed.rows} rows differ from the log`)
      const undisturbed = await this.#rebuild()
      say(`proof: rebuilt undisturbed in ${undisturbed.elapsedMs} ms, ${undisturbed.eventsPerSecond} events/s`)
      const written = await this.#endOfWriting()
      await this.#caughtUp()
      await this.#onlooker.stop()
      return await this.#compare(written, killed, undisturbed)
    } finally {
      await this.#onlooker.stop()
      const projector = this.#projector
      projector?.child.kill('SIGTERM')
      await projector?.ended
    }
  }

  #start(): Talking<HostStatus> {
    const { batchEvents, plant = 'none' } = this.#options
    const file = join(root, 'test/projection/projector-process.ts')
    this.#projector ??= talk<HostStatus>(file, this.#directory, this.#address, this.#file, `${batchEvents}`, plant)
    return this.#projector
  }

  /** Kills whoever projects at moments that nobody chose, always in the middle of a rebuild. */
  async #killAndRebuild(): Promise<void> {
    const { events, kills, say } = this.#options
    while (this.#kills < kills) {
      const projector = this.#start()
      await this.#until(() => this.#isBuilding(projector), 'the rebuild to begin')
      await sleep(this.#random.between(0, events > manyEvents ? 1_500 : 250))
      const { building } = projector.last()!
      projector.child.kill(this.#options.plant === undefined ? 'SIGKILL' : 'SIGUSR2')
      await projector.ended
      this.#projector = null
      this.#kills++
      say(`proof: kill ${this.#kills} of ${kills}${building === null ? '' : `, at ${Math.floor(building.percent)} % of a rebuild`}`)
    }
    this.#start()
    await this.#settled()
  }

  /** Asks for a rebuild where none is under way: one that is resumed may end before anybody sees it. */
  async #isBuilding(projector: Talking<HostStatus>): Promise<boolean> {
    if ((await this.#store.open(name)).length === 0) await this.#store.ask(name, 'rebuild', null)
    const status = projector.last()
    return status !== null && status.building !== null
  }

  async #settled(): Promise<void> {
    await this.#until(async () => (await this.#store.open(name)).length === 0, 'the rebuild to end')
  }

  async #rebuild(): Promise<{ readonly elapsedMs: number; readonly eventsPerSecond: number }> {
    const sinceMs = performance.now()
    await this.#store.ask(name, 'rebuild', null)
    await this.#settled()
    const elapsedMs = Math.round(performance.now() - sinceMs)
    const stored = await this.#store.projection(name)
    const live = stored!.generations.find(({ generation }) => generation === stored!.live)!
    const events = live.positions.reduce((sum, { logOffset }) => sum + logOffset, 0)
    return { elapsedMs, eventsPerSecond: Math.round((events * 1_000) / elapsedMs) }
  }

  async #endOfWriting(): Promise<Written> {
    const ended = this.#writer.heard((line) => line.ended === true)
    this.#writer.child.stdin!.end()
    return await this.#within(ended, 'the writer to end')
  }

  async #caughtUp(): Promise<void> {
    this.#start()
    const log = await openSqliteLogReader({ directory: this.#directory })
    await this.#until(async () => {
      const stored = await this.#store.projection(name)
      const live = stored?.generations.find(({ generation }) => generation === stored.live)
      if (live === undefined) return false
      const ends = await Promise.all(live.positions.map((_position, partition) => log.offsets('events', partition)))
      // While the writers go on there is always a little more.
      return ends.every(
        ({ end }, partition) => live.positions[partition]!.logOffset >= end - (this.#writer.last()?.ended === true ? 0 : 1_000),
      )
    }, 'the projection to catch up')
    await log.close()
  }

  async #verify(): Promise<Verification> {
    const { projection } = (await import(pathToFileURL(this.#file).href)) as { projection: Projection }
    const log = await openSqliteLogReader({ directory: this.#directory })
    const feed = new EventFeed(log, createCodec({ limits: defaultLimits }))
    try {
      return await verify({ projection, store: this.#store, feed })
    } finally {
      await feed.close()
      await log.close()
    }
  }

  async #compare(
    written: Written,
    killed: Verification,
    rebuilt: { readonly elapsedMs: number; readonly eventsPerSecond: number },
  ): Promise<Proof> {
    const last = await this.#verify()
    const counted = await this.#onlooker.counted()
    const { gaps, looks, swaps } = this.#onlooker
    return {
      isProven: killed.isClean && last.isClean && counted === written.committed && gaps.length === 0 && swaps > 1,
      kills: this.#kills,
      swaps,
      eventsInLog: written.events,
      committed: written.committed,
      counted,
      differing: killed.differing + last.differing,
      hash: last.liveHash,
      looks,
      gaps,
      rebuildMs: rebuilt.elapsedMs,
      rebuildEventsPerSecond: rebuilt.eventsPerSecond,
      directory: this.#directory,
    }
  }

  async #until(isSo: () => Promise<boolean>, what: string): Promise<void> {
    const deadline = performance.now() + patienceMs
    while (!(await isSo())) {
      if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms for ${what}`)
      await sleep(20)
    }
  }

  async #within<Result>(promise: Promise<Result>, what: string): Promise<Result> {
    const timeout = new AbortController()
    const late = sleep(patienceMs, null, { signal: timeout.signal }).then(() => {
      throw new Error(`waited ${patienceMs} ms for ${what}`)
    })
    late.catch(() => {})
    try {
      return await Promise.race([promise, late])
    } finally {
      timeout.abort()
    }
  }
}
