import { randomUUID } from 'node:crypto'
import { LogError, type LogRecord, type SnapshotStore, type SnapshotToStore, type StoredSnapshot } from '@signalbox/log'
import { type Client, isPassing } from './client.ts'
import { KafkaCursor } from './cursor.ts'
import { toLogError } from './errors.ts'
import { fetchOffsets } from './offsets.ts'
import { encodeRecordBatch } from './record-batch-writer.ts'
import { produce } from './requests.ts'
import { type Settings, topicName } from './settings.ts'
import { retrying } from './wait.ts'

const READ_BYTES = 1024 * 1024

/** `POSITION/ID/INDEX` for a chunk and `POSITION/ID/manifest`: nothing is ever written over, so nobody reads half of one. */
interface Key {
  readonly position: number
  readonly snapshot: string
  readonly part: string
}

const MANIFEST = 'manifest'

function keyOf({ part, snapshot }: Pick<Key, 'snapshot' | 'part'>): string {
  return `${snapshot}/${part}`
}

function readKey(text: string | null): Key | null {
  const found = /^((\d+)\/[^/]+)\/([^/]+)$/.exec(text ?? '')
  return found === null ? null : { position: Number(found[2]), snapshot: found[1]!, part: found[3]! }
}

/** What lies in the topic of one partition: which keys have a value, where, and of which snapshot. */
interface Found {
  readonly offset: number
  readonly key: Key
}

interface SnapshotsOptions {
  readonly settings: Settings
  readonly client: Client
  readonly signal: AbortSignal
}

/** Snapshots in a compacted topic with a partition for each of the log's. */
export class KafkaSnapshots implements SnapshotStore {
  readonly #options: SnapshotsOptions
  readonly #topic: string

  constructor(options: SnapshotsOptions) {
    this.#options = options
    this.#topic = topicName(options.settings.topicPrefix, 'snapshots')
  }

  async newest(partition: number): Promise<StoredSnapshot | null> {
    let newest: { readonly key: Key; readonly manifest: Uint8Array } | null = null
    const found = await this.#scan(partition, (key, value) => {
      if (key.part === MANIFEST && key.position >= (newest?.key.position ?? 0)) newest = { key, manifest: value }
    })
    if (newest === null) return null
    const { key, manifest } = newest as { readonly key: Key; readonly manifest: Uint8Array }
    const offsets = found
      .filter(({ key: { part, snapshot } }) => snapshot === key.snapshot && part !== MANIFEST)
      .sort((left, right) => Number(left.key.part) - Number(right.key.part))
      .map(({ offset }) => offset)
    return { manifest, chunks: () => this.#chunks(partition, offsets) }
  }

  async write(partition: number, { chunks, manifest, position }: SnapshotToStore): Promise<void> {
    const snapshot = `${position}/${randomUUID()}`
    let index = 0
    for (const chunk of chunks) await this.#produce(partition, keyOf({ snapshot, part: `${index++}` }), chunk)
    await this.#produce(partition, keyOf({ snapshot, part: MANIFEST }), manifest())
    // Only now may the older ones go; the manifest first, so that nobody begins with one that is being removed.
    const older = (await this.#scan(partition, () => {})).filter(({ key }) => key.position < position)
    const isChunk = ({ key }: Found) => (key.part === MANIFEST ? 0 : 1)
    for (const { key } of older.sort((left, right) => isChunk(left) - isChunk(right))) await this.#produce(partition, keyOf(key), null)
  }

  /** Reads the topic to its end: the keys that have a value, in the order in which they were written. */
  async #scan(partition: number, visit: (key: Key, value: Uint8Array) => void): Promise<Found[]> {
    const found = new Map<string, Found>()
    const { end, start } = await this.#offsets(partition)
    for await (const { key: text, offset, value } of this.#records(partition, start, end)) {
      const key = readKey(text)
      if (key === null) continue
      if (value === null) found.delete(text!)
      else {
        found.set(text!, { offset, key })
        visit(key, value)
      }
    }
    return [...found.values()]
  }

  /** What was removed meanwhile for a newer snapshot is left out: the digests will tell. */
  async *#chunks(partition: number, offsets: readonly number[]): AsyncGenerator<Uint8Array> {
    if (offsets.length === 0) return
    const wanted = new Set(offsets)
    for await (const { offset, value } of this.#records(partition, offsets[0]!, offsets.at(-1)! + 1)) {
      if (wanted.has(offset) && value !== null) yield value
    }
  }

  /** The records of a range that is there. */
  async *#records(partition: number, from: number, end: number): AsyncGenerator<LogRecord> {
    if (from >= end) return
    const { settings, signal } = this.#options
    const cursor = new KafkaCursor({ settings, topic: this.#topic, partition, fromOffset: from, parent: signal, onClosed: () => {} })
    try {
      for (let heardMs = performance.now(); cursor.position < end; ) {
        const records = await cursor.next({ maxRecords: 64, maxBytes: READ_BYTES, waitMs: 500 })
        for (const record of records) if (record.offset < end) yield record
        if (records.length > 0) heardMs = performance.now()
        else if (performance.now() - heardMs > settings.requestTimeoutMs)
          throw new LogError('TRANSIENT', `${this.#topic}/${partition} gave nothing from offset ${cursor.position}; look at the broker.`)
      }
    } finally {
      await cursor.close()
    }
  }

  async #offsets(partition: number) {
    return this.#ask(partition, () => fetchOffsets(this.#options.client, this.#topic, partition))
  }

  async #produce(partition: number, key: string, value: Uint8Array | null): Promise<void> {
    const { client, settings } = this.#options
    const batch = encodeRecordBatch([{ key, value, headers: {} }], null)
    await this.#ask(partition, async () => {
      const leader = await client.leader(this.#topic, partition)
      return produce(leader, { topic: this.#topic, partition, batch, transactionalId: null, timeoutMs: settings.requestTimeoutMs })
    })
  }

  /** A record that was written twice does no harm: it has the same key and value. */
  async #ask<Result>(partition: number, call: () => Promise<Result>): Promise<Result> {
    const { client, settings, signal } = this.#options
    const deadlineMs = performance.now() + settings.requestTimeoutMs
    try {
      return await retrying({ deadlineMs, signal, retriable: isPassing }, async (attempt) => {
        if (attempt > 1) await client.refresh()
        return call()
      })
    } catch (error) {
      throw toLogError(error, `A snapshot of partition ${partition} could not be read or written in ${this.#topic}`)
    }
  }
}
