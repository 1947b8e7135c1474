import { LogError, type LogErrorCode } from '@signalbox/log'

/** What is read of an error of kafkajs: a protocol error has a `type`, a wrapper keeps the first error as `cause`. */
interface KafkaError {
  readonly name: string
  readonly message: string
  readonly type?: string
  readonly code?: string | number
  readonly cause?: unknown
  readonly originalError?: unknown
  /** Of a request for several things. */
  readonly errors?: readonly unknown[]
}

const FENCED_TYPES: ReadonlySet<string> = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED'])

const CODE_OF_TYPE: Readonly<Record<string, LogErrorCode>> = {
  INVALID_PRODUCER_EPOCH: 'FENCED',
  PRODUCER_FENCED: 'FENCED',
  OFFSET_OUT_OF_RANGE: 'OFFSET_OUT_OF_RANGE',
  CORRUPT_MESSAGE: 'CORRUPT',
  MESSAGE_TOO_LARGE: 'TOO_LARGE',
  RECORD_LIST_TOO_LARGE: 'TOO_LARGE',
  // Kafka takes a log folder offline when its disk is full or broken, and says no more than this.
  KAFKA_STORAGE_ERROR: 'FULL',
  UNKNOWN_TOPIC_OR_PARTITION: 'MISCONFIGURED',
  INVALID_TOPIC_EXCEPTION: 'MISCONFIGURED',
  TOPIC_AUTHORIZATION_FAILED: 'MISCONFIGURED',
  GROUP_AUTHORIZATION_FAILED: 'MISCONFIGURED',
  CLUSTER_AUTHORIZATION_FAILED: 'MISCONFIGURED',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'MISCONFIGURED',
  SASL_AUTHENTICATION_FAILED: 'MISCONFIGURED',
  UNSUPPORTED_SASL_MECHANISM: 'MISCONFIGURED',
  UNSUPPORTED_VERSION: 'MISCONFIGURED',
  INVALID_SESSION_TIMEOUT: 'MISCONFIGURED',
  INVALID_TRANSACTION_TIMEOUT: 'MISCONFIGURED',
  INCONSISTENT_GROUP_PROTOCOL: 'MISCONFIGURED',
  ILLEGAL_SASL_STATE: 'MISCONFIGURED',
  INVALID_REPLICATION_FACTOR: 'MISCONFIGURED',
  INVALID_REPLICA_ASSIGNMENT: 'MISCONFIGURED',
  INVALID_CONFIG: 'MISCONFIGURED',
  POLICY_VIOLATION: 'MISCONFIGURED',
  SECURITY_DISABLED: 'MISCONFIGURED',
}

const SASL_REFUSED = 'KafkaJSSASLAuthenticationError'

const CODE_OF_NAME: Readonly<Record<string, LogErrorCode>> = {
  KafkaJSSASLAuthenticationError: 'MISCONFIGURED',
}

const WHAT_NEXT: Readonly<Record<LogErrorCode, string>> = {
  OFFSET_OUT_OF_RANGE: 'The log starts after that offset or ends before it: ask for its offsets, and read from one in that range.',
  FENCED: 'Another owner has opened the partition: give it up until it is assigned again.',
  FULL: "The broker's disk is full or broken: free space on it, then restart the broker.",
  TOO_LARGE: 'Make the record smaller, or raise max.message.bytes of the topic.',
  CORRUPT: 'The stored bytes cannot be read: restore the topic from a copy.',
  MISCONFIGURED: 'Check the topics with `signalbox topics apply`, and the rights of this client.',
  OUTCOME_UNKNOWN: 'It may or may not be in the log: read the log to find out, or repeat what is safe to repeat.',
  OWNED: 'Stop the other owner first.',
  CLOSED: 'Open a new one to go on.',
  TRANSIENT: 'See that the brokers are reachable; the same call may go through later.',
}

const GRANT =
  'An administrator grants it: `signalbox topics apply --acl ROLE=User:NAME`; `signalbox acls print` shows what each role needs.'

/** Where the answer itself says more than its code. */
const NEXT_OF_TYPE: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: `The principal of this client lacks a right on that topic (READ to read it, WRITE to append to it, CREATE to make it). ${GRANT}`,
  GROUP_AUTHORIZATION_FAILED: `The principal of this client lacks READ on that consumer group. ${GRANT}`,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: `The principal of this client lacks WRITE on that transactional id, which only sequencers have. ${GRANT}`,
  CLUSTER_AUTHORIZATION_FAILED:
    'The principal of this client lacks a right on the cluster (CREATE for topics, ALTER for ACLs): run the command as an administrator.',
  SASL_AUTHENTICATION_FAILED:
    'The broker refuses this login: check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, and that the user exists for this KAFKA_SASL_MECHANISM.',
  INVALID_REPLICATION_FACTOR: 'There are fewer brokers than replicas: lower --replication-factor, or add brokers.',
  SECURITY_DISABLED:
    'The brokers have no authorizer, so there are no ACLs to set: set authorizer.class.name of every broker, or leave --acl out.',
  GROUP_COORDINATOR_NOT_AVAILABLE:
    'The same call may go through later. Where it never does, there are fewer brokers than offsets.topic.replication.factor or ' +
    'transaction.state.log.replication.factor asks for: lower those of the brokers.',
}

/** The innermost error of kafkajs: its retrier and some calls wrap the one that says what happened. */
export function rootOf(error: unknown): KafkaError {
  let current = error as KafkaError
  for (let depth = 0; depth < 10; depth++) {
    const inner = current.cause ?? current.originalError ?? current.errors?.[0]
    if (current.type !== undefined || !(inner instanceof Error)) break
    current = inner as KafkaError
  }
  return current
}

export function errorType(error: unknown): string | undefined {
  return rootOf(error).type
}

export function isFenced(error: unknown): boolean {
  return FENCED_TYPES.has(errorType(error) ?? '')
}

/** The broker answered, with an error of the protocol: what was asked for has certainly not been done. */
export function isAnswer(error: unknown): boolean {
  return errorType(error) !== undefined && !ANSWERS_IN_DOUBT.has(errorType(error)!)
}

const ANSWERS_IN_DOUBT: ReadonlySet<string> = new Set([
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NETWORK_EXCEPTION',
  'UNKNOWN',
])

/** The port's code for an error of kafkajs. What is not known otherwise passes by itself, or seems to. */
export function codeOf(error: unknown): LogErrorCode {
  if (error instanceof LogError) return error.code
  const root = rootOf(error)
  return CODE_OF_TYPE[root.type ?? ''] ?? CODE_OF_NAME[root.name] ?? 'TRANSIENT'
}

/** `what` says in the past tense what was to be done, to what: "Appending to x failed". */
export function toLogError(error: unknown, what: string, code: LogErrorCode = codeOf(error)): LogError {
  if (error instanceof LogError) return error
  const root = rootOf(error)
  const detail = root.type === undefined ? root.message : `${root.type}: ${root.message}`
  const next = NEXT_OF_TYPE[root.type ?? (root.name === SASL_REFUSED ? 'SASL_AUTHENTICATION_FAILED' : '')] ?? WHAT_NEXT[code]
  return new LogError(code, `${what}: ${detail.replace(/\.$/, '')}. ${next}`, { cause: error })
}

export function closedError(what: string): LogError {
  return new LogError('CLOSED', `${what} is closed. Open a new one to go on.`)
}
