/** Looks, while a log is served, at what somebody else may have done to its topics: partitions, settings, open transactions. */
import { isLogError, type LogTrouble, type LogWatch, type Topic } from '@signalbox/log'
import type { Admin } from 'kafkajs'
import { Client, publicClient } from './client.ts'
import { closedError } from './errors.ts'
import { fetchAllOffsets, type PartitionEnds } from './offsets.ts'
import { openTransaction } from './open-transactions.ts'
import { type Settings, TOPICS, topicName } from './settings.ts'
import { topicTroubles } from './topics.ts'
import { pause } from './wait.ts'

/** Settings change seldom: they are asked for at every so many looks. */
const LOOKS_PER_TOPIC_CHECK = 2
const WATCHED: readonly Topic[] = ['intents', 'events']

interface Held {
  readonly end: number
  readonly sinceMs: number
  /** Who holds it, once that was asked for. */
  by?: string
}

export interface WatchOptions {
  readonly settings: Settings
  readonly partitionCount: number
  readonly parent: AbortSignal
  readonly changed: (troubles: readonly LogTrouble[]) => void
}

export class KafkaWatch implements LogWatch {
  readonly #options: WatchOptions
  readonly #abort = new AbortController()
  readonly #client: Client
  readonly #held = new Map<string, Held>()
  /** Ends of partitions at the last look: they never go back, unless a topic was made anew. */
  readonly #written = new Map<string, number>()
  /** By what it says: when it was first seen. */
  readonly #sinceMs = new Map<string, number>()
  readonly #remade = new Map<string, Omit<LogTrouble, 'sinceMs'>>()
  #topicTroubles: readonly Omit<LogTrouble, 'sinceMs'>[] = []
  #admin: Admin | undefined
  #troubles: readonly LogTrouble[] = []
  #unserved: ReadonlyMap<number, number> = new Map()
  readonly #running: Promise<void>

  constructor(options: WatchOptions) {
    this.#options = options
    this.#client = new Client(
      options.settings,
      WATCHED.map((topic) => topicName(options.settings.topicPrefix, topic)),
    )
    options.parent.addEventListener('abort', () => this.#abort.abort(closedError('The watch')), { once: true })
    this.#running = this.#run()
  }

  get troubles(): readonly LogTrouble[] {
    return this.#troubles
  }

  get unserved(): ReadonlyMap<number, number> {
    return this.#unserved
  }

  async close(): Promise<void> {
    this.#abort.abort(closedError('The watch'))
    await this.#client.disconnect(closedError('The watch'))
    await this.#running
  }

  async #run(): Promise<void> {
    const { settings } = this.#options
    const { signal } = this.#abort
    for (let look = 0; !signal.aborted; look++) {
      // A look that fails leaves what is known as it is: whoever serves the log meets the same fault, and says so.
      if (look % LOOKS_PER_TOPIC_CHECK === 0) await this.#lookAtTopics().catch((error: unknown) => this.#failed(error))
      const ends = await this.#lookAtEnds().catch((error: unknown) => this.#failed(error))
      if (signal.aborted) break
      await this.#tell(ends ?? [])
      await pause(settings.watchIntervalMs, signal)
    }
    await this.#admin?.disconnect().catch(() => undefined)
  }

  /** Connections are made anew for the next look. */
  async #failed(error: unknown): Promise<undefined> {
    if (isLogError(error, 'CLOSED')) return
    const admin = this.#admin
    this.#admin = undefined
    await admin?.disconnect().catch(() => undefined)
    await this.#client.refresh()
  }

  async #lookAtTopics(): Promise<void> {
    const { partitionCount, settings } = this.#options
    if (this.#admin === undefined) {
      const admin = publicClient(settings).admin()
      await admin.connect()
      this.#admin = admin
    }
    this.#topicTroubles = (await topicTroubles(this.#admin, settings, partitionCount)).map(({ sentence, topic }) => ({
      kind: 'topic',
      topic: TOPICS.find((id) => topicName(settings.topicPrefix, id) === topic) ?? null,
      partition: null,
      message: sentence,
    }))
  }

  async #lookAtEnds(): Promise<readonly PartitionEnds[]> {
    const { topicPrefix } = this.#options.settings
    return await fetchAllOffsets(
      this.#client,
      WATCHED.map((topic) => topicName(topicPrefix, topic)),
    )
  }

  async #tell(ends: readonly PartitionEnds[]): Promise<void> {
    const found: Omit<LogTrouble, 'sinceMs'>[] = [...this.#topicTroubles]
    const unserved = new Map<number, number>()
    for (const place of ends) {
      const topic = WATCHED.find((id) => topicName(this.#options.settings.topicPrefix, id) === place.topic)!
      if (place.partition >= this.#options.partitionCount) {
        if (topic === 'intents' && place.written > place.start) unserved.set(place.partition, place.written - place.start)
        continue
      }
      this.#lookBack(topic, place)
      const held = await this.#heldBack(place)
      if (held !== null) found.push({ kind: 'open transaction', topic, partition: place.partition, message: held })
    }
    if (ends.length > 0) this.#unserved = unserved
    for (const [partition, count] of this.#unserved) found.push(this.#unservedTrouble(partition, count))
    this.#publish([...found, ...this.#remade.values()])
  }

  #unservedTrouble(partition: number, count: number): Omit<LogTrouble, 'sinceMs'> {
    const name = topicName(this.#options.settings.topicPrefix, 'intents')
    return {
      kind: 'unserved partition',
      topic: 'intents',
      partition,
      message:
        `${name}/${partition} was added to the topic, and about ${count} intents lie there that nobody decides: the log has ${this.#options.partitionCount} partitions. ` +
        'Whoever sent them partitions by the count of the topic; through a gateway that cannot happen. Nothing of it is lost: signalbox generation move sends them again to where they belong. See docs/operating.md, Partitions that somebody added.',
    }
  }

  /** An end that went back: what lay there is gone, and so is what follows from it. */
  #lookBack(topic: Topic, { partition, topic: name, written }: PartitionEnds): void {
    const key = `${name}/${partition}`
    const before = this.#written.get(key)
    this.#written.set(key, Math.max(written, before ?? 0))
    if (before === undefined || written >= before || this.#remade.has(key)) return
    this.#remade.set(key, {
      kind: 'topic',
      topic,
      partition,
      message: `${key} ended at ${before}, and ends at ${written} now: the topic was deleted and made anew, or its records were. Stop the sequencers, and restore the log from a copy: signalbox restore. See docs/operating.md, Backups.`,
    })
  }

  /** What holds the partition back, in a sentence; null where nothing does, or not for long. */
  async #heldBack({ end, partition, topic, written }: PartitionEnds): Promise<string | null> {
    const { settings } = this.#options
    const key = `${topic}/${partition}`
    const nowMs = Date.now()
    const before = this.#held.get(key)
    if (written <= end) {
      this.#held.delete(key)
      return null
    }
    if (before === undefined || before.end !== end) {
      this.#held.set(key, { end, sinceMs: nowMs })
      return null
    }
    if (nowMs - before.sinceMs < settings.openTransactionMs) return null
    before.by ??= await this.#holder(topic, partition)
    const kafka = settings.brokers.join(',')
    return (
      `${key} is held back at offset ${end} by an open transaction of ${before.by}: nothing of the ${written - end} offsets after it can be read until it ends. ` +
      `Stop that program, or end its transaction: kafka-transactions.sh --bootstrap-server ${kafka} abort --topic ${topic} --partition ${partition} --start-offset ${end}. See docs/operating.md, Open transactions.`
    )
  }

  async #holder(topic: string, partition: number): Promise<string> {
    const open = await openTransaction(this.#client, topic, partition).catch(() => null)
    if (open === null)
      return `a producer that the brokers do not name (kafka-transactions.sh describe-producers --topic ${topic} --partition ${partition} does)`
    return open.transactionalId === null
      ? `producer ${open.producerId}`
      : `producer ${open.producerId}, transactional id ${open.transactionalId}`
  }

  #publish(found: readonly Omit<LogTrouble, 'sinceMs'>[]): void {
    const keyOf = ({ kind, message, partition, topic }: Omit<LogTrouble, 'sinceMs'>) =>
      kind === 'topic' ? `${kind} ${message}` : `${kind} ${topic}/${partition}`
    const keys = new Set(found.map(keyOf))
    const gone = [...this.#sinceMs.keys()].filter((key) => !keys.has(key))
    for (const key of gone) this.#sinceMs.delete(key)
    const isNew = found.some((trouble) => !this.#sinceMs.has(keyOf(trouble)))
    this.#troubles = found.map((trouble) => {
      const key = keyOf(trouble)
      const sinceMs = this.#sinceMs.get(key) ?? Date.now()
      this.#sinceMs.set(key, sinceMs)
      return { ...trouble, sinceMs }
    })
    if (isNew || gone.length > 0) this.#options.changed(this.#troubles)
  }
}
