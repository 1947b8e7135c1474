/** `signalbox topics` and `signalbox acls` as processes, on a real broker. */
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningBroker, startBroker } from '../../../infra/kafka/broker.ts'
import { freePorts } from '../../../infra/kafka/ports.ts'

const main = resolve(import.meta.dirname, '../src/main.ts')
const prefix = `test-${randomBytes(6).toString('hex')}`
let directory = ''
let broker: RunningBroker

interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function signalbox(parameters: readonly string[], changes: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const { username, password } = broker.admin!
  const inherited = Object.entries(process.env).filter(([name]) => !/^(KAFKA|SIGNALBOX|SCHEMA_REGISTRY)_/.test(name))
  const env = {
    ...Object.fromEntries(inherited),
    NO_COLOR: '1',
    KAFKA_BROKERS: broker.brokers,
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: password,
    KAFKA_TOPIC_PREFIX: prefix,
    ...changes,
  }
  return new Promise((done) => {
    const node = ['--disable-warning=ExperimentalWarning', main, ...parameters]
    const child = execFile(process.execPath, node, { cwd: directory, env, timeout: 30_000 }, (_error, stdout, stderr) => {
      expect(stdout + stderr).not.toContain(password)
      done({ code: child.exitCode ?? -1, stdout, stderr })
    })
  })
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'signalbox-topics-'))
  broker = await startBroker({ security: { sasl: { users: [{ username: 'desk', password: 'desk-secret' }] } } })
}, 120_000)

afterAll(async () => {
  await broker.stop()
  rmSync(directory, { recursive: true, force: true })
})

describe('signalbox topics', () => {
  const acls = ['--acl', 'agent=desk', '--acl', 'sequencer=User:sequencer']
  const topics = [
    'intents',
    'events',
    'dead-letters.intents',
    'notifications',
    'dead-letters.escalation',
    'dead-letters.projector',
    'dead-letters.reactions',
    'dead-letters.ingest',
    'snapshots',
  ]

  it('plans, applies and checks; the exit code of check says whether anything differs', async () => {
    const planned = await signalbox(['topics', 'plan', '--partitions', '4', ...acls])
    expect(planned, planned.stderr).toMatchObject({ code: 0, stderr: '' })
    expect(planned.stdout).toContain(`create ${prefix}.intents with 4 partitions`)
    expect(planned.stdout).toContain(`allow User:desk to write the topic ${prefix}.intents\n`)
    const before = await signalbox(['topics', 'check', '--json'])
    expect(before.code).toBe(8)
    const missing = JSON.parse(before.stdout) as { steps: object[] }
    expect(missing).toMatchObject({ partitions: 12, missingAcls: [] })
    expect(missing.steps).toEqual(topics.map((topic) => expect.objectContaining({ action: 'create', topic: `${prefix}.${topic}` })))

    const applied = await signalbox(['topics', 'apply', ...acls, '--json'], { SIGNALBOX_PARTITIONS: '4' })
    expect(applied.code, applied.stderr).toBe(0)
    const report = JSON.parse(applied.stdout) as { created: string[]; allowed: object[] }
    expect(report).toMatchObject({ partitions: 4, mended: [], warnings: [] })
    expect(report.created).toEqual(topics.map((topic) => `${prefix}.${topic}`))
    expect(report.allowed.length).toBeGreaterThan(10)

    // The same, from the environment: nothing is left to do.
    const again = await signalbox(['topics', 'apply'], { SIGNALBOX_ACLS: 'agent=desk sequencer=User:sequencer' })
    expect(again).toMatchObject({ code: 0, stdout: 'nothing to do: the topics are as they should be, with 4 partitions\n' })
    expect(await signalbox(['topics', 'check', ...acls])).toMatchObject({ code: 0, stderr: '' })
    const otherwise = await signalbox(['topics', 'check', '--partitions', '5'])
    expect(otherwise.code).toBe(8)
    expect(otherwise.stdout).toContain(`differs: by hand: ${prefix}.intents has 4 partitions, and 5 are wanted`)
    // A role less: what is allowed beyond is told, and taken away by nobody.
    const fewer = await signalbox(['topics', 'check', '--acl', 'reader=desk'])
    expect(fewer.stderr).toContain(`warning: User:desk may write the topic ${prefix}.intents, which its roles here do not say`)
  })

  it('changes nothing where something is to be done by hand', async () => {
    const refused = await signalbox(['topics', 'apply', '--partitions', '7'])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(/^signalbox: Nothing was changed\. /)
  })

  it.each([
    [['topics', 'plan', '--partitions', 'x'], '--partitions takes a whole number from 1 on, not x'],
    [['topics', 'plan', '--replication-factor', '1', '--min-in-sync-replicas', '2'], 'nothing could be written'],
    [['topics', 'plan', '--acl', 'pilot=desk'], 'write ROLE=PRINCIPAL, with one of the roles agent, sequencer'],
    [['topics', 'plan', '--replication-factor', '9', '--topic-prefix', 'new'], 'lower --replication-factor, or add brokers'],
    [['topics', 'mend'], "unknown command 'mend'"],
  ])('%j is a mistake of usage', async (parameters, problem) => {
    const { code, stderr, stdout } = await signalbox(parameters)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(problem)
  })

  it('says what is wrong with the environment, who is not let in, and who is not there', async () => {
    const scheme = await signalbox(['topics', 'check'], { KAFKA_BROKERS: `kafka://${broker.brokers}` })
    expect(scheme.code).toBe(2)
    expect(scheme.stderr).toContain(`write ${broker.brokers}.`)
    expect((await signalbox(['topics', 'check'], { KAFKA_BROKERS: '' })).stderr).toContain('KAFKA_BROKERS is not set')
    const login = await signalbox(['topics', 'check'], { KAFKA_SASL_PASSWORD: 'wrong' })
    expect(login.code).toBe(2)
    expect(login.stderr).toContain('The broker refuses this login')
    const agent = { KAFKA_SASL_USERNAME: 'desk', KAFKA_SASL_PASSWORD: 'desk-secret', KAFKA_TOPIC_PREFIX: 'other' }
    expect((await signalbox(['topics', 'apply'], agent)).stderr).toContain('lacks a right')
    const [port] = await freePorts(1)
    expect((await signalbox(['topics', 'check'], { KAFKA_BROKERS: `127.0.0.1:${port}` })).code).toBe(4)
  })
})

describe('signalbox acls', () => {
  it("prints a role's rights as commands of Kafka's tool, and as data", async () => {
    const { code, stdout } = await signalbox(['acls', 'print', 'agent=desk', '--agent-group-prefix', 'desks.'])
    expect(code).toBe(0)
    const start = `kafka-acls.sh --bootstrap-server ${broker.brokers} --add --allow-principal 'User:desk'`
    expect(stdout.trim().split('\n')).toEqual([
      `${start} --topic '${prefix}.intents' --operation Write`,
      `${start} --topic '${prefix}.events' --operation Read`,
      `${start} --group 'desks.' --resource-pattern-type prefixed --operation Read`,
    ])
    const data = await signalbox(['acls', 'print', 'reader=audit', '--json'], { KAFKA_BROKERS: '' })
    expect(JSON.parse(data.stdout)[0]).toEqual({
      principal: 'User:audit',
      resource: 'topic',
      name: `${prefix}.intents`,
      pattern: 'literal',
      operation: 'read',
    })
  })
})
