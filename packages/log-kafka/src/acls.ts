import { LogError } from '@signalbox/log'
import { groupName, type TopicId, topicName } from './settings.ts'

/** What a principal is for. */
export const ROLES = ['agent', 'sequencer', 'gateway', 'reader', 'process-manager', 'escalation', 'projector', 'ingest'] as const
export type Role = (typeof ROLES)[number]

export type Resource = 'topic' | 'group' | 'transactional-id'
export type Operation = 'read' | 'write' | 'describe' | 'describe-configs'

/** One thing that a principal may do. In Kafka, to read or to write a thing includes to describe it. */
export interface AclEntry {
  readonly principal: string
  readonly resource: Resource
  readonly name: string
  /** `prefixed`: everything whose name begins so. */
  readonly pattern: 'literal' | 'prefixed'
  readonly operation: Operation
}

export interface RolePrincipal {
  readonly role: Role
  /** `User:NAME`; for certificates the distinguished name, as in `User:CN=desk,O=hotel`. */
  readonly principal: string
}

type Rights = readonly Operation[]

interface RoleDesign {
  readonly purpose: string
  readonly topics: Readonly<Partial<Record<TopicId, Rights>>>
}

/** The services check the topics' settings when they open the log. */
const CHECKED: Rights = ['describe-configs']
const READ: Rights = ['read', ...CHECKED]
const WRITE: Rights = ['write', ...CHECKED]
const BOTH: Rights = ['read', 'write', ...CHECKED]
/** Whoever opens the log looks at all of its topics. */
const KNOWN: Rights = ['describe', ...CHECKED]
const ASIDE = {
  notifications: KNOWN,
  'dead-letters.escalation': KNOWN,
  'dead-letters.projector': KNOWN,
  'dead-letters.reactions': KNOWN,
  'dead-letters.ingest': KNOWN,
} as const
const ASIDE_READ = {
  notifications: READ,
  'dead-letters.escalation': READ,
  'dead-letters.projector': READ,
  'dead-letters.reactions': READ,
  'dead-letters.ingest': READ,
} as const

/**
 * The roles as data. Nobody but the sequencer may write events, dead letters or snapshots, or open a transaction under its
 * ids; and nobody here may create, alter or delete anything. An idempotent producer needs no right but `write` (Kafka 2.8).
 */
export const ROLE_DESIGNS: Readonly<Record<Role, RoleDesign>> = {
  agent: {
    purpose: 'proposes, and reads what was decided, in consumer groups of its own',
    topics: { intents: ['write'], events: ['read'] },
  },
  sequencer: { purpose: 'decides', topics: { intents: READ, events: BOTH, 'dead-letters': BOTH, snapshots: BOTH, ...ASIDE } },
  gateway: {
    purpose: 'proposes for clients over HTTP, and answers them',
    topics: { intents: WRITE, events: READ, 'dead-letters': READ, snapshots: READ, ...ASIDE_READ },
  },
  reader: {
    purpose: 'audits and replays; reads only',
    topics: { intents: READ, events: READ, 'dead-letters': READ, snapshots: READ, ...ASIDE_READ },
  },
  'process-manager': {
    purpose: 'reads events and proposes what follows from them',
    topics: {
      intents: WRITE,
      events: READ,
      'dead-letters': KNOWN,
      snapshots: READ,
      ...ASIDE,
      'dead-letters.reactions': BOTH,
      'dead-letters.ingest': WRITE,
    },
  },
  ingest: {
    purpose: 'proposes what systems of record say, for their agents; its sources are topics of their own',
    topics: {
      intents: WRITE,
      events: KNOWN,
      'dead-letters': KNOWN,
      snapshots: KNOWN,
      ...ASIDE,
      'dead-letters.ingest': WRITE,
    },
  },
  escalation: {
    purpose: 'reads events and tells people of escalations',
    topics: {
      intents: KNOWN,
      events: READ,
      'dead-letters': KNOWN,
      snapshots: KNOWN,
      ...ASIDE,
      notifications: BOTH,
      'dead-letters.escalation': BOTH,
    },
  },
  projector: {
    purpose: 'folds events into projections',
    topics: { intents: KNOWN, events: READ, 'dead-letters': KNOWN, snapshots: KNOWN, ...ASIDE, 'dead-letters.projector': BOTH },
  },
}

export interface AclOptions {
  readonly topicPrefix: string
  /** What the names of the agents' consumer groups begin with. Default `<topic prefix>.agent.` */
  readonly agentGroupPrefix?: string
}

/** `signalbox.agent.`: agents name their consumer groups with it. */
export function agentGroupPrefix({ agentGroupPrefix: given, topicPrefix }: AclOptions): string {
  return given ?? `${topicPrefix}.agent.`
}

/** A source is followed in the group of this and its name. */
export const ingestGroupPrefix = 'signalbox.ingest.'

/** All that a principal with the role may do. */
export function aclsOf({ role, principal }: RolePrincipal, options: AclOptions): readonly AclEntry[] {
  const { topicPrefix } = options
  const topics = Object.entries(ROLE_DESIGNS[role].topics).flatMap(([id, operations]) =>
    operations.map((operation): AclEntry => {
      return { principal, resource: 'topic', name: topicName(topicPrefix, id as TopicId), pattern: 'literal', operation }
    }),
  )
  const group = (name: string, pattern: AclEntry['pattern']): AclEntry => ({
    principal,
    resource: 'group',
    name,
    pattern,
    operation: 'read',
  })
  if (role === 'agent') return [...topics, group(agentGroupPrefix(options), 'prefixed')]
  // Its source topics are not Signalbox's: who runs them grants the right to read them.
  if (role === 'ingest') return [...topics, group(ingestGroupPrefix, 'prefixed')]
  if (role === 'process-manager') return [...topics, group(`${topicPrefix}.process-manager`, 'literal')]
  if (role !== 'sequencer') return topics
  const transactions = { principal, resource: 'transactional-id', name: `${topicPrefix}.sequencer.`, pattern: 'prefixed' } as const
  return [...topics, group(groupName(topicPrefix), 'literal'), { ...transactions, operation: 'write' }]
}

/** `ROLE=PRINCIPAL`; a principal without a type is a user. Errors: MISCONFIGURED. */
export function readRolePrincipal(text: string): RolePrincipal {
  const at = text.indexOf('=')
  const role = text.slice(0, Math.max(0, at)).trim()
  const name = text.slice(at + 1).trim()
  if (at < 0 || !(ROLES as readonly string[]).includes(role))
    throw new LogError(
      'MISCONFIGURED',
      `${JSON.stringify(text)} gives no role: write ROLE=PRINCIPAL, with one of the roles ${ROLES.join(', ')}.`,
    )
  if (name === '' || /[\s'"]/.test(name))
    throw new LogError(
      'MISCONFIGURED',
      `${JSON.stringify(text)} names no principal: write ${role}=User:NAME, with no spaces or quotes in it.`,
    )
  return { role: role as Role, principal: /^[A-Za-z]+:/.test(name) ? name : `User:${name}` }
}

/** What two entries have in common when they are the same. */
export function aclKey({ principal, resource, name, pattern, operation }: AclEntry): string {
  return JSON.stringify([principal, resource, name, pattern, operation])
}

/** An entry in a line. */
export function describeAcl({ principal, resource, name, pattern, operation }: AclEntry): string {
  return `allow ${principal} to ${operation} the ${resource} ${name}${pattern === 'prefixed' ? '*' : ''}`
}

const OPERATION_NAMES: Readonly<Record<Operation, string>> = {
  read: 'Read',
  write: 'Write',
  describe: 'Describe',
  'describe-configs': 'DescribeConfigs',
}

/** The same as commands for Kafka's own tool, one for each resource. */
export function kafkaAclsCommands(entries: readonly AclEntry[], brokers: string): readonly string[] {
  const commands = new Map<string, string[]>()
  for (const { principal, resource, name, pattern, operation } of entries) {
    const patternFlag = pattern === 'prefixed' ? ' --resource-pattern-type prefixed' : ''
    const command = `--allow-principal '${principal}' --${resource} '${name}'${patternFlag}`
    commands.set(command, [...(commands.get(command) ?? []), `--operation ${OPERATION_NAMES[operation]}`])
  }
  return [...commands].map(
    ([command, operations]) => `kafka-acls.sh --bootstrap-server ${brokers} --add ${command} ${operations.join(' ')}`,
  )
}
