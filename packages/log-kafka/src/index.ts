export { openKafkaLog } from './kafka-log.ts'
export type { KafkaConnectionOptions, KafkaLogEntry, KafkaLogOptions } from './settings.ts'
export { type CreateTopicsOptions, createTopics, type TopicsReport } from './topics.ts'
