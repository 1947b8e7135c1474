import type { Offsets } from '@signalbox/log'
import { type Client, CONSUMER, READ_COMMITTED, READ_UNCOMMITTED } from './client.ts'

const EARLIEST = -2
const LATEST = -1

/**
 * First offset and read-committed end of a partition. The end is the last stable offset: it lies past every committed
 * record, and an open transaction lies behind it.
 */
export async function fetchOffsets(client: Client, topic: string, partition: number): Promise<Offsets> {
  const leader = await client.leader(topic, partition)
  const at = async (timestamp: number, isolationLevel = READ_COMMITTED) => {
    const topics = [{ topic, partitions: [{ partition, timestamp }] }]
    const { responses } = await leader.listOffsets({ replicaId: CONSUMER, isolationLevel, topics })
    return Number(responses[0]!.partitions[0]!.offset)
  }
  // The start first: it can only have come closer to an end that is asked for afterwards.
  const start = await at(EARLIEST)
  const end = Math.max(start, await at(LATEST))
  return { start, end, written: Math.max(end, await at(LATEST, READ_UNCOMMITTED)) }
}

export interface PartitionEnds extends Offsets {
  readonly topic: string
  readonly partition: number
}

/** Of all partitions of some topics, as the cluster has them now: three requests to each broker. Topics that are not there are left out. */
export async function fetchAllOffsets(client: Client, topics: readonly string[]): Promise<readonly PartitionEnds[]> {
  const all: PartitionEnds[] = []
  for (const [broker, places] of await client.leaders(topics)) {
    const byTopic = Map.groupBy(places, ({ topic }) => topic)
    const at = async (timestamp: number, isolationLevel = READ_COMMITTED) => {
      const asked = [...byTopic].map(([topic, of]) => ({ topic, partitions: of.map(({ partition }) => ({ partition, timestamp })) }))
      const { responses } = await broker.listOffsets({ replicaId: CONSUMER, isolationLevel, topics: asked })
      return new Map(
        responses.flatMap(({ partitions, topic }) => partitions.map(({ offset, partition }) => [`${topic}/${partition}`, Number(offset)])),
      )
    }
    const starts = await at(EARLIEST)
    const ends = await at(LATEST)
    const writtens = await at(LATEST, READ_UNCOMMITTED)
    for (const { partition, topic } of places) {
      const name = `${topic}/${partition}`
      const start = starts.get(name) ?? 0
      const end = Math.max(start, ends.get(name) ?? 0)
      all.push({ topic, partition, start, end, written: Math.max(end, writtens.get(name) ?? 0) })
    }
  }
  return all
}
