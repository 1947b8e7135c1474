/** Who reads what a process says may go, and the terminal may close: a service goes on. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { root } from '../support/root.ts'

const main = join(root, 'packages/cli/src/main.ts')
const toolchain = join(root, 'infra/toolchain/run.mjs')
const config = join(import.meta.dirname, 'desk.config.ts')
const { KAFKA_BROKERS: _brokers, KAFKA_BOOTSTRAP_SERVERS: _servers, ...environment } = process.env
const started: ChildProcess[] = []
const folders: string[] = []

afterEach(() => {
  for (const child of started.splice(0)) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'signalbox-readers-'))
  folders.push(made)
  return made
}

async function up(program: readonly string[] = [process.execPath, '--disable-warning=ExperimentalWarning', main]) {
  const [command, ...before] = program as [string, ...string[]]
  const child = spawn(command, [...before, 'up', '--config', config, '--data-dir', join(folder(), 'data'), '--port', '0'], {
    env: { ...environment, SIGNALBOX_LOG_LEVEL: 'trace' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started.push(child)
  let said = ''
  child.stderr!.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  await vi.waitUntil(() => said.includes('projections: '), { timeout: 60_000, interval: 20 })
  const ended = new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) =>
    child.once('exit', (code, signal) => resolve([code, signal])),
  )
  return { child, ended, url: /signalbox is up: (http:\/\/[^ ]+)/.exec(said)![1]! }
}

async function answers(url: string): Promise<boolean> {
  return (await fetch(`${url}/livez`)).ok
}

describe('whose reader is gone', () => {
  it('a service goes on, says what it says to nobody, and stops cleanly', async () => {
    const { child, ended, url } = await up()
    child.stdout!.destroy()
    child.stderr!.destroy()
    for (let asked = 0; asked < 20; asked++) {
      await fetch(`${url}/v1/intents`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })
      expect(await answers(url)).toBe(true)
    }
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  it('a command that prints data ends quietly, with exit code 0', () => {
    const { status, stderr } = spawnSync(
      'bash',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of bash
      ['-c', '"$0" "$1" contract docs --built-in | head -1; exit "${PIPESTATUS[0]}"', process.execPath, main],
      {
        env: environment,
        encoding: 'utf8',
      },
    )
    expect([status, stderr]).toEqual([0, ''])
  })
})

describe('SIGHUP', () => {
  it('is nothing to who has no terminal, as under nohup', async () => {
    const { child, ended, url } = await up(['nohup', process.execPath, '--disable-warning=ExperimentalWarning', main])
    child.kill('SIGHUP')
    child.kill('SIGHUP')
    expect(await answers(url)).toBe(true)
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('%s sent twice at once is one, and stops cleanly', async (signal) => {
    const { child, ended } = await up()
    child.kill(signal)
    child.kill(signal)
    expect(await ended).toEqual([0, null])
  })
})

describe('the toolchain', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('passes %s on, and gives the exit code of the command', async (signal) => {
    const { child, ended } = await up([process.execPath, toolchain, 'packages/cli/src/main.ts'])
    child.kill(signal)
    expect(await ended).toEqual([0, null])
  })

  it('ends by the signal that the command ended by, and else with its exit code', () => {
    const end = (file: string, ...parameters: readonly string[]) => {
      const { signal, status } = spawnSync(process.execPath, [toolchain, file, ...parameters], { env: environment })
      return [status, signal]
    }
    expect(end('test/end-to-end/ends-by-signal.ts')).toEqual([null, 'SIGTERM'])
    expect(end('packages/cli/src/main.ts', 'no-such-command')).toEqual([2, null])
  })

  it('as process 1 ends with 128 and the number of the signal', () => {
    const isAllowed = spawnSync('unshare', ['--user', '--map-root-user', '--pid', '--fork', 'true']).status === 0
    const file = 'test/end-to-end/ends-by-signal.ts'
    const run = isAllowed
      ? spawnSync('unshare', ['--user', '--map-root-user', '--pid', '--fork', process.execPath, toolchain, file], { env: environment })
      : spawnSync('bash', ['-c', '"$0" "$1" "$2"; exit $?', process.execPath, toolchain, file], { env: environment })
    expect(run.status).toBe(128 + 15)
  })
})

describe('standard input', () => {
  it('that is closed is empty', () => {
    const { status, stderr } = spawnSync('bash', ['-c', '"$0" "$1" intent submit - --url http://127.0.0.1:1 <&-', process.execPath, main], {
      env: environment,
      encoding: 'utf8',
    })
    expect(status, stderr).toBe(2)
    expect(stderr).not.toContain('a bug in signalbox')
  })
})
