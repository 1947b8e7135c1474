import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startBroker } from './broker.ts'
import { type BrokerSource, brokerForTests } from './choose.ts'
import { canRunFromMaven, fetchDistribution } from './distribution.ts'
import { accepts } from './ports.ts'
import { serverProperties } from './server-properties.ts'

const run = promisify(execFile)
const here = import.meta.dirname
const PATIENCE_MS = 120_000
const maven = await canRunFromMaven()
let cache = ''
const children: ChildProcess[] = []

beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'signalbox-cache-'))
})

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(cache, { recursive: true, force: true })
})

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS / 2
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what}: not in time`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Runs main.ts with a cache, and so a state, of its own. */
function spawnMain(...mainArguments: readonly string[]): {
  readonly child: ChildProcess
  output(): string
  readonly exited: Promise<number | null>
} {
  const child = spawn(process.execPath, [join(here, 'main.ts'), ...mainArguments], {
    env: { ...process.env, SIGNALBOX_CACHE_DIR: cache },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  children.push(child)
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  return { child, output: () => output, exited: new Promise((resolve) => child.once('exit', resolve)) }
}

async function up(): Promise<{ readonly child: ChildProcess; readonly port: number; readonly exited: Promise<number | null> }> {
  const { child, output, exited } = spawnMain('up')
  await until('the broker', () => /^KAFKA_BROKERS=.+\n/.test(output()))
  return { child, port: Number(output().trim().split(':')[1]), exited }
}

if (maven.ok) {
  describe('a broker from Maven', { timeout: PATIENCE_MS }, () => {
    it('is fetched once by two processes at a time, in spite of what a cut-off one left behind', async () => {
      // Learned by doing it elsewhere: the name of the folder follows from the versions.
      const name = (await fetchDistribution()).split(/[\\/]/).at(-1)!
      mkdirSync(join(cache, `${name}.partial-1-abcd`))
      writeFileSync(join(cache, `${name}.partial-1-abcd`, 'half.jar'), 'half')
      // No process has this number: the limit is lower everywhere.
      writeFileSync(join(cache, `${name}.lock`), '999999999')
      const program = `import { fetchDistribution } from ${JSON.stringify(join(here, 'distribution.ts'))}; process.stdout.write(await fetchDistribution(process.argv[1]))`
      const fetch = () => run(process.execPath, ['--input-type=module', '-e', program, cache], { timeout: PATIENCE_MS })
      const results = await Promise.all([fetch(), fetch()])
      for (const { stdout } of results) assert.equal(stdout, join(cache, name))
      assert.equal(results.filter(({ stderr }) => stderr.includes('fetching Apache Kafka')).length, 1)
      assert.deepEqual(readdirSync(cache), [name])
      assert.ok(readdirSync(join(cache, name)).some((jar) => jar.startsWith('kafka_2.13-4.')))
    })

    it('runs from `up` to `down`, and `status` tells', async () => {
      assert.equal(await spawnMain('status').exited, 4)
      const { port, exited } = await up()
      const status = spawnMain('status')
      assert.equal(await status.exited, 0)
      assert.equal(status.output(), `KAFKA_BROKERS=127.0.0.1:${port}\n`)
      assert.equal(await spawnMain('up').exited, 2, 'a second one is refused')
      assert.equal(await spawnMain('down').exited, 0)
      assert.equal(await exited, 0)
      assert.equal(await accepts('127.0.0.1', port, 1_000), false)
      assert.equal(await spawnMain('status').exited, 4)
    })

    it('ends with its user, even one that is killed', async () => {
      const { child, port } = await up()
      child.kill('SIGKILL')
      await until('the end of the broker', async () => !(await accepts('127.0.0.1', port, 1_000)))
    })

    it('deletes its data when it is stopped, which may be said twice', async () => {
      const broker = await startBroker()
      assert.ok(isAlive(broker.pid) && existsSync(broker.folder))
      await Promise.all([broker.stop(), broker.stop()])
      assert.equal(isAlive(broker.pid), false)
      assert.equal(existsSync(broker.folder), false)
      assert.equal(await broker.ended, null)
    })

    it('says why when it does not start, with the last lines of its log', async () => {
      const first = await startBroker()
      const port = Number(first.brokers.split(':')[1])
      await assert.rejects(startBroker({ port }), new RegExp(`The port of the Kafka broker 1 on port ${port} is taken`))
      await assert.rejects(startBroker({ startTimeoutMs: 1 }), /not ready within 0.001 s\. Its last lines were/)
      await first.stop()
    })
  })
} else {
  it('says what to install where a broker cannot run from Maven', async () => {
    await assert.rejects(startBroker(), /install Java 17 or later and Maven/)
  })
}

describe('the choice of a broker', () => {
  const source = (name: BrokerSource['name'], brokers: string | null): BrokerSource => ({
    name,
    start: async () => (brokers === null ? null : { brokers, source: name, stop: async () => {} }),
  })

  it('is the first that this machine has', async () => {
    const chosen = await brokerForTests([source('KAFKA_BROKERS', null), source('docker', 'in-docker:1'), source('maven', 'from-maven:1')])
    assert.equal(chosen.brokers, 'in-docker:1')
  })

  it('says what to install where there is none, and skips nothing', async () => {
    await assert.rejects(
      brokerForTests([source('KAFKA_BROKERS', null)]),
      /KAFKA_BROKERS=HOST:PORT[\s\S]*Docker[\s\S]*Java 17 or later and Maven/,
    )
  })
})

describe('the command', { timeout: PATIENCE_MS }, () => {
  it('refuses what it does not know with exit code 2', async () => {
    for (const wrong of [['sideways'], ['up', '--port', 'x'], ['up', '--colour'], []]) assert.equal(await spawnMain(...wrong).exited, 2)
  })
})

it('writes properties for one broker that is reachable from this machine only', () => {
  const properties = serverProperties(1, { ports: [{ broker: 1, controller: 2 }], security: null }, cache, join(cache, 'data'))
  for (const line of properties.split('\n').filter((each) => /listeners=/.test(each))) assert.match(line, /127\.0\.0\.1/)
  assert.match(properties, /^transaction\.state\.log\.min\.isr=1$/m)
})
