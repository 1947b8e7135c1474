import {
  type Assignment,
  type AssignmentListener,
  type Cursor,
  type Log,
  LogError,
  type LogTrouble,
  type LogWatch,
  type Membership,
  type Offsets,
  type PartitionWriter,
  type ReadFrom,
  type RecordToAppend,
  type SideTopic,
  type SnapshotStore,
  sideTopics,
  type Topic,
} from '@signalbox/log'
import { Client, isPassingRead } from './client.ts'
import { KafkaCursor } from './cursor.ts'
import { closedError, codeOf, toLogError } from './errors.ts'
import { Lanes } from './lanes.ts'
import { Lifetime } from './lifetime.ts'
import { KafkaMembership } from './membership.ts'
import { fetchAllOffsets, fetchOffsets } from './offsets.ts'
import { type AppendedRecord, RecordAppender } from './record-appender.ts'
import { groupName, type KafkaLogOptions, type Settings, settingsOf, TOPICS, topicName } from './settings.ts'
import { KafkaSnapshots } from './snapshots.ts'
import { type CheckedTopics, checkTopics } from './topics.ts'
import { retrying } from './wait.ts'
import { KafkaWatch } from './watch.ts'

/** Opens the log on topics that exist (see `createTopics`). Errors: MISCONFIGURED, TRANSIENT; RangeError for wrong options. */
export async function openKafkaLog(options: KafkaLogOptions): Promise<Log> {
  const settings = settingsOf(options)
  return new KafkaLog(settings, await checkTopics(settings, options.partitions, options.toRead))
}

class KafkaLog implements Log {
  readonly name = 'kafka'
  readonly id: string
  readonly partitionCount: number
  readonly snapshots: SnapshotStore
  readonly index = null
  readonly #settings: Settings
  readonly #topics: CheckedTopics
  readonly #lifetime = new Lifetime('The log')
  /** Questions that are answered at once have connections apart from appends, which wait for replicas. */
  readonly #queries: Client
  readonly #asideQueries: Client
  readonly #appends: Client
  readonly #asides: Client
  readonly #snapshotRequests: Client
  readonly #appenders = new Map<string, RecordAppender>()
  readonly #cursors = new Set<KafkaCursor>()
  readonly #watches = new Set<KafkaWatch>()
  /** Partitions of intents that somebody added, as far as they were asked for. */
  readonly #unserved = new Set<number>()
  readonly #lanes: Lanes
  readonly #opening = new Set<Promise<unknown>>()
  #membership: KafkaMembership | undefined
  #generation = 0
  #closed: Promise<void> | undefined

  constructor(settings: Settings, topics: CheckedTopics) {
    this.#settings = settings
    this.#topics = topics
    this.id = `kafka-${topics.clusterId}-${settings.topicPrefix}`
    this.partitionCount = topics.partitionCount
    // A side topic that somebody deletes fails the requests of its own client, and none about intents and events.
    const clientOf = (ids: readonly Topic[]) =>
      new Client(
        settings,
        ids.filter((id) => topics.present.includes(id)).map((id) => topicName(settings.topicPrefix, id)),
      )
    this.#queries = clientOf(['intents', 'events'])
    this.#asideQueries = clientOf(TOPICS.filter((id) => id !== 'intents' && id !== 'events'))
    this.#appends = clientOf(['intents'])
    this.#asides = clientOf(sideTopics)
    this.#snapshotRequests = new Client(settings, [topicName(settings.topicPrefix, 'snapshots')])
    this.snapshots = new KafkaSnapshots({ settings, client: this.#snapshotRequests, signal: this.#lifetime.signal })
    this.#lanes = new Lanes({ settings, maxBatchBytes: topics.maxBatchBytes, parent: this.#lifetime.signal })
  }

  async append(partition: number, intent: RecordToAppend): Promise<AppendedRecord> {
    return this.#append('intents', partition, intent)
  }

  async appendAside(topic: SideTopic, partition: number, record: RecordToAppend): Promise<AppendedRecord> {
    return this.#append(topic, partition, record)
  }

  #append(topic: 'intents' | SideTopic, partition: number, record: RecordToAppend): Promise<AppendedRecord> {
    this.#check(partition)
    const name = topicName(this.#settings.topicPrefix, topic)
    let appender = this.#appenders.get(`${name}/${partition}`)
    if (appender === undefined) {
      appender = new RecordAppender({
        client: topic === 'intents' ? this.#appends : this.#asides,
        settings: this.#settings,
        topic: name,
        partition,
        maxBatchBytes: this.#topics.maxBatchBytes[topic],
      })
      this.#appenders.set(`${name}/${partition}`, appender)
    }
    return appender.append(record)
  }

  async cursor({ topic, partition, fromOffset }: ReadFrom): Promise<Cursor> {
    if (!(topic === 'intents' && this.#unserved.has(partition))) this.#check(partition)
    const offset = fromOffset === 'end' ? (await this.offsets(topic, partition)).end : fromOffset
    this.#lifetime.check()
    const cursor: KafkaCursor = new KafkaCursor({
      settings: this.#settings,
      topic: topicName(this.#settings.topicPrefix, topic),
      partition,
      fromOffset: offset,
      parent: this.#lifetime.signal,
      onClosed: () => this.#cursors.delete(cursor),
    })
    this.#cursors.add(cursor)
    return cursor
  }

  async offsets(topic: Topic, partition: number): Promise<Offsets> {
    this.#check(partition)
    const name = topicName(this.#settings.topicPrefix, topic)
    const client = topic === 'intents' || topic === 'events' ? this.#queries : this.#asideQueries
    return await this.#ask(`Asking for the offsets of ${name}/${partition}`, client, () => fetchOffsets(client, name, partition))
  }

  watch(changed: (troubles: readonly LogTrouble[]) => void): LogWatch {
    this.#lifetime.check()
    const { partitionCount } = this
    const watch = new KafkaWatch({ settings: this.#settings, partitionCount, parent: this.#lifetime.signal, changed })
    this.#watches.add(watch)
    return watch
  }

  async unserved(): Promise<readonly (Offsets & { readonly partition: number })[]> {
    const name = topicName(this.#settings.topicPrefix, 'intents')
    const all = await this.#ask(`Asking for the partitions of ${name}`, this.#queries, () => fetchAllOffsets(this.#queries, [name]))
    const added = all.filter(({ partition }) => partition >= this.partitionCount)
    for (const { partition } of added) this.#unserved.add(partition)
    return added
  }

  async #ask<Result>(what: string, client: Client, ask: () => Promise<Result>): Promise<Result> {
    const deadlineMs = performance.now() + this.#settings.requestTimeoutMs
    try {
      return await retrying({ deadlineMs, signal: this.#lifetime.signal, retriable: isPassingRead }, async (attempt) => {
        if (attempt > 1) await client.refresh()
        return await ask()
      })
    } catch (error) {
      this.#lifetime.check()
      throw toLogError(error, `${what} failed`, isPassingRead(error) ? 'TRANSIENT' : codeOf(error))
    }
  }

  async join(listener: AssignmentListener): Promise<Membership> {
    this.#lifetime.check()
    if (this.#membership !== undefined) {
      throw new LogError('MISCONFIGURED', 'This log has a membership already. Leave it before joining again, or open a second log.')
    }
    const membership: KafkaMembership = new KafkaMembership({
      settings: this.#settings,
      group: groupName(this.#settings.topicPrefix),
      topic: topicName(this.#settings.topicPrefix, 'intents'),
      partitionCount: this.partitionCount,
      listener,
      generationFloor: this.#generation,
      onGeneration: (generation) => {
        this.#generation = generation
      },
      onEnded: () => {
        if (this.#membership === membership) this.#membership = undefined
      },
    })
    this.#membership = membership
    membership.start()
    return membership
  }

  async open(assignment: Assignment): Promise<PartitionWriter> {
    this.#check(assignment.partition)
    const opening = this.#open(assignment)
    this.#opening.add(opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(opening)
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #open(assignment: Assignment): Promise<PartitionWriter> {
    const { partition } = assignment
    // A process that was stopped for long may have lost the partition without knowing: asked first, it cannot fence its heir.
    await this.#membership?.confirm(assignment)
    if (assignment.signal.aborted) {
      throw new LogError('FENCED', `The assignment of partition ${partition} is over. Wait until it is assigned again.`)
    }
    return await this.#lanes.open(assignment)
  }

  async #close(): Promise<void> {
    // The membership first: its owners may still be finishing a batch.
    await this.#membership?.leave()
    this.#lifetime.end()
    await Promise.allSettled(this.#opening)
    const parts = [...this.#cursors, ...this.#watches, this.#lanes, ...this.#appenders.values()]
    await Promise.all(parts.map((part) => part.close()))
    const reason = closedError('The log')
    await Promise.all(
      [this.#queries, this.#asideQueries, this.#appends, this.#asides, this.#snapshotRequests].map((client) => client.disconnect(reason)),
    )
  }

  /** Throws CLOSED, or MISCONFIGURED for a partition that is not there. */
  #check(partition: number): void {
    this.#lifetime.check()
    if (Number.isInteger(partition) && partition >= 0 && partition < this.partitionCount) return
    const message = `There is no partition ${partition}: the log has ${this.partitionCount}, from 0 on. Ask for one of those.`
    throw new LogError('MISCONFIGURED', message)
  }
}
