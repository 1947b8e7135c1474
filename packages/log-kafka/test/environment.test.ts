import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isLogError } from '@signalbox/log'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { describeConnection, type Environment, kafkaOptionsFromEnvironment } from '../src/environment.ts'

const SECRET = 'correct-horse-battery'
const brokers = { KAFKA_BROKERS: 'kafka-1:9092' }
let folder = ''
let pem: { readonly ca: string; readonly key: string; readonly lockedKey: string; readonly otherKey: string }

function openssl(...parameters: readonly string[]): void {
  execFileSync('openssl', parameters, { cwd: folder, stdio: 'ignore' })
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-environment-'))
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test')
  openssl('pkcs8', '-topk8', '-in', 'key.pem', '-out', 'locked.pem', '-passout', `pass:${SECRET}`)
  openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'other.pem')
  const text = (name: string) => readFileSync(join(folder, name), 'utf8')
  pem = { ca: text('ca.pem'), key: text('key.pem'), lockedKey: text('locked.pem'), otherKey: text('other.pem') }
  writeFileSync(join(folder, 'password'), `${SECRET}\n`)
  writeFileSync(join(folder, 'empty'), '')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function kafkaOf(environment: Environment) {
  const { kafka } = kafkaOptionsFromEnvironment(environment)
  assert.ok(kafka)
  return kafka
}

function refusal(environment: Environment): string {
  let message = ''
  try {
    kafkaOptionsFromEnvironment(environment)
  } catch (error) {
    assert.ok(isLogError(error, 'MISCONFIGURED'), String(error))
    assert.equal(error.cause, undefined)
    message = error.message
  }
  assert.notEqual(message, '', 'it was taken')
  assert.ok(!message.includes(SECRET), 'a secret is in the message')
  return message
}

describe('the environment', () => {
  it('without a broker describes no connection, and an empty variable is none', () => {
    assert.deepEqual(kafkaOptionsFromEnvironment({}), { kafka: undefined, schemaRegistry: undefined, warnings: [] })
    assert.equal(kafkaOptionsFromEnvironment({ KAFKA_BROKERS: ' ', KAFKA_SASL_USERNAME: '' }).kafka, undefined)
  })

  it('refuses a list of brokers with an empty member, and says which', () => {
    for (const [list, says] of [
      ['a:9092,,b:9092', /number 2 of 3 addresses is empty/],
      ['a:9092, ,b:9092', /number 2 of 3/],
      [',a:9092', /number 1 of 2/],
      ['a:9092,,', /number 2 of 2/],
    ] as const)
      assert.match(refusal({ KAFKA_BROKERS: list }), says)
  })

  it('names the brokers under either name', () => {
    for (const name of ['KAFKA_BROKERS', 'KAFKA_BOOTSTRAP_SERVERS'])
      assert.deepEqual(kafkaOf({ [name]: 'a:9092, b.example:19092 ,' }), { brokers: ['a:9092', 'b.example:19092'] })
    assert.deepEqual(kafkaOf({ KAFKA_BROKERS: 'a:1,b:2', KAFKA_BOOTSTRAP_SERVERS: 'b:2,a:1' }).brokers, ['a:1', 'b:2'])
    assert.match(refusal({ KAFKA_BROKERS: 'a:1', KAFKA_BOOTSTRAP_SERVERS: 'b:2' }), /name different brokers: set one of them only/)
  })

  it.each([
    ['kafka://a:9092', '"kafka://a:9092" has a scheme: write a:9092.'],
    ['PLAINTEXT://a:9092', 'write a:9092, and set KAFKA_SECURITY_PROTOCOL=PLAINTEXT'],
    ['SASL_SSL://a', 'write a:9092, and set KAFKA_SECURITY_PROTOCOL=SASL_SSL'],
    ['http://a:8080/x', '"http://a:8080/x" has a scheme: write a:8080.'],
    ['a', '"a" has no port: write a:9092.'],
    ['a:', '"a:" has no port: write a:9092.'],
    ['a:x', 'no port from 1 to 65535'],
    ['a:70000', 'no port from 1 to 65535'],
    [':9092', 'has no host: write HOST:9092'],
    ['a:9092 b:9092', 'has a space in it: write HOST:PORT, several separated by commas'],
    ['[::1]:9092', 'is an IPv6 address'],
    ['a:9092/x', 'has a path in it: write a:9092'],
    [`me:${SECRET}@a:9092`, 'has a user in it'],
    [',', 'no broker is named'],
  ])('with the brokers %s is refused, and says what to write', (address, problem) => {
    const message = refusal({ KAFKA_BROKERS: address })
    assert.ok(message.includes(problem) && message.includes('KAFKA_BROKERS'), message)
  })

  it('names the client and the topics', () => {
    const kafka = kafkaOf({ ...brokers, KAFKA_CLIENT_ID: 'desk', KAFKA_TOPIC_PREFIX: 'hotel.' })
    assert.deepEqual(kafka, { brokers: ['kafka-1:9092'], clientId: 'desk', topicPrefix: 'hotel' })
    assert.match(refusal({ ...brokers, KAFKA_TOPIC_PREFIX: 'a b' }), /KAFKA_TOPIC_PREFIX cannot begin the name of a topic/)
  })

  it('reports every mistake at once', () => {
    const message = refusal({ KAFKA_BROKERS: 'a', KAFKA_SASL_USERNAME: 'me', KAFKA_SSL_CERT: pem.ca })
    for (const part of ['has no port', 'KAFKA_SASL_MECHANISM', 'KAFKA_SASL_PASSWORD', 'KAFKA_SSL_KEY'])
      assert.ok(message.includes(part), part)
  })
})

describe('the login', () => {
  const login = { ...brokers, KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_USERNAME: 'desk', KAFKA_SASL_PASSWORD: SECRET }

  it('has its password in a variable or a file', () => {
    const sasl = { mechanism: 'scram-sha-512', username: 'desk', password: SECRET }
    assert.deepEqual(kafkaOf(login).sasl, sasl)
    const { KAFKA_SASL_PASSWORD: _, ...rest } = login
    assert.deepEqual(kafkaOf({ ...rest, KAFKA_SASL_PASSWORD_FILE: join(folder, 'password') }).sasl, sasl)
  })

  it.each([
    [{ KAFKA_SASL_MECHANISM: undefined }, /login is set without KAFKA_SASL_MECHANISM: set it to one of PLAIN/],
    [{ KAFKA_SASL_MECHANISM: 'GSSAPI' }, /KAFKA_SASL_MECHANISM has a value that is not known here: write one of PLAIN, SCRAM-SHA-256/],
    [{ KAFKA_SASL_USERNAME: undefined }, /no KAFKA_SASL_USERNAME/],
    [{ KAFKA_SASL_PASSWORD: undefined }, /no KAFKA_SASL_PASSWORD/],
    [{ KAFKA_SASL_PASSWORD_FILE: 'x' }, /KAFKA_SASL_PASSWORD and KAFKA_SASL_PASSWORD_FILE are both set/],
    [{ KAFKA_SASL_PASSWORD: undefined, KAFKA_SASL_PASSWORD_FILE: 'nowhere' }, /names the file nowhere, which is not there/],
    [{ KAFKA_SECURITY_PROTOCOL: 'SSL' }, /KAFKA_SECURITY_PROTOCOL is SSL, which has no login.*write SASL_SSL/],
    [{ KAFKA_SECURITY_PROTOCOL: 'TLS' }, /KAFKA_SECURITY_PROTOCOL has a value that is not known/],
    // The password in the wrong place.
    [{ KAFKA_SASL_MECHANISM: SECRET }, /KAFKA_SASL_MECHANISM has a value that is not known/],
  ])('with %o is refused', (change, problem) => {
    assert.match(refusal({ ...login, ...change }), problem)
  })

  it('with an empty file for its password is refused', () => {
    assert.match(refusal({ ...login, KAFKA_SASL_PASSWORD: '', KAFKA_SASL_PASSWORD_FILE: join(folder, 'empty') }), /which is empty/)
  })

  it('without which a protocol with SASL is refused', () => {
    assert.match(refusal({ ...brokers, KAFKA_SECURITY_PROTOCOL: 'sasl_ssl' }), /there is no login: set KAFKA_SASL_MECHANISM/)
  })

  it('that goes over the network as it is comes with a warning, and is never said', () => {
    const { kafka, warnings } = kafkaOptionsFromEnvironment({ ...login, KAFKA_SASL_MECHANISM: 'PLAIN' })
    assert.match(warnings.join(), /password goes over the network as it is/)
    assert.equal(describeConnection(kafka!), 'kafka-1:9092 without TLS as desk (SASL plain)')
    assert.deepEqual(kafkaOptionsFromEnvironment(login).warnings, [])
    const safe = { ...login, KAFKA_SASL_MECHANISM: 'PLAIN', KAFKA_SECURITY_PROTOCOL: 'SASL_SSL' }
    assert.deepEqual(kafkaOptionsFromEnvironment(safe).warnings, [])
  })

  it('with a misspelt variable comes with a warning that names it', () => {
    const { warnings } = kafkaOptionsFromEnvironment({ ...login, KAFKA_SASL_USER: 'me' })
    assert.equal(warnings.length, 1)
    assert.match(warnings[0]!, /KAFKA_SASL_USER is set, and nothing reads it/)
  })
})

describe('TLS', () => {
  it.each([
    [{ KAFKA_SSL: 'true' }, true],
    [{ KAFKA_SSL: '1' }, true],
    [{ KAFKA_SECURITY_PROTOCOL: 'SSL' }, true],
    [{ KAFKA_SSL: 'false' }, undefined],
    [{ KAFKA_SECURITY_PROTOCOL: 'plaintext' }, undefined],
  ])('is on or off by %o', (change, ssl) => {
    assert.equal(kafkaOf({ ...brokers, ...change }).ssl, ssl)
  })

  it('takes its certificates and its key as texts or as files', () => {
    const texts = { KAFKA_SSL_CA: pem.ca, KAFKA_SSL_CERT: pem.ca.replaceAll('\n', '\\n'), KAFKA_SSL_KEY: pem.key }
    const files = { KAFKA_SSL_CA: join(folder, 'ca.pem'), KAFKA_SSL_CERT: join(folder, 'ca.pem'), KAFKA_SSL_KEY: join(folder, 'key.pem') }
    for (const variables of [texts, files])
      assert.deepEqual(kafkaOf({ ...brokers, ...variables }).ssl, { ca: pem.ca, cert: pem.ca, key: pem.key })
  })

  it('takes a locked key with its password, under either name or from a file', () => {
    const locked = { ...brokers, KAFKA_SSL_CERT: pem.ca, KAFKA_SSL_KEY: pem.lockedKey }
    for (const password of [
      { KAFKA_SSL_KEY_PASSWORD: SECRET },
      { KAFKA_SSL_KEY_PASSPHRASE: SECRET },
      { KAFKA_SSL_KEY_PASSWORD_FILE: join(folder, 'password') },
    ])
      assert.deepEqual(kafkaOf({ ...locked, ...password }).ssl, { cert: pem.ca, key: pem.lockedKey, passphrase: SECRET })
    assert.match(refusal(locked), /KAFKA_SSL_KEY has a key that cannot be read: set KAFKA_SSL_KEY_PASSWORD/)
    assert.match(refusal({ ...locked, KAFKA_SSL_KEY_PASSWORD: 'wrong' }), /KAFKA_SSL_KEY has a key that cannot be read/)
  })

  it('is refused for a file, a certificate or a key that is none', () => {
    const cases: readonly (readonly [Environment, RegExp])[] = [
      [{ KAFKA_SSL_CA: join(folder, 'missing.pem') }, /KAFKA_SSL_CA names the file .*missing\.pem, which is not there/],
      [{ KAFKA_SSL_CA: folder }, /which cannot be read \(EISDIR\)/],
      [{ KAFKA_SSL_CA: join(folder, 'password') }, /KAFKA_SSL_CA has no PEM text of a certificate/],
      [
        { KAFKA_SSL_CA: '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----' },
        /KAFKA_SSL_CA has a certificate that cannot be read/,
      ],
      [{ KAFKA_SSL_CERT: pem.ca }, /belong together, and one is missing/],
      [{ KAFKA_SSL_CERT: pem.ca, KAFKA_SSL_KEY: pem.otherKey }, /does not belong to the certificate/],
      [{ KAFKA_SSL_CERT: pem.ca, KAFKA_SSL_KEY: pem.ca }, /KAFKA_SSL_KEY has no PEM text of a private key/],
      [{ KAFKA_SSL: 'yes please' }, /KAFKA_SSL is neither true nor false/],
      [{ KAFKA_SSL: 'false', KAFKA_SSL_CA: pem.ca }, /TLS is switched off, and a KAFKA_SSL certificate or key is set/],
      [{ KAFKA_SSL: 'false', KAFKA_SECURITY_PROTOCOL: 'SSL' }, /is SSL and KAFKA_SSL is false/],
    ]
    for (const [change, problem] of cases) assert.match(refusal({ ...brokers, ...change }), problem)
  })

  it('without verification comes with a warning', () => {
    const { kafka, warnings } = kafkaOptionsFromEnvironment({ ...brokers, KAFKA_SSL: 'true', KAFKA_SSL_REJECT_UNAUTHORIZED: 'false' })
    assert.deepEqual(kafka!.ssl, { rejectUnauthorized: false })
    assert.match(warnings.join(), /NOT verified/)
  })
})

describe('the schema registry', () => {
  const registry = (change: Environment) => kafkaOptionsFromEnvironment({ ...brokers, ...change }).schemaRegistry

  it('has an address, with a login beside it or in it', () => {
    assert.deepEqual(registry({ SCHEMA_REGISTRY_URL: 'http://r:8081/apis/ccompat/v7/' }), { url: 'http://r:8081/apis/ccompat/v7' })
    const prefixed = registry({ SCHEMA_REGISTRY_URL: 'http://r:8081', KAFKA_TOPIC_PREFIX: 'hotel' })
    assert.deepEqual(prefixed, { url: 'http://r:8081', topicPrefix: 'hotel' })
    const login = { url: 'https://r', username: 'me', password: SECRET }
    assert.deepEqual(registry({ SCHEMA_REGISTRY_URL: `https://me:${SECRET}@r` }), login)
    const beside = { SCHEMA_REGISTRY_URL: 'https://r', SCHEMA_REGISTRY_USERNAME: 'me' }
    assert.deepEqual(registry({ ...beside, SCHEMA_REGISTRY_PASSWORD: SECRET }), login)
    assert.deepEqual(registry({ ...beside, SCHEMA_REGISTRY_PASSWORD_FILE: join(folder, 'password') }), login)
  })

  it.each([
    [{ SCHEMA_REGISTRY_URL: 'r:8081' }, /SCHEMA_REGISTRY_URL is no address/],
    [{ SCHEMA_REGISTRY_URL: 'http://a:1,http://b:2' }, /write one address/],
    [{ SCHEMA_REGISTRY_URL: `http://me:${SECRET}@r`, SCHEMA_REGISTRY_USERNAME: 'me' }, /use one of the two/],
    [{ SCHEMA_REGISTRY_URL: 'http://r', SCHEMA_REGISTRY_PASSWORD: SECRET }, /belong together/],
  ])('with %o is refused', (change, problem) => {
    assert.match(refusal({ ...brokers, ...change }), problem)
  })
})
