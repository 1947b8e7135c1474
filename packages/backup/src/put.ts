/**
 * Puts the files of a backup into empty topics: a new generation of the log. Events keep their bytes, and with them their identity, their
 * time and the chain; what is new is where they lie, and so the epoch of those who wrote them, which is a log offset.
 */
import { Chain, ChainError, type Codec, chainHeader, epochHeader } from '@signalbox/codec'
import type { Event } from '@signalbox/contract'
import { type Log, notEmpty, type RecordToAppend } from '@signalbox/log'
import { BackupError } from './errors.ts'
import type { KeptTopic, Segment, TopicsManifest } from './manifest.ts'
import { type KeptRecord, readSegment } from './segment.ts'

const batchRecords = 500
const batchBytes = 1024 * 1024

const deadLetterTopics = [
  'dead-letters',
  'dead-letters.escalation',
  'dead-letters.projector',
  'dead-letters.reactions',
  'dead-letters.ingest',
] as const
type DeadLetterTopic = (typeof deadLetterTopics)[number]

/** Beyond the port: what only who restores may do. */
export interface RestoreTarget {
  /** Appends dead letters, each at the very offset that it had: by that it is named. Called in order. */
  appendAt(topic: DeadLetterTopic, partition: number, records: readonly (RecordToAppend & { readonly offset: number })[]): Promise<void>
  /** The next intent of a partition, which has none yet, gets this offset. */
  startIntentsAt(partition: number, offset: number): Promise<void>
}

export interface Proof {
  readonly events: number
  /** By partition: the offset behind the highest intent that was decided. */
  readonly nextIntents: readonly number[]
}

export interface PutOptions {
  readonly directory: string
  readonly manifest: TopicsManifest
  readonly codec: Codec
  readonly progress?: (done: {
    readonly what: 'checked' | 'restored'
    readonly topic: KeptTopic
    readonly partition: number
    readonly records: number
  }) => void
}

/** Reads every file, and writes nothing: digests, the chain, whether every event can be decoded here. Errors: BackupError. */
export async function proveBackup(options: PutOptions): Promise<Proof> {
  const { codec, directory, manifest, progress } = options
  const nextIntents = Array.from({ length: manifest.partitionCount }, () => 0)
  const chains = nextIntents.map(() => new Chain())
  let events = 0
  for (const segment of manifest.segments) {
    const { partition, topic } = segment
    let records = 0
    for await (const record of readSegment(directory, segment)) {
      if (++records % 4_096 === 0) progress?.({ what: 'checked', topic, partition, records })
      if (topic !== 'events') continue
      events++
      verify(chains[partition]!, record, segment)
      nextIntents[partition] = Math.max(nextIntents[partition]!, nextIntentBy(await decoded(codec, record, segment)))
    }
  }
  return { events, nextIntents }
}

/** A log that came from other topics begins where they left off. */
function nextIntentBy(event: Event): number {
  return event.type === 'PartitionCarried' ? event.payload.begins.at(-1)! : event.offset + 1
}

function verify(chain: Chain, { headers, offset, value }: KeptRecord, { file }: Segment): void {
  try {
    chain.verify(value, headers[chainHeader], `offset ${offset} of ${file}`)
  } catch (cause) {
    if (!(cause instanceof ChainError)) throw cause
    throw new BackupError(cause.message, { cause })
  }
}

async function decoded(codec: Codec, { offset, value }: KeptRecord, { file }: Segment): Promise<Event> {
  for (let attempt = 1; ; attempt++) {
    try {
      return codec.decodeEvent(value)
    } catch (cause) {
      const schemaId = (cause as { schemaId?: number }).schemaId
      if (schemaId !== undefined && attempt === 1) {
        await codec.framing.learn(schemaId).catch(() => {})
        continue
      }
      const hint = schemaId === undefined ? '' : `; restore the schema registry first, so that schema ${schemaId} is what it was`
      throw new BackupError(`the event at offset ${offset} of ${file} cannot be decoded here: ${(cause as Error).message}${hint}`, {
        cause,
      })
    }
  }
}

/**
 * Writes everything into a log whose topics are empty. The intents come last, so that a sequencer that is started too early finds none where
 * it must go on, and ends. Errors: BackupError, LogError; after either the topics are of no use.
 */
export async function putBackup(
  options: PutOptions & { readonly log: Log; readonly target: RestoreTarget; readonly proof: Proof },
): Promise<void> {
  const { log, manifest, proof, target } = options
  await refuseUnlessEmpty(log, manifest)
  for (let partition = 0; partition < manifest.partitionCount; partition++) {
    const begun = await eventOffsetsNamed(options, partition)
    const moved = await putEvents(options, partition, begun)
    await putOthers(options, partition, moved)
  }
  for (let partition = 0; partition < manifest.partitionCount; partition++)
    await target.startIntentsAt(partition, proof.nextIntents[partition]!)
}

async function refuseUnlessEmpty(log: Log, { partitionCount }: TopicsManifest): Promise<void> {
  if (log.partitionCount !== partitionCount)
    throw new BackupError(
      `the backup has ${partitionCount} partitions and the topics have ${log.partitionCount}; a scope's partition follows from the count: signalbox topics apply --partitions ${partitionCount} on another KAFKA_TOPIC_PREFIX`,
    )
  const found = await notEmpty(log)
  if (found !== null)
    throw new BackupError(
      `${found.topic}/${found.partition} is not empty (it ends at ${found.end}); a restore makes a new generation of topics: signalbox topics apply on another KAFKA_TOPIC_PREFIX, then restore there`,
    )
}

async function* recordsOf({ directory, manifest, progress }: PutOptions, topic: KeptTopic, partition: number): AsyncGenerator<KeptRecord> {
  let records = 0
  for (const segment of manifest.segments) {
    if (segment.topic !== topic || segment.partition !== partition) continue
    for await (const record of readSegment(directory, segment)) {
      if (++records % 4_096 === 0) progress?.({ what: 'restored', topic, partition, records })
      yield record
    }
  }
}

/** The escalation consumer notes at which log offset of the events it began: the one thing in the log that names such an offset. */
async function eventOffsetsNamed(options: PutOptions, partition: number): Promise<ReadonlySet<number>> {
  const offsets = new Set<number>()
  for await (const { value } of recordsOf(options, 'notifications', partition)) {
    const offset = beginningIn(value)
    if (offset !== null) offsets.add(offset)
  }
  return offsets
}

function beginningIn(value: Uint8Array): number | null {
  const { eventsOffset, kind } = JSON.parse(Buffer.from(value).toString()) as { kind?: string; eventsOffset?: number }
  return kind === 'begun' ? (eventsOffset ?? 0) : null
}

/** Gives the new offset for each of the old ones that were asked for. */
async function putEvents(
  { codec, log, ...options }: PutOptions & { readonly log: Log },
  partition: number,
  asked: ReadonlySet<number>,
): Promise<(offset: number) => number> {
  const writer = await log.open({ partition, generation: 1, signal: new AbortController().signal })
  const waiting = [...asked].sort((left, right) => left - right)
  const found = new Map<number, number>()
  let epoch: string | null = null
  let batch: KeptRecord[] = []
  let bytes = 0
  let end = 0
  const flush = async () => {
    if (batch.length === 0) return
    const events = batch.map(({ headers, key, value }) => ({
      key,
      value,
      headers: epoch === null ? headers : { ...headers, [epochHeader]: epoch },
    }))
    const { firstOffset, lastOffset } = await writer.append({ events, deadLetters: [] })
    for (const [index, { offset }] of batch.entries())
      while (waiting.length > 0 && waiting[0]! <= offset) found.set(waiting.shift()!, firstOffset + index)
    end = lastOffset + 1
    batch = []
    bytes = 0
  }
  try {
    for await (const record of recordsOf({ codec, ...options }, 'events', partition)) {
      // An opening's epoch is its own log offset, known once it is written; it carries none, and those after it carry that.
      const isOpening = codec.decodeEvent(record.value).type === 'PartitionOpened'
      if (isOpening || batch.length === batchRecords || bytes > batchBytes) await flush()
      batch.push(record)
      bytes += record.value.byteLength
      if (!isOpening) continue
      epoch = null
      await flush()
      epoch = `${end - 1}`
    }
    await flush()
  } finally {
    await writer.close()
  }
  return (offset) => found.get(offset) ?? end
}

async function putOthers(
  options: PutOptions & { readonly log: Log; readonly target: RestoreTarget },
  partition: number,
  moved: (offset: number) => number,
): Promise<void> {
  const { log, target } = options
  for (const topic of deadLetterTopics)
    await inBatches(recordsOf(options, topic, partition), (records) => target.appendAt(topic, partition, records))
  await inBatches(recordsOf(options, 'notifications', partition), async (records) => {
    await Promise.all(
      records.map((record) => log.appendAside('notifications', partition, { ...record, value: movedBeginning(record.value, moved) })),
    )
  })
}

async function inBatches(records: AsyncIterable<KeptRecord>, put: (batch: readonly KeptRecord[]) => Promise<void>): Promise<void> {
  let batch: KeptRecord[] = []
  let bytes = 0
  for await (const record of records) {
    batch.push(record)
    bytes += record.value.byteLength
    if (batch.length < batchRecords && bytes < batchBytes) continue
    await put(batch)
    batch = []
    bytes = 0
  }
  if (batch.length > 0) await put(batch)
}

function movedBeginning(value: Uint8Array, moved: (offset: number) => number): Uint8Array {
  const began = beginningIn(value)
  return began === null ? value : Buffer.from(JSON.stringify({ kind: 'begun', eventsOffset: moved(began) }))
}
