/** The command as processes, beside a `signalbox up` on a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { vi } from 'vitest'
import { root } from './root.ts'

const main = join(root, 'packages/cli/src/main.ts')
const environment = (() => {
  const { KAFKA_BROKERS: _brokers, KAFKA_BOOTSTRAP_SERVERS: _servers, ...rest } = process.env
  return { ...rest, NO_COLOR: '1' }
})()

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface Started {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** So far. */
  readonly out: { stdout: string; stderr: string }
}

/** One command on the topics of a prefix, with the brokers of the tests. */
export async function runOnTopics(
  directory: string,
  topicPrefix: string,
  parameters: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...parameters], {
    cwd: directory,
    env: { ...process.env, KAFKA_TOPIC_PREFIX: topicPrefix, NO_COLOR: '1', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const out = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => {
      out[stream] += chunk.toString()
    })
  return await new Promise((resolve) => child.once('close', (code) => resolve({ code, ...out })))
}

export interface Commands {
  readonly directory: string
  readonly url: string
  /** Of the commands that are started from now on. */
  readonly environment: Record<string, string | undefined>
  start(parameters: readonly string[], input?: string): Started
  run(parameters: readonly string[], input?: string): Promise<Ended>
  /** By `up` on stderr, so far. */
  said(): string
  /** Gives the exit code of `up`. */
  stopUp(): Promise<number | null>
  close(): Promise<void>
}

/** `folder`: of an earlier one, whose log goes on. `before`: commands that run before `up`. */
export async function openCommands(
  config: string,
  folder?: string,
  variables: Readonly<Record<string, string>> = {},
  before: readonly (readonly string[])[] = [],
): Promise<Commands> {
  const directory = folder ?? mkdtempSync(join(tmpdir(), 'signalbox-command-'))
  const own: Record<string, string | undefined> = { ...environment, ...variables }
  const start = (parameters: readonly string[], input?: string): Started => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...parameters], {
      cwd: directory,
      env: own,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stdin.end(input ?? '')
    const out = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].on('data', (chunk: Buffer) => {
        out[stream] += chunk.toString()
      })
    }
    const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, ...out })))
    return { child, ended, out }
  }
  for (const parameters of before) {
    const { code, stderr } = await start(parameters).ended
    if (code !== 0) throw new Error(stderr)
  }
  const up = start(['up', '--config', config, '--data-dir', 'data', '--port', '0'])
  await vi.waitUntil(() => up.out.stderr.includes('signalbox is up'), { timeout: 30_000, interval: 20 })
  const stopUp = async (): Promise<number | null> => {
    up.child.kill('SIGTERM')
    return (await up.ended).code
  }
  return {
    directory,
    environment: own,
    url: /http:\/\/127\.0\.0\.1:\d+/.exec(up.out.stderr)![0],
    start,
    run: (parameters, input) => start(parameters, input).ended,
    said: () => up.out.stderr,
    stopUp,
    async close() {
      await stopUp()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
