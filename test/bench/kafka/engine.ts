/** Starts an engine as a process of its own, and knows what it decides. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { EngineMessage, EngineSettings } from './protocol.ts'

const startTimeoutMs = 60_000
const stopTimeoutMs = 20_000

export class Engine {
  readonly settings: EngineSettings
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  active: readonly number[] = []
  followed: ReadonlyMap<number, number> = new Map()
  #failure: string | null = null

  constructor(settings: EngineSettings) {
    this.settings = settings
    this.#child = fork(fileURLToPath(new URL('./engine-process.ts', import.meta.url)), {
      // kafkajs sets timers for times that have passed, and Node says so.
      execArgv: ['--disable-warning=TimeoutNegativeWarning'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    this.#exited = new Promise((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.on('message', (message: EngineMessage) => {
      if (message.kind === 'active') this.active = message.partitions
      else if (message.kind === 'followed') this.followed = new Map(message.positions)
      else this.#failure = message.message
    })
    this.#child.send(settings)
  }

  /** Waits for a condition on what it decides. */
  async until(what: string, condition: (engine: Engine) => boolean): Promise<void> {
    const deadlineMs = performance.now() + startTimeoutMs
    while (!condition(this)) {
      if (this.#failure !== null) throw new Error(`the ${this.settings.kind} engine of the benchmark failed: ${this.#failure}`)
      if (performance.now() > deadlineMs)
        throw new Error(`the ${this.settings.kind} engine of the benchmark: ${what}: not within ${startTimeoutMs} ms`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** As a power cut does it. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }

  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.send('stop')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs)
    await this.#exited
    clearTimeout(timer)
  }
}
