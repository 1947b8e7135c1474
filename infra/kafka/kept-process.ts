import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { BrokerError } from './errors.ts'

/** The keeper gives its commands 10 s before it kills them. */
const CLOSE_TIMEOUT_MS = 15_000

/** A command that ends when this process ends, however that happens. */
export interface KeptProcess {
  readonly pid: number
  /** Resolves with how it ended: `exit code 1`, `signal SIGKILL`. */
  readonly exited: Promise<string>
  isAlive(): boolean
  /** Sends a signal, to nobody when it has ended. */
  signal(name: NodeJS.Signals): void
}

interface Entry {
  readonly started: (pid: number) => void
  readonly ended: (how: string) => void
}

/** Starts commands through a process of its own (keeper.ts) that outlives this one by as long as it takes to clean up. */
export class Keeper {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #exited: Promise<void>
  readonly #entries = new Map<number, Entry>()
  #nextId = 1
  #holders = 0

  /** `folder` is deleted at the end; null deletes nothing. */
  constructor(folder: string | null) {
    const command = ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'keeper.ts'), folder ?? '-']
    // A group of its own, so that Ctrl-C in a terminal does not take the commands away before their users have finished.
    this.#child = spawn(process.execPath, command, { stdio: ['pipe', 'pipe', 'inherit'], detached: true })
    this.#child.stdin.on('error', () => {})
    this.#exited = new Promise((resolve) => this.#child.once('exit', () => resolve()))
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line))
    this.#release()
  }

  #hear(line: string): void {
    const { id, pid, exit } = JSON.parse(line) as { id: number; pid?: number; exit?: string }
    const entry = this.#entries.get(id)
    if (pid !== undefined) entry?.started(pid)
    if (exit !== undefined) entry?.ended(exit)
  }

  /** Starts a command, its output appended to `log`. Errors: BrokerError where the command does not exist. */
  run(command: readonly [string, ...string[]], log: string): Promise<KeptProcess> {
    const id = this.#nextId++
    let alive = true
    const started = new Promise<KeptProcess>((resolve, reject) => {
      const exited = new Promise<string>((resolveExited) => {
        this.#entries.set(id, {
          started: (pid) =>
            resolve({
              pid,
              exited,
              isAlive: () => alive,
              signal: (name) => {
                if (alive) signalTo(pid, name)
              },
            }),
          ended: (how) => {
            alive = false
            this.#entries.delete(id)
            resolveExited(how)
            // Without effect on one that has started.
            reject(new BrokerError(`${command[0]} did not start (${how}). Check that it is installed and on the path, then try again.`))
          },
        })
      })
    })
    void this.#exited.then(() => this.#entries.get(id)?.ended('its keeper ended'))
    this.#child.stdin.write(`${JSON.stringify({ id, log, command })}\n`)
    return this.hold(started)
  }

  /** Keeps this process running until the promise has settled; what merely runs in the keeper does not. */
  async hold<T>(promise: Promise<T>): Promise<T> {
    this.#holders++
    this.#child.ref()
    for (const stream of this.#streams) stream.ref?.()
    try {
      return await promise
    } finally {
      if (--this.#holders === 0) this.#release()
    }
  }

  get #streams(): readonly { ref?: () => void; unref?: () => void }[] {
    return [this.#child.stdin, this.#child.stdout] as unknown as readonly { ref?: () => void; unref?: () => void }[]
  }

  #release(): void {
    this.#child.unref()
    for (const stream of this.#streams) stream.unref?.()
  }

  /** Ends all commands and deletes the folder. Safe to call twice. */
  async close(): Promise<void> {
    await this.hold(this.#close())
  }

  async #close(): Promise<void> {
    this.#child.stdin.end()
    const timeout = new AbortController()
    const late = sleep(CLOSE_TIMEOUT_MS, 'late' as const, { signal: timeout.signal }).catch(() => undefined)
    if ((await Promise.race([this.#exited, late])) === 'late') this.#child.kill('SIGKILL')
    timeout.abort()
  }
}

function signalTo(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // It ended a moment ago, and its keeper has not said so yet.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
