/** A Kafka log for one run of the demo: the brokers of KAFKA_BROKERS, or one broker for the length of the run. */
import { environment } from '@signalbox/cli'
import type { Log } from '@signalbox/log'
import { createTopics, openKafkaLog } from '@signalbox/log-kafka'
import { software } from '@signalbox/signalbox'
import { startBroker } from '../../../../infra/kafka/broker.ts'

export interface KafkaForDemo {
  readonly log: Log
  readonly topicPrefix: string
  stop(): Promise<void>
}

/** So many that the two hotels lie on lanes of their own, and two sequencers have work. */
const partitionsForSequencers = 8

/** Topics carry the run's id, so that runs on one cluster do not meet; a run that goes on finds its own. */
export async function prepareKafka(runId: string, withSequencers: boolean): Promise<KafkaForDemo> {
  const { KAFKA_BOOTSTRAP_SERVERS, KAFKA_BROKERS } = environment()
  const given = KAFKA_BROKERS ?? KAFKA_BOOTSTRAP_SERVERS
  const broker = given === undefined ? await startBroker({}) : null
  const brokers = given ?? broker!.brokers
  process.stderr.write(given === undefined ? `a Kafka broker for this run is at ${brokers}\n` : `Kafka at ${brokers}\n`)
  const topicPrefix = `signalbox-demo-${runId}`
  await createTopics({ brokers, topicPrefix, partitions: withSequencers ? partitionsForSequencers : 2 })
  const log = await openKafkaLog({ brokers, topicPrefix, clientId: software.replace(' ', '-') })
  return { log, topicPrefix, stop: async () => await broker?.stop() }
}
