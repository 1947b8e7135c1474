import type { Offsets } from '@signalbox/log'
import { type Client, CONSUMER, READ_COMMITTED } from './client.ts'

const EARLIEST = -2
const LATEST = -1

/**
 * First offset and read-committed end of a partition. The end is the last stable offset: it lies past every committed
 * record, and an open transaction lies behind it.
 */
export async function fetchOffsets(client: Client, topic: string, partition: number): Promise<Offsets> {
  const leader = await client.leader(topic, partition)
  const at = async (timestamp: number) => {
    const topics = [{ topic, partitions: [{ partition, timestamp }] }]
    const { responses } = await leader.listOffsets({ replicaId: CONSUMER, isolationLevel: READ_COMMITTED, topics })
    return Number(responses[0]!.partitions[0]!.offset)
  }
  // The start first: it can only have come closer to an end that is asked for afterwards.
  const start = await at(EARLIEST)
  return { start, end: Math.max(start, await at(LATEST)) }
}
