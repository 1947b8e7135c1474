import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { startBroker } from './broker.ts'
import { processIsAlive } from './cache.ts'
import { type BrokerSource, brokerForTests } from './choose.ts'
import { canRunFromMaven, fetchDistribution } from './distribution.ts'
import { serverProperties } from './server-properties.ts'

const run = promisify(execFile)
const here = import.meta.dirname
const PATIENCE_MS = 120_000
const maven = await canRunFromMaven()
let cache = ''

beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), 'signalbox-cache-'))
})

afterAll(() => {
  rmSync(cache, { recursive: true, force: true })
})

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

    it('deletes its data when it is stopped, which may be said twice', async () => {
      const broker = await startBroker()
      assert.ok(processIsAlive(broker.pid) && existsSync(broker.folder))
      await Promise.all([broker.stop(), broker.stop()])
      assert.equal(processIsAlive(broker.pid), false)
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

it('writes properties for one broker that is reachable from this machine only', () => {
  const properties = serverProperties(1, { ports: [{ broker: 1, internal: 2, controller: 3 }], security: null }, cache, join(cache, 'data'))
  for (const line of properties.split('\n').filter((each) => /listeners=/.test(each))) assert.match(line, /127\.0\.0\.1/)
  assert.match(properties, /^transaction\.state\.log\.min\.isr=1$/m)
})
