import { startJavaServer } from './java-server.ts'
import type { Keeper, KeptProcess } from './kept-process.ts'
import { accepts } from './ports.ts'

export interface MemberSettings {
  /** The node id. */
  readonly id: number
  /** `HOST:PORT` for clients. */
  readonly address: string
  readonly keeper: Keeper
  readonly java: readonly string[]
  readonly logFile: string
  readonly startTimeoutMs: number
}

const READY = 'Kafka Server started'
const ANSWER_TIMEOUT_MS = 1_000
/** A broker that is asked to leave hands its partitions over first. */
const STOP_TIMEOUT_MS = 10_000

/** One broker of a cluster. It may end and be started again, on its data and its port. */
export class Member {
  readonly id: number
  readonly address: string
  /** Resolves with the reason, once, when it ended and nobody had asked it to through this object. */
  readonly endedUnasked: Promise<string>
  readonly #settings: MemberSettings
  readonly #unasked = Promise.withResolvers<string>()
  #process: KeptProcess | undefined
  #endExpected = false

  constructor(settings: MemberSettings) {
    this.#settings = settings
    this.id = settings.id
    this.address = settings.address
    this.endedUnasked = this.#unasked.promise
  }

  /** Process id of the broker, of the last one where it has ended. */
  get pid(): number {
    return this.#running.pid
  }

  /** Resolves when the broker that runs now has ended in any way, with how: `exit code 0`, `signal SIGKILL`. */
  get ended(): Promise<string> {
    return this.#running.exited
  }

  get isAlive(): boolean {
    return this.#process?.isAlive() ?? false
  }

  get #running(): KeptProcess {
    if (this.#process === undefined) throw new Error(`broker ${this.id} was never started`)
    return this.#process
  }

  /** Starts it and waits until the cluster has taken it in. Errors: BrokerError with the last lines of its log. */
  async start(): Promise<void> {
    const { keeper, java, logFile, startTimeoutMs, address, id } = this.#settings
    const [host, port] = address.split(':') as [string, string]
    const process = await startJavaServer({
      name: `Kafka broker ${id} on port ${port}`,
      keeper,
      java,
      logFile,
      timeoutMs: startTimeoutMs,
      memory: '700 MB',
      isReady: async (log) => log.includes(READY) && (await accepts(host, Number(port), ANSWER_TIMEOUT_MS)),
    })
    this.#process = process
    this.#endExpected = false
    void process.exited.then((how) => {
      if (!this.#endExpected) this.#unasked.resolve(`The Kafka broker on port ${port} ended by itself (${how}).`)
    })
  }

  /** From now on the end of the broker is no surprise. */
  expectEnd(): void {
    this.#endExpected = true
  }

  /** SIGKILL: it loses what it had not written yet and takes leave of nobody. Resolves when it has ended. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** SIGTERM: it hands its partitions over and leaves; after 10 s it is killed. Resolves when it has ended. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#running.signal('SIGKILL'), STOP_TIMEOUT_MS)
    try {
      this.resume()
      await this.#end('SIGTERM')
    } finally {
      clearTimeout(timer)
    }
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.expectEnd()
    this.#running.signal(signal)
    await this.#settings.keeper.hold(this.#running.exited)
  }

  /** SIGSTOP: its connections stay open and nobody answers. */
  pause(): void {
    this.#running.signal('SIGSTOP')
  }

  /** SIGCONT: it goes on as if no time had passed. */
  resume(): void {
    this.#running.signal('SIGCONT')
  }

  /** Ends it by `stop` if it still runs, and starts it again on its data and its port. */
  async restart(): Promise<void> {
    if (this.isAlive) await this.stop()
    await this.start()
  }
}
