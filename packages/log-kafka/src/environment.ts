import { LogError } from '@signalbox/log'
import type { SASLOptions } from 'kafkajs'
import { z } from 'zod'
import { readAddresses } from './addresses.ts'
import { mistake, secretReader } from './environment-files.ts'
import { readTls, type TlsVariables } from './environment-tls.ts'
import type { SchemaRegistryOptions } from './schema-registry.ts'
import type { KafkaConnectionOptions } from './settings.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface KafkaEnvironment {
  /** Undefined where no broker is named. */
  readonly kafka: KafkaConnectionOptions | undefined
  /** Undefined where SCHEMA_REGISTRY_URL is not set: records are then framed without a registry. */
  readonly schemaRegistry: SchemaRegistryOptions | undefined
  /** What works and should be known: say it aloud at start. */
  readonly warnings: readonly string[]
}

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const
const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

const oneOf = <Value extends string>(name: string, values: readonly Value[]) =>
  z
    .string()
    .transform((text) => text.trim().toUpperCase())
    .refine((text): text is Value => (values as readonly string[]).includes(text), {
      // Not what was written: a password may have got into the wrong variable.
      error: `${name} has a value that is not known here: write one of ${values.join(', ')}.`,
    })
    .optional()

const flag = (name: string) =>
  z
    .string()
    .transform((text) => text.trim().toLowerCase())
    .refine((text) => ['true', 'false', '1', '0'].includes(text), { error: `${name} is neither true nor false: write one of the two.` })
    .transform((text) => text === 'true' || text === '1')
    .optional()

const text = z.string().optional()

const VARIABLES = z.object({
  KAFKA_BROKERS: text,
  KAFKA_BOOTSTRAP_SERVERS: text,
  KAFKA_CLIENT_ID: z.string().trim().optional(),
  KAFKA_TOPIC_PREFIX: z
    .string()
    .trim()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,199}$/, {
      error: 'KAFKA_TOPIC_PREFIX cannot begin the name of a topic: write letters, digits, dots, dashes and underscores, at most 200.',
    })
    .optional(),
  KAFKA_SECURITY_PROTOCOL: oneOf('KAFKA_SECURITY_PROTOCOL', PROTOCOLS),
  KAFKA_SSL: flag('KAFKA_SSL'),
  KAFKA_SSL_CA: text,
  KAFKA_SSL_CERT: text,
  KAFKA_SSL_KEY: text,
  KAFKA_SSL_KEY_PASSWORD: text,
  KAFKA_SSL_KEY_PASSWORD_FILE: text,
  KAFKA_SSL_KEY_PASSPHRASE: text,
  KAFKA_SSL_REJECT_UNAUTHORIZED: flag('KAFKA_SSL_REJECT_UNAUTHORIZED'),
  KAFKA_SASL_MECHANISM: oneOf('KAFKA_SASL_MECHANISM', MECHANISMS),
  KAFKA_SASL_USERNAME: text,
  KAFKA_SASL_USERNAME_FILE: text,
  KAFKA_SASL_PASSWORD: text,
  KAFKA_SASL_PASSWORD_FILE: text,
  SCHEMA_REGISTRY_URL: text,
  SCHEMA_REGISTRY_USERNAME: text,
  SCHEMA_REGISTRY_PASSWORD: text,
  SCHEMA_REGISTRY_PASSWORD_FILE: text,
})
type Variables = z.infer<typeof VARIABLES>

/** The names that are read. */
export const VARIABLE_NAMES: readonly string[] = Object.keys(VARIABLES.shape)

/** Names that only this configuration has: one that is not known is a misspelling. */
const OWN_NAMES = /^(KAFKA_SASL_|KAFKA_SSL_|SCHEMA_REGISTRY_)/

/**
 * The connection that the environment describes. A variable that is empty counts as not set. Errors: MISCONFIGURED, with
 * a sentence for every mistake. Neither an error nor a warning has a secret in it.
 */
export function kafkaOptionsFromEnvironment(environment: Environment): KafkaEnvironment {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== undefined && value.trim() !== ''))
  const problems: string[] = []
  const warnings: string[] = []
  const parsed = VARIABLES.safeParse(given)
  // The error of zod is not kept as a cause: it may quote what was written.
  if (!parsed.success) throw misconfigured(parsed.error.issues.map(({ message }) => message))
  const variables = parsed.data
  for (const name of Object.keys(given)) {
    if (OWN_NAMES.test(name) && !(name in VARIABLES.shape))
      warnings.push(`${name} is set, and nothing reads it: see docs/kafka.md for the names that are read.`)
  }
  const kafka = readKafka(variables, problems, warnings)
  const schemaRegistry = readRegistry(variables, problems, warnings)
  if (problems.length > 0) throw misconfigured(problems)
  return { kafka, schemaRegistry, warnings }
}

function misconfigured(problems: readonly string[]): LogError {
  return new LogError('MISCONFIGURED', `The environment does not describe a Kafka connection. ${problems.join(' ')}`)
}

function readKafka(variables: Variables, problems: string[], warnings: string[]): KafkaConnectionOptions | undefined {
  const brokers = readBrokers(variables, problems)
  if (brokers === undefined) return undefined
  const sasl = readSasl(variables, problems)
  const topicPrefix = topicPrefixOf(variables)
  const tlsVariables: TlsVariables = { ...variables, wanted: tlsWanted(variables, sasl !== undefined, problems) }
  const ssl = readTls(tlsVariables, problems, warnings)
  if (sasl?.mechanism === 'plain' && ssl === undefined)
    warnings.push('The password goes over the network as it is (SASL PLAIN without TLS): set KAFKA_SSL=true, or a SCRAM mechanism.')
  return {
    brokers,
    ...(variables.KAFKA_CLIENT_ID === undefined ? {} : { clientId: variables.KAFKA_CLIENT_ID }),
    ...(topicPrefix === undefined ? {} : { topicPrefix }),
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl }),
  }
}

function topicPrefixOf({ KAFKA_TOPIC_PREFIX }: Variables): string | undefined {
  return KAFKA_TOPIC_PREFIX?.replace(/\.$/, '')
}

function readBrokers({ KAFKA_BROKERS, KAFKA_BOOTSTRAP_SERVERS }: Variables, problems: string[]): readonly string[] | undefined {
  const [name, value] =
    KAFKA_BROKERS === undefined
      ? (['KAFKA_BOOTSTRAP_SERVERS', KAFKA_BOOTSTRAP_SERVERS] as const)
      : (['KAFKA_BROKERS', KAFKA_BROKERS] as const)
  if (value === undefined) return undefined
  const { addresses, problems: wrong } = readAddresses(value)
  problems.push(...wrong.map((problem) => `${name}: ${problem}.`))
  if (KAFKA_BROKERS !== undefined && KAFKA_BOOTSTRAP_SERVERS !== undefined) {
    const others = readAddresses(KAFKA_BOOTSTRAP_SERVERS).addresses
    if ([...others].sort().join() !== [...addresses].sort().join())
      problems.push('KAFKA_BROKERS and KAFKA_BOOTSTRAP_SERVERS name different brokers: set one of them only.')
  }
  return addresses
}

function readSasl(variables: Variables, problems: string[]): SASLOptions | undefined {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SECURITY_PROTOCOL: protocol } = variables
  const before = problems.length
  const secret = secretReader(variables, problems)
  const username = secret('KAFKA_SASL_USERNAME')
  const password = secret('KAFKA_SASL_PASSWORD')
  if (problems.length > before) return undefined
  const wanted = mechanism ?? username ?? password
  if (wanted === undefined) {
    if (protocol?.startsWith('SASL') === true)
      problems.push(
        `KAFKA_SECURITY_PROTOCOL is ${protocol}, and there is no login: set KAFKA_SASL_MECHANISM, KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD.`,
      )
    return undefined
  }
  if (protocol !== undefined && !protocol.startsWith('SASL'))
    problems.push(`KAFKA_SECURITY_PROTOCOL is ${protocol}, which has no login, and a KAFKA_SASL variable is set: write SASL_${protocol}.`)
  if (mechanism === undefined) problems.push(`A login is set without KAFKA_SASL_MECHANISM: set it to one of ${MECHANISMS.join(', ')}.`)
  if (username === undefined) problems.push('There is no KAFKA_SASL_USERNAME: set it beside the password, or KAFKA_SASL_USERNAME_FILE.')
  if (password === undefined) problems.push('There is no KAFKA_SASL_PASSWORD: set it beside the user name, or KAFKA_SASL_PASSWORD_FILE.')
  if (mechanism === undefined || username === undefined || password === undefined) return undefined
  const mechanisms = { PLAIN: 'plain', 'SCRAM-SHA-256': 'scram-sha-256', 'SCRAM-SHA-512': 'scram-sha-512' } as const
  return { mechanism: mechanisms[mechanism], username, password } as SASLOptions
}

/** Undefined where only the certificates tell. */
function tlsWanted(variables: Variables, hasLogin: boolean, problems: string[]): boolean | undefined {
  const { KAFKA_SECURITY_PROTOCOL: protocol, KAFKA_SSL: ssl } = variables
  if (protocol === undefined) return ssl
  const byProtocol = protocol.endsWith('SSL')
  if (ssl !== undefined && ssl !== byProtocol) {
    const other = `${hasLogin ? 'SASL_' : ''}${ssl ? 'SSL' : 'PLAINTEXT'}`
    problems.push(`KAFKA_SECURITY_PROTOCOL is ${protocol} and KAFKA_SSL is ${ssl}: leave one of them out, or write ${other}.`)
  }
  return byProtocol
}

function readRegistry(variables: Variables, problems: string[], warnings: string[]): SchemaRegistryOptions | undefined {
  const { SCHEMA_REGISTRY_URL: address } = variables
  const secret = secretReader(variables, problems)
  let username = variables.SCHEMA_REGISTRY_USERNAME
  let password = secret('SCHEMA_REGISTRY_PASSWORD')
  if (address === undefined) {
    if (username !== undefined || password !== undefined)
      warnings.push('SCHEMA_REGISTRY_USERNAME or _PASSWORD is set without SCHEMA_REGISTRY_URL: no schema registry is used.')
    return undefined
  }
  const url = registryUrl(address.trim())
  if (url === undefined) {
    problems.push('SCHEMA_REGISTRY_URL is no address: write one address of the form http://HOST:PORT or https://HOST/PATH.')
    return undefined
  }
  if (url.username !== '' || url.password !== '') {
    if (username !== undefined || password !== undefined)
      problems.push('SCHEMA_REGISTRY_URL has a login in it, and SCHEMA_REGISTRY_USERNAME or _PASSWORD is set as well: use one of the two.')
    username = decoded(url.username)
    password = decoded(url.password)
  }
  if ((username === undefined) !== (password === undefined))
    problems.push(mistake('SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD', 'belong together, and one is missing', 'set both'))
  const host = `${url.origin}${url.pathname.replace(/\/+$/, '')}`
  // Subjects are named after the topics.
  const topicPrefix = topicPrefixOf(variables)
  return {
    url: host,
    ...(topicPrefix === undefined ? {} : { topicPrefix }),
    ...(username === undefined || password === undefined ? {} : { username, password }),
  }
}

function registryUrl(address: string): URL | undefined {
  if (!/^https?:\/\/[^\s,]+$/i.test(address) || !URL.canParse(address)) return undefined
  return new URL(address)
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** A connection in words for a log or an error: never with a secret. */
export function describeConnection(options: KafkaConnectionOptions): string {
  const { addresses } = readAddresses(options.brokers)
  const tls = options.ssl === undefined || options.ssl === false ? 'without TLS' : 'over TLS'
  const user =
    options.sasl !== undefined && 'username' in options.sasl ? ` as ${options.sasl.username} (SASL ${options.sasl.mechanism})` : ''
  return `${addresses.join(',')} ${tls}${user}`
}
