import { describeLogConformance } from '@signalbox/log/conformance'
import { openKafkaLog } from '../src/index.ts'
import { topicName } from '../src/settings.ts'
import { brokersForTests, deleteRecordsBefore, dropTopics, makeTopics, uniquePrefix } from './support/topics.ts'

describeLogConformance('log-kafka', {
  manyProcesses: true,
  keepsSnapshots: true,
  keepsIndex: false,
  hasReader: false,
  deletesRecords: true,
  tooLargeBytes: 3 * 1024 * 1024,
  // A rebalance takes a heartbeat to be noticed, and a broker on a busy machine takes its time.
  patienceMs: 15_000,
  async createStore({ partitionCount }) {
    const topicPrefix = uniquePrefix()
    await makeTopics(topicPrefix, partitionCount)
    return {
      open: () => openKafkaLog({ brokers: brokersForTests(), topicPrefix, heartbeatIntervalMs: 100 }),
      deleteRecordsBefore: (topic, partition, offset) => deleteRecordsBefore(topicName(topicPrefix, topic), partition, offset),
      destroy: () => dropTopics(topicPrefix),
    }
  },
})
