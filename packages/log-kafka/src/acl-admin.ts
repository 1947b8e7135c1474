import kafkajs, { type Admin, type AclEntry as KafkaAclEntry } from 'kafkajs'
import { type AclEntry, type AclOptions, aclKey, aclsOf, type Operation, type Resource, type RolePrincipal } from './acls.ts'
import { withAdmin } from './admin.ts'
import { type KafkaConnectionOptions, settingsOf } from './settings.ts'

// Node does not see these names among the exports of kafkajs, only as properties of its default export.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs

const RESOURCES: Readonly<Record<Resource, number>> = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  'transactional-id': AclResourceTypes.TRANSACTIONAL_ID,
}
const OPERATIONS: Readonly<Record<Operation, number>> = {
  read: AclOperationTypes.READ,
  write: AclOperationTypes.WRITE,
  describe: AclOperationTypes.DESCRIBE,
  'describe-configs': AclOperationTypes.DESCRIBE_CONFIGS,
}
const ANY_HOST = '*'

export interface AclsOptions extends KafkaConnectionOptions, Omit<AclOptions, 'topicPrefix'> {
  readonly principals: readonly RolePrincipal[]
}

export interface AclsPlan {
  /** What the brokers do not allow yet, and a role needs. */
  readonly missing: readonly AclEntry[]
  /** What the brokers allow or deny a principal beyond its roles, in words. */
  readonly warnings: readonly string[]
}

/** What would have to be allowed; writes nothing. Errors: MISCONFIGURED (no authorizer, no right to ask), TRANSIENT. */
export async function planKafkaAcls(options: AclsOptions): Promise<AclsPlan> {
  return withAdmin(settingsOf(options), 'Reading the ACLs', (admin) => planOf(admin, options))
}

/** Allows what is missing, and takes nothing away. Resolves to what it has added. Errors: MISCONFIGURED, TRANSIENT. */
export async function applyKafkaAcls(options: AclsOptions): Promise<AclsPlan> {
  return withAdmin(settingsOf(options), 'Setting the ACLs', async (admin) => {
    const plan = await planOf(admin, options)
    if (plan.missing.length > 0) await admin.createAcls({ acl: plan.missing.map(toKafka) })
    return plan
  })
}

async function planOf(admin: Admin, options: AclsOptions): Promise<AclsPlan> {
  const { topicPrefix } = settingsOf(options)
  const wanted = new Map<string, AclEntry>()
  for (const principal of options.principals)
    for (const entry of aclsOf(principal, { ...options, topicPrefix })) wanted.set(aclKey(entry), entry)
  const missing = new Map(wanted)
  const warnings: string[] = []
  for (const principal of new Set(options.principals.map((each) => each.principal))) {
    for (const found of await entriesOf(admin, principal)) {
      const key = keyOf(found)
      if (key !== undefined && wanted.has(key) && found.permissionType === AclPermissionTypes.ALLOW && found.host === ANY_HOST)
        missing.delete(key)
      else
        warnings.push(
          `${inWords(found)}, which its roles here do not say. Where nobody needs it, take it away with kafka-acls.sh --remove.`,
        )
    }
  }
  return { missing: [...missing.values()], warnings }
}

async function entriesOf(admin: Admin, principal: string): Promise<readonly KafkaAclEntry[]> {
  const { resources } = await admin.describeAcls({
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    principal,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  })
  return resources.flatMap(({ acls, ...resource }) => acls.map((acl) => ({ ...resource, ...acl })))
}

function toKafka({ principal, resource, name, pattern, operation }: AclEntry): KafkaAclEntry {
  return {
    principal,
    host: ANY_HOST,
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: RESOURCES[resource],
    resourceName: name,
    resourcePatternType: pattern === 'prefixed' ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    operation: OPERATIONS[operation],
  }
}

/** Undefined for what no role has: another resource or operation. */
function keyOf({ principal, resourceType, resourceName, resourcePatternType, operation }: KafkaAclEntry): string | undefined {
  const resource = nameOf(RESOURCES, resourceType)
  const operationName = nameOf(OPERATIONS, operation)
  if (resource === undefined || operationName === undefined) return undefined
  const pattern = resourcePatternType === ResourcePatternTypes.PREFIXED ? 'prefixed' : 'literal'
  return aclKey({ principal, resource, name: resourceName, pattern, operation: operationName })
}

function nameOf<Name extends string>(numbers: Readonly<Record<Name, number>>, number: number): Name | undefined {
  return (Object.keys(numbers) as Name[]).find((name) => numbers[name] === number)
}

function inWords({ principal, host, permissionType, operation, resourceType, resourceName, resourcePatternType }: KafkaAclEntry): string {
  const may = permissionType === AclPermissionTypes.DENY ? 'may not' : 'may'
  const prefixed = resourcePatternType === ResourcePatternTypes.PREFIXED ? '*' : ''
  const from = host === ANY_HOST ? '' : ` from ${host}`
  const word = (names: object, number: number) =>
    nameOf(names as Readonly<Record<string, number>>, number)
      ?.toLowerCase()
      .replaceAll('_', '-')
  const verb = word(AclOperationTypes, operation) ?? `do ${operation} with`
  return `${principal} ${may} ${verb} the ${word(AclResourceTypes, resourceType) ?? 'resource'} ${resourceName}${prefixed}${from}`
}
