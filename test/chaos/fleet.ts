/** The sequencers of a run: processes that die and are replaced, as an orchestrator replaces them. */
import { type ChildProcess, fork } from 'node:child_process'
import { appendFileSync, closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../support/random.ts'
import type { Armed, Point } from './points.ts'
import type { FromSequencer, SequencerSettings, ToSequencer } from './protocol.ts'
import { came, sleep } from './wait.ts'

const stopTimeoutMs = 30_000

export class SequencerProcess {
  readonly number: number
  readonly #child: ChildProcess
  readonly exited: Promise<void>
  active: readonly number[] = []
  isStopped = false
  isAlive = true
  /** The runner has ended it, or told it to end. */
  isExpectedToEnd = false

  constructor(number: number, settings: SequencerSettings, logFile: string) {
    this.number = number
    const log = openSync(logFile, 'a')
    this.#child = fork(join(import.meta.dirname, 'sequencer-process.ts'), {
      env: { ...process.env, CHAOS_SEQUENCER: JSON.stringify(settings) },
      execArgv: ['--disable-warning=ExperimentalWarning', '--disable-warning=TimeoutNegativeWarning'],
      stdio: ['ignore', 'ignore', log, 'ipc'],
    })
    closeSync(log)
    this.#child.on('error', () => {})
    this.exited = new Promise((resolve) =>
      this.#child.once('exit', (code, signal) => {
        this.isAlive = false
        this.active = []
        appendFileSync(logFile, `sequencer ${number} has ended: ${signal ?? `exit code ${code}`}\n`)
        resolve()
      }),
    )
    this.#child.on('message', ({ partitions }: FromSequencer) => {
      this.active = partitions
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  tell(message: ToSequencer): void {
    if (this.isAlive && this.#child.connected) this.#child.send(message, () => {})
  }

  /** `SIGKILL`, `SIGTERM`, `SIGSTOP`, `SIGCONT`. */
  signal(name: NodeJS.Signals): void {
    if (name === 'SIGSTOP') this.isStopped = true
    if (name === 'SIGCONT') this.isStopped = false
    if (name === 'SIGKILL' || name === 'SIGTERM') this.isExpectedToEnd = true
    this.#child.kill(name)
  }
}

/** A point that the process with the id has passed, and did not get beyond. */
interface Hit {
  readonly point: Point
  readonly pid: number
}

export interface FleetOptions {
  readonly sequencers: number
  readonly partitions: number
  readonly settings: Omit<SequencerSettings, 'hitsFile' | 'armed'>
  readonly random: Random
}

export class Fleet {
  readonly #options: FleetOptions
  readonly #hitsFile: string
  readonly #processes = new Set<SequencerProcess>()
  readonly #replacing = new Set<Promise<void>>()
  #armed: Armed | null = null
  #started = 0
  #isOver = false
  /** Why processes ended by themselves, at no armed point: `CODE: last words`, the code where the log gave one. */
  readonly endedUnasked: string[] = []

  constructor(options: FleetOptions) {
    this.#options = options
    this.#hitsFile = join(options.settings.folder, 'hits')
  }

  /** What all of them have said. */
  get logFile(): string {
    return join(this.#options.settings.folder, 'sequencers.log')
  }

  start(): void {
    for (let index = 0; index < this.#options.sequencers; index++) this.#add(true)
  }

  /** A member more, which nobody replaces. */
  addGuest(): SequencerProcess {
    return this.#add(false)
  }

  /** Those that run and are not stopped. */
  get running(): readonly SequencerProcess[] {
    return [...this.#processes].filter(({ isAlive, isExpectedToEnd, isStopped }) => isAlive && !isStopped && !isExpectedToEnd)
  }

  /** Whether the process still counts; one that has killed itself does for a moment. */
  has(pid: number): boolean {
    return [...this.#processes].some((each) => each.pid === pid && each.isAlive)
  }

  get owners(): readonly SequencerProcess[] {
    return this.running.filter(({ active }) => active.length > 0)
  }

  /** Whether each partition is decided by one process, and by one only. */
  get isWhole(): boolean {
    const active = [...this.#processes].flatMap((each) => each.active)
    return (
      this.running.length >= this.#options.sequencers &&
      active.length === this.#options.partitions &&
      new Set(active).size === active.length
    )
  }

  /** Every point at which a process has ended. */
  get hits(): readonly Hit[] {
    return this.#hitsOf('SIGKILL')
  }

  /** Every point at which a process has stopped, to go on later. */
  get stops(): readonly Hit[] {
    return this.#hitsOf('SIGSTOP')
  }

  /** Every process, and those that are started meanwhile, ends at the point; until `disarm`. */
  arm(armed: Armed): void {
    this.#armed = armed
    for (const each of this.#processes) each.tell({ kind: 'arm', ...armed })
  }

  disarm(): void {
    this.#armed = null
    for (const each of this.#processes) each.tell({ kind: 'disarm' })
  }

  /** Whoever comes after them takes every partition over from the log alone. */
  killAll(): void {
    for (const each of this.running) each.signal('SIGKILL')
  }

  async stop(): Promise<void> {
    this.#isOver = true
    for (const each of this.#processes) {
      each.signal('SIGCONT')
      each.signal('SIGTERM')
    }
    await came(stopTimeoutMs, () => [...this.#processes].every(({ isAlive }) => !isAlive))
    for (const each of this.#processes) each.signal('SIGKILL')
    await Promise.all([...[...this.#processes].map(({ exited }) => exited), ...this.#replacing])
  }

  #hitsOf(signal: Armed['signal']): readonly Hit[] {
    if (!existsSync(this.#hitsFile)) return []
    const lines = readFileSync(this.#hitsFile, 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
    return lines.filter(([, , name]) => name === signal).map(([point, pid]) => ({ point: point as Point, pid: Number(pid) }))
  }

  #lastWordsOf({ number, pid }: SequencerProcess): string {
    const lines = readFileSync(this.logFile, 'utf8').split('\n')
    const last = lines.findLast((line) => line.includes(`"pid":${pid},`) && line.includes('"level":60'))
    if (last === undefined) return `sequencer ${number} said nothing`
    const { err, msg } = JSON.parse(last) as { msg: string; err?: { code?: string } }
    return err?.code === undefined ? msg : `${err.code}: ${msg}`
  }

  #add(isReplaced: boolean): SequencerProcess {
    const { settings } = this.#options
    const number = ++this.#started
    const added = new SequencerProcess(number, { ...settings, hitsFile: this.#hitsFile, armed: this.#armed }, this.logFile)
    this.#processes.add(added)
    const replaced = added.exited.then(async () => {
      this.#processes.delete(added)
      if (!added.isExpectedToEnd && !this.hits.some(({ pid }) => pid === added.pid)) this.endedUnasked.push(this.#lastWordsOf(added))
      if (!isReplaced || this.#isOver) return
      await sleep(this.#options.random.between(200, 2_000))
      if (!this.#isOver) this.#add(true)
    })
    this.#replacing.add(replaced)
    void replaced.finally(() => this.#replacing.delete(replaced))
    return added
  }
}
