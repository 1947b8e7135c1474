/** `signalbox topics ...` and `signalbox acls ...`: the topics of a Kafka cluster and who may do what, as data. */
import type { AclEntry, AclsPlan, RolePrincipal, TopicsOptions, TopicsPlan } from '@signalbox/log-kafka'
import { type Environment, environment } from '../environment.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { printOne, say } from '../output.ts'
import type { Settings } from '../settings.ts'

export interface TopicsFlags {
  readonly partitions?: string
  readonly replicationFactor?: string
  readonly minInSyncReplicas?: string
  readonly topicPrefix?: string
  readonly acl?: readonly string[]
  readonly agentGroupPrefix?: string
}

interface Wanted {
  readonly topics: TopicsOptions
  readonly principals: readonly RolePrincipal[]
  readonly agentGroupPrefix: { readonly agentGroupPrefix?: string }
}

/** Prints what `apply` would do, and does nothing. */
export async function planTopics({ output }: Settings, flags: TopicsFlags): Promise<number> {
  const { plan, missing, warnings } = await compare(await wantedOf(flags))
  const { describeAcl, describeStep } = await import('@signalbox/log-kafka')
  printOne(output, report(plan, missing, warnings), () => {
    const lines = [...plan.steps.map(describeStep), ...missing.map(describeAcl)]
    return lines.length === 0 ? `nothing to do: the topics are as they should be, with ${plan.partitions} partitions` : lines.join('\n')
  })
  return exitCodes.ok
}

/** Prints what is otherwise than it should be; the exit code says whether anything is. */
export async function checkTopics({ output }: Settings, flags: TopicsFlags): Promise<number> {
  const { plan, missing, warnings } = await compare(await wantedOf(flags))
  const { describeAcl, describeStep } = await import('@signalbox/log-kafka')
  const lines = [...plan.steps.map(describeStep), ...missing.map(describeAcl)]
  printOne(output, report(plan, missing, warnings), () =>
    lines.length === 0 ? `as they should be, with ${plan.partitions} partitions` : lines.map((line) => `differs: ${line}`).join('\n'),
  )
  if (lines.length === 0) return exitCodes.ok
  say('signalbox topics apply does what is not to be done by hand; it takes the same flags')
  return exitCodes.differs
}

/** Makes it so: safe to repeat. */
export async function applyTopics({ output }: Settings, flags: TopicsFlags): Promise<number> {
  const { topics, principals, agentGroupPrefix } = await wantedOf(flags)
  const { applyKafkaAcls, applyKafkaTopics, describeAcl } = await import('@signalbox/log-kafka')
  const { created, mended, partitions, warnings } = await usageErrors(() => applyKafkaTopics(topics))
  const acls: AclsPlan =
    principals.length === 0 ? { missing: [], warnings: [] } : await applyKafkaAcls({ ...topics, ...agentGroupPrefix, principals })
  const all = [...warnings, ...acls.warnings]
  warn(all)
  printOne(output, { partitions, created, mended, allowed: acls.missing, warnings: all }, () => {
    const lines = [
      ...created.map((topic) => `created ${topic}`),
      ...mended.map((topic) => `mended ${topic}`),
      ...acls.missing.map((entry) => describeAcl(entry).replace(/^allow/, 'allowed')),
    ]
    return lines.length === 0 ? `nothing to do: the topics are as they should be, with ${partitions} partitions` : lines.join('\n')
  })
  return exitCodes.ok
}

/** Prints the rights of roles as commands for Kafka's own tool. Asks no broker. */
export async function printAcls({ output }: Settings, parameters: readonly string[], flags: TopicsFlags): Promise<number> {
  const { aclsOf, kafkaAclsCommands, kafkaOptionsFromEnvironment, readRolePrincipal } = await import('@signalbox/log-kafka')
  const variables = environmentOf(environment(), flags)
  const named = variables.KAFKA_BROKERS ?? variables.KAFKA_BOOTSTRAP_SERVERS
  const { kafka } = kafkaOptionsFromEnvironment(named === undefined ? { ...variables, KAFKA_BROKERS: 'HOST:9092' } : variables)
  const options = { topicPrefix: kafka?.topicPrefix ?? 'signalbox', ...groupPrefix(flags) }
  const entries = parameters.map(readRolePrincipal).flatMap((principal) => aclsOf(principal, options))
  const brokers = [kafka?.brokers ?? []].flat().join(',')
  printOne(output, entries, () => kafkaAclsCommands(entries, brokers).join('\n'))
  return exitCodes.ok
}

async function compare({ topics, principals, agentGroupPrefix }: Wanted) {
  const { planKafkaAcls, planKafkaTopics } = await import('@signalbox/log-kafka')
  const plan = await usageErrors(() => planKafkaTopics(topics))
  const acls: AclsPlan =
    principals.length === 0 ? { missing: [], warnings: [] } : await planKafkaAcls({ ...topics, ...agentGroupPrefix, principals })
  const warnings = [...plan.warnings, ...acls.warnings]
  warn(warnings)
  return { plan, missing: acls.missing, warnings }
}

function report(plan: TopicsPlan, missing: readonly AclEntry[], warnings: readonly string[]) {
  return { partitions: plan.partitions, steps: plan.steps, missingAcls: missing, warnings }
}

function warn(warnings: readonly string[]): void {
  for (const warning of warnings) say(`warning: ${warning}`)
}

/** Flag, then environment, then default. */
async function wantedOf(flags: TopicsFlags): Promise<Wanted> {
  const variables = environment()
  const { kafkaOptionsFromEnvironment, readRolePrincipal } = await import('@signalbox/log-kafka')
  const { kafka, warnings } = kafkaOptionsFromEnvironment(environmentOf(variables, flags))
  if (kafka === undefined) throw new CommandError('usage', 'KAFKA_BROKERS is not set; set it to HOST:PORT of your brokers')
  warn(warnings)
  const acls = flags.acl ?? variables.SIGNALBOX_ACLS?.split(/\s+/).filter((acl) => acl !== '') ?? []
  const partitions = count('--partitions', flags.partitions ?? variables.SIGNALBOX_PARTITIONS)
  const replicationFactor = count('--replication-factor', flags.replicationFactor ?? variables.SIGNALBOX_REPLICATION_FACTOR)
  const minInSyncReplicas = count('--min-in-sync-replicas', flags.minInSyncReplicas ?? variables.SIGNALBOX_MIN_IN_SYNC_REPLICAS)
  return {
    topics: {
      ...kafka,
      ...(partitions === undefined ? {} : { partitions }),
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
      ...(minInSyncReplicas === undefined ? {} : { minInSyncReplicas }),
    },
    principals: acls.map(readRolePrincipal),
    agentGroupPrefix: groupPrefix(flags),
  }
}

function environmentOf(variables: Environment, { topicPrefix }: TopicsFlags): Environment {
  return topicPrefix === undefined ? variables : { ...variables, KAFKA_TOPIC_PREFIX: topicPrefix }
}

function groupPrefix({ agentGroupPrefix }: TopicsFlags): { readonly agentGroupPrefix?: string } {
  return agentGroupPrefix === undefined ? {} : { agentGroupPrefix }
}

function count(flag: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new CommandError('usage', `${flag} takes a whole number from 1 on, not ${text}`)
  return Number(text)
}

/** Numbers that do not fit together are a matter of the flags, not a bug. */
async function usageErrors<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError('usage', error.message, { cause: error })
    throw error
  }
}
