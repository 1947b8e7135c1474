import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'vitest'
import { processIsAlive } from './cache.ts'
import { canRunFromMaven, fetchDistribution, fetchRegistry } from './distribution.ts'
import { accepts } from './ports.ts'

const PATIENCE_MS = 120_000
const maven = await canRunFromMaven()
let cache = ''
const children: ChildProcess[] = []

beforeEach(async () => {
  cache = mkdtempSync(join(tmpdir(), 'signalbox-cache-'))
  if (!maven.ok) return
  // A state of its own, but not a download of its own.
  for (const folder of [await fetchDistribution(), await fetchRegistry()]) symlinkSync(folder, join(cache, basename(folder)))
}, PATIENCE_MS)

afterEach(async () => {
  // Of no effect after a test that has passed; after one that has not, nothing must stay.
  await run('down').exited
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(cache, { recursive: true, force: true })
}, PATIENCE_MS)

interface Command {
  readonly child: ChildProcess
  output(): string
  said(): string
  readonly exited: Promise<number | null>
}

function run(...mainArguments: readonly string[]): Command {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'main.ts'), ...mainArguments], {
    env: { ...process.env, SIGNALBOX_CACHE_DIR: cache },
    cwd: cache,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  const texts = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    texts[0] += chunk.toString('utf8')
  })
  child.stderr.on('data', (chunk: Buffer) => {
    texts[1] += chunk.toString('utf8')
  })
  return {
    child,
    output: () => texts[0]!,
    said: () => texts[1]!,
    exited: new Promise((resolve) => child.once('close', (code) => resolve(code))),
  }
}

async function until(what: string, condition: () => boolean | Promise<boolean>, said: () => string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS / 2
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not in time. It said:\n${said()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function brokersOf(output: string): readonly number[] {
  const line = /^KAFKA_BROKERS=(.+)$/m.exec(output)
  assert.ok(line, `no brokers in ${JSON.stringify(output)}`)
  return line[1]!.split(',').map((address) => Number(address.split(':')[1]))
}

function processesOf(said: string): readonly number[] {
  return [...said.matchAll(/process (\d+)/g)].map(([, pid]) => Number(pid))
}

describe('the command', { timeout: PATIENCE_MS }, () => {
  it.each([[['sideways']], [['up', '--port', 'x']], [['up', '--colour']], [['up', '--brokers', '2']], [['up', 'down']], [[]]])(
    'refuses %j with exit code 2',
    async (wrong) => {
      const command = run(...wrong)
      assert.equal(await command.exited, 2)
      assert.match(command.said(), /usage: npm run kafka/)
      assert.equal(command.output(), '')
    },
  )

  it('explains itself', async () => {
    const help = run('--help')
    assert.equal(await help.exited, 0)
    assert.match(help.output(), /--brokers 1\|3/)
  })

  if (!maven.ok) {
    it('says what to install where Kafka cannot run from Maven', async () => {
      const up = run('up')
      assert.equal(await up.exited, 4)
      assert.match(up.said(), /install Java 17 or later and Maven/)
    })
    return
  }

  it('runs from `up` to `down`, and `status` tells', async () => {
    assert.equal(await run('status').exited, 4)
    const up = run('up', '--no-registry')
    await until('the broker', () => up.output().endsWith('\n'), up.said)
    assert.match(up.output(), /^KAFKA_BROKERS=127\.0\.0\.1:\d+\n$/)
    const [port] = brokersOf(up.output())
    const status = run('status')
    assert.equal(await status.exited, 0)
    assert.equal(status.output(), up.output())
    assert.match(status.said(), new RegExp(`^broker 1  127\\.0\\.0\\.1:${port}\\s+process \\d+\\s+up\n$`))
    assert.equal(await run('up').exited, 2, 'a second one is refused')
    assert.equal(await run('down').exited, 0)
    assert.equal(await up.exited, 0)
    assert.equal(await accepts('127.0.0.1', port!, 1_000), false)
    assert.equal(await run('status').exited, 4)
  })

  it('ends with its user, even one that is killed', async () => {
    const up = run('up', '--no-registry')
    await until('the broker', () => up.output().endsWith('\n'), up.said)
    const [port] = brokersOf(up.output())
    up.child.kill('SIGKILL')
    await until('the end of the broker', async () => !(await accepts('127.0.0.1', port!, 1_000)), up.said)
    // What it left behind names a process that is gone.
    assert.equal(await run('status').exited, 4)
  })

  it('runs three brokers and a registry in the background, and one broker may die', async () => {
    const up = run('up', '--brokers', '3', '--detach', '--data', 'kept')
    assert.equal(await up.exited, 0, up.said())
    assert.equal(brokersOf(up.output()).length, 3)
    const registry = /^SCHEMA_REGISTRY_URL=(http:.+\/apis\/ccompat\/v7)$/m.exec(up.output())![1]!
    assert.equal((await fetch(`${registry}/subjects`)).status, 200)
    const before = run('status')
    assert.equal(await before.exited, 0)
    const pids = processesOf(before.said())
    assert.equal(pids.length, 4)
    process.kill(pids[1]!, 'SIGKILL')
    await until('the end of broker 2', () => !processIsAlive(pids[1]!), before.said)
    const after = run('status')
    assert.equal(await after.exited, 4)
    assert.deepEqual(
      [...after.said().matchAll(/(up|down)$/gm)].map(([state]) => state),
      ['up', 'down', 'up', 'up'],
    )
    assert.equal(await run('down').exited, 0)
    for (const pid of pids) assert.equal(processIsAlive(pid), false)
    assert.ok(existsSync(join(cache, 'kept', 'kafka', 'data-1', 'meta.properties')))
    assert.ok(existsSync(join(cache, 'kept', 'registry')))
  })

  it('says in the foreground why it did not start in the background', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    try {
      await new Promise((resolve) => other.once('listening', resolve))
      const { port } = other.address() as AddressInfo
      const up = run('up', '--detach', '--no-registry', '--port', `${port}`)
      assert.equal(await up.exited, 4)
      assert.match(up.said(), new RegExp(`port ${port} is taken`))
      assert.equal(up.output(), '')
    } finally {
      await new Promise((resolve) => other.close(resolve))
    }
  })
})
