/** The two checkers of a whole log: `signalbox audit`, and a reader in Python that shares no code with the product. */
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { pythonWithPackages } from '../../infra/python/environment.ts'

const root = resolve(import.meta.dirname, '../..')
const timeoutMs = 300_000

export interface Verdict {
  readonly clean: boolean
  /** What the checker printed, or why it could not check. */
  readonly said: string
}

export interface CheckedLog {
  readonly brokers: string
  readonly topicPrefix: string
  readonly registryUrl: string | null
}

export async function audit({ brokers, registryUrl, topicPrefix }: CheckedLog): Promise<Verdict> {
  const config = join(import.meta.dirname, 'chaos.config.ts')
  const main = join(root, 'packages/cli/src/main.ts')
  return await run(process.execPath, ['--disable-warning=ExperimentalWarning', main, 'audit', '--config', config, '--json'], {
    ...process.env,
    KAFKA_BROKERS: brokers,
    KAFKA_TOPIC_PREFIX: topicPrefix,
    NO_COLOR: '1',
    ...(registryUrl === null ? {} : { SCHEMA_REGISTRY_URL: registryUrl }),
  })
}

export async function pythonChecker({ brokers, registryUrl, topicPrefix }: CheckedLog): Promise<Verdict> {
  const checker = join(import.meta.dirname, 'checker', 'check.py')
  const registry = registryUrl === null ? [] : ['--registry', registryUrl]
  const parameters = [checker, '--brokers', brokers, '--topic-prefix', topicPrefix, ...registry, '--json']
  return await run(await pythonWithPackages(), parameters, { ...process.env })
}

async function run(command: string, parameters: readonly string[], environment: NodeJS.ProcessEnv): Promise<Verdict> {
  const child = spawn(command, [...parameters], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  const ended = await new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'no exit code'))
  })
  clearTimeout(timer)
  return { clean: ended === 0, said: ended === 0 || ended === 1 ? stdout || stderr : `it ended with ${ended}: ${stderr || stdout}` }
}
