/** Sequencers as processes of their own, one of which may be killed halfway: what an engineer wants to see of a cluster. */

import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { environment } from '@signalbox/cli'

const startTimeoutMs = 60_000
const stopTimeoutMs = 20_000
const main = fileURLToPath(new URL('main.ts', import.meta.resolve('@signalbox/cli')))

interface Running {
  readonly number: number
  readonly child: ChildProcess
  readonly url: string
  readonly ended: Promise<void>
}

export class Sequencers {
  readonly #running: Running[]
  readonly #say: (text: string) => void

  private constructor(running: Running[], say: (text: string) => void) {
    this.#running = running
    this.#say = say
  }

  static async start(count: number, topicPrefix: string, configFile: string, say: (text: string) => void): Promise<Sequencers> {
    const running: Running[] = []
    try {
      for (let number = 1; number <= count; number++) running.push(await startOne(number, topicPrefix, configFile))
    } catch (error) {
      for (const { child } of running) child.kill('SIGKILL')
      throw error
    }
    say(`${count} sequencers run as processes of their own: ${running.map(({ child }) => child.pid).join(', ')}`)
    return new Sequencers(running, say)
  }

  /** Ends the one that decides the partition, as a power cut does. */
  async killOwner(partition: number): Promise<void> {
    for (const each of this.#running) {
      const metrics = await (await fetch(`${each.url}/metrics`)).text()
      if (!metrics.includes(`signalbox_partition_phase{partition="${partition}",phase="active"} 1`)) continue
      this.#say(`kill -9 ${each.child.pid}: the sequencer that decides partition ${partition}`)
      each.child.kill('SIGKILL')
      await each.ended
      this.#running.splice(this.#running.indexOf(each), 1)
      return
    }
    throw new Error(`no sequencer decides partition ${partition} at this moment; run the demo again`)
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#running.map(async ({ child, ended }) => {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs)
        await ended
        clearTimeout(timer)
      }),
    )
  }
}

async function startOne(number: number, topicPrefix: string, configFile: string): Promise<Running> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, 'sequencer', '--config', configFile, '--port', '0'],
    {
      env: { ...process.env, KAFKA_TOPIC_PREFIX: topicPrefix, SIGNALBOX_LOG_LEVEL: environment().SIGNALBOX_LOG_LEVEL ?? 'error' },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const url = new Promise<string>((resolve, reject) => {
    const said: string[] = []
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line)
      const found = /is up: (http:\/\/\S+)/.exec(line)
      if (found !== null) resolve(found[1]!)
      else if (line.includes('"level":50')) process.stderr.write(`${line}\n`)
    })
    const failed = () => reject(new Error(`sequencer ${number} did not start:\n${said.join('\n')}`))
    void ended.then(failed)
    setTimeout(failed, startTimeoutMs).unref()
  })
  try {
    return { number, child, url: await url, ended }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}
