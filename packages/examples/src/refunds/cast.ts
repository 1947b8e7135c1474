/** The processes of a run: five agents, a bank and a mail server; each ended by its own handle. */
import { type ChildProcess, fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Decision } from '@signalbox/contract'
import type { AgentPart, Answer, FromAgent, Order } from './orders.ts'
import type { AgentName } from './plan.ts'
import type { StubPart } from './stub.ts'

const patienceMs = 20_000
const stopMs = 3_000

/** The first message that `pick` takes; rejects when the process ends before, or says nothing for too long. */
function hear<Message, Value>(child: ChildProcess, name: string, pick: (message: Message) => Value | undefined): Promise<Value> {
  return new Promise((resolve, reject) => {
    const end = (error: Error | null, value?: Value) => {
      clearTimeout(timer)
      child.off('message', listen)
      child.off('exit', ended)
      if (error === null) resolve(value!)
      else reject(error)
    }
    const listen = (message: unknown) => {
      const value = pick(message as Message)
      if (value !== undefined) end(null, value)
    }
    const ended = (code: number | null) => end(new Error(`the process of ${name} ended with ${code}`))
    const timer = setTimeout(() => end(new Error(`the process of ${name} said nothing for ${patienceMs} ms`)), patienceMs)
    child.on('message', listen)
    child.once('exit', ended)
  })
}

function start(file: string, part: unknown): ChildProcess {
  return fork(resolve(import.meta.dirname, file), [JSON.stringify(part)], {
    stdio: ['ignore', 2, 2, 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  if (child.connected) child.disconnect()
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
  await ended
  clearTimeout(timer)
}

export class AgentProcess {
  readonly name: AgentName
  readonly #part: AgentPart
  #child: ChildProcess
  #number = 0

  private constructor(part: AgentPart, child: ChildProcess) {
    this.name = part.agent
    this.#part = part
    this.#child = child
  }

  static async start(part: AgentPart): Promise<AgentProcess> {
    const process = new AgentProcess(part, start('agent-process.ts', part))
    try {
      await process.#ready()
    } catch (error) {
      await process.stop()
      throw error
    }
    return process
  }

  async #ready(): Promise<void> {
    await hear(this.#child, this.name, (message: FromAgent) => ('ready' in message ? true : undefined))
  }

  /** Throws what went wrong in the process. */
  async follow(order: Order): Promise<Answer> {
    const number = ++this.#number
    const heard = hear(this.#child, this.name, (message: FromAgent) =>
      'number' in message && message.number === number ? message.answer : undefined,
    )
    this.#child.send({ number, order })
    const answer = await heard
    if ('failed' in answer) throw new Error(`${this.name} could not ${order.do}: ${answer.failed}`)
    return answer
  }

  /** Follows an order that ends in a decision. */
  async decide(order: Order): Promise<Decision> {
    const answer = await this.follow(order)
    if (!('decision' in answer) || answer.decision === null) throw new Error(`${this.name} got no decision on: ${JSON.stringify(order)}`)
    return answer.decision
  }

  /** kill -9, and the same agent as a new process. Gives the ids of both. */
  async killAndRestart(): Promise<{ readonly killed: number; readonly started: number }> {
    const killed = this.#child.pid!
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.kill('SIGKILL')
    await ended
    this.#child = start('agent-process.ts', this.#part)
    await this.#ready()
    return { killed, started: this.#child.pid! }
  }

  async stop(): Promise<void> {
    await end(this.#child)
  }
}

export class StubProcess {
  readonly url: string
  readonly ledgerFile: string
  readonly #child: ChildProcess

  private constructor(url: string, ledgerFile: string, child: ChildProcess) {
    this.url = url
    this.ledgerFile = ledgerFile
    this.#child = child
  }

  static async start(name: 'bank' | 'mail-server', directory: string, part: Omit<StubPart, 'ledgerFile'>): Promise<StubProcess> {
    const ledgerFile = join(directory, `${name}.ledger.jsonl`)
    writeFileSync(ledgerFile, '')
    const child = start('stub-process.ts', { ...part, ledgerFile })
    try {
      const url = await hear(child, name, (message: { readonly url?: string }) => message.url)
      return new StubProcess(url, ledgerFile, child)
    } catch (error) {
      await end(child)
      throw error
    }
  }

  async stop(): Promise<void> {
    await end(this.#child)
  }
}
