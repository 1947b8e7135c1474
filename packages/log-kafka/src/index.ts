export { type AclsOptions, type AclsPlan, applyKafkaAcls, planKafkaAcls } from './acl-admin.ts'
export {
  type AclEntry,
  aclsOf,
  describeAcl,
  ingestGroupPrefix,
  kafkaAclsCommands,
  ROLE_DESIGNS,
  ROLES,
  type Role,
  type RolePrincipal,
  readRolePrincipal,
} from './acls.ts'
export { describeConnection, type Environment, type KafkaEnvironment, kafkaOptionsFromEnvironment } from './environment.ts'
export { openKafkaLog } from './kafka-log.ts'
export { type KafkaRestoreTarget, openKafkaRestoreTarget } from './restore-target.ts'
export { openSchemaRegistry, type SchemaRegistryOptions } from './schema-registry.ts'
export type { KafkaConnectionOptions, KafkaLogEntry, KafkaLogOptions } from './settings.ts'
export { followSourceTopic, type SourceTopic, type SourceTopicOptions, type SourceTopicRecord } from './source-topic.ts'
export { DEFAULT_PARTITIONS, describeStep, TOPIC_DESIGNS, type TopicStep, type TopicsPlan } from './topic-plan.ts'
export {
  applyKafkaTopics,
  type CreateTopicsOptions,
  createTopics,
  planKafkaTopics,
  type TopicsOptions,
  type TopicsReport,
} from './topics.ts'
