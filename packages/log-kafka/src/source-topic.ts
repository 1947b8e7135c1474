/** Follows a topic that is not ours: in a consumer group of its own, each record handed on until it was taken. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Consumer, EachBatchPayload } from 'kafkajs'
import { isPassing, publicClient } from './client.ts'
import { type KafkaConnectionOptions, type Settings, settingsOf } from './settings.ts'

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

export interface SourceTopicRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since 1970, UTC. */
  readonly timestampMs: number
  /** JSON where it is, else the text; bytes that are no text as base64; null where there are none. */
  readonly key: Json
  readonly value: Json
}

export interface SourceTopicOptions extends KafkaConnectionOptions {
  readonly topic: string
  /** Where the group stands is remembered under this name; a new one begins at the start of the topic. */
  readonly groupId: string
  /** Resolves once the records are taken for good: then the group moves on. Of one partition, in order. */
  readonly take: (records: readonly SourceTopicRecord[], signal: AbortSignal) => Promise<void>
}

export interface SourceTopic {
  /** Rejects with what `take` threw, or when the group cannot go on. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

const atATime = 100
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Errors of the first connection reject; later ones go to `failed`. */
export async function followSourceTopic(options: SourceTopicOptions): Promise<SourceTopic> {
  const following = new Following(options)
  await following.start()
  return following
}

const firstRestartMs = 200
const lastRestartMs = 5_000

class Following implements SourceTopic {
  readonly #options: SourceTopicOptions
  readonly #settings: Settings
  readonly #closing = new AbortController()
  readonly #failed = Promise.withResolvers<never>()
  #consumer: Consumer | null = null
  #isOver = false
  #restartMs = firstRestartMs
  #restarting: Promise<void> = Promise.resolve()

  constructor(options: SourceTopicOptions) {
    const { groupId: _group, take: _take, topic: _topic, ...connection } = options
    this.#options = options
    this.#settings = settingsOf(connection)
    this.#failed.promise.catch(() => {})
  }

  get failed(): Promise<never> {
    return this.#failed.promise
  }

  async start(): Promise<void> {
    const { groupId, topic } = this.#options
    const consumer = publicClient(this.#settings).consumer({ groupId, retry: { restartOnFailure: async () => !this.#isOver } })
    this.#consumer = consumer
    consumer.on(consumer.events.CRASH, ({ payload: { error, restart } }) => {
      if (!restart) this.#crashed(consumer, error)
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: (payload) => this.#take(consumer, payload) })
  }

  async stop(): Promise<void> {
    this.#isOver = true
    this.#closing.abort('closing')
    await this.#restarting
    await this.#consumer?.disconnect()
  }

  /** A group on a new cluster has no coordinator for a while, and kafkajs gives it up for good. */
  #crashed(consumer: Consumer, error: Error): void {
    if (this.#isOver) return
    if (!isPassing(error) && error.name !== 'KafkaJSGroupCoordinatorNotFound') {
      this.#failed.reject(error)
      return
    }
    const waitMs = this.#restartMs
    this.#restartMs = Math.min(2 * waitMs, lastRestartMs)
    this.#restarting = (async () => {
      await consumer.disconnect().catch(() => {})
      await sleep(waitMs, undefined, { signal: this.#closing.signal }).catch(() => {})
      if (!this.#isOver) await this.start()
    })()
    this.#restarting.catch((cause: Error) => this.#crashed(consumer, cause))
  }

  async #take(consumer: Consumer, { batch, heartbeat, isRunning, isStale, resolveOffset }: EachBatchPayload): Promise<void> {
    const { take, topic } = this.#options
    this.#restartMs = firstRestartMs
    for (let from = 0; from < batch.messages.length && isRunning() && !isStale() && !this.#isOver; from += atATime) {
      const messages = batch.messages.slice(from, from + atATime)
      const records = messages.map(({ key, offset, timestamp, value }) => ({
        topic,
        partition: batch.partition,
        offset: Number(offset),
        timestampMs: Number(timestamp),
        key: jsonOf(key),
        value: jsonOf(value),
      }))
      try {
        await take(records, this.#closing.signal)
      } catch (error) {
        // Thrown, it would be tried again and again; the group stays where it is, before these records.
        this.#isOver = true
        consumer.pause([{ topic }])
        this.#failed.reject(error)
        return
      }
      const next = BigInt(messages.at(-1)!.offset) + 1n
      resolveOffset(messages.at(-1)!.offset)
      await consumer.commitOffsets([{ topic, partition: batch.partition, offset: `${next}` }])
      await heartbeat()
    }
  }
}

function jsonOf(bytes: Buffer | null): Json {
  if (bytes === null || bytes.length === 0) return null
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    return bytes.toString('base64')
  }
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}
