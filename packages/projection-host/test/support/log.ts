/** A memory log that a test writes events to, in batches that carry the chain. */
import { Chain, chainHeader, createCodec } from '@signalbox/codec'
import { defaultLimits, type Event } from '@signalbox/contract'
import type { PartitionWriter } from '@signalbox/log'
import { createMemoryLog, type MemoryLog, MemoryLogStore } from '@signalbox/log-memory'
import type { TestEvent } from '@signalbox/projection/testing'
import { EventFeed } from '@signalbox/projection-host'

export const codec = createCodec({ limits: defaultLimits })

export class TestLog {
  readonly log: MemoryLog
  readonly #writers: PartitionWriter[] = []
  readonly #chains: Chain[] = []
  readonly #feeds: EventFeed[] = []
  #written = 0

  private constructor(partitionCount: number) {
    // With gaps, as Kafka has them.
    this.log = createMemoryLog({ store: new MemoryLogStore({ partitionCount, gapAfterBatch: true }) })
  }

  static async open(partitionCount = 1): Promise<TestLog> {
    const opened = new TestLog(partitionCount)
    const { promise, resolve } = Promise.withResolvers<void>()
    await opened.log.join({
      assigned(assignment) {
        void opened.log.open(assignment).then((writer) => {
          opened.#writers[assignment.partition] = writer
          opened.#chains[assignment.partition] = new Chain()
          if (opened.#writers.filter(Boolean).length === partitionCount) resolve()
        })
      },
      revoked: async () => {},
      lost: () => {},
    })
    await promise
    return opened
  }

  /** As one batch for each partition, whose last event carries the link. */
  async append(events: readonly TestEvent[]): Promise<readonly Event[]> {
    const placed = events.map((event) => event(this.#written++))
    for (const [partition, writer] of this.#writers.entries()) {
      const values = placed.filter((event) => event.partition === partition).map((event) => codec.encodeEvent(event))
      if (values.length === 0) continue
      const chain = this.#chains[partition]!
      for (const value of values) chain.add(value)
      const link = chain.close()
      const last = values.length - 1
      const records = values.map((value, index) => ({ key: 'scope', value, headers: index === last ? { [chainHeader]: link } : {} }))
      await writer.append({ events: records, deadLetters: [] })
    }
    return placed
  }

  feed(): EventFeed {
    const feed = new EventFeed(this.log, codec)
    this.#feeds.push(feed)
    return feed
  }

  async close(): Promise<void> {
    await Promise.all(this.#feeds.map((feed) => feed.close()))
    await this.log.close()
  }
}
