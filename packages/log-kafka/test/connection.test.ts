import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { isLogError, type LogErrorCode } from '@signalbox/log'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RunningBroker, startBroker } from '../../../infra/kafka/broker.ts'
import { freePorts } from '../../../infra/kafka/ports.ts'
import { createTopics, type Environment, kafkaOptionsFromEnvironment, openKafkaLog } from '../src/index.ts'
import { TOPIC_IDS } from '../src/settings.ts'
import { startLyingRelay } from './support/lying-relay.ts'
import { PATIENCE_MS } from './support/records.ts'
import { brokersForTests, uniquePrefix } from './support/topics.ts'

const timeout = PATIENCE_MS * 4
const PASSWORD = 'correct-horse-battery'
let guarded: RunningBroker

beforeAll(async () => {
  guarded = await startBroker({ security: { sasl: { users: [{ username: 'desk', password: PASSWORD }] }, tls: true } })
}, timeout)

afterAll(() => guarded.stop())

async function refusal(environment: Environment, code: LogErrorCode): Promise<string> {
  const { kafka } = kafkaOptionsFromEnvironment(environment)
  const [outcome] = await Promise.allSettled([openKafkaLog({ ...kafka!, topicPrefix: uniquePrefix(), connectionTimeoutMs: 1_000 })])
  assert.ok(outcome.status === 'rejected' && isLogError(outcome.reason, code), `expected ${code}: ${JSON.stringify(outcome)}`)
  assert.ok(!outcome.reason.message.includes(PASSWORD), 'the password is in the message')
  return outcome.reason.message
}

describe('a connection that cannot be made is explained', { timeout }, () => {
  const login = () => ({
    KAFKA_BROKERS: guarded.brokers,
    KAFKA_SSL_CA: guarded.authorityFile!,
    KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
    KAFKA_SASL_USERNAME: 'desk',
    KAFKA_SASL_PASSWORD: PASSWORD,
  })

  it('nobody listens, or no such host', async () => {
    const [port] = await freePorts(1)
    const message = await refusal({ KAFKA_BROKERS: `127.0.0.1:${port},nowhere.invalid:9092` }, 'TRANSIENT')
    assert.match(message, new RegExp(`no broker answers at 127\\.0\\.0\\.1:${port} \\(ECONNREFUSED\\), nowhere\\.invalid:9092 \\(E`))
    assert.match(message, /See that the brokers are reachable/)
  })

  it('something else listens', async () => {
    const server = createServer((_request, response) => response.end('hello'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const message = await refusal({ KAFKA_BROKERS: `127.0.0.1:${port}` }, 'TRANSIENT')
    server.closeAllConnections()
    server.close()
    assert.match(message, /does not answer as Kafka does/)
  })

  it('the advertised listener cannot be reached: both addresses are named', async () => {
    // One of its own: a cluster of several has addresses that the relay does not spoil.
    const single = await startBroker()
    const [deadPort] = await freePorts(1)
    const relay = await startLyingRelay(Number(single.brokers.split(':')[1]), deadPort!)
    try {
      const message = await refusal({ KAFKA_BROKERS: relay.address }, 'MISCONFIGURED')
      assert.ok(message.includes(`the broker at ${relay.address} answers`), message)
      assert.ok(message.includes(`127.0.0.1:${deadPort} for broker`) && message.includes('(ECONNREFUSED)'), message)
      assert.ok(message.includes(`advertised.listeners=PLAINTEXT://${relay.address}`), message)
    } finally {
      await relay.close()
      await single.stop()
    }
  })

  it('TLS to a port that does not speak it', async () => {
    const message = await refusal({ KAFKA_BROKERS: brokersForTests(), KAFKA_SSL: 'true' }, 'MISCONFIGURED')
    assert.match(message, /does not speak TLS, and this client does\. .*KAFKA_SSL=false/)
  })

  it('a port that speaks TLS without it', async () => {
    const { KAFKA_SSL_CA: _, ...plain } = login()
    for (const environment of [{ KAFKA_BROKERS: guarded.brokers }, plain])
      assert.match(await refusal(environment, 'MISCONFIGURED'), /speaks TLS, and this client does not\. Set KAFKA_SSL=true/)
  })

  it('a certificate of an authority that is not known', async () => {
    const { KAFKA_SSL_CA: _, ...unknown } = login()
    const message = await refusal({ ...unknown, KAFKA_SSL: 'true' }, 'MISCONFIGURED')
    assert.match(
      message,
      /the certificate of 127\.0\.0\.1:\d+ is not from an authority that this client knows \([A-Z_]+\)\. Set KAFKA_SSL_CA/,
    )
  })

  it('a login that is missing, of the wrong kind, or refused', async () => {
    const { KAFKA_BROKERS, KAFKA_SSL_CA } = login()
    const missing = await refusal({ KAFKA_BROKERS, KAFKA_SSL_CA }, 'MISCONFIGURED')
    assert.match(missing, /wants a login \(SASL\)\. Set KAFKA_SASL_MECHANISM to one of those that it takes \(.*SCRAM-SHA-256/)
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-512']) {
      const wrong = { ...login(), KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_PASSWORD: 'wrong' }
      assert.match(await refusal(wrong, 'MISCONFIGURED'), /as User:desk failed: .*The broker refuses this login: check KAFKA_SASL_USERNAME/)
    }
  })

  it('a login to a listener that takes none', async () => {
    const { KAFKA_SSL_CA: _, ...plain } = login()
    const message = await refusal({ ...plain, KAFKA_BROKERS: brokersForTests() }, 'MISCONFIGURED')
    assert.match(message, /is a listener without login, and this client has one \(SASL SCRAM-SHA-256\)\. .*unset the KAFKA_SASL variables/)
  })

  it('a user without rights: what is missing, and who grants it', async () => {
    const { kafka } = kafkaOptionsFromEnvironment(login())
    const topicPrefix = uniquePrefix()
    const [outcome] = await Promise.allSettled([createTopics({ ...kafka!, topicPrefix, partitions: 1 })])
    assert.ok(outcome.status === 'rejected' && isLogError(outcome.reason, 'MISCONFIGURED'), JSON.stringify(outcome))
    assert.match(
      outcome.reason.message,
      /as User:desk failed: TOPIC_AUTHORIZATION_FAILED.*lacks a right.*topics apply --acl ROLE=User:NAME/,
    )
  })

  it('and one with the right environment is made, over TLS and with a login', async () => {
    const { username, password } = guarded.admin!
    const environment = { ...login(), KAFKA_SECURITY_PROTOCOL: 'SASL_SSL', KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password }
    for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512']) {
      const { kafka } = kafkaOptionsFromEnvironment({ ...environment, KAFKA_SASL_MECHANISM: mechanism })
      const topicPrefix = uniquePrefix()
      assert.equal((await createTopics({ ...kafka!, topicPrefix, partitions: 1 })).created.length, TOPIC_IDS.length)
      const log = await openKafkaLog({ ...kafka!, topicPrefix })
      assert.equal((await log.append(0, { key: 'scope', value: Buffer.from('{}'), headers: {} })).offset, 0)
      await log.close()
    }
  })
})
