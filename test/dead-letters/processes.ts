/** `signalbox` as processes, on a folder or on Kafka. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../support/root.ts'

const main = join(root, 'packages/cli/src/main.ts')
const readyMs = 60_000

export interface Place {
  readonly directory: string
  /** Null: the embedded log. */
  readonly kafka: { readonly brokers: string; readonly topicPrefix: string } | null
}

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  readonly out: { stdout: string; stderr: string }
}

/** `script`: in place of the command. */
export function start({ directory, kafka }: Place, parameters: readonly string[], script = main): Running {
  // What checks them reads records without a registry.
  const { KAFKA_BROKERS: _brokers, KAFKA_BOOTSTRAP_SERVERS: _servers, SCHEMA_REGISTRY_URL: _registry, ...rest } = process.env
  const environment: NodeJS.ProcessEnv = {
    ...rest,
    NO_COLOR: '1',
    SIGNALBOX_DATA_DIR: join(directory, 'data'),
    SIGNALBOX_LOG_LEVEL: 'warn',
  }
  if (kafka !== null)
    Object.assign(environment, { KAFKA_BROKERS: kafka.brokers, KAFKA_TOPIC_PREFIX: kafka.topicPrefix, SIGNALBOX_LOG: 'kafka' })
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...parameters], {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const out = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => {
      out[stream] += chunk.toString()
    })
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...out })))
  return { child, ended, out }
}

export interface Up extends Running {
  readonly url: string
  stop(): Promise<void>
}

export async function startUp(place: Place, config: string): Promise<Up> {
  const running = start(place, ['up', '--config', config, '--port', '0'])
  const beganMs = performance.now()
  for (;;) {
    const url = /signalbox is up: (http:\/\/127\.0\.0\.1:\d+)/.exec(running.out.stderr)?.[1]
    if (url !== undefined)
      return {
        ...running,
        url,
        async stop() {
          running.child.kill('SIGTERM')
          await running.ended
        },
      }
    if (running.child.exitCode !== null || performance.now() - beganMs > readyMs) {
      running.child.kill('SIGKILL')
      throw new Error(`signalbox up did not come up: ${running.out.stderr}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
