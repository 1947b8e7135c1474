/**
 * The loop that Signalbox is held against: kafkajs as its documentation has it. Consume, decide next to nothing, produce in
 * a transaction. It does not commit its position in the transaction, which would double the time of a small one; its retry
 * begins with milliseconds, as the default makes every other transaction wait for 300 ms.
 */
import kafkajs from 'kafkajs'
import type { EngineSettings } from './protocol.ts'

const retry = { initialRetryTime: 2, maxRetryTime: 50, retries: 50 }

export interface RunningLoop {
  stop(): Promise<void>
}

export async function runRawLoop(settings: EngineSettings, active: (partitions: readonly number[]) => void): Promise<RunningLoop> {
  const { batchRecords, brokers, eventBytes, partitions, sessionTimeoutMs, topicPrefix } = settings
  const kafka = new kafkajs.Kafka({ brokers: brokers.split(','), clientId: 'raw-loop', retry, logLevel: kafkajs.logLevel.NOTHING })
  const value = Buffer.alloc(eventBytes, 101)
  const producers = await Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const producer = kafka.producer({
        transactionalId: `${topicPrefix}.raw.${partition}`,
        idempotent: true,
        maxInFlightRequests: 1,
        retry,
      })
      await producer.connect()
      return producer
    }),
  )
  const consumer = kafka.consumer({ groupId: `${topicPrefix}.raw`, sessionTimeout: sessionTimeoutMs, maxWaitTimeInMs: 500 })
  await consumer.connect()
  await consumer.subscribe({ topic: `${topicPrefix}.intents`, fromBeginning: true })
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => active(payload.memberAssignment[`${topicPrefix}.intents`] ?? []))
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: partitions,
    eachBatch: async ({ batch, heartbeat, resolveOffset }) => {
      const { messages, partition } = batch
      for (let from = 0; from < messages.length; from += batchRecords) {
        const run = messages.slice(from, from + batchRecords)
        const transaction = await producers[partition]!.transaction()
        await transaction.send({
          topic: `${topicPrefix}.events`,
          acks: -1,
          messages: run.map(({ key, offset }) => ({
            partition,
            key,
            value,
            headers: {
              ce_id: `${partition}/${offset}/0`,
              ce_type: 'signalbox.IntentCommitted',
              ce_source: `signalbox/${partition}`,
              sb_epoch: '0',
            },
          })),
        })
        await transaction.commit()
        resolveOffset(run.at(-1)!.offset)
        await heartbeat()
      }
    },
  })
  return {
    async stop() {
      await consumer.disconnect()
      await Promise.all(producers.map((producer) => producer.disconnect()))
    },
  }
}
