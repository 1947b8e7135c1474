import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { lastLines, runCommand } from './command.ts'
import { BrokerError } from './errors.ts'

/** Letters, digits and `._-` only: names and passwords go into several files, each with an escaping of its own. */
export interface BrokerUser {
  readonly username: string
  readonly password: string
}

/** What a broker asks of its clients. */
export interface BrokerSecurity {
  /**
   * Clients log in by PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, and ACLs say what each may do: nothing by default. The user
   * `admin` may do everything; it is added, with a random password, where the list does not name it.
   */
  readonly sasl?: { readonly users: readonly BrokerUser[] }
  /** Connections are encrypted, by a certificate for 127.0.0.1 and localhost from an authority made for this cluster. */
  readonly tls?: boolean
}

const ADMIN = 'admin'
const SAFE = /^[A-Za-z0-9._-]+$/
const AUTHORITY = 'authority.pem'
const KEY_STORE = 'broker.p12'
const STORE_PASSWORD = 'signalbox-local'
const KEYTOOL_TIMEOUT_MS = 60_000

/** With `admin` among the users. Errors: BrokerError for a name or password that cannot be written down safely. */
export function complete(security: BrokerSecurity): BrokerSecurity {
  if (security.sasl === undefined) return security
  const { users } = security.sasl
  for (const { username, password } of users) {
    if (!SAFE.test(username) || !SAFE.test(password))
      throw new BrokerError(`The user ${username} of the broker: name and password take letters, digits and ._- only. Choose others.`)
  }
  if (users.some(({ username }) => username === ADMIN)) return security
  return { ...security, sasl: { users: [...users, { username: ADMIN, password: randomBytes(12).toString('hex') }] } }
}

export function adminOf(security: BrokerSecurity | null): BrokerUser | null {
  return security?.sasl?.users.find(({ username }) => username === ADMIN) ?? null
}

export function securityProtocol(security: BrokerSecurity | null): string {
  const encryption = security?.tls === true ? 'SSL' : 'PLAINTEXT'
  return security?.sasl === undefined ? encryption : `SASL_${encryption}`
}

/** Properties of a broker whose certificates are in `folder`. */
export function securityProperties(security: BrokerSecurity, folder: string): Readonly<Record<string, string>> {
  return { ...(security.tls === true ? tlsProperties(folder) : {}), ...(security.sasl === undefined ? {} : saslProperties(security)) }
}

function saslProperties(security: BrokerSecurity): Readonly<Record<string, string>> {
  const admin = adminOf(security)!
  const users = security.sasl!.users.map(({ username, password }) => `user_${username}="${password}"`).join(' ')
  const plain = `org.apache.kafka.common.security.plain.PlainLoginModule required username="${admin.username}" password="${admin.password}" ${users};`
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;'
  return {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    // Brokers and controllers are clients of each other too, and super users: nobody is one by the port that he comes from.
    'sasl.mechanism.inter.broker.protocol': 'PLAIN',
    'sasl.mechanism.controller.protocol': 'PLAIN',
    'listener.name.client.plain.sasl.jaas.config': plain,
    'listener.name.client.scram-sha-256.sasl.jaas.config': scram,
    'listener.name.client.scram-sha-512.sasl.jaas.config': scram,
    'listener.name.internal.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.internal.plain.sasl.jaas.config': plain,
    'listener.name.controller.sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.controller.plain.sasl.jaas.config': plain,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': `User:${ADMIN}`,
    'allow.everyone.if.no.acl.found': 'false',
  }
}

/** Arguments of the storage tool that put the users' SCRAM credentials into a new cluster. */
export function scramArguments(security: BrokerSecurity | null): readonly string[] {
  return (security?.sasl?.users ?? []).flatMap(({ username, password }) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${username},password=${password}]`]),
  )
}

function tlsProperties(folder: string): Readonly<Record<string, string>> {
  return {
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': join(folder, KEY_STORE).replaceAll('\\', '/'),
    'ssl.keystore.password': STORE_PASSWORD,
    'ssl.key.password': STORE_PASSWORD,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': authorityFile(folder).replaceAll('\\', '/'),
  }
}

/** The certificate that clients must trust, in PEM. */
export function authorityFile(folder: string): string {
  return join(folder, AUTHORITY)
}

/** Makes an authority and a broker's certificate signed by it, by Java's keytool. Errors: BrokerError. */
export async function makeCertificates(folder: string): Promise<void> {
  if (existsSync(authorityFile(folder)) && readFileSync(authorityFile(folder)).length > 0) return
  const store = (name: string) => ['-keystore', join(folder, name), '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD]
  const key = ['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '3650']
  const both = 'authority.p12'
  await keytool(
    '-genkeypair',
    '-alias',
    'authority',
    '-dname',
    'CN=Signalbox local authority',
    '-ext',
    'bc:critical=ca:true',
    ...key,
    ...store(both),
  )
  const names = ['-dname', 'CN=localhost', '-ext', 'san=ip:127.0.0.1,dns:localhost']
  await keytool('-genkeypair', '-alias', 'broker', '-signer', 'authority', ...names, ...key, ...store(both))
  // A store of its own for the broker, which must not be able to choose the authority's key.
  const from = ['-srckeystore', join(folder, both), '-srcstoretype', 'PKCS12', '-srcstorepass', STORE_PASSWORD, '-srcalias', 'broker']
  const to = ['-destkeystore', join(folder, KEY_STORE), '-deststoretype', 'PKCS12', '-deststorepass', STORE_PASSWORD]
  await keytool('-importkeystore', '-noprompt', ...from, ...to)
  await keytool('-exportcert', '-rfc', '-alias', 'authority', '-file', authorityFile(folder), ...store(both))
}

async function keytool(...toolArguments: readonly string[]): Promise<void> {
  const result = await runCommand('keytool', toolArguments, KEYTOOL_TIMEOUT_MS)
  if (result?.exitCode === 0) return
  throw new BrokerError(
    `Java's keytool could not make the certificates of the broker:\n${lastLines(result?.output ?? 'there is no keytool on the path', 15)}\n` +
      'It comes with Java 17; put it on the path, then try again.',
  )
}
