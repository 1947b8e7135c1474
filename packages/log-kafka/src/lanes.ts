import type { Assignment } from '@signalbox/log'
import { LaneWriter, type LaneWriterOptions } from './lane-writer.ts'
import { KafkaPartitionWriter } from './partition-writer.ts'

/**
 * Partitions that share one transactional producer, as transactions a second are what a cluster has little of: 64 agents
 * that wait were decided 3,800 times a second by four producers on four partitions, and 10,200 times by one on one.
 * Part of the format: every owner of a partition must fence the one before it, so all must count the same lanes.
 */
export const PARTITIONS_PER_LANE = 4

/** The lane of a partition; it is assigned, opened and fenced as one. */
export function laneOf(partition: number): number {
  return Math.floor(partition / PARTITIONS_PER_LANE)
}

export function laneCount(partitionCount: number): number {
  return Math.ceil(partitionCount / PARTITIONS_PER_LANE)
}

/** The partitions of some lanes, in order. */
export function partitionsOf(lanes: readonly number[], partitionCount: number): number[] {
  return lanes
    .flatMap((lane) => Array.from({ length: PARTITIONS_PER_LANE }, (_, index) => lane * PARTITIONS_PER_LANE + index))
    .filter((partition) => partition < partitionCount)
    .sort((left, right) => left - right)
}

interface OpenLane {
  readonly generation: number
  readonly opening: Promise<LaneWriter>
}

type LanesOptions = Omit<LaneWriterOptions, 'lane'>

/** The lanes that this process writes, each opened with the first of its partitions. */
export class Lanes {
  readonly #options: LanesOptions
  readonly #lanes = new Map<number, OpenLane>()

  constructor(options: LanesOptions) {
    this.#options = options
  }

  /** Fences every earlier writer of the partition, in this process or elsewhere. Errors: TRANSIENT, MISCONFIGURED, CLOSED. */
  async open({ generation, partition }: Assignment): Promise<KafkaPartitionWriter> {
    const lane = laneOf(partition)
    for (;;) {
      const found = this.#lanes.get(lane)
      // The partitions of a lane are assigned together: what was opened under an earlier order may have been fenced since.
      const current = found !== undefined && found.generation >= generation ? found : this.#start(lane, generation)
      const writer = await current.opening
      if (writer.isUsable) return await KafkaPartitionWriter.attach(writer, partition)
      // It has failed, and its producer is never repaired; or its last partition was let go.
      if (this.#lanes.get(lane) === current) this.#lanes.delete(lane)
    }
  }

  async close(): Promise<void> {
    const lanes = [...this.#lanes.values()]
    await Promise.allSettled(lanes.map(async ({ opening }) => (await opening).close()))
  }

  #start(lane: number, generation: number): OpenLane {
    const opened: OpenLane = { generation, opening: LaneWriter.open({ ...this.#options, lane }) }
    this.#lanes.set(lane, opened)
    opened.opening.catch(() => {
      if (this.#lanes.get(lane) === opened) this.#lanes.delete(lane)
    })
    return opened
  }
}
